"""Spectral angle (Kruse et al. 1993): the same material in shadow has the same angle."""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.losses.base import Loss, mean_per_item


class Function(Loss):
    """The angle between raw and target in radians, plus ``mse`` x the mean squared error.

    The spectral axis is the first after the batch: features of vectors, channels of pictures and
    sequences (there, the mean over the points).
    """

    def per_item(self, raw: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        # atan2 of the two legs, not acos of the cosine: acos has no gradient at a perfect match.
        a = raw / raw.norm(dim=1, keepdim=True).clamp_min(1e-8)
        b = target / target.norm(dim=1, keepdim=True).clamp_min(1e-8)
        across = ((a - b).square().sum(1) + 1e-12).sqrt()
        along = (a + b).norm(dim=1)
        angle = (2 * torch.atan2(across, along)).flatten(1 if raw.dim() > 2 else 0)
        angle = angle.mean(1) if angle.dim() == 2 else angle
        if not self.spec.mse:
            return angle
        return angle + self.spec.mse * mean_per_item((raw - target).square(), weight)  # type: ignore[no-any-return]
