"""A normal likelihood with a mean and a spread for every value (Nix & Weigend 1994)."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional as F

from isthmus.losses.base import Loss, mean_per_item


class Function(Loss):
    """-log N(target; mean, std) in nats per value; raw (N, 2C, *grid) holds means, then spreads."""

    def output(self, raw: Tensor, item: tuple[int, ...]) -> Tensor:
        return raw.chunk(2, 1)[0].reshape(len(raw), *item)

    def per_item(self, raw: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        mean, spread = (half.reshape(target.shape) for half in raw.chunk(2, 1))
        std = F.softplus(spread) + self.spec.min_std
        nats = 0.5 * ((target - mean) / std).square() + std.log() + 0.5 * math.log(2 * math.pi)
        return mean_per_item(nats, weight)
