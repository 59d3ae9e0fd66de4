"""Shares that sum to one (unmixing autoencoders: Palsson, Sigurdsson, Sveinsson & Ulfarsson 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from isthmus.bottlenecks.base import Bottleneck, Code


class Module(Bottleneck):
    """Softmax over the numbers of a code; the cost is the entropy of the shares, in nats."""

    def forward(self, latent: Tensor, x: Tensor | None = None) -> Code:
        shares = torch.softmax(latent, dim=1)
        entropy = -(shares * shares.clamp_min(1e-12).log()).sum(1)
        if entropy.dim() > 1:
            entropy = entropy.flatten(1).sum(1)
        return Code(shares, entropy)

    @torch.no_grad()
    def project(self, decoder: nn.Module) -> None:
        """A straight decoder's weights are spectra, and no material shines with less than nothing."""
        layers = [m for m in decoder.modules() if isinstance(m, nn.Linear)]
        if len(layers) == 1:
            layers[0].weight.clamp_(min=0)
            layers[0].bias.clamp_(min=0)

    def diagnostics(self, code: Code) -> dict[str, float]:
        """How pure pixels are, beside the usual figures."""
        return {
            **super().diagnostics(code),
            "largest_share": float(code.values.amax(1).mean()),
        }
