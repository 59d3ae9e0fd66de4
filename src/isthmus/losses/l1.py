"""Mean absolute error."""

from __future__ import annotations

from torch import Tensor

from isthmus.losses.base import Loss, mean_per_item


class Function(Loss):
    """mean |raw - target|."""

    def per_item(self, raw: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        return mean_per_item((raw - target).abs(), weight)
