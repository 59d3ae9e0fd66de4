"""What the decoder knows about a coefficient before it reads it: magnitudes around it.

Coefficients are coded in passes. A pass holds, for one colour plane and one diagonal of bands, the
cells of one of seven lattices; all that a pass needs has been coded by earlier passes, so that a
pass is a handful of array operations. The expected magnitude is a weighted sum of the magnitudes
around (in whole numbers: the same everywhere), its logarithm chooses the probability table.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.codec.layout import DIAGONALS, ORDER, PLACE

Array = NDArray[Any]
# Lattices: (first row, first column, stride), coarse to fine; each cell belongs to exactly one.
LATTICES = ((0, 0, 4), (2, 2, 4), (0, 2, 4), (2, 0, 4), (1, 1, 2), (0, 1, 2), (1, 0, 2))
PAD = 2
FEATURES = 24
LARGEST = 31
NONE = 64  # a band of zeros
# Same band: (offsets that are summed) x 4, for each lattice; a cell's neighbours coded before it.
AROUND: tuple[tuple[tuple[tuple[int, int], ...], ...], ...] = (
    ((), (), (), ()),
    (((-2, -2),), ((-2, 2),), ((2, -2),), ((2, 2),)),
    (((0, -2),), ((0, 2),), ((-2, 0),), ((2, 0),)),
    (((0, -2),), ((0, 2),), ((-2, 0),), ((2, 0),)),
    (((-1, -1),), ((-1, 1),), ((1, -1),), ((1, 1),)),
    (((0, -1),), ((0, 1),), ((-1, 0),), ((1, 0),)),
    (((0, -1),), ((0, 1),), ((-1, 0),), ((1, 0),)),
)
MORE: tuple[tuple[tuple[int, int], ...], ...] = (
    (),
    (),
    (),  # those at (-2, -2) … are coded one pass later
    ((-2, -2), (-2, 2), (2, -2), (2, 2)),
    (),
    ((-1, -2), (-1, 2), (1, -2), (1, 2)),
    ((-1, -1), (-1, 1), (1, -1), (1, 1)),
)


def _lower(s: int, du: int, dv: int) -> Array:
    """Places of the bands (u - du, v - dv) of a diagonal's bands (u, v); a band of zeros outside."""
    low, high = DIAGONALS[s]
    found = []
    for u, v in ORDER[low:high]:
        a, b = u - du, v - dv
        found.append(PLACE[a, b] if 0 <= a < 8 and 0 <= b < 8 else NONE)
    return np.array(found)


_DOWN = [(1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (2, -1), (-1, 2)]
LOWER = [[_lower(s, *d) for d in _DOWN] for s in range(15)]


class Magnitudes:
    """The magnitudes coded so far of one or more tiles of one size: planes x bands x tiles x grid."""

    def __init__(self, planes: int, tiles: int, rows: int, columns: int) -> None:
        shape = (planes, 65, tiles, rows + 2 * PAD, columns + 2 * PAD)
        self.values = np.zeros(shape, np.uint8)
        # Sums over the four neighbours, made when a diagonal is complete.
        self.crosses = np.zeros(shape, np.uint8)
        self.totals = np.zeros((planes, tiles, *shape[3:]), np.uint16)
        self.rows, self.columns = rows, columns

    def store(self, c: int, s: int, g: int, magnitudes: Array) -> None:
        """What a pass coded, (bands, tiles, rows, columns) of its lattice."""
        low, high = DIAGONALS[s]
        y, x, step = LATTICES[g]
        self.values[
            c, low:high, :, PAD + y : PAD + self.rows : step, PAD + x : PAD + self.columns : step
        ] = np.minimum(magnitudes, LARGEST)

    def finish(self, c: int, s: int) -> None:
        """A diagonal is complete: what later passes take from it."""
        low, high = DIAGONALS[s]
        v = self.values[c, low:high]
        self.crosses[c, low:high, :, 1:-1, 1:-1] = (
            v[:, :, :-2, 1:-1] + v[:, :, 2:, 1:-1] + v[:, :, 1:-1, :-2] + v[:, :, 1:-1, 2:]
        )
        self.totals[c] += v.sum(0, dtype=np.uint16)

    def features(self, c: int, s: int, g: int) -> Array:
        """(bands, tiles, rows, columns, FEATURES) of a pass, float32 that hold whole numbers."""
        low, high = DIAGONALS[s]
        y, x, step = LATTICES[g]
        height = len(range(y, self.rows, step))
        width = len(range(x, self.columns, step))
        tiles = self.values.shape[2]

        def at(dy: int, dx: int) -> tuple[slice, slice]:
            top, left = PAD + y + dy, PAD + x + dx
            return (
                slice(top, top + (height - 1) * step + 1, step),
                slice(left, left + (width - 1) * step + 1, step),
            )

        here = at(0, 0)
        own, crosses = self.values[c], self.crosses[c]
        out = np.zeros((high - low, tiles, height, width, FEATURES), np.float32)
        for number, places in enumerate(LOWER[s]):
            if (places != NONE).any():
                out[..., number] = own[(places, slice(None), *here)]
        out[..., 7] = crosses[(LOWER[s][0], slice(None), *here)]
        out[..., 8] = crosses[(LOWER[s][1], slice(None), *here)]
        out[..., 9] = np.minimum(self.totals[c][(slice(None), *here)], 255)
        for number, offsets in enumerate(AROUND[g]):
            for dy, dx in offsets:
                out[..., 10 + number] += own[(slice(low, high), slice(None), *at(dy, dx))]
        for dy, dx in MORE[g]:
            out[..., 14] += own[(slice(low, high), slice(None), *at(dy, dx))]
        if c > 0:
            luma = self.values[0]
            out[..., 15] = luma[(slice(low, high), slice(None), *here)]
            out[..., 16] = self.crosses[0][(slice(low, high), slice(None), *here)]
            out[..., 17] = luma[(slice(low, high), slice(None), *at(-1, -1))]
            for dy, dx in ((-1, 1), (1, -1), (1, 1)):
                out[..., 17] += luma[(slice(low, high), slice(None), *at(dy, dx))]
            out[..., 18] = np.minimum(self.totals[0][(slice(None), *here)], 255)
        if c > 1:
            out[..., 19] = self.values[1][(slice(low, high), slice(None), *here)]
            out[..., 20] = self.crosses[1][(slice(low, high), slice(None), *here)]
            out[..., 21] = np.minimum(self.totals[1][(slice(None), *here)], 255)
        out[..., 22] = 1
        return out
