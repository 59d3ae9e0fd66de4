"""How surprising rows are to an ensemble, column by column, in the ways that add up to a score."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from isthmus.detection.net import CAP, Ensemble, Layout, denoised, hidden_surprise

WAYS = ("hidden", "residual", "alone")
_GROUPS = 8
_SIGMA = 0.1
_CHUNK = 1024


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
) -> Tensor:
    """Rows (N, inputs) -> (ways, N, columns) float32.

    ``hiding`` is what ``groups`` made. ``trusted`` (members, N): whose word counts for a row; rows that a member learnt from can be kept
    from it, so that training rows are judged like new ones. Nats, but for the residual (squares).
    """
    made = torch.zeros(len(WAYS), len(values), layout.columns)
    alone = _alone(net, layout)
    for start in range(0, len(values), _CHUNK):
        rows = slice(start, min(start + _CHUNK, len(values)))
        x, known = values[rows], given[rows]
        word = torch.ones(net.members, len(x)) if trusted is None else trusted[:, rows].float()
        word = torch.where(word.sum(0) > 0, word, torch.ones(()))
        word = (word / word.sum(0))[..., None]
        wide, shown = x.expand(net.members, -1, -1), known.expand(net.members, -1, -1)
        for group in hiding:
            hides = layout.spread(group)
            nats = hidden_surprise(net, wide, shown * (1 - hides), layout)
            nats = (nats.clamp(-CAP, CAP) * word).sum(0)
            made[0, rows] += layout.by_column(nats * hides * known)
        sigma = torch.full((net.members, len(x), 1), _SIGMA)
        found = denoised(net, wide, shown, sigma)
        made[1, rows] = layout.by_column(((wide - found).square() * word).sum(0) * known)
        made[2, rows] = layout.by_column(alone(x) * known)
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
