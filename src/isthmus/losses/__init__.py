"""Losses: one module a kind, named as the kind, with a class ``Function``."""

from __future__ import annotations

from importlib import import_module

from isthmus.losses.base import Loss as Loss
from isthmus.recipe import LossSpec


def build_loss(spec: LossSpec) -> Loss:
    """The loss of a recipe's spec."""
    made: Loss = import_module(f"isthmus.losses.{spec.kind}").Function(spec)
    return made
