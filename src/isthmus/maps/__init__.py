"""Latent maps: codes laid out on a plane, coloured by class, with figures that say how good it is."""

from isthmus.maps.figures import cluster_figures as cluster_figures
from isthmus.maps.figures import principal as principal
from isthmus.maps.figures import trustworthiness as trustworthiness
from isthmus.maps.figures import unmixing as unmixing
from isthmus.maps.page import MapData as MapData
from isthmus.maps.page import meaning as meaning
from isthmus.maps.page import scatter_data as scatter_data
from isthmus.maps.page import scripts as scripts
from isthmus.maps.page import summary as summary
from isthmus.maps.page import write_page as write_page
from isthmus.maps.palette import palette as palette
from isthmus.maps.plot import plot_png as plot_png
from isthmus.maps.project import Projection as Projection
from isthmus.maps.project import project as project
from isthmus.maps.shown import SceneView as SceneView
from isthmus.maps.walks import grid as grid
from isthmus.maps.walks import traverse as traverse
from isthmus.maps.walks import walk as walk
