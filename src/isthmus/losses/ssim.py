"""Structural similarity mixed with the absolute error (Zhao, Gallo, Frosio & Kautz 2017)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from isthmus import metrics
from isthmus.errors import DataError
from isthmus.losses.base import Loss, mean_per_item


class Function(Loss):
    """mix x (1 - SSIM) + (1 - mix) x mean |raw - target|, for pictures."""

    similarity: Callable[[Tensor, Tensor, int], Tensor] = staticmethod(metrics.ssim)

    def per_item(self, raw: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        if raw.dim() != 4:
            raise DataError(
                f"loss {self.spec.kind}: needs pictures (N, C, H, W); got {tuple(raw.shape)}"
            )
        unlike = 1 - self.similarity(raw, target, self.spec.window)
        plain = mean_per_item((raw - target).abs(), weight)
        return self.spec.mix * unlike + (1 - self.spec.mix) * plain  # type: ignore[no-any-return]
