"""Pixels to coefficients and back: a colour rotation and cosine transforms of 8, 16 or 32 pixels.

All are orthonormal, so that an error of a coefficient is an error of a pixel (Parseval). The way
back decides what people see and must be the same everywhere: it works on whole numbers carried in
float64, whose sums stay below 2^53 and are therefore exact in any order and on any machine.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
SIZES = (8, 16, 32)
FRACTION = 4
"""Bits after the point of a dequantised coefficient and of a pixel before it is rounded."""
_BITS = 14
COLOR_BITS = 14
LARGEST = 1 << 18
"""Dequantised coefficients are clipped to this; with it no sum below can reach 2^53."""

# Rows: nearly the principal axes of photographs' colours (brightness, blue against red, green).
COLOR = np.array(
    [
        [1 / np.sqrt(3), 1 / np.sqrt(3), 1 / np.sqrt(3)],
        [1 / np.sqrt(2), 0.0, -1 / np.sqrt(2)],
        [1 / np.sqrt(6), -2 / np.sqrt(6), 1 / np.sqrt(6)],
    ]
)


@cache
def dct(size: int) -> Floats:
    """The orthonormal DCT-II (Ahmed, Natarajan & Rao 1974): rows are frequencies, (size, size)."""
    k = np.arange(size)
    matrix = np.sqrt(2 / size) * np.cos(np.pi * (2 * k[None] + 1) * k[:, None] / (2 * size))
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix)


@cache
def _whole(size: int) -> Floats:
    """The same in units of 2^-14, rounded: whole numbers in float64."""
    return np.rint(dct(size) * (1 << _BITS))


def forward(planes: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """(…, H, W) to blocks (…, H/size, W/size, size, size) of coefficients. The encoder's: floats."""
    *lead, height, width = planes.shape
    matrix = dct(size).astype(np.float32)
    rows, columns = height // size, width // size
    across = planes.reshape(-1, size) @ matrix.T
    blocks = across.reshape(-1, rows, size, columns, size).swapaxes(2, 3)  # n, rows, cols, y, u
    made = np.ascontiguousarray(blocks.swapaxes(3, 4)).reshape(-1, size) @ matrix.T
    return np.ascontiguousarray(made.reshape(*lead, rows, columns, size, size).swapaxes(-1, -2))


def inverse(blocks: NDArray[np.int32]) -> Floats:
    """Blocks (n, size, size) of coefficients in units of 2^-FRACTION to pixels in the same units."""
    size = blocks.shape[-1]
    matrix = _whole(size)
    values = np.clip(blocks, -LARGEST, LARGEST).astype(np.float64)
    down = np.ascontiguousarray(
        (values.reshape(-1, size) @ matrix).reshape(-1, size, size).swapaxes(1, 2)
    )
    made = (down.reshape(-1, size) @ matrix).reshape(-1, size, size).swapaxes(1, 2)
    return np.floor(made * 2.0 ** (-2 * _BITS) + 0.5)
