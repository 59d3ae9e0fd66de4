"""What was taken for noise but is texture: found by where it was taken, and given back.

Noise is everywhere, as strong in the sky as on the grass beside it; only light changes it. So what a
network takes away on textured places beyond what it takes on the calmest of the same brightness is
not noise. This needs no knowledge of the noise, and leaves clean photographs alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_BLOCK = 16
_LEVELS = 5
# The calmest blocks of a level of brightness, and how far others may go beyond them.
_CALM, _BEYOND = 20, 1.5
_BY_LIGHT = 2.5
_LEAST_BLOCKS = 8


def kept(before: Array, after: Array) -> Array:
    """How much of the change (0..1) may stay in each block of 16 x 16 pixels: (rows, columns).

    ``before`` and ``after`` (height, width, channels) of one kind.
    """
    height, width = before.shape[:2]
    rows, columns = max(height // _BLOCK, 1), max(width // _BLOCK, 1)
    change, light = np.empty((rows, columns)), np.empty((rows, columns))
    for row in range(rows):
        top, bottom = row * _BLOCK, height if row + 1 == rows else (row + 1) * _BLOCK
        first = before[top:bottom].astype(np.float32)
        moved = np.square(after[top:bottom].astype(np.float32) - first).mean((0, 2))
        bright = first.mean((0, 2))
        edges = np.arange(columns) * min(_BLOCK, width)
        count = np.diff(np.append(edges, width))
        change[row] = np.sqrt(np.add.reduceat(moved, edges) / count)
        light[row] = np.add.reduceat(bright, edges) / count
    allowed = _BEYOND * _calm(change.reshape(-1), light.reshape(-1)).reshape(change.shape)
    made: Array = np.minimum(1, allowed / np.maximum(change, 1e-9))
    return made


def _calm(change: Array, light: Array) -> Array:
    """What the calmest blocks of like brightness lose, for every block (N,)."""
    order = np.argsort(light, kind="stable")
    levels = max(min(_LEVELS, len(order) // _LEAST_BLOCKS), 1)
    parts = np.array_split(order, levels)
    middles = [float(light[part].mean()) for part in parts]
    # Where all that is bright is grass, nothing calm shows how noisy brightness is: light alone
    # makes noise a few times stronger, not more.
    most = _BY_LIGHT * float(np.percentile(change, _CALM))
    calm = [min(float(np.percentile(change[part], _CALM)), most) for part in parts]
    made: Array = np.interp(light, middles, calm)
    return made


def over(rows: slice, factors: Array, height: int, width: int) -> Array:
    """The factors of ``kept`` for each pixel of ``rows``, without steps between blocks: (rows, width)."""
    down = (np.arange(*rows.indices(height)) + 0.5) / _BLOCK - 0.5
    across = (np.arange(width) + 0.5) / _BLOCK - 0.5
    low = np.clip(np.floor(down).astype(int), 0, len(factors) - 1)
    high = np.minimum(low + 1, len(factors) - 1)
    part = np.clip(down - low, 0, 1)[:, None]
    first = low[0]
    wide = np.stack(
        [
            np.interp(across, np.arange(factors.shape[1]), line)
            for line in factors[first : high[-1] + 1]
        ]
    )
    made: Array = (wide[low - first] * (1 - part) + wide[high - first] * part).astype(np.float32)
    return made
