"""Pictures that carry one mark, read to find it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import DataError
from isthmus.marks import shared
from isthmus.media import photo

Array = NDArray[Any]
_MOST = 60
_MOST_BYTES = 1 << 31
"""Of what is held at once: 60 pictures of 12 million pixels."""


@dataclass(frozen=True)
class Collection:
    """``pictures`` (K, H, W, 1 or 3) of uint8, and the paths that could be read (all, K may be fewer)."""

    paths: tuple[Path, ...]
    pictures: Array

    def find(self) -> shared.SharedMark | None:
        """The mark they share. Raises DataError where that cannot be told."""
        return shared.find(self.pictures)


def read(
    paths: list[Path], most_pixels: int, failed: Callable[[Path, Exception], None]
) -> Collection:
    """Read pictures of one size; what cannot be read is told to ``failed``, the others go on.

    Of very many pictures the first are looked at. Raises DataError if sizes differ.
    """
    kept: list[Path] = []
    held: list[Array] = []
    first: tuple[Path, tuple[int, ...]] | None = None
    colored = False
    for path in paths:
        try:
            pixels = photo.read(path, most_pixels).pixels
        except DataError as error:
            failed(path, error)
            continue
        if first is None:
            first = path, pixels.shape[:2]
        if pixels.shape[:2] != first[1]:
            (height, width), (tall, wide) = first[1], pixels.shape[:2]
            raise DataError(
                f"{path}: is {wide} x {tall} pixels, {first[0]} is {width} x {height}; --same-mark needs "
                "pictures of one size with the mark at the same place"
            )
        kept.append(path)
        colored |= pixels.shape[2] == 3
        room = max(_MOST_BYTES // (pixels.shape[0] * pixels.shape[1] * 3), shared.FEWEST)
        if len(held) < min(_MOST, room):
            held.append(photo.eight_bits(pixels))
    if colored:
        held = [np.repeat(p, 3, 2) if p.shape[2] == 1 else p for p in held]
    pictures = np.stack(held) if held else np.zeros((0, 1, 1, 3), np.uint8)
    return Collection(tuple(kept), pictures)
