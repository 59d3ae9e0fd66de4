"""What every bottleneck does: latents in, a ``Code`` out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from isthmus.recipe import BottleneckSpec


@dataclass(frozen=True)
class Code:
    """What passes the strip.

    ``values`` (N, size) or (N, size, *grid) is what the decoder sees. ``cost`` (N,) is what it
    costs, in nats per item (a KL divergence, a rate, a penalty), before the recipe's weight.
    ``extras`` holds what diagnostics and codecs need, e.g. ``indices`` of a codebook.
    """

    values: Tensor
    cost: Tensor
    extras: dict[str, Tensor] = field(default_factory=dict)


class Bottleneck(nn.Module):
    """One kind, one file. Subclasses implement ``forward`` and say what is worth watching.

    ``generator`` is the only source of randomness; ``progress`` (0..1, how much of the training is
    done) is set by the loop before each step.
    """

    needs_jacobian: bool = False
    """Whether ``forward`` must be given the network's input, with gradients, as ``x``."""

    generator: torch.Generator | None = None
    progress: float = 1.0

    def __init__(self, spec: BottleneckSpec, code_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.spec: Any = spec
        self.code_shape = code_shape

    @property
    def weight(self) -> float:
        """What a nat of cost weighs in the objective now."""
        return float(getattr(self.spec, "weight", 0.0))

    def forward(self, latent: Tensor, x: Tensor | None = None) -> Code:
        """latent (N, size x latents_per_number, *grid) -> Code. ``x``: see ``needs_jacobian``."""
        raise TypeError(f"{type(self).__name__} must implement forward")

    def diagnostics(self, code: Code) -> dict[str, float]:
        """Figures about the codes of many items, for events, report and Studio."""
        flat = code.values.flatten(1)
        spread = flat.std(0, correction=0)
        return {
            "active_units": float((spread > 0.01 * spread.max().clamp_min(1e-12)).sum()),
            "code_std": float(spread.mean()),
        }

    def join(self, decoder: nn.Module) -> None:
        """When the model is built: take from its decoder what ``project`` will need."""

    def project(self, decoder: nn.Module) -> None:
        """After each step: move weights of the decoder back to where this kind wants them."""

    def critic_parameters(self) -> list[nn.Parameter]:
        """Parameters trained by a second optimiser against the code; none for most kinds."""
        return []

    def critic_loss(self, code: Tensor) -> Tensor:
        """What that second optimiser lowers; called with detached code values (N, *code)."""
        raise TypeError(f"{type(self).__name__} has no critic")


def free(latent: Tensor) -> Tensor:
    """A cost of nothing for every item: (N,)."""
    return latent.new_zeros(len(latent))
