"""After the synthesis: a small filter that undoes, on average, what quantising did to each pixel.

A pixel moves towards its neighbours by weights that depend on how busy it is around it and how near
the border of its block lies; the weights are fitted by least squares (like the adaptive loop filter
of VVC: Tsai et al. 2013, but fitted beforehand). Differences are clipped to half a step, so that
edges stay. Whole numbers only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
OFFSETS = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0), (0, 3), (3, 0))
ACTIVITIES, DISTANCES = 10, 4
CLASSES = ACTIVITIES * DISTANCES
RATES = 8
BITS = 8
"""One unit of weight is 2^-8."""
_MARGIN = 3
_ROWS = 64
_BORDERS = np.rint(256 * 2 ** ((np.arange(1, ACTIVITIES) - 6) / 2)).astype(np.int64)


def rate_class(step: int) -> int:
    """Which of the RATES sets of weights a step's index takes: one an octave."""
    return int(np.clip((step - 144) // 32, 0, RATES - 1))


def smoothed(planes: Array, sizes: Array, step: int, weights: Array) -> Array:
    """Planes (planes, height, width) int32, filtered.

    ``sizes`` (rows, columns) of the blocks; ``step`` in the planes' unit; ``weights`` (2, CLASSES,
    offsets) int16: for brightness and for colour.
    """
    out = np.empty_like(planes)
    distance = borders(sizes)
    for plane, values in enumerate(planes):
        padded = np.pad(np.clip(values, -32000, 32000).astype(np.int16), _MARGIN, "edge")
        table = np.ascontiguousarray(weights[min(plane, 1)].T.astype(np.int32))
        for top in range(0, len(values), _ROWS):
            rows = padded[top : top + _ROWS + 2 * _MARGIN]
            here = classes(rows, distance[top : top + _ROWS], step)
            total = np.full(here.shape, 1 << (BITS - 1), np.int32)
            for number, pair in enumerate(differences(rows, step)):
                total += table[number][here] * pair
            out[plane, top : top + _ROWS] = values[top : top + _ROWS] + (total >> BITS)
    return out


def differences(rows: Array, step: int) -> list[Array]:
    """For each offset the clipped differences to both opposite neighbours, int16."""
    height, width = rows.shape[0] - 2 * _MARGIN, rows.shape[1] - 2 * _MARGIN
    m, most = _MARGIN, max(step >> 1, 1)
    middle = rows[m : m + height, m : m + width]
    found = []
    for y, x in OFFSETS:
        first = rows[m + y : m + y + height, m + x : m + x + width] - middle
        second = rows[m - y : m - y + height, m - x : m - x + width] - middle
        found.append(np.clip(first, -most, most) + np.clip(second, -most, most))
    return found


def classes(rows: Array, distance: Array, step: int) -> Array:
    """(height, width) of 0..CLASSES - 1: how busy, and how near a block's border."""
    wide = rows[1:-1, 1:-1].astype(np.int32)
    bend = np.abs(2 * wide[1:-1, 1:-1] - wide[:-2, 1:-1] - wide[2:, 1:-1])
    bend += np.abs(2 * wide[1:-1, 1:-1] - wide[1:-1, :-2] - wide[1:-1, 2:])
    busy = bend[:-2, 1:-1] + bend[2:, 1:-1] + bend[1:-1, :-2] + bend[1:-1, 2:] + bend[1:-1, 1:-1]
    borders = (_BORDERS * step) >> 8
    made: Array = np.searchsorted(borders, busy, side="right") * DISTANCES + distance
    return made


def borders(sizes: Array) -> Array:
    """How far each pixel lies from its block's border, 0..3, (rows * 8, columns * 8)."""
    side = (8 << sizes.astype(np.int64)).repeat(8, 0).repeat(8, 1)
    y, x = np.arange(side.shape[0])[:, None], np.arange(side.shape[1])
    down, across = y & (side - 1), x & (side - 1)
    near = np.minimum(np.minimum(down, side - 1 - down), np.minimum(across, side - 1 - across))
    made: Array = np.minimum(near, DISTANCES - 1)
    return made
