"""Bernoulli likelihood of values in 0..1."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from isthmus.losses.base import Loss, mean_per_item


class Function(Loss):
    """-log p(target) in nats per value; the raw outputs are logits, the shown ones probabilities."""

    def output(self, raw: Tensor, item: tuple[int, ...]) -> Tensor:
        return raw.sigmoid()

    def per_item(self, raw: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        return mean_per_item(
            F.binary_cross_entropy_with_logits(raw, target, reduction="none"), weight
        )
