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
    fast: bool = False,
) -> dict[str, Tensor]:
    """Rows (N, inputs) -> each way ``asked`` for, (N, columns) float32.

    ``hiding`` is what ``groups`` made. ``trusted`` (members, N): whose word counts for a row; rows that a
    member learnt from can be kept from it, so that training rows are judged like new ones. ``fast``
    asks one member of each group of hidden columns, in turn. Nats, but for the residual (squares).
    """
    made = {way: torch.zeros(len(values), layout.columns) for way in WAYS if way in asked}
    alone = _alone(net, layout)
    passes = [_Pass.of(net, layout, group) for group in hiding] if "hidden" in made else []
    for start in range(0, len(values), _CHUNK):
        rows = slice(start, min(start + _CHUNK, len(values)))
        x, known = values[rows], given[rows]
        heard = torch.ones(net.members, len(x)) if trusted is None else trusted[:, rows].float()
        heard = torch.where(heard.sum(0) > 0, heard, torch.ones(()))
        word = heard / heard.sum(0)
        seen, counted = torch.cat([x * known, known], -1), known * layout.worth
        for turn, hiding_pass in enumerate(passes):
            one = _first_heard(heard, turn) if fast else word
            nats = hiding_pass.nats(net, seen, x, one) * counted[:, hiding_pass.inputs]
            made["hidden"][rows].index_add_(-1, hiding_pass.owner, nats)
        if "residual" in made:
            made["residual"][rows] = layout.by_column(_residual(net, seen, x, word) * counted)
        if "alone" in made:
            made["alone"][rows] = layout.by_column(alone(x) * counted)
    return made


def _first_heard(heard: Tensor, turn: int) -> Tensor:
    """(members, N): 1 for the first member from the one whose ``turn`` it is that is heard for a row."""
    order = heard.roll(-turn, 0)
    first = order * (order.cumsum(0) == 1)
    return first.roll(turn, 0)


@dataclass(frozen=True)
class _Pass:
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
    def of(net: Ensemble, layout: Layout, group: Tensor) -> _Pass:
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
        return _Pass(
            inputs,
            layout.owner[inputs],
            choices,
            weight[:, :-1] * torch.cat([1 - hides, 1 - hides])[:, None],
            net.biases[0] + MASKED * weight[:, -1:],
            net.weights[-1][..., told],
            net.biases[-1][..., told],
        )

    def nats(self, net: Ensemble, seen: Tensor, x: Tensor, word: Tensor) -> Tensor:
        """``seen`` (N, 2 x all inputs), ``x`` (N, all inputs), ``word`` (members, N) -> (N, inputs)."""
        count = len(self.inputs)
        true = x[:, self.inputs]
        made = torch.zeros_like(true)
        for member, weight in enumerate(word):
            rows = _spoken_for(weight)
            if rows is None:
                continue
            mine = true[rows]
            h = torch.addmm(self.bias[member], seen[rows], self.first[member])
            code = F.silu(net.deeper(h, member), inplace=True)
            out = torch.addmm(self.last_bias[member], code, self.last[member])
            nats = number_surprise(mine, out[:, :count], out[:, count:])
            for span in self.choices:
                told = -(mine[:, span] * F.log_softmax(out[:, span], -1)).sum(-1)
                nats[:, span] = 0
                nats[:, span.start] = told
            made[rows] += nats.clamp_(-CAP, CAP) * weight[rows, None]
        return made


def _spoken_for(weight: Tensor) -> slice | Tensor | None:
    """The rows (N,) of which a member's word counts: all, some, or none."""
    some = weight > 0
    if bool(some.all()):
        return slice(None)
    return torch.nonzero(some).reshape(-1) if bool(some.any()) else None


def _residual(net: Ensemble, seen: Tensor, x: Tensor, word: Tensor) -> Tensor:
    """``seen`` (N, 2 x inputs), ``x`` (N, inputs), ``word`` (members, N) -> squares (N, inputs).

    The same as ``denoised`` of rows that have no noise, for less.
    """
    made = torch.zeros_like(x)
    scale = 1 / (1 + _SIGMA**2)
    for member in range(net.members):
        first = net.weights[0][member]
        # Values are scaled by the level of noise; which of them are known is not.
        given = torch.addmm(net.biases[0][member], seen[:, net.inputs :], first[net.inputs : -1])
        h = given.addmm_(seen[:, : net.inputs], first[: net.inputs], alpha=math.sqrt(scale))
        h += math.log(_SIGMA) * first[-1:]
        code = F.silu(net.deeper(h, member), inplace=True)
        last, bias = net.weights[-1][member], net.biases[-1][member]
        said = torch.addmm(bias[:, : net.inputs], code, last[:, : net.inputs])
        left = x * (1 - scale) - said * (_SIGMA * math.sqrt(scale))
        made += left.square_() * word[member, :, None]
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
