"""Encoder -> Bottleneck -> Decoder, nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from isthmus.bottlenecks import Bottleneck, build_bottleneck
from isthmus.bottlenecks import Code as Code
from isthmus.losses import Loss, build_loss
from isthmus.networks import Network, build_network
from isthmus.plan import Plan, plan
from isthmus.recipe import BottleneckSpec, DecoderSpec, EncoderSpec, Mirror, Plain, Recipe


@dataclass(frozen=True)
class Reconstruction:
    """``output`` (N, *item) is what a person sees, ``raw`` what the loss reads, ``code`` what passed."""

    output: Tensor
    raw: Tensor
    code: Code


class Autoencoder(nn.Module):
    """A wide input, a narrow strip, a wide output.

    >>> model = Autoencoder.from_recipe(Recipe.load("digits"), (1, 28, 28))
    >>> model.encode(torch.rand(5, 1, 28, 28)).values.shape
    torch.Size([5, 64])
    """

    def __init__(
        self, encoder: Network, bottleneck: Bottleneck, decoder: Network, loss: Loss, plan: Plan
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.bottleneck = bottleneck
        self.decoder = decoder
        self.loss = loss
        self.plan = plan
        bottleneck.join(decoder)

    @classmethod
    def of(
        cls,
        item: tuple[int, ...],
        encoder: EncoderSpec,
        bottleneck: BottleneckSpec | None = None,
        decoder: DecoderSpec | None = None,
        seed: int = 0,
    ) -> Autoencoder:
        """An autoencoder for items of shape ``item``; every other shape is inferred.

        ``decoder`` mirrors the encoder unless given. Raises PlanError where layers do not fit.
        """
        return cls.from_recipe(
            Recipe(encoder=encoder, bottleneck=bottleneck or Plain(), decoder=decoder or Mirror()),
            item,
            seed,
        )

    @classmethod
    def from_recipe(
        cls, recipe: Recipe, item: tuple[int, ...], seed: int | None = None
    ) -> Autoencoder:
        """The autoencoder a recipe describes, its first weights drawn from ``seed``."""
        planned = plan(recipe, item)
        # torch initialises layers from its global generator: use it, then put it back.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.training.seed if seed is None else seed)
            encoder = build_network(planned.encoder)
            bottleneck = build_bottleneck(recipe.bottleneck, planned.bottleneck)
            decoder = build_network(planned.decoder, encoder)
        return cls(encoder, bottleneck, decoder, build_loss(recipe.task.loss), planned)

    def encode(self, x: Tensor, kept: list[Tensor] | None = None) -> Code:
        """x (N, *view) -> Code with values (N, *plan.bottleneck.code).

        ``kept``, a list, is filled with what skip paths carry round the bottleneck, if there are any.
        """
        if not self.bottleneck.needs_jacobian or not (self.training and torch.is_grad_enabled()):
            code: Code = self.bottleneck(self.encoder(x, kept))
            return code
        x = x.detach().requires_grad_()
        code = self.bottleneck(self.encoder(x, kept), x)
        return code

    def decode(self, values: Tensor) -> Tensor:
        """Code values (N, *code) -> items (N, *item). Skip paths, if there are any, carry nothing."""
        return self.loss.output(self.decoder(values), self.plan.item)

    def forward(self, x: Tensor) -> Reconstruction:
        """x (N, *view) -> Reconstruction; the view is the item unless the task adds to it."""
        kept: list[Tensor] = []
        code = self.encode(x, kept)
        raw = self.decoder(code.values, kept)
        return Reconstruction(self.loss.output(raw, self.plan.item), raw, code)

    def use_generator(self, generator: torch.Generator | None) -> None:
        """Make ``generator`` the one source of randomness of every part that needs some."""
        for module in self.modules():
            if hasattr(module, "generator"):
                module.generator = generator  # type: ignore[assignment]

    def set_progress(self, progress: float) -> None:
        """Tell the bottleneck how much of the training is done (0..1)."""
        self.bottleneck.progress = progress
