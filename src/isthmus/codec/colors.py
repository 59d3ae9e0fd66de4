"""Pixels to three planes of nearly independent colours, and exactly back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.codec.transform import COLOR, COLOR_BITS, FRACTION

Array = NDArray[Any]
_UNCOLOR = np.rint(COLOR.T * (1 << COLOR_BITS))


def color_planes(pixels: Array) -> Array:
    """(height, width, 1 or 3) of 8 or 16 bits to (planes, height, width) floats around zero."""
    scale = 1.0 if pixels.dtype == np.uint8 else 1 / 257
    values = pixels.astype(np.float32) * np.float32(scale) - np.float32(128)
    if values.shape[2] == 3:
        values = values @ COLOR.T.astype(np.float32)
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def color_pixels(planes: Array, depth: int) -> Array:
    """Planes in units of 2^-FRACTION to pixels of 8 or 16 bits. Whole numbers only."""
    if len(planes) == 3:
        flat = planes.reshape(3, -1).T.astype(np.float64) @ _UNCOLOR.T
        flat = np.floor(flat * 2.0**-COLOR_BITS + 0.5)
    else:
        flat = planes.reshape(1, -1).T.astype(np.float64)
    flat += 128 << FRACTION
    if depth == 8:
        made = np.clip(np.floor(flat * 2.0**-FRACTION + 0.5), 0, 255).astype(np.uint8)
    else:
        made = np.clip(np.floor(flat * (257 * 2.0**-FRACTION) + 0.5), 0, 65535).astype(np.uint16)
    return np.ascontiguousarray(made.reshape(*planes.shape[1:], len(planes)))
