"""The decoder's side: quantised coefficients to colour planes, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.codec import layout
from isthmus.codec.transform import LARGEST, SIZES, inverse

Array = NDArray[Any]


def unhaar(means: Array) -> Array:
    """The Haar step's reverse on whole numbers, (…, even, even)."""
    a, b = means[..., ::2, ::2], means[..., ::2, 1::2]
    c, d = means[..., 1::2, ::2], means[..., 1::2, 1::2]
    made = np.empty_like(means)
    made[..., ::2, ::2], made[..., ::2, 1::2] = (a + b + c + d + 1) >> 1, (a - b + c - d + 1) >> 1
    made[..., 1::2, ::2], made[..., 1::2, 1::2] = (a + b - c - d + 1) >> 1, (a - b - c + d + 1) >> 1
    return made


def planes(levels: Array, sizes: Array, step: int) -> Array:
    """Levels (64, planes, rows, columns) in 1/64 of ``step`` to planes (planes, height, width), int32.

    Both the step and the result are in units of 2^-FRACTION of a pixel's level.
    """
    count, rows, columns = levels.shape[1:]
    values = _values(levels, sizes, step)
    out = np.empty((count, rows * 8, columns * 8), np.int32)
    for kind, size in enumerate(SIZES):
        k = size // 8
        here = sizes[::k, ::k] == kind
        if not here.any():
            continue
        view = out.reshape(count, rows // k, size, columns // k, size)
        where = np.nonzero(here)
        for plane in range(count):
            blocks = layout.from_bands(values[:, plane], size)[where]
            view[plane][where[0], :, where[1]] = inverse(blocks)
    return out


def small_planes(levels: Array, sizes: Array, step: int) -> Array:
    """The planes at an eighth of their size, from band (0, 0) alone: (planes, rows, columns)."""
    first = _values(levels[:1], sizes, step)[0]
    count, rows, columns = first.shape
    out: Array = np.empty_like(first)
    for kind in range(len(SIZES)):
        k = 1 << kind
        patches = first.reshape(count, rows // k, k, columns // k, k).swapaxes(2, 3)
        if k == 4:
            patches = patches[..., layout.SWAP, :][..., layout.SWAP]
        shape = patches.shape
        made = inverse(np.ascontiguousarray(patches).reshape(-1, k, k)).reshape(shape)
        whole = made.swapaxes(2, 3).reshape(first.shape)
        out = np.where(sizes == kind, np.floor(whole / 8 + 0.5), out).astype(np.int32)
    return out


def _values(levels: Array, sizes: Array, step: int) -> Array:
    """Dequantised coefficients, the means apart again."""
    values: Array = np.clip((levels.astype(np.int64) * step + 32) >> 6, -LARGEST, LARGEST)
    values = values.astype(np.int32)
    first = values[0]
    first[:, ::2, ::2] = np.where(
        sizes[::2, ::2] < 2, unhaar(first[:, ::2, ::2]), first[:, ::2, ::2]
    )
    values[0] = np.where(sizes == 0, unhaar(first), first)
    return values
