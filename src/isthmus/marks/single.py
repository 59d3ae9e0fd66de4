"""One layer on one picture: its opacity and colour, once it is known where it is.

What is behind the two sides of the mark's edge is nearly the same, and differs from place to place
along it: as bright and as varied on one side as on the other. On the mark's side the variety is smaller
by 1 - a, which gives the opacity; the rest of the brightness is the colour's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from isthmus.marks.grid import ends

Array = NDArray[Any]
_FEWEST, _MOST = 60, 20_000
_SURE = 0.12
_ROUNDS = 12
_NEIGHBOURS = 12
"""Pairs beside each other say the same: so many count as one."""


@dataclass(frozen=True)
class Layer:
    """Opacity 0..1, colour (C,) 0..1, and the standard error of the opacity."""

    opacity: float
    color: Array
    error: float


def layer(values: Array, mask: Array) -> Layer | None:
    """The layer that covers ``mask`` (H, W) of a picture (H, W, C) of floats 0..1; None if unclear."""
    inside, outside, apart = _cores(mask)
    firsts, seconds = [], []
    for axis in (0, 1):
        near, far = ends(inside, axis, apart), ends(outside, axis, apart)
        sides = ends(values, axis, apart)
        for one, other in ((0, 1), (1, 0)):
            both = near[one] & far[other]
            firsts.append(sides[one][both])
            seconds.append(sides[other][both])
    within, beyond = np.concatenate(firsts), np.concatenate(seconds)
    if len(within) < _FEWEST:
        return None
    if len(within) > _MOST:
        take = np.linspace(0, len(within) - 1, _MOST).astype(int)
        within, beyond = within[take], beyond[take]
    through, color, error = _matched(within, beyond)
    if not (0.03 < through < 0.97) or error > _SURE:
        return None
    return Layer(1 - through, color, error)


def _matched(within: Array, beyond: Array) -> tuple[float, Array, float]:
    """(1 - a, C, error of a) for which J - a C over 1 - a is like what is beyond: values (N, C) each."""
    weight = np.ones((len(within), 1), np.float32)
    through, color, error = 1.0, np.zeros(within.shape[1], np.float32), 1.0
    for _ in range(_ROUNDS):
        total = weight.sum() * within.shape[1]
        here, there = (weight * within).sum(0), (weight * beyond).sum(0)
        here, there = here / weight.sum(), there / weight.sum()
        one, other = within - here, beyond - there
        vary = float((weight * other * other).sum() / total)
        both = float((weight * one * other).sum() / total)
        own = float((weight * one * one).sum() / total)
        through = min(max((own / max(vary, 1e-8)) ** 0.5, 0.03), 0.98)
        alike = min(max(both / max((own * vary) ** 0.5, 1e-8), 0.0), 1.0)
        error = through * ((1 - alike * alike) / (weight.sum() / _NEIGHBOURS)) ** 0.5
        error += 0.01 / max(vary, 1e-6) ** 0.5 * (1 - alike)
        color = (here - through * there) / (1 - through)
        if (color < 0).any() or (color > 1).any():
            # No such colour exists: with the nearest that does, one number is left.
            color = np.clip(color, 0, 1)
            near, far = np.square(within - color), np.square(beyond - color)
            near_sum, far_sum = float((weight * near).sum()), float((weight * far).sum())
            through = min(max((near_sum / max(far_sum, 1e-6)) ** 0.5, 0.03), 0.98)
            both = float((weight * (within - color) * (beyond - color)).sum())
            alike = min(max(both / max((near_sum * far_sum) ** 0.5, 1e-6), 0.0), 1.0)
            error = through * ((1 - alike * alike) / (weight.sum() / _NEIGHBOURS)) ** 0.5
        left = np.abs((within - (1 - through) * color) / through - beyond).mean(1, keepdims=True)
        spread = float(np.median(left)) * 1.4826 + 0.01
        weight = (1 / (1 + np.square(left / (2 * spread)))).astype(np.float32)
    return through, color, float(error)


def _cores(mask: Array) -> tuple[Array, Array, int]:
    """What is surely inside and surely outside, and how far apart pixels of the two are."""
    outside = ~ndimage.binary_dilation(mask)
    for depth in (2, 1):
        inside = ndimage.binary_erosion(mask, iterations=depth)
        if inside.sum() >= 0.25 * mask.sum():
            return inside, outside, depth + 3
    return mask, outside, 3
