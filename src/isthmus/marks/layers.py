"""Finding the one layer a mark is made of, from a network's first idea of where it is.

By turns: where the layer lies (``labels``), given its opacity and colour; and its opacity and
colour, given where it lies. Several colours are tried first; what explains the picture's edges best, and
lies where the network says, is taken, its own edges are looked at closely (``edges``), and behind it a
shadow is looked for (``shadow``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from isthmus.marks import shadow as shadows
from isthmus.marks import single
from isthmus.marks.edges import sharpened
from isthmus.marks.grid import ends, reduced
from isthmus.marks.labels import PARTS, STEP, labelled, logit

Array = NDArray[Any]
_MOST_PIXELS = 300_000
"""A layer's opacity and colour are sought in a picture reduced to about so many."""
_FIRST_ROUNDS, _MORE_ROUNDS = 2, 3
"""Turns for each of the colours, and for the one that is taken."""
_FEWEST, _MOST = 12, 6_000
_SPECK = 6
_REACH, _HINTED = 25, 0.1
"""A mark goes no further than a few pixels from where the network has at least a hint of it."""
_NARROW = 4e-3
_ALIKE = 0.1
"""Colours this near to each other need not both be tried."""
# A spot belongs to the mark or not by: the network's mean word there, and around; its size; what each of its
# edges gains; how much of the layer it holds. Fitted on 4,334 spots of 58 marked training photographs: a
# twentieth of the marks' own area is given up for half of what is not theirs.
_SPOT = np.array([0.57, -0.16, -0.10, 0.97, 3.15])
_SPOT_START = -2.0
_SAID = 0.3
"""Where the network says less, spots are others than where it says more, though they touch."""


@dataclass(frozen=True)
class Found:
    """A layer and where it is: each pixel holds ``share`` (H, W) of 0..1 of it; behind it a shadow may lie.

    ``gain`` is how much likelier, in nats an edge, the picture is without it; ``overlap`` (0..1) how far
    it lies where the network said (Dice).
    """

    share: Array
    color: Array
    opacity: float
    gain: float
    overlap: float
    shadow: shadows.Shadow | None = None

    def mixed(self) -> tuple[Array, Array]:
        """(opacity (H, W), light (H, W, C) that is added) of layer and shadow together."""
        cover = self.share * np.float32(self.opacity)
        added = cover[..., None] * self.color
        if self.shadow is None:
            return cover, added
        dim = (1 - cover) * self.shadow.over(self.share)
        return cover + dim, added + (dim * np.float32(self.shadow.shade))[..., None]


@dataclass(frozen=True)
class _Word:
    """What a network says of a picture's pixels (H, W): how ``sure`` it is of a mark there and, smoothed,
    ``around``; whether there is a hint nearby, and whether it is ``said`` next to it."""

    sure: Array
    around: Array
    hinted: Array
    said: Array

    @classmethod
    def of(cls, sure: Array) -> _Word:
        """All of it, from how sure the network is."""
        hinted = ndimage.maximum_filter(sure, _REACH) > _HINTED
        said = ndimage.maximum_filter(sure, 9) > _SAID
        return cls(sure, ndimage.gaussian_filter(sure, 8), hinted, said)


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
    usual = [np.ones_like(said), np.zeros_like(said)]
    colors = [said, *(c for c in usual if np.abs(c - said).max() > _ALIKE)]
    tried = [_by_turns(small, word, first, color, _FIRST_ROUNDS) for color in colors]
    held = [t for t in tried if t is not None]
    if not held:
        return None
    best = max(held, key=lambda t: t.gain * t.overlap)
    best = _by_turns(small, word, best.opacity, best.color, _MORE_ROUNDS) or best
    best = _closely(small, best, word)
    if scale == 1:
        return best
    # At full size only where exactly is left to say.
    near = ndimage.binary_dilation(best.share > 0)
    near = near.repeat(scale, 0).repeat(scale, 1)[: sure.shape[0], : sure.shape[1]]
    behind = None if best.shadow is None else best.shadow.enlarged(scale)
    labels = labelled(values, sure, best.opacity, best.color, near, stroke=scale)
    share = sharpened(values, PARTS[labels], best.opacity, best.color, behind)
    return replace(best, share=share, shadow=behind)


def _closely(values: Array, found: Found, word: _Word) -> Found:
    """What was found, its edges and its shadow looked at closely, its opacity and colour with them."""
    share, opacity, color = refined(values, found.share, found.opacity, found.color)
    lies = _supported(values, share, word, opacity, color)
    if lies.sum() < _FEWEST:
        return found
    share = np.where(lies, share, np.float32(0))
    behind = shadows.find(values, share, opacity, color)
    if behind is None:
        return _judged(values, word, share, opacity, color)
    shadow, opacity, color = behind
    stroke = max(shadows.stroke(share), 1.0)
    rough = PARTS[labelled(values, word.sure, opacity, color, stroke=stroke)]
    lies = _supported(values, rough, word, opacity, color)
    share = sharpened(values, np.where(lies, rough, np.float32(0)), opacity, color, shadow)
    return replace(_judged(values, word, share, opacity, color), shadow=shadow)


def refined(
    values: Array, share: Array, opacity: float, color: Array
) -> tuple[Array, float, Array]:
    """(share, opacity, colour) of a layer of which they are nearly known: its edges, and what fits them."""
    better = _fitted(values, sharpened(values, share, opacity, color), opacity, color)
    opacity, color = better or (opacity, color)
    return sharpened(values, share, opacity, color), opacity, color


def _by_turns(
    values: Array, word: _Word, opacity: float, color: Array, rounds: int
) -> Found | None:
    for _ in range(rounds):
        share = _lying(values, word, opacity, color)
        if (share > 0).sum() < _FEWEST:
            return None
        better = _fitted(values, share, opacity, color)
        if better is None:
            return None
        still = abs(better[0] - opacity) < 0.015 and float(np.abs(better[1] - color).max()) < 0.02
        opacity, color = better
        if still:
            break
    share = _lying(values, word, opacity, color)
    return _judged(values, word, share, opacity, color) if (share > 0).sum() >= _FEWEST else None


def _lying(values: Array, word: _Word, opacity: float, color: Array) -> Array:
    """The share (H, W) of the layer that each pixel holds, in thirds."""
    share = PARTS[labelled(values, word.sure, opacity, color)]
    made: Array = np.where(_supported(values, share, word, opacity, color), share, np.float32(0))
    return made


def _judged(values: Array, word: _Word, share: Array, opacity: float, color: Array) -> Found:
    gains = np.concatenate([g for g, _, _ in _edges(values, share * np.float32(opacity), color)])
    wide = ndimage.binary_dilation(share > 0)
    overlap = 2 * float(word.sure[wide].sum()) / (float(word.sure.sum()) + float(wide.sum()))
    # A layer without edges explains nothing.
    return Found(share, color, opacity, float(gains.mean()) if gains.size else 0.0, overlap)


def _supported(values: Array, share: Array, word: _Word, opacity: float, color: Array) -> Array:
    """Where (H, W) the layer is, without the spots that are more likely something else."""
    on: Array = (share > 0) & word.hinted
    numbers, count = _spots(on, word.said)
    gain, edges = np.zeros(count + 1), np.zeros(count + 1)
    for worth, edge, axis in _edges(values, share * np.float32(opacity), color):
        near, far = ends(numbers, axis)
        spot = np.maximum(near, far)[edge]
        gain += np.bincount(spot, worth, count + 1)
        edges += np.bincount(spot, minlength=count + 1)
    size = np.bincount(numbers[on], minlength=count + 1)

    def mean(of: Array) -> Array:
        made: Array = np.bincount(numbers[on], of[on], count + 1) / np.maximum(size, 1)
        return made

    worth = gain / np.maximum(edges, 1)
    told = [logit(mean(word.sure)), logit(mean(word.around)), np.log1p(size), worth, mean(share)]
    keep = (np.stack(told, 1) @ _SPOT + _SPOT_START > 0) & (size >= _SPECK)
    keep[0] = False
    made: Array = on & keep[numbers]
    return made


def _spots(on: Array, said: Array) -> tuple[Array, int]:
    """The number (H, W) of each spot, from one, and how many there are; none lies on both sides of
    the border of ``said`` (H, W)."""
    around = np.ones((3, 3))
    numbers, count = ndimage.label(on & said, around)
    others, more = ndimage.label(on & ~said, around)
    return numbers + np.where(others > 0, others + count, 0), count + more


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
