"""Mean squared error."""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.losses.base import Loss, mean_per_item


class Function(Loss):
    """mean (raw - target)^2; with ``clipped``, after what clipping to 0..1 mends for free.

    A picture is clipped to 0..1 before anyone sees it, so a raw value below 0 where the target is 0
    is no error, and the network need not spend itself on hitting exactly 0. Where the target is not
    at that end the plain error stays, so its gradient still points the right way.
    """

    def per_item(self, raw: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        error = raw - target
        if self.spec.clipped:
            error = torch.where(target <= 0, error.clamp_min(0), error)
            error = torch.where(target >= 1, error.clamp_max(0), error)
        return mean_per_item(error.square(), weight)
