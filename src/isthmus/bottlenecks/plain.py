"""Nothing but narrowness (Rumelhart, Hinton & Williams 1986; Hinton & Salakhutdinov 2006)."""

from __future__ import annotations

from torch import Tensor

from isthmus.bottlenecks.base import Bottleneck, Code, free


class Module(Bottleneck):
    """The latents are the code."""

    def forward(self, latent: Tensor, x: Tensor | None = None) -> Code:
        return Code(latent, free(latent))
