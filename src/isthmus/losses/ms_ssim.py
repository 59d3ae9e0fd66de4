"""Multi-scale structural similarity mixed with the absolute error (Zhao et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from isthmus import metrics
from isthmus.losses import ssim


class Function(ssim.Function):
    """mix x (1 - MS-SSIM) + (1 - mix) x mean |raw - target|, for pictures."""

    similarity: Callable[[Tensor, Tensor, int], Tensor] = staticmethod(metrics.ms_ssim)
