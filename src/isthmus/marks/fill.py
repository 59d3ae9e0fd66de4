"""Filling holes of pictures with what is around them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.marks.integrate import within

Array = NDArray[Any]


def fill(pixels: Array, holes: Array) -> Array:
    """``pixels`` (H, W, C) floats with the true ones of ``holes`` (H, W) as smooth as can be.

    The harmonic function whose border is what is around: no step, no spot, no invention.
    """
    out = pixels.copy()
    if not holes.any() or holes.all():
        return out
    top, bottom, left, right = _box(holes)
    part, hole = out[top:bottom, left:right], holes[top:bottom, left:right]
    across, down = (
        np.zeros((hole.shape[0], hole.shape[1] - 1)),
        np.zeros((hole.shape[0] - 1, hole.shape[1])),
    )
    trust = np.ones_like(across), np.ones_like(down)
    for channel in range(part.shape[2]):
        start = np.full(hole.shape, part[..., channel][~hole].mean())
        made = within(hole, across, down, trust, start, part[..., channel])
        part[..., channel][hole] = made[hole]
    return out


def _box(holes: Array) -> tuple[int, int, int, int]:
    """The part that holds all holes, and one pixel around."""
    rows, columns = np.flatnonzero(holes.any(1)), np.flatnonzero(holes.any(0))
    height, width = holes.shape
    return (
        max(int(rows[0]) - 1, 0),
        min(int(rows[-1]) + 2, height),
        max(int(columns[0]) - 1, 0),
        min(int(columns[-1]) + 2, width),
    )
