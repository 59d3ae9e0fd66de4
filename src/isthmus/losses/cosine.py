"""One minus the cosine of the spectral angle (Windrim et al. 2018)."""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.losses.base import Loss, mean_per_item


class Function(Loss):
    """1 - cos(angle between raw and target), 0..2, plus ``mse`` x the mean squared error.

    The spectral axis is the first after the batch, as in ``sad``.
    """

    def per_item(self, raw: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        a = raw / raw.norm(dim=1, keepdim=True).clamp_min(1e-8)
        b = target / target.norm(dim=1, keepdim=True).clamp_min(1e-8)
        # Half the squared chord is exact where 1 - a.b would cancel.
        away: Tensor = 0.5 * (a - b).square().sum(1)
        if away.dim() > 1:
            away = away.flatten(1).mean(1)
        plain = mean_per_item((raw - target).square(), weight)
        return torch.add(away, plain, alpha=self.spec.mse)
