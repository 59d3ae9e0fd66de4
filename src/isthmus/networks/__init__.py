"""Encoders and decoders as modules, built from their plans."""

from isthmus.networks.build import Network as Network
from isthmus.networks.build import build_network as build_network
from isthmus.networks.modules import Dropout as Dropout
