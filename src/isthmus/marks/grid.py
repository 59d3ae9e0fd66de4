"""Pixels beside each other, and squares of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def ends(values: Array, axis: int, apart: int = 1) -> tuple[Array, Array]:
    """All pixels of (H, W, …) and those ``apart`` further along ``axis`` (0 down, 1 across), as views."""
    if axis == 1:
        return values[:, :-apart], values[:, apart:]
    return values[:-apart], values[apart:]


def reduced(pixels: Array, scale: int) -> Array:
    """Means of squares of ``scale`` pixels, of the same kind; the border is repeated to fill the last."""
    height, width, channels = pixels.shape
    grown = np.pad(pixels, ((0, -height % scale), (0, -width % scale), (0, 0)), "edge")
    cut = grown.reshape(grown.shape[0] // scale, scale, grown.shape[1] // scale, scale, channels)
    made: Array = cut.mean((1, 3), dtype=np.float32)
    if pixels.dtype.kind == "u":
        made = np.rint(made).astype(pixels.dtype)
    return made
