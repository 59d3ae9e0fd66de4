"""Training: the loop, its events, checkpoints and the run directory."""

from isthmus.training.fitting import Fit as Fit
from isthmus.training.fitting import fit as fit
from isthmus.training.fitting import free_folder as free_folder
from isthmus.training.fitting import train as train
from isthmus.training.run import Run as Run
