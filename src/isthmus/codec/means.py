"""The means of the superblocks, as an integer picture: coarse to fine, each between its neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
LARGEST = (1 << 15) - 1
"""Of a residual: 15 bits at most."""
_CORNERS, _SIDES = ((-1, -1), (1, 1), (-1, 1), (1, -1)), ((-1, 0), (1, 0), (0, -1), (0, 1))


def stages(rows: int, columns: int) -> Iterator[tuple[Array, Array, int, Any]]:
    """(row, column) of the means that are coded together, and where their neighbours are."""
    stride = 1
    while stride < max(rows, columns):
        stride *= 2
    yield np.zeros(1, np.int64), np.zeros(1, np.int64), 0, ()
    while stride > 1:
        half = stride // 2
        for tops, lefts, around in (
            ((half,), (half,), _CORNERS),
            ((0, half), (half, 0), _SIDES),
        ):
            ys, xs = [], []
            for top, left in zip(tops, lefts, strict=True):
                y, x = np.mgrid[top:rows:stride, left:columns:stride]
                ys.append(y.ravel())
                xs.append(x.ravel())
            yield np.concatenate(ys), np.concatenate(xs), half, around
        stride = half


def expect(means: Array, ys: Array, xs: Array, half: int, around: Any) -> tuple[Array, Array]:
    """(expected value, how unsure 0..15) of each place: integers only.

    Opposite neighbours make two pairs; the pair that differs less counts more.
    """
    if not around:
        return np.zeros(len(ys), np.int64), np.full(len(ys), 15)
    height, width = means.shape
    seen, inside = [], []
    for dy, dx in around:
        y, x = ys + dy * half, xs + dx * half
        here = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        inside.append(here)
        seen.append(np.where(here, means[np.where(here, y, 0), np.where(here, x, 0)], 0))
    a, b, c, d = seen
    count = inside[0].astype(np.int64) + inside[1] + inside[2] + inside[3]
    plain = (2 * (a + b + c + d) + count) // (2 * np.maximum(count, 1))
    first, second = np.abs(a - b) + 1, np.abs(c - d) + 1
    weighed = ((a + b) * second + (c + d) * first + first + second) // (2 * (first + second))
    unsure = np.minimum(lengths(first + second + np.abs(a + b - c - d) - 2), 13)
    full = count == 4
    return np.where(full, weighed, plain), np.where(full, unsure, 14)


def lengths(values: Array) -> Array:
    """How many binary digits each number >= 0 has (below 2^53)."""
    return np.frexp(values.astype(np.float64))[1].astype(np.int64)
