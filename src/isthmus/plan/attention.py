"""A layer by which every place of a grid learns of all others. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from isthmus.plan.layers import Layer, Shape


@dataclass(frozen=True)
class Attention(Layer):
    """x + what every place of a grid takes from all places (Vaswani et al. 2017), by heads of 32 channels."""

    @staticmethod
    def heads(channels: int) -> int:
        """As many as there are groups of about 32 channels."""
        return next(h for h in range(max(channels // 32, 1), 0, -1) if channels % h == 0)

    def parameters(self, shape: Shape) -> int:
        """Scales of what is looked at; queries, keys and values; the way back; a sharpness a head."""
        return shape[0] + 4 * shape[0] ** 2 + shape[0] + self.heads(shape[0])

    def macs(self, shape: Shape) -> int:
        places = math.prod(shape[1:])
        return places * (4 * shape[0] ** 2 + 2 * places * shape[0])
