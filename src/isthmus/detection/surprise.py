"""How surprising rows are to an ensemble, column by column, in the ways that add up to a score."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus.detection.net import CAP, MASKED, Ensemble, Layout, number_surprise

WAYS = ("hidden", "residual", "alone")
_GROUPS = 8
_SIGMA = 0.1
# A member's code of so many rows stays in a core's own cache.
_CHUNK = 512


def groups(columns: int) -> Tensor:
    """(passes, columns), 1 where a pass hides a column: each once, with an eighth of the others."""
    passes = min(_GROUPS, columns)
    drawn = torch.randperm(columns, generator=torch.Generator().manual_seed(0)) % passes
    return (drawn[None] == torch.arange(passes)[:, None]).float()


@torch.inference_mode()
def surprises(
    net: Ensemble,
    layout: Layout,
    hiding: Tensor,
    values: Tensor,
    given: Tensor,
    trusted: Tensor | None = None,
    asked: Collection[str] = WAYS,
) -> dict[str, Tensor]:
    """Rows (N, inputs) -> each way ``asked`` for, (N, columns) float32.

    ``hiding`` is what ``groups`` made. ``trusted`` (members, N): whose word counts for a row; rows that a
    member learnt from can be kept from it, so that training rows are judged like new ones. Nats, but
    for the residual (squares).
    """
    made = {way: torch.zeros(len(values), layout.columns) for way in WAYS if way in asked}
    alone = _alone(net, layout)
    passes = [Pass.of(net, layout, group) for group in hiding] if "hidden" in made else []
    for start in range(0, len(values), _CHUNK):
        rows = slice(start, min(start + _CHUNK, len(values)))
        x, known = values[rows], given[rows]
        word = torch.ones(net.members, len(x)) if trusted is None else trusted[:, rows].float()
        word = torch.where(word.sum(0) > 0, word, torch.ones(()))
        word = (word / word.sum(0))[..., None]
        seen, counted = torch.cat([x * known, known], -1), known * layout.worth
        for hiding_pass in passes:
            nats = hiding_pass.nats(net, seen, x, word) * counted[:, hiding_pass.inputs]
            made["hidden"][rows].index_add_(-1, hiding_pass.owner, nats)
        if "residual" in made:
            made["residual"][rows] = layout.by_column(_residual(net, seen, x, word) * counted)
        if "alone" in made:
            made["alone"][rows] = layout.by_column(alone(x) * counted)
    return made


@dataclass(frozen=True)
class Pass:
    """Some columns hidden: a first layer that does not see them, a last one that tells only them.

    The same as ``hidden_surprise`` of these columns, for less.
    """

    inputs: Tensor
    owner: Tensor
    choices: tuple[slice, ...]
    first: Tensor
    bias: Tensor
    last: Tensor
    last_bias: Tensor

    @staticmethod
    def of(net: Ensemble, layout: Layout, group: Tensor) -> Pass:
        """``group`` (columns,): 1 where a column is hidden."""
        hides = layout.spread(group)
        inputs = torch.nonzero(hides).reshape(-1)
        place = {int(at): i for i, at in enumerate(inputs)}
        choices = tuple(
            slice(place[s.start], place[s.start] + s.stop - s.start)
            for s in layout.choices
            if s.start in place
        )
        weight = net.weights[0]
        told = torch.cat([inputs, net.inputs + inputs])
        return Pass(
            inputs,
            layout.owner[inputs],
            choices,
            weight[:, :-1] * torch.cat([1 - hides, 1 - hides])[:, None],
            net.biases[0] + MASKED * weight[:, -1:],
            net.weights[-1][..., told],
            net.biases[-1][..., told],
        )

    def said(self, net: Ensemble, seen: Tensor, member: int) -> tuple[Tensor, Tensor]:
        """One member's values and log-variances of the hidden columns, (N, their inputs) each."""
        h = torch.addmm(self.bias[member], seen, self.first[member])
        code = F.silu(net.deeper(h, member), inplace=True)
        out = torch.addmm(self.last_bias[member], code, self.last[member])
        return out[:, : len(self.inputs)], out[:, len(self.inputs) :]

    def nats(self, net: Ensemble, seen: Tensor, x: Tensor, word: Tensor) -> Tensor:
        """``seen`` (N, 2 x all inputs), ``x`` (N, all inputs), ``word`` (members, N, 1) -> (N, inputs)."""
        true = x[:, self.inputs]
        made = torch.zeros_like(true)
        for member in range(net.members):
            value, spread = self.said(net, seen, member)
            nats = number_surprise(true, value, spread)
            for span in self.choices:
                told = -(true[:, span] * F.log_softmax(value[:, span], -1)).sum(-1)
                nats[:, span] = 0
                nats[:, span.start] = told
            made += nats.clamp_(-CAP, CAP) * word[member]
        return made


def _residual(net: Ensemble, seen: Tensor, x: Tensor, word: Tensor) -> Tensor:
    """``seen`` (N, 2 x inputs), ``x`` (N, inputs), ``word`` (members, N, 1) -> squares (N, inputs).

    The same as ``denoised`` of rows that have no noise, for less.
    """
    made = torch.zeros_like(x)
    scale = 1 / (1 + _SIGMA**2)
    for member in range(net.members):
        first = net.weights[0][member]
        # What is known is not scaled, what it says is.
        given = torch.addmm(net.biases[0][member], seen[:, net.inputs :], first[net.inputs : -1])
        h = given.addmm_(seen[:, : net.inputs], first[: net.inputs], alpha=math.sqrt(scale))
        h += math.log(_SIGMA) * first[-1:]
        code = F.silu(net.deeper(h, member), inplace=True)
        last, bias = net.weights[-1][member], net.biases[-1][member]
        said = torch.addmm(bias[:, : net.inputs], code, last[:, : net.inputs])
        left = x * (1 - scale) - said * (_SIGMA * math.sqrt(scale))
        made += left.square_() * word[member]
    return made


def _alone(net: Ensemble, layout: Layout) -> Callable[[Tensor], Tensor]:
    """A function of rows: surprise of each cell to who knows nothing of its row."""
    nothing = torch.zeros(net.members, 1, net.inputs)
    value, spread = net(nothing, nothing, torch.full((net.members, 1, 1), -4.0))
    shares = [value[..., s].softmax(-1).mean(0).clamp_min(1e-6).log() for s in layout.choices]

    def cells(x: Tensor) -> Tensor:
        nats = 0.5 * ((x - value).square() * torch.exp(-spread) + spread).clamp(-2 * CAP, 2 * CAP)
        nats = nats.mean(0)
        for span, share in zip(layout.choices, shares, strict=True):
            told = -(x[:, span] * share).sum(-1)
            nats[:, span] = 0
            nats[:, span.start] = told
        made: Tensor = nats
        return made

    return cells
