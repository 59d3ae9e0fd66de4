"""Autoencoders as scikit-learn estimators: in a Pipeline, under a GridSearchCV, with its checks."""

from isthmus.sklearn.detector import AutoencoderDetector as AutoencoderDetector
from isthmus.sklearn.pyod import PyODDetector as PyODDetector
from isthmus.sklearn.transformer import AutoencoderTransformer as AutoencoderTransformer
