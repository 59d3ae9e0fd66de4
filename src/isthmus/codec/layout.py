"""Where coefficients lie: blocks of three sizes in one arrangement of 64 bands.

A picture of H x W is a grid of cells of 8 x 8 pixels. Band (u, v) holds one coefficient a cell. An
8 x 8 block fills its cell's 64 bands. A 16 x 16 block fills those of its 2 x 2 cells: its
coefficients (2u + a, 2v + b) lie in band (u, v), at the cell (a, b) of the four; a 32 x 32 block
likewise, with its cells (2 a0 + a1) for a = 2 a1 + a0, so that even cells hold the lower half of
the frequencies. What lies near in this arrangement has a like magnitude whatever the blocks' sizes:
the same model sees all.

In band (0, 0) blocks below 32 have their means joined by a Haar step (2 x 2, orthonormal), twice
for 8 x 8: every superblock of 32 x 32 has exactly one mean, at its first cell.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
CELL, SUPER = 8, 32
# Bands by diagonals u + v, rows of rising v within: (u, v) of each place in the order.
ORDER = sorted(((u, v) for u in range(8) for v in range(8)), key=lambda b: (b[0] + b[1], b[1]))
PLACE = np.empty((8, 8), np.int64)
for _number, (_u, _v) in enumerate(ORDER):
    PLACE[_u, _v] = _number
DIAGONALS = [
    (min(PLACE[u, s - u] for u in range(8) if 0 <= s - u < 8),
     max(PLACE[u, s - u] for u in range(8) if 0 <= s - u < 8) + 1)
    for s in range(15)
]  # fmt: skip
TILT = 0.4 + 0.15 * np.arange(15)
"""How much more a bit is worth on each diagonal: eyes (and MS-SSIM) miss low frequencies sooner."""
_FLAT = np.array([u * 8 + v for u, v in ORDER])


def to_bands(blocks: Array) -> Array:
    """Blocks (…, rows, columns, size, size) to bands (64, …, rows * size/8, columns * size/8)."""
    *lead, rows, columns, size, _ = blocks.shape
    k = size // CELL
    split = blocks.reshape(*lead, rows, columns, 8, k, 8, k)
    if k == 4:
        split = split[..., SWAP, :, :][..., SWAP]
    n = len(lead)
    moved = split.transpose(n + 2, n + 4, *range(n), n, n + 3, n + 1, n + 5)
    made: Array = moved.reshape(64, *lead, rows * k, columns * k)[_FLAT]
    return made


def from_bands(bands: Array, size: int) -> Array:
    """The reverse of ``to_bands`` for (64, grid rows, grid columns): (rows, columns, size, size)."""
    _, height, width = bands.shape
    k = size // CELL
    square = np.empty_like(bands)
    square[_FLAT] = bands
    split = square.reshape(8, 8, height // k, k, width // k, k)
    moved = split.transpose(2, 4, 0, 3, 1, 5)
    if k == 4:
        moved = moved[:, :, :, SWAP][:, :, :, :, :, SWAP]
    return np.ascontiguousarray(moved).reshape(height // k, width // k, size, size)


SWAP = np.array([0, 2, 1, 3])  # a = 2 a1 + a0 lies at 2 a0 + a1; its own inverse
