"""All codes together look like the prior (Wasserstein autoencoder, MMD form: Tolstikhin et al. 2018)."""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.bottlenecks.base import Bottleneck, Code, free

_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Module(Bottleneck):
    """Cost: the squared maximum mean discrepancy between the batch's codes and normal samples.

    Unbiased, so it can fall a little below zero; a property of the batch, the same for every item.
    """

    def forward(self, latent: Tensor, x: Tensor | None = None) -> Code:
        if len(latent) < 2:
            return Code(latent, free(latent))
        flat = latent.flatten(1)
        prior = torch.empty_like(flat).normal_(generator=self._generator())
        return Code(latent, mmd(flat, prior, self.spec.kernel).expand(len(latent)))

    def _generator(self) -> torch.Generator | None:
        # Outside training the same prior samples every time: an evaluation repeats exactly.
        return self.generator if self.training else torch.Generator().manual_seed(0)

    def diagnostics(self, code: Code) -> dict[str, float]:
        flat = code.values.flatten(1)[:2000]
        prior = torch.empty_like(flat).normal_(generator=torch.Generator().manual_seed(0))
        return {
            **super().diagnostics(code),
            "mmd": float(mmd(flat, prior, self.spec.kernel)) if len(flat) > 1 else 0.0,
            "code_mean": float(flat.mean(0).norm()),
        }


def mmd(a: Tensor, b: Tensor, kernel: str) -> Tensor:
    """Unbiased squared MMD between samples (N, d) and (N, d), kernels summed over seven widths."""
    count, numbers = a.shape
    base = 2.0 * numbers  # the expected squared distance of two standard normal samples

    def similar(x: Tensor, y: Tensor) -> Tensor:
        distance = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").square()
        if kernel == "imq":
            return sum(
                (s * base / (s * base + distance) for s in _SCALES), torch.zeros_like(distance)
            )
        return sum((torch.exp(-distance / (s * base)) for s in _SCALES), torch.zeros_like(distance))

    off = 1 - torch.eye(count, device=a.device)
    within = (similar(a, a) * off).sum() + (similar(b, b) * off).sum()
    return within / (count * (count - 1)) - 2 * similar(a, b).mean()
