"""Each number is rounded to one of a few levels (FSQ: Mentzer, Minnen, Agustsson & Tschannen 2024)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from isthmus.bottlenecks.base import Bottleneck, Code, free


class Module(Bottleneck):
    """Bounded by tanh, rounded with gradients straight through: no codebook, nothing to collapse.

    Values lie on ``levels`` evenly spaced points of -1..1; ``extras["indices"]`` (N, size, *grid)
    int64 are their numbers from 0.
    """

    def forward(self, latent: Tensor, x: Tensor | None = None) -> Code:
        levels = self.spec.levels
        bounded = (latent.tanh() + 1) * ((levels - 1) / 2)  # 0 .. levels - 1
        indices = bounded.detach().round()
        through = bounded + (indices - bounded).detach()
        values = through * (2 / (levels - 1)) - 1
        return Code(values, free(latent), {"indices": indices.to(torch.int64)})

    def lookup(self, indices: Tensor) -> Tensor:
        """Level numbers (N, size, *grid) -> code values."""
        step = 2 / (int(self.spec.levels) - 1)
        return indices.float() * step - 1

    def diagnostics(self, code: Code) -> dict[str, float]:
        indices = code.extras["indices"].flatten(1)
        share = (
            torch.stack([(indices == level).float().mean(0) for level in range(self.spec.levels)])
            if self.spec.levels <= 64
            else None
        )
        figures = {
            **super().diagnostics(code),
            "bits_per_item": indices.shape[1] * math.log2(self.spec.levels),
        }
        if share is not None:
            figures["levels_used"] = float((share > 0).float().sum(0).mean())
            figures["entropy_bits_per_item"] = float(torch.special.entr(share).sum() / math.log(2))
        return figures
