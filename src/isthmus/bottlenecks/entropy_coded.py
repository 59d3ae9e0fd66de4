"""Rounded numbers that cost bits under a learned density (Ballé, Laparra & Simoncelli 2017).

The density of each number is a learned, monotone cumulative function: Ballé, Minnen, Singh, Hwang &
Johnston 2018, appendix 6.1.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.bottlenecks.base import Bottleneck, Code
from isthmus.plan.bottleneck import ENTROPY_WIDTHS


class Module(Bottleneck):
    """Cost: -log p of the rounded code in nats, which is what an ideal entropy coder spends.

    Each of the ``size`` numbers (channels, if spatial) has its own density and its own learned step.
    Noise of the rounding's width stands in for rounding while training. ``extras["indices"]`` are
    the rounded multiples of the step, ``extras["nats"]`` (N, …) what each costs.
    """

    def __init__(self, spec: object, code_shape: tuple[int, ...]) -> None:
        super().__init__(spec, code_shape)  # type: ignore[arg-type]
        size = self.spec.size
        self.log_step = nn.Parameter(torch.full((size,), math.log(self.spec.step)))
        pairs = list(itertools.pairwise(ENTROPY_WIDTHS))
        scale = 10.0 ** (1 / len(pairs))
        self.matrices = nn.ParameterList()
        self.biases = nn.ParameterList()
        self.gates = nn.ParameterList()
        for number, (a, b) in enumerate(pairs):
            # softplus of this start gives a density about 10 steps wide.
            self.matrices.append(
                nn.Parameter(torch.full((size, b, a), math.log(math.expm1(1 / scale / b))))
            )
            self.biases.append(nn.Parameter(torch.empty(size, b, 1).uniform_(-0.5, 0.5)))
            if number < len(pairs) - 1:
                self.gates.append(nn.Parameter(torch.zeros(size, b, 1)))

    def forward(self, latent: Tensor, x: Tensor | None = None) -> Code:
        step = self.log_step.exp().view(-1, *[1] * (latent.dim() - 2))
        scaled = latent / step
        rounded = scaled.detach().round()
        if self.training:
            noise = torch.empty_like(scaled).uniform_(-0.5, 0.5, generator=self.generator)
            quantised = scaled + noise
        else:
            quantised = rounded
        nats = self.nats(quantised)
        return Code(
            quantised * step,
            nats.flatten(1).sum(1),
            {"indices": rounded.to(torch.int64), "nats": nats.detach()},
        )

    def nats(self, quantised: Tensor) -> Tensor:
        """-log of the mass of width 1 around each value, in units of the step: (N, size, *grid)."""
        flat = quantised.movedim(1, 0).flatten(1)[:, None]  # (size, 1, N x grid)
        upper, lower = self._logits(flat + 0.5), self._logits(flat - 0.5)
        # On the side where both are small, so that no digits are lost to 1 - tiny.
        side = -torch.sign(upper + lower).detach()
        mass = (torch.sigmoid(side * upper) - torch.sigmoid(side * lower)).abs()
        moved = quantised.movedim(1, 0)
        return -mass.clamp_min(1e-9).log().view_as(moved).movedim(0, 1)

    def _logits(self, value: Tensor) -> Tensor:
        """The cumulative function's logit, monotone in ``value`` (size, 1, M)."""
        for number, (matrix, bias) in enumerate(zip(self.matrices, self.biases, strict=True)):
            value = F.softplus(matrix) @ value + bias
            if number < len(self.gates):
                value = value + self.gates[number].tanh() * value.tanh()
        return value

    def diagnostics(self, code: Code) -> dict[str, float]:
        bits = code.extras["nats"].flatten(1) / math.log(2)
        return {
            **super().diagnostics(code),
            "bits_per_item": float(bits.sum(1).mean()),
            "bits_per_number": float(bits.mean()),
            "numbers_used": float((code.extras["indices"].flatten(1).float().std(0) > 0).sum()),
        }
