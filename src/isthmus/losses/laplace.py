"""A Laplace likelihood with a centre and a width for every value: robust to outliers."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional as F

from isthmus.losses.base import Loss, mean_per_item


class Function(Loss):
    """-log Laplace(target; centre, width) in nats per value; raw (N, 2C, *grid): centres, then widths."""

    def output(self, raw: Tensor, item: tuple[int, ...]) -> Tensor:
        return raw.chunk(2, 1)[0].reshape(len(raw), *item)

    def per_item(self, raw: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        centre, spread = (half.reshape(target.shape) for half in raw.chunk(2, 1))
        width = F.softplus(spread) + self.spec.min_width
        return mean_per_item((target - centre).abs() / width + width.log() + math.log(2), weight)
