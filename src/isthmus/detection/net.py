"""The ensemble: small residual denoisers of mixed columns, all of them one batched computation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.media.tables import Block

LEAST, MOST = -7.0, 5.0
"""Bounds of a predicted logarithm of a variance: no cell is more certain than a thirtieth of its spread."""
CAP = 10.0
"""Most nats that one number may surprise by: one broken cell must not outvote a row."""
MASKED = -4.0
"""What the network is told in place of the logarithm of the noise when cells are hidden."""


@dataclass(frozen=True)
class Layout:
    """Inputs by the column they belong to. ``owner`` (width,): the column of each input.

    ``worth`` (width,): what an input's surprise counts. That there is a value, or none, is told like a
    number, which makes far too much of what is rare; it counts as much as a choice of two would.
    """

    owner: Tensor
    worth: Tensor
    numbers: Tensor
    choices: tuple[slice, ...]
    choice_owner: tuple[int, ...]
    columns: int

    @staticmethod
    def of(blocks: Sequence[Block], width: int) -> Layout:
        """The layout of a schema's blocks; columns without inputs (constants) own none."""
        owner = torch.zeros(width, dtype=torch.long)
        worth = torch.ones(width)
        numbers = torch.ones(width, dtype=torch.bool)
        choices, choice_owner = [], []
        for index, block in enumerate(blocks):
            owner[block.start : block.stop] = index
            if block.flag is not None:
                owner[block.flag] = index
                worth[block.flag] = _flag_worth(block.column.missing)
            if block.choice:
                numbers[block.start : block.stop] = False
                choices.append(slice(block.start, block.stop))
                choice_owner.append(index)
        return Layout(owner, worth, numbers, tuple(choices), tuple(choice_owner), len(blocks))

    @property
    def plain(self) -> bool:
        """Whether every column is one input."""
        return len(self.owner) == self.columns

    def spread(self, columns: Tensor) -> Tensor:
        """(…, columns) -> (…, width): what holds for a column, for each of its inputs."""
        return columns if self.plain else columns[..., self.owner]

    def by_column(self, cells: Tensor) -> Tensor:
        """(…, width) -> (…, columns): the sum over each column's inputs."""
        if self.plain:
            return cells
        out = cells.new_zeros(*cells.shape[:-1], self.columns)
        return out.index_add_(-1, self.owner, cells)


def _flag_worth(missing: float) -> float:
    """-log(p) over half the squared standard score of what has the share p."""
    rare = max(min(missing, 1 - missing), 1e-6)
    return min(1.0, -math.log(rare) * 2 * rare / (1 - rare))


class Ensemble(nn.Module):
    """``members`` networks of one shape. Rows (members, N, width) in, the same out, twice.

    A member sees noisy or partly hidden rows, which cells are shown, and the noise's logarithm
    (Karras et al. 2022's preconditioning). It answers with values and log-variances; of a category
    the values are logits.
    """

    def __init__(
        self, members: int, inputs: int, width: int, blocks: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.members = members
        self.inputs = inputs

        def matrix(rows: int, columns: int, scale: float) -> nn.Parameter:
            drawn = torch.randn(members, rows, columns, generator=generator)
            return nn.Parameter(drawn * (scale / math.sqrt(rows)))

        def bias(columns: int) -> nn.Parameter:
            return nn.Parameter(torch.zeros(members, 1, columns))

        shapes = [(2 * inputs + 1, width, 1.0)]
        for _ in range(blocks):
            shapes += [(width, width, 1.0), (width, width, 0.1)]
        shapes.append((width, 2 * inputs, 0.1))
        self.weights = nn.ParameterList([matrix(a, b, s) for a, b, s in shapes])
        self.biases = nn.ParameterList([bias(b) for _, b, _ in shapes])

    def forward(self, x: Tensor, shown: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """``x``, ``shown`` (members, N, inputs), ``level`` (members, N, 1) -> values, log-variances."""
        h = self.hidden(x, shown, level)
        out = torch.baddbmm(self.biases[-1], F.silu(h), self.weights[-1])
        return out[..., : self.inputs], out[..., self.inputs :].clamp(LEAST, MOST)

    def hidden(self, x: Tensor, shown: Tensor, level: Tensor) -> Tensor:
        """The code before the answer: (members, N, width)."""
        w, b = list(self.weights), list(self.biases)
        h = torch.baddbmm(b[0], torch.cat([x * shown, shown, level], -1), w[0])
        for i in range(1, len(w) - 1, 2):
            inner = F.silu(torch.baddbmm(b[i], F.silu(h), w[i]))
            h = h + torch.baddbmm(b[i + 1], inner, w[i + 1])
        code: Tensor = h
        return code

    def deeper(self, h: Tensor, member: int) -> Tensor:
        """One member's residual blocks, (N, width), written over ``h``: for judging, not for training."""
        for i in range(1, len(self.weights) - 1, 2):
            inner = torch.addmm(self.biases[i][member], F.silu(h), self.weights[i][member])
            F.silu(inner, inplace=True)
            h.addmm_(inner, self.weights[i + 1][member]).add_(self.biases[i + 1][member])
        return h


def denoised(net: Ensemble, noisy: Tensor, given: Tensor, sigma: Tensor) -> Tensor:
    """What the network says of rows with noise of deviation ``sigma`` (members, N, 1)."""
    scale = 1 / (1 + sigma.square())
    said, _ = net(noisy * scale.sqrt(), given, sigma.log())
    made: Tensor = noisy * scale + said * sigma * scale.sqrt()
    return made


def hidden_surprise(net: Ensemble, x: Tensor, shown: Tensor, layout: Layout) -> Tensor:
    """Surprise in nats of every cell (members, N, inputs), told only the ``shown`` ones.

    Of a category the whole surprise stands at its first input. Numbers: half the squared error over
    the predicted variance, plus half its logarithm.
    """
    level = torch.full((*x.shape[:-1], 1), MASKED)
    value, spread = net(x, shown, level)
    nats = number_surprise(x, value, spread)
    for span in layout.choices:
        told = -(x[..., span] * F.log_softmax(value[..., span], -1)).sum(-1)
        nats[..., span] = 0
        nats[..., span.start] = told
    made: Tensor = nats
    return made


def number_surprise(x: Tensor, value: Tensor, spread: Tensor) -> Tensor:
    """Nats of numbers ``x`` to who expects ``value`` with the log-variance ``spread``."""
    spread = spread.clamp(LEAST, MOST)
    return 0.5 * ((x - value).square() * torch.exp(-spread) + spread)


def expected(net: Ensemble, x: Tensor, shown: Tensor, layout: Layout) -> Tensor:
    """Values (N, inputs) that the members on average expect where cells are hidden; shares of choices."""
    value, _ = net(x, shown, torch.full((*x.shape[:-1], 1), MASKED))
    value = value.clone()
    for span in layout.choices:
        value[..., span] = value[..., span].softmax(-1)
    made: Tensor = value.mean(0)
    return made
