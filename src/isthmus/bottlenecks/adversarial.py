"""All codes together fool a critic that knows the prior (Makhzani et al. 2016)."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.bottlenecks.base import Bottleneck, Code


class Module(Bottleneck):
    """The critic tells codes from normal samples; the encoder is trained to be taken for normal.

    Cost: -log of the critic's belief that a code is a prior sample, in nats (the non-saturating form
    of Goodfellow et al. 2014). The critic has its own optimiser and gets no gradient from the cost.
    """

    def __init__(self, spec: object, code_shape: tuple[int, ...]) -> None:
        super().__init__(spec, code_shape)  # type: ignore[arg-type]
        numbers = 1
        for side in code_shape:
            numbers *= side
        widths = (numbers, *self.spec.critic, 1)
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise(widths):
            layers += [nn.Linear(a, b), nn.LeakyReLU(0.2)]
        self.critic = nn.Sequential(*layers[:-1])

    def forward(self, latent: Tensor, x: Tensor | None = None) -> Code:
        # The critic judges with frozen weights: its own optimiser alone may move them.
        frozen = {name: p.detach() for name, p in self.critic.named_parameters()}
        belief = torch.func.functional_call(self.critic, frozen, (latent.flatten(1),))
        return Code(latent, F.softplus(-belief[:, 0]))

    def critic_parameters(self) -> list[nn.Parameter]:
        return list(self.critic.parameters())

    def critic_loss(self, code: Tensor) -> Tensor:
        flat = code.flatten(1)
        prior = torch.empty_like(flat).normal_(generator=self.generator)
        real, made = self.critic(prior), self.critic(flat)
        return F.softplus(-real).mean() + F.softplus(made).mean()

    @torch.no_grad()
    def diagnostics(self, code: Code) -> dict[str, float]:
        flat = code.values.flatten(1)
        prior = torch.empty_like(flat).normal_(
            generator=torch.Generator(flat.device).manual_seed(0)
        )
        right = (self.critic(prior) > 0).float().mean() + (self.critic(flat) < 0).float().mean()
        return {
            **super().diagnostics(code),
            "critic_accuracy": float(right / 2),
            "code_mean": float(flat.mean(0).norm()),
        }
