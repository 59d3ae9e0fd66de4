"""Training: the loop, its events, checkpoints and the run directory."""

from isthmus.training.fit import Fit as Fit
from isthmus.training.fit import fit as fit
from isthmus.training.fit import free_folder as free_folder
from isthmus.training.fit import train as train
from isthmus.training.run import Run as Run
