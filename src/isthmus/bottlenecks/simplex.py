"""Shares that sum to one (unmixing autoencoders: Palsson, Sigurdsson, Sveinsson & Ulfarsson 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from isthmus.bottlenecks.base import Bottleneck, Code


def _straight(decoder: nn.Module) -> nn.Linear | None:
    layers = [m for m in decoder.modules() if isinstance(m, nn.Linear)]
    return layers[0] if len(layers) == 1 else None


class Module(Bottleneck):
    """Softmax over the numbers of a code; the cost is the entropy of the shares, in nats."""

    def forward(self, latent: Tensor, x: Tensor | None = None) -> Code:
        shares = torch.softmax(latent, dim=1)
        entropy = -(shares * shares.clamp_min(1e-12).log()).sum(1)
        if entropy.dim() > 1:
            entropy = entropy.flatten(1).sum(1)
        return Code(shares, entropy)

    materials: Tensor
    """(bands, size): the spectra a straight decoder began with, once they were found in the data."""

    def join(self, decoder: nn.Module) -> None:
        straight = _straight(decoder)
        if straight is not None and self.spec.start == "vca":
            self.register_buffer("materials", torch.zeros_like(straight.weight))

    @torch.no_grad()
    def begin(self, decoder: nn.Module, spectra: Tensor) -> None:
        """Put spectra (size, bands) of pure materials into a straight decoder, and remember them."""
        straight = _straight(decoder)
        assert straight is not None
        straight.weight.copy_(spectra.t())
        straight.bias.zero_()
        self.materials.copy_(straight.weight)

    @torch.no_grad()
    def project(self, decoder: nn.Module) -> None:
        """A straight decoder's weights are spectra: never negative, and held near where they began.

        Without a hold they wander out of the cloud of pixels, where mixtures of many impossible
        materials rebuild every pixel a little better (that is what minimum-volume methods prevent).
        """
        straight = _straight(decoder)
        if straight is None:
            return
        straight.weight.clamp_(min=0)
        straight.bias.clamp_(min=0)
        if self.spec.start == "vca" and self.materials.any():
            straight.weight.lerp_(self.materials, self.spec.hold)
            straight.bias.mul_(1 - self.spec.hold)

    def diagnostics(self, code: Code) -> dict[str, float]:
        """How pure pixels are, beside the usual figures."""
        return {
            **super().diagnostics(code),
            "largest_share": float(code.values.amax(1).mean()),
        }
