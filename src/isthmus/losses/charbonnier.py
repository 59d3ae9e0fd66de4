"""A smooth absolute error (Charbonnier, Blanc-Féraud, Aubert & Barlaud 1994)."""

from __future__ import annotations

from torch import Tensor

from isthmus.losses.base import Loss, mean_per_item


class Function(Loss):
    """mean sqrt((raw - target)^2 + epsilon^2) - epsilon: zero for a perfect copy."""

    def per_item(self, raw: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        epsilon = self.spec.epsilon
        return mean_per_item(((raw - target).square() + epsilon**2).sqrt() - epsilon, weight)
