"""Simple views of rows that learn nothing: how far from few others, and how rare each value is.

They cannot learn a dense cluster of frauds, so they say which rows of a mixed table the networks
should not learn from; and nearest prototypes stand beside the networks where rows are clean.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from isthmus.media.tables import Block

_ROUNDS = 20
_FEW = 32
_COMMON = 0.05
_CHUNK = 512


def suspects(values: Tensor, blocks: Sequence[Block], share: float, seed: int) -> Tensor:
    """(N,) booleans: the ``share`` of rows that are strangest to both views together."""
    count = int(share * len(values))
    if count == 0:
        return torch.zeros(len(values), dtype=torch.bool)
    strange = _ranks(far_from_few(values, seed)) + _ranks(rarity(values, blocks))
    # Ranks end at 2: no row that is kept stands before one that is not.
    strange[_common(values, blocks, strange)] -= 3
    # The order of equal rows is their own, so that the same table gives the same rows.
    chosen = torch.sort(strange, descending=True, stable=True).indices[:count]
    return torch.zeros(len(values), dtype=torch.bool).index_fill_(0, chosen, True)


def _common(values: Tensor, blocks: Sequence[Block], strange: Tensor) -> Tensor:
    """(N,) booleans: the less strange half of the rows that share a choice, a gap, or none.

    What a twentieth of the rows have is no fraud, and networks that never saw it would call it one.
    """
    kept = torch.zeros(len(values), dtype=torch.bool)
    for block in blocks:
        shared = list((values[:, block.start : block.stop] > 0.5).T) if block.choice else []
        if block.flag is not None:
            gone = values[:, block.flag] > 0
            shared += [gone, ~gone]
        for having in shared:
            rows = torch.nonzero(having).reshape(-1)
            if len(rows) >= _COMMON * len(values):
                kept[rows[strange[rows].argsort(stable=True)[: len(rows) // 2]]] = True
    return kept


def far_from_few(values: Tensor, seed: int) -> Tensor:
    """(N,): mean distance to the nearest of a few rows, over many draws (Sugiyama & Borgwardt 2013).

    A row never meets itself. Few rows seldom hold two of a small cluster, however dense it is.
    """
    generator = torch.Generator().manual_seed(seed)
    rows = len(values)
    total, count = torch.zeros(rows), torch.zeros(rows)
    for _ in range(_ROUNDS):
        drawn = torch.randperm(rows, generator=generator)[: min(_FEW, max(rows // 2, 1))]
        others = torch.ones(rows)
        others[drawn] = 0
        total += nearest(values, values[drawn]) * others
        count += others
    return total / count.clamp_min(1)


def nearest(
    values: Tensor, prototypes: Tensor, own: Tensor | None = None, twins: bool = False
) -> Tensor:
    """(N,): distance to the nearest prototype; ``own`` (N,) is a row's own number among them, or -1.

    With ``twins`` the first prototype that equals a row is taken for the row itself.
    """
    made = []
    square = prototypes.square().sum(1)
    for start in range(0, len(values), _CHUNK):
        part = values[start : start + _CHUNK]
        apart = torch.addmm(square, part, prototypes.T, alpha=-2)
        if own is not None:
            mine = own[start : start + _CHUNK]
            held = torch.nonzero(mine >= 0).reshape(-1)
            apart[held, mine[held]] = torch.inf
        # What all distances of a row share is added to the least of them only.
        length = part.square().sum(1)
        if twins and len(prototypes) > 1:
            two = apart.topk(2, 1, largest=False).values + length[:, None]
            same = two[:, 0] < 1e-5 * (1 + length)
            made.append(torch.where(same, two[:, 1], two[:, 0]).clamp_min(0).sqrt())
            continue
        made.append((apart.amin(1) + length).clamp_min(0).sqrt())
    return torch.cat(made) if made else torch.zeros(0)


def rarity(values: Tensor, blocks: Sequence[Block]) -> Tensor:
    """(N,): the sum over columns of minus the logarithm of how often such a value occurs."""
    rows = len(values)
    bins = int(np.clip(np.sqrt(rows) / 2, 10, 50))
    total = torch.zeros(rows)
    for block in blocks:
        span = values[:, block.start : block.stop]
        if block.choice:
            # Of the rows that have a value: that most have none makes no value rare.
            often = (span.sum(0) + 0.5) / (span.sum() + 0.5 * span.shape[1])
            total -= span @ often.log()
            continue
        for column in span.T:
            low, high = float(column.min()), float(column.max())
            if high <= low:
                continue
            place = ((column - low) / (high - low) * bins).long().clamp(0, bins - 1)
            often = (torch.bincount(place, minlength=bins) + 0.5) / (rows + 0.5 * bins)
            total -= often.log()[place]
    return total


def _ranks(values: Tensor) -> Tensor:
    """Ranks from 0 to 1; equal values share the mean of theirs."""
    _, place, count = torch.unique(values, return_inverse=True, return_counts=True)
    last = count.cumsum(0).double()
    made: Tensor = ((last - (count - 1) / 2) / len(values))[place]
    return made
