"""The learning rate over a training."""

from __future__ import annotations

import math

from isthmus.recipe import Training


def learning_rate(training: Training, progress: float) -> float:
    """The rate at ``progress`` (0..1 of the whole training): warm-up, then the recipe's fall."""
    peak = training.learning_rate
    if progress < training.warmup:
        # Never zero: the first step must already count.
        return peak * max(progress / training.warmup, 1e-3)
    rest = min((progress - training.warmup) / max(1 - training.warmup, 1e-9), 1.0)
    match training.schedule:
        case "cosine":
            return peak * 0.5 * (1 + math.cos(math.pi * rest))
        case "linear":
            return peak * (1 - rest)
        case _:
            return peak
