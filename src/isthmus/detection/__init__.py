"""Detection: which rows of a table are strange, and why.

An ensemble of small denoising autoencoders over mixed columns. ``work`` streams whole tables,
``Detector`` judges rows, ``saving`` keeps one in a folder.
"""

from isthmus.detection.detector import Detector as Detector
from isthmus.detection.detector import Scores as Scores
from isthmus.detection.detector import fit_detector as fit_detector
from isthmus.detection.explain import Cause as Cause
from isthmus.detection.explain import causes as causes
from isthmus.detection.saving import load as load
from isthmus.detection.saving import save as save
from isthmus.detection.thresholds import Rule as Rule
