"""Pictures from places between the codes: grids, walks and traversals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Decode = Callable[[Array], Array]


def grid(
    decode: Decode, points: Array, side: int = 15
) -> tuple[Array, tuple[float, float, float, float]]:
    """A sheet of decoded places over the plane that ``points`` (N, 2) cover.

    Returns (side x side, *item), rows from top to bottom, and (left, right, bottom, top) of the cell
    centres: the middle 98 % of the points on each axis. ``decode`` maps places (M, 2) to items.
    """
    left, right = np.quantile(points[:, 0], [0.01, 0.99])
    bottom, top = np.quantile(points[:, 1], [0.01, 0.99])
    across, down = np.linspace(left, right, side), np.linspace(top, bottom, side)
    places = np.stack(np.meshgrid(across, down), -1).reshape(-1, 2).astype(np.float32)
    return decode(places), (float(left), float(right), float(bottom), float(top))


def walk(
    decode: Decode, start: Array, end: Array, steps: int = 12, spherical: bool = False
) -> Array:
    """Items along the way from one code to another: (steps, *item).

    ``spherical`` keeps the length of the code on the way (White 2016), which suits codes that were
    pulled to a normal distribution.
    """
    share = np.linspace(0, 1, steps, dtype=np.float32).reshape(-1, *[1] * start.ndim)
    if not spherical:
        return decode((1 - share) * start + share * end)
    a, b = start.reshape(-1).astype(np.float64), end.reshape(-1).astype(np.float64)
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    cosine = np.clip(a @ b / max(lengths, 1e-12), -1, 1)
    angle = np.arccos(cosine)
    if np.sin(angle) < 1e-6:
        return decode((1 - share) * start + share * end)
    ways = (np.sin((1 - share) * angle) * start + np.sin(share * angle) * end) / np.sin(angle)
    return decode(ways.astype(np.float32))


def traverse(decode: Decode, code: Array, spread: Array, steps: int = 9) -> Array:
    """What each number of a code does: (numbers, steps, *item), each moved from -2 to 2 spreads.

    ``code`` (*code) is the place to start from, ``spread`` (numbers,) the standard deviation of each
    number over the data.
    """
    flat = code.reshape(-1)
    rows = []
    for number in range(len(flat)):
        moved = np.repeat(flat[None], steps, 0)
        moved[:, number] = np.linspace(-2, 2, steps) * spread[number] + flat[number]
        rows.append(decode(moved.reshape(steps, *code.shape).astype(np.float32)))
    return np.stack(rows)
