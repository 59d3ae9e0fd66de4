"""Spectral information divergence (Chang 2000): spectra compared as distributions over bands."""

from __future__ import annotations

from torch import Tensor

from isthmus.losses.base import Loss, mean_per_item

_LEAST = 1e-6


class Function(Loss):
    """D(p||q) + D(q||p) in nats, of the spectra scaled to sum 1, plus ``mse`` x the squared error.

    The spectral axis is the first after the batch, as in ``sad``. Values must be positive: below
    1e-6 they count as 1e-6.
    """

    def per_item(self, raw: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        p, q = target.clamp_min(_LEAST), raw.clamp_min(_LEAST)
        p, q = p / p.sum(1, keepdim=True), q / q.sum(1, keepdim=True)
        divergence = ((p - q) * (p.log() - q.log())).sum(1)
        if divergence.dim() > 1:
            divergence = divergence.flatten(1).mean(1)
        # Outputs at the floor have no gradient; the pull upwards keeps them alive.
        below = mean_per_item((_LEAST - raw).clamp_min(0))
        plain = mean_per_item((raw - target).square(), weight)
        return divergence + below + self.spec.mse * plain  # type: ignore[no-any-return]
