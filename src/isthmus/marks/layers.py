"""Finding the one layer a mark is made of, from a network's first idea of where it is.

By turns: where the layer lies (``labels``), given its opacity and colour; and its opacity and
colour, given where it lies. Several colours are tried first; what explains the picture's edges best, and
lies where the network says, is taken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from isthmus.marks import single
from isthmus.marks.grid import ends, reduced
from isthmus.marks.labels import PARTS, STEP, labelled, logit

Array = NDArray[Any]
_MOST_PIXELS = 300_000
"""A layer's opacity and colour are sought in a picture reduced to about so many."""
_ROUNDS = 4
_FEWEST, _MOST = 12, 6_000
_SPECK = 6
_REACH, _HINTED = 25, 0.1
"""A mark goes no further than a few pixels from where the network has at least a hint of it."""
_NARROW = 4e-3
# A spot belongs to the mark or not by: the network's mean word there, and around; its size; what each of its
# edges gains. Fitted on 2,562 spots of 76 marked training photographs (held-out area under the curve .963).
_SPOT = np.array([0.62, 0.43, 0.05, 1.8])
_SPOT_START = -0.4


@dataclass(frozen=True)
class Found:
    """A layer and where it is: ``cover`` (H, W) is its opacity at each pixel, 0 where it is not.

    ``gain`` is how much likelier, in nats an edge, the picture is without it; ``overlap`` (0..1) how far
    it lies where the network said (Dice).
    """

    cover: Array
    color: Array
    opacity: float
    gain: float
    overlap: float


@dataclass(frozen=True)
class _Word:
    """What a network says of a picture's pixels (H, W): how ``sure`` it is of a mark there and, smoothed,
    ``around``; and whether there is a hint nearby."""

    sure: Array
    around: Array
    hinted: Array

    @classmethod
    def of(cls, sure: Array) -> _Word:
        """All of it, from how sure the network is."""
        hinted = ndimage.maximum_filter(sure, _REACH) > _HINTED
        return cls(sure, ndimage.gaussian_filter(sure, 8), hinted)


def find(values: Array, sure: Array, opacity: Array, tint: Array) -> Found | None:
    """The layer on a picture (H, W, C) of 0..1; None where nothing like a layer is there.

    A network says where it may be: ``sure`` and ``opacity`` (H, W) are 0..1, ``tint`` (H, W, 3) is uint8.
    """
    scale = max(round((sure.size / _MOST_PIXELS) ** 0.5), 1)
    small = reduced(values, scale)
    believed = reduced(sure[..., None], scale)[..., 0]
    most = believed > 0.5
    if most.sum() < 2 * _FEWEST:
        count = min(200, believed.size)
        most = believed >= np.partition(believed.reshape(-1), -count)[-count]
    first = float(np.clip(np.median(reduced(opacity[..., None], scale)[..., 0][most]), 0.25, 0.85))
    said = np.median(reduced(tint, scale)[most], 0).astype(np.float32) / 255
    said = said if len(said) == values.shape[2] else said.mean(keepdims=True)
    word = _Word.of(believed)
    tried = [
        _by_turns(small, word, first, color)
        for color in (said, np.ones_like(said), np.zeros_like(said))
    ]
    held = [t for t in tried if t is not None]
    if not held:
        return None
    best = max(held, key=lambda t: t.gain * t.overlap)
    if scale == 1:
        return best
    # At full size only where exactly is left to say.
    near = ndimage.binary_dilation(best.cover > 0)
    near = near.repeat(scale, 0).repeat(scale, 1)[: sure.shape[0], : sure.shape[1]]
    labels = labelled(values, sure, best.opacity, best.color, near)
    return replace(best, cover=PARTS[labels] * np.float32(best.opacity))


def _by_turns(values: Array, word: _Word, opacity: float, color: Array) -> Found | None:
    for _ in range(_ROUNDS):
        labels = labelled(values, word.sure, opacity, color)
        spots = _supported(values, labels, word, opacity, color)
        if spots.sum() < _FEWEST:
            return None
        share = np.where(spots, PARTS[labels], 0)
        better = _fitted(values, share, opacity, color)
        if better is None:
            return None
        still = abs(better[0] - opacity) < 0.015 and float(np.abs(better[1] - color).max()) < 0.02
        opacity, color = better
        if still:
            break
    return _found(values, word, opacity, color)


def _found(values: Array, word: _Word, opacity: float, color: Array) -> Found | None:
    labels = labelled(values, word.sure, opacity, color)
    spots = _supported(values, labels, word, opacity, color)
    if spots.sum() < _FEWEST:
        return None
    cover = np.where(spots, PARTS[labels] * np.float32(opacity), np.float32(0))
    gains = [gain for gain, _, _ in _edges(values, cover, color)]
    wide = ndimage.binary_dilation(spots)
    overlap = 2 * float(word.sure[wide].sum()) / (float(word.sure.sum()) + float(wide.sum()))
    return Found(cover, color, opacity, float(np.concatenate(gains).mean()), overlap)


def _supported(values: Array, labels: Array, word: _Word, opacity: float, color: Array) -> Array:
    """Where (H, W) the layer is, without the spots that are more likely something else."""
    on: Array = (labels > 0) & word.hinted
    numbers, count = ndimage.label(ndimage.binary_dilation(on, np.ones((3, 3))), np.ones((3, 3)))
    if not count:
        return on
    cover = PARTS[labels] * np.float32(opacity)
    gain, edges = np.zeros(count + 1), np.zeros(count + 1)
    for worth, edge, axis in _edges(values, cover, color):
        near, far = ends(numbers, axis)
        spot = np.maximum(near, far)[edge]
        gain += np.bincount(spot, worth, count + 1)
        edges += np.bincount(spot, minlength=count + 1)
    size = np.bincount(numbers[on], minlength=count + 1)
    here = np.bincount(numbers[on], word.sure[on], count + 1) / np.maximum(size, 1)
    near_by = np.bincount(numbers[on], word.around[on], count + 1) / np.maximum(size, 1)
    told = np.stack([logit(here), logit(near_by), np.log1p(size), gain / np.maximum(edges, 1)], 1)
    keep = (told @ _SPOT + _SPOT_START > 0) & (size >= _SPECK)
    keep[0] = False
    made: Array = on & keep[numbers]
    return made


def _edges(values: Array, cover: Array, color: Array) -> list[tuple[Array, Array, int]]:
    """(what un-mixing gains where the cover changes, where (…) that is, axis), down and across."""
    through = (1 - cover).astype(np.float32)
    under = (values - cover[..., None] * color) / through[..., None]
    made = []
    for axis in (0, 1):
        one, other = ends(through, axis)
        edge = one != other
        shown = np.square(np.diff(values, axis=axis)[edge]).sum(1) / STEP**2
        left = np.square(np.diff(under, axis=axis)[edge]).sum(1) * (one * other)[edge] / STEP**2
        made.append((np.log1p(shown) - np.log1p(left), edge, axis))
    return made


def _fitted(
    values: Array, share: Array, opacity: float, color: Array
) -> tuple[float, Array] | None:
    """The opacity and colour (C,) that leave the smallest steps where ``share`` (H, W) changes."""
    firsts: list[Array] = []
    seconds: list[Array] = []
    near = ndimage.binary_dilation(share > 0, iterations=2)
    known = np.concatenate((values, share[..., None]), 2)
    for axis in (0, 1):
        for apart in (1, 2, 3):
            one, other = ends(known, axis, apart)
            close, closer = ends(near, axis, apart)
            edge = (one[..., -1] != other[..., -1]) & close & closer
            firsts.append(one[edge])
            seconds.append(other[edge])
    here, there = np.concatenate(firsts), np.concatenate(seconds)
    if len(here) < 40:
        return None
    if len(here) > _MOST:
        take = np.linspace(0, len(here) - 1, _MOST).astype(int)
        here, there = here[take], there[take]

    def cost(guess: Array) -> float:
        amount, tint = guess[0], guess[1:]
        if not 0.05 < amount < 0.95:
            return 1e9
        one, other = 1 - amount * here[:, -1], 1 - amount * there[:, -1]
        step = (here[:, :-1] - (1 - one)[:, None] * tint) / one[:, None]
        step = step - (there[:, :-1] - (1 - other)[:, None] * tint) / other[:, None]
        likely = np.log1p(np.square(step).sum(1) * one * other / STEP**2).mean()
        return float(likely + 10 * (np.maximum(-tint, 0) + np.maximum(tint - 1, 0)).sum())

    starts = [(opacity, color)]
    solid = share > 0.5
    alone = single.layer(values, solid) if solid.sum() > 50 else None
    if alone is not None and alone.opacity > 0.06:
        starts.append((alone.opacity, alone.color))
    made = [
        optimize.minimize(
            cost,
            np.concatenate(([np.clip(amount, 0.1, 0.9)], np.clip(tint, 0, 1))),
            method="Nelder-Mead",
            options={"maxfev": 250, "xatol": _NARROW, "fatol": 1e-4},
        )
        for amount, tint in starts
    ]
    best = min(made, key=lambda m: float(m.fun)).x
    return float(np.clip(best[0], 0.05, 0.95)), np.clip(best[1:], 0, 1).astype(np.float32)
