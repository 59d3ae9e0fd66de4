"""One layer on one picture: its opacity and colour, once it is known where it is.

Pixels on both sides of the mark's edge stand for the pictures of ``steps``: what is behind them is
nearly the same, and all edges of a layer obey one line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from isthmus.marks import steps

Array = NDArray[Any]
_FEWEST, _MOST = 60, 20_000
_SURE = 0.06
_APART = 3
"""Pixels between the two of a pair: an edge is one or two pixels wide."""


@dataclass(frozen=True)
class Layer:
    """Opacity 0..1, colour (C,) 0..1, and the standard error of the opacity."""

    opacity: float
    color: Array
    error: float


def layer(values: Array, mask: Array) -> Layer | None:
    """The layer that covers ``mask`` (H, W) of a picture (H, W, C) of floats 0..1; None if unclear."""
    inside, outside = _cores(mask)
    firsts, seconds = [], []
    for axis in (0, 1):
        near, far = _ends(inside, axis), _ends(outside, axis)
        sides = _ends(values, axis)
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
    step, light = within - beyond, (within + beyond) / 2
    line = steps.line(step[:, None].astype(np.float32), light[:, None].astype(np.float32))
    slope = float(line.slope[0])
    ratio = (2 + slope) / max(2 - slope, 1e-3)
    error = float(line.error[0]) * ratio / (1 - min(slope * slope / 4, 0.99))
    color = -line.offset[0] / slope if abs(slope) > 1e-3 else np.full(values.shape[2], 2.0)
    if not (0.01 < ratio < 0.97) or error > _SURE or (color < -0.1).any() or (color > 1.1).any():
        return None
    return Layer(1 - ratio, np.clip(color, 0, 1), error)


def _cores(mask: Array) -> tuple[Array, Array]:
    """What is surely inside and surely outside, a pixel from the edge; thin marks have no inside then."""
    inside = ndimage.binary_erosion(mask)
    if inside.sum() < 0.25 * mask.sum():
        inside = mask
    outside = ~ndimage.binary_dilation(mask, iterations=1)
    return inside, outside


def _ends(values: Array, axis: int) -> tuple[Array, Array]:
    if axis == 1:
        return values[:, :-_APART], values[:, _APART:]
    return values[:-_APART], values[_APART:]
