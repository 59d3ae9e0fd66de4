"""Few numbers of the code may be active at once.

L1 (Olshausen & Field 1996); KL to a target activity (Ng, "Sparse autoencoder", CS294A notes 2011);
exactly the k largest (Makhzani & Frey, "k-sparse autoencoders", 2013).
"""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.bottlenecks.base import Bottleneck, Code, free


class Module(Bottleneck):
    """Penalised codes, or codes cut to their k largest numbers (by magnitude, over the whole code)."""

    @property
    def weight(self) -> float:
        return 0.0 if self.spec.penalty == "topk" else float(self.spec.weight)

    def forward(self, latent: Tensor, x: Tensor | None = None) -> Code:
        match self.spec.penalty:
            case "l1":
                return Code(latent, latent.abs().flatten(1).sum(1))
            case "kl":
                units = latent.sigmoid()
                return Code(units, self._divergence(units))
            case _:
                return Code(_largest(latent, self.spec.k), free(latent))

    def _divergence(self, units: Tensor) -> Tensor:
        """Sum over units of KL(activity || mean activity in the batch), the same for every item."""
        target = float(self.spec.activity)
        mean = units.flatten(1).mean(0).clamp(1e-6, 1 - 1e-6)
        kl = target * (target / mean).log() + (1 - target) * ((1 - target) / (1 - mean)).log()
        return kl.sum().expand(len(units))

    def diagnostics(self, code: Code) -> dict[str, float]:
        size = code.values.flatten(1).abs()
        # "Active" is relative to the largest number of the item: a scale-free reading of sparsity.
        active = size > 0.05 * size.amax(1, keepdim=True).clamp_min(1e-12)
        return {
            **super().diagnostics(code),
            "active_share": float(active.float().mean()),
            "numbers_per_item": float(active.float().sum(1).mean()),
            "never_active": float((~active).all(0).sum()),
        }


def _largest(latent: Tensor, k: int) -> Tensor:
    """(N, …) with all but the k largest magnitudes of each item set to zero."""
    flat = latent.flatten(1)
    kept = flat.abs().topk(k, 1).indices
    mask = torch.zeros_like(flat).scatter_(1, kept, 1.0)
    return (flat * mask).view_as(latent)
