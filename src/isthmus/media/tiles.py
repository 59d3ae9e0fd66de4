"""Cutting what is too large for one pass into tiles whose joined results equal the whole.

A tile is read with a margin at least as wide as the network sees, and only its middle is kept; all
tiles begin at multiples of the network's step, so that its grids lie where they lie in the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Tile:
    """``outer`` is read, ``inner`` is kept: (top, bottom, left, right) in pixels of the whole."""

    outer: tuple[int, int, int, int]
    inner: tuple[int, int, int, int]

    def read(self, whole: Array) -> Array:
        """The outer part of an array (height, width, …)."""
        top, bottom, left, right = self.outer
        return whole[top:bottom, left:right]

    def keep(self, made: Array) -> Array:
        """The inner part of what was made of the outer one; rows or columns beyond it fall away."""
        top, bottom, left, right = self.inner
        y, x = top - self.outer[0], left - self.outer[2]
        return made[y : y + bottom - top, x : x + right - left]

    def write(self, whole: Array, made: Array) -> None:
        """Put the inner part of ``made`` where it belongs."""
        top, bottom, left, right = self.inner
        whole[top:bottom, left:right] = self.keep(made)


def tiles(height: int, width: int, side: int, margin: int, step: int) -> Iterator[Tile]:
    """Tiles of about ``side`` pixels that cover a grid, in reading order."""
    side = max(side // step, 1) * step
    margin = -(-margin // step) * step
    for top, bottom in _spans(height, side):
        for left, right in _spans(width, side):
            yield Tile(
                (
                    max(top - margin, 0),
                    min(bottom + margin, height),
                    max(left - margin, 0),
                    min(right + margin, width),
                ),
                (top, bottom, left, right),
            )


def _spans(length: int, side: int) -> list[tuple[int, int]]:
    return [(start, min(start + side, length)) for start in range(0, length, side)]


def padded(piece: Array, step: int) -> Array:
    """An array (height, width, …) grown at the bottom and right to multiples of ``step``.

    What is added mirrors the border, or repeats it where there is too little to mirror.
    """
    height, width = piece.shape[:2]
    more = (-height % step, -width % step)
    if more == (0, 0):
        return piece
    mode: Any = "reflect" if more[0] < height and more[1] < width else "symmetric"
    return np.pad(piece, ((0, more[0]), (0, more[1]), *[(0, 0)] * (piece.ndim - 2)), mode)
