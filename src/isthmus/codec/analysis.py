"""The encoder's side: pixels to coefficients, and which blocks to use where. Floats are free here."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.codec import layout
from isthmus.codec.transform import SIZES, forward

Array = NDArray[Any]
# What a coefficient costs in bits, roughly: of the first bit, of each doubling, of a zero's chance.
_NONZERO, _DOUBLING, _ZERO = 4.0, 2.0, 0.6
_TILT = np.array([layout.TILT[u + v] for u, v in layout.ORDER])
_SPLIT = (3.0, 1.0)
"""Bits that a superblock's and a block's division cost."""


def haar(means: Array) -> Array:
    """The orthonormal 2 x 2 Haar step in place, (…, even, even) floats."""
    a, b = means[..., ::2, ::2], means[..., ::2, 1::2]
    c, d = means[..., 1::2, ::2], means[..., 1::2, 1::2]
    made = np.empty_like(means)
    made[..., ::2, ::2], made[..., ::2, 1::2] = (a + b + c + d) / 2, (a - b + c - d) / 2
    made[..., 1::2, ::2], made[..., 1::2, 1::2] = (a + b - c - d) / 2, (a - b - c + d) / 2
    return made


def candidates(planes: Array) -> list[Array]:
    """For each block size the coefficients (64, …, rows, columns) of planes (…, height, width)."""
    found = []
    for size in SIZES:
        bands = layout.to_bands(forward(planes, size))
        if size == 8:
            bands[0] = haar(bands[0])
        if size < 32:
            bands[0, ..., ::2, ::2] = haar(bands[0, ..., ::2, ::2])
        found.append(bands)
    return found


def divide(found: list[Array], step: float, trade: float) -> Array:
    """The block sizes (…, rows, columns) of least error + trade x bits, from what bits are likely.

    ``found`` (64, planes, …, rows, columns) for each size; ``step`` in the same units.
    """
    worth = (trade * _TILT).astype(np.float32).reshape(64, *[1] * (found[0].ndim - 1))
    costs = []
    for bands in found:
        x = np.abs(bands) * np.float32(1 / step)
        q = np.floor(x + np.float32(0.36))
        bits = np.where(
            q > 0,
            _NONZERO + _DOUBLING * np.log2(np.maximum(q, 1)),
            _ZERO * np.square(np.minimum(x, 1)),
        )
        costs.append((np.square(x - q) + worth * bits).sum((0, 1)))
    return cheapest_sizes(costs, trade)


def cheapest_sizes(costs: list[Array], trade: float) -> Array:
    """The block sizes (…, rows, columns) that cost least, given what each size costs at every cell."""
    eight, sixteen, large = _sums(costs[0], 2), _sums(costs[1], 2), _sums(costs[2], 4)
    eight = eight + trade * _SPLIT[1]
    fine = eight < sixteen
    divided = _sums(np.minimum(eight, sixteen), 2) + trade * _SPLIT[0]
    sizes = np.where(_spread(large < divided, 4), 2, np.where(_spread(fine, 2), 0, 1))
    return sizes.astype(np.uint8)


def chosen(found: list[Array], sizes: Array) -> Array:
    """The coefficients of the chosen blocks."""
    made: Array = np.where(sizes == 0, found[0], np.where(sizes == 1, found[1], found[2]))
    return made


def _sums(values: Array, k: int) -> Array:
    *lead, rows, columns = values.shape
    made: Array = values.reshape(*lead, rows // k, k, columns // k, k).sum((-3, -1))
    return made


def _spread(values: Array, k: int) -> Array:
    return values.repeat(k, -2).repeat(k, -1)
