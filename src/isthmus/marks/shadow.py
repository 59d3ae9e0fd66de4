"""The soft shadow (or glow) behind a layer: its shape moved a little and smoothed, in black or white.

Steps between neighbours tell nothing of it, they are too small. Pairs of pixels some way apart do: a
picture without its shadow has smaller steps across it, all along the mark.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from isthmus.marks.grid import ends, reduced
from isthmus.marks.labels import STEP

Array = NDArray[Any]
_APART = (1, 2, 4, 8)
_REACH = 14
_MOST = 12_000
_FURTHEST, _WIDEST, _STRONGEST = 10.0, 12.0, 0.85
_USUAL = 5.0
"""So many pixels wide strokes are in photographs of usual size; what a shadow is like goes with them."""
_FIRST = 0.35
"""How strong a shadow is thought to be at first."""
_PROMISING, _WORTH = 0.004, 0.03
"""What a shadow must explain, in nats a pair: the first guesses, and the one that is taken."""
_BRIGHT = 0.3
"""What is brighter than this throws black shadows; what is darker glows white."""
_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Shadow:
    """``strength`` 0..1 of black (``shade`` 0) or white (1), moved and smoothed by so many pixels."""

    strength: float
    down: float
    across: float
    spread: float
    shade: float

    def over(self, share: Array) -> Array:
        """Its opacity (H, W) behind a layer of which the pixels hold ``share`` (H, W) of 0..1."""
        moved = ndimage.shift(share, (self.down, self.across), order=1, prefilter=False)
        made: Array = np.float32(self.strength) * ndimage.gaussian_filter(
            moved.astype(np.float32), self.spread, truncate=3
        )
        return made

    def enlarged(self, scale: int) -> Shadow:
        """The same on a picture ``scale`` times as large."""
        return replace(
            self, down=self.down * scale, across=self.across * scale, spread=self.spread * scale
        )


def find(
    values: Array, share: Array, opacity: float, color: Array
) -> tuple[Shadow, float, Array] | None:
    """The shadow behind a layer on a picture (H, W, C) of 0..1, and what the layer's opacity and colour
    (C,) then are; None where there is none. ``share`` (H, W) is 0..1."""
    # Thick strokes throw wide shadows: from further away they are as those of others.
    scale = max(round(stroke(share)), 1)
    small = reduced(np.concatenate((values, share[..., None]), 2), scale)
    found = _find(small[..., :-1], small[..., -1], opacity, color)
    if found is None:
        return None
    shadow, opacity, color = found
    return shadow.enlarged(scale), opacity, color


def stroke(share: Array) -> float:
    """How many times as wide as usual the strokes of a layer are: twice its area for the length of its
    border."""
    solid = share > 0.5
    border = sum(int(np.diff(solid, axis=axis).sum()) for axis in (0, 1))
    return 2 * float(solid.sum()) / max(border, 1) / _USUAL


def _find(
    values: Array, share: Array, opacity: float, color: Array
) -> tuple[Shadow, float, Array] | None:
    pairs = _Pairs(values, share)
    shade = 0.0 if _luma(color) > _BRIGHT else 1.0
    bare = pairs.cost(opacity, color, None)

    def guess(told: Array) -> Shadow | None:
        strength, down, across, spread = *told[:3], np.exp(min(told[3], 5))
        inside = 0 <= strength < _STRONGEST and max(abs(down), abs(across)) < _FURTHEST
        if not inside or not 0.6 < spread < _WIDEST:
            return None
        return Shadow(float(strength), float(down), float(across), float(spread), shade)

    def alone(told: Array) -> float:
        shadow = guess(told)
        return 9.0 if shadow is None else pairs.cost(opacity, color, shadow)

    def together(told: Array) -> float:
        shadow, tint = guess(told[-4:]), told[1:-4]
        if shadow is None or not 0.05 < told[0] < 0.95:
            return 9.0
        beyond = float((np.maximum(-tint, 0) + np.maximum(tint - 1, 0)).sum())
        return pairs.cost(float(told[0]), tint, shadow) + 10 * beyond

    starts = [
        np.array([_FIRST, 1.2 * down * spread, 1.2 * across * spread, np.log(spread)])
        for spread in (2.0, 4.0, 8.0)
        for down in (-1, 0, 1)
        for across in (-1, 0, 1)
    ]
    costs = [alone(start) for start in starts]
    if bare - min(costs) < _PROMISING:
        return None
    first = _least(alone, starts[int(np.argmin(costs))], np.array([0.15, 1, 1, 0.4]), 120)
    if bare - alone(first) < _WORTH:
        return None
    aside = np.where(np.asarray(color) < 0.5, 0.05, -0.05)
    told = _least(
        together,
        np.concatenate(([opacity], color, first)),
        np.concatenate(([0.05], aside, [0.1, 1, 1, 0.3])),
        400,
    )
    shadow = guess(told[-4:])
    assert shadow is not None
    return shadow, float(told[0]), np.clip(told[1:-4], 0, 1).astype(np.float32)


class _Pairs:
    """Pixels of a picture beside and some way from each other, of which one at least is near the layer."""

    def __init__(self, values: Array, share: Array) -> None:
        near = ndimage.binary_dilation(share > 0, iterations=_REACH)
        numbers = np.arange(share.size).reshape(share.shape)
        firsts, seconds = [], []
        for axis in (0, 1):
            for apart in _APART:
                one, other = ends(numbers, axis, apart)
                close, closer = ends(near, axis, apart)
                firsts.append(one[close | closer])
                seconds.append(other[close | closer])
        pair = np.stack([np.concatenate(firsts), np.concatenate(seconds)])
        if pair.shape[1] > _MOST:
            pair = pair[:, np.linspace(0, pair.shape[1] - 1, _MOST).astype(int)]
        self._pair = pair
        self._share = share
        self._held = share.reshape(-1)[pair]
        self._values = values.reshape(share.size, -1)[pair]

    def cost(self, opacity: float, color: Array, shadow: Shadow | None) -> float:
        """Mean cost of a pair's step, as ``labels`` counts it, once layer and shadow are taken off."""
        cover = opacity * self._held
        through = 1 - cover
        under = (self._values - cover[..., None] * color) / through[..., None]
        if shadow is not None:
            dim = shadow.over(self._share).reshape(-1)[self._pair]
            under = (under - (dim * shadow.shade)[..., None]) / (1 - dim)[..., None]
            through = through * (1 - dim)
        size = np.square(under[0] - under[1]).sum(1) * through[0] * through[1] / STEP**2
        beyond = np.maximum(-under, 0) + np.maximum(under - 1, 0)
        return float(np.log1p(size).mean() + 4 * beyond.mean())


def _least(cost: Any, start: Array, steps: Array, most: int) -> Array:
    corners = np.concatenate([start[None], start + np.diag(steps)])
    made: Array = optimize.minimize(
        cost,
        start,
        method="Nelder-Mead",
        options={"maxfev": most, "initial_simplex": corners, "xatol": 3e-3, "fatol": 1e-5},
    ).x
    return made


def _luma(color: Array) -> float:
    return float(color @ _LUMA) if len(color) == 3 else float(color.mean())
