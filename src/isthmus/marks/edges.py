"""How much of a layer the pixels at its edges hold: finer than labels, told by the pixels around.

By turns each of them takes the share that leaves the smallest steps to its eight neighbours
(iterated conditional modes: Besag 1986), as ``labels`` counts steps. What lies further off is settled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from isthmus.marks.labels import STEP, no_color
from isthmus.marks.shadow import Shadow
from isthmus.media.tiles import tiles

Array = NDArray[Any]
_SHARES = np.linspace(0, 1, 25, dtype=np.float32)
_NEIGHBOURS = [(-1, 0, 1.0), (1, 0, 1.0), (0, -1, 1.0), (0, 1, 1.0)] + [
    (down, across, 0.7) for down in (-1, 1) for across in (-1, 1)
]
_IN_PART = 0.6
_ROUNDS = 4
_TILE, _MARGIN = 640, 8


def sharpened(
    values: Array,
    share: Array,
    opacity: float,
    color: Array,
    shadow: Shadow | None = None,
) -> Array:
    """``share`` (H, W) of 0..1 with the pixels at its edges as the picture (H, W, C) of 0..1 has them.

    The layer has ``opacity`` 0..1 and ``color`` (C,); behind it a ``shadow`` of its shape may lie.
    """
    made = share.astype(np.float32)
    dim = np.zeros_like(made) if shadow is None else shadow.over(share)
    shade = 0.0 if shadow is None else shadow.shade
    height, width = share.shape
    for tile in tiles(height, width, _TILE, _MARGIN, 1):
        piece = tile.read(share)
        if piece.any():
            behind = tile.read(dim)
            tile.write(made, _sharpened(tile.read(values), piece, opacity, color, behind, shade))
    return made


def _sharpened(
    values: Array, share: Array, opacity: float, color: Array, dim: Array, shade: float
) -> Array:
    edge = ndimage.binary_dilation(share > 0) & ~ndimage.binary_erosion(share == 1, border_value=1)
    rows, columns = np.nonzero(edge)
    tint, amounts = np.asarray(color, np.float32), _SHARES * np.float32(opacity)
    # What is under the layer and how much of it shows, with a border so that all have neighbours.
    held = share * np.float32(opacity)
    shown = (values - held[..., None] * tint) / (1 - held)[..., None]
    under = np.pad(_lit(shown, dim, shade), ((1, 1), (1, 1), (0, 0)), "edge")
    through = np.pad((1 - held) * (1 - dim), 1, "edge")
    made = share.astype(np.float32)
    # Neighbours never change at once.
    turn = rows % 2 * 2 + columns % 2
    for _ in range(_ROUNDS):
        for now in range(4):
            y, x = rows[turn == now], columns[turn == now]
            guess = values[y, x][:, None] - amounts[:, None] * tint
            guess = _lit(guess / (1 - amounts)[:, None], dim[y, x][:, None], shade)
            passes = (1 - amounts) * (1 - dim[y, x])[:, None]
            cost = no_color(guess, 2)
            cost[:, 1:-1] += _IN_PART
            for down, across, weight in _NEIGHBOURS:
                at = y + 1 + down, x + 1 + across
                step = guess - under[at][:, None]
                size = np.einsum("nsc,nsc->ns", step, step) * passes * through[at][:, None]
                cost += weight * np.log1p(size / STEP**2)
            best = cost.argmin(1)
            each = np.arange(len(best))
            made[y, x] = _SHARES[best]
            under[y + 1, x + 1], through[y + 1, x + 1] = guess[each, best], passes[each, best]
    return made


def _lit(values: Array, dim: Array, shade: float) -> Array:
    """Values (…, C) without a shadow of the opacity ``dim`` (…)."""
    made: Array = (values - (dim * np.float32(shade))[..., None]) / (1 - dim)[..., None]
    return made
