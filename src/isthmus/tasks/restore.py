"""Running a network that maps pictures to pictures over a photograph of any size, tile by tile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from isthmus.media.tiles import Array, padded, tiles
from isthmus.plan import ushape
from isthmus.recipe import UShape
from isthmus.tasks import texture

TILE = 1024
Progress = Callable[[float], None]
Run = Callable[[torch.Tensor, Progress], torch.Tensor]
"""What becomes of a tile (1, 3, h, w), telling how much of it is done."""


def step_of(spec: object) -> tuple[int, int]:
    """(sides must be multiples of this, how far the network looks), in pixels."""
    if isinstance(spec, UShape):
        return ushape.side(spec), ushape.reach(spec)
    raise TypeError(f"a {type(spec).__name__} network takes pictures of one size only")


def tiled(
    pixels: Array,
    run: Run,
    store: Callable[[Array, Array], Array],
    step: int,
    margin: int,
    tile: int = TILE,
    progress: Progress | None = None,
) -> Array:
    """What ``run`` makes of a photograph (height, width, channels), in bounded memory.

    ``run`` maps (1, 3, h, w) floats with 1 for white to the same. ``store(made, piece)`` turns a
    tile's floats (h, w, 3) into the values to keep, given the tile as it was; the result has their
    type. A photograph of one channel is shown in three.
    """
    height, width, channels = pixels.shape
    white = float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind == "u" else 1.0
    out = np.empty_like(pixels)
    done = area = 0

    def tell(share: float) -> None:
        if progress is not None:
            progress((done + share * area) / (height * width))

    for place in tiles(height, width, tile, margin, step):
        piece = place.read(pixels)
        top, bottom, left, right = place.inner
        area = (bottom - top) * (right - left)
        grown = np.ascontiguousarray(
            padded(piece, step).transpose(2, 0, 1), np.float32
        ) / np.float32(white)
        batch = torch.from_numpy(grown)[None].expand(1, 3, -1, -1)
        with torch.inference_mode():
            made = run(batch.contiguous(memory_format=torch.channels_last), tell)[0]
        values = made.permute(1, 2, 0).numpy()[: piece.shape[0], : piece.shape[1]]
        if channels == 1:
            values = values.mean(2, keepdims=True)
        place.write(out, store(values, piece))
        done, area = done + area, 0
        tell(0)
    return out


def from_all_sides(run: Callable[[torch.Tensor], torch.Tensor]) -> Run:
    """``run``, and the mean of what it makes of a picture turned and mirrored in all eight ways.

    A network's errors differ with the way a picture lies, what it knows does not (the "x8" of
    Timofte, Rothe & Van Gool 2016, "Seven ways to improve example-based single image super resolution").
    """

    def mean(x: torch.Tensor, tell: Progress) -> torch.Tensor:
        total = torch.zeros(())
        for turn in range(4):
            turned = torch.rot90(x, turn, (2, 3))
            for half, seen in enumerate((turned, turned.flip(3))):
                made = run(seen.contiguous(memory_format=torch.channels_last))
                made = made if seen is turned else made.flip(3)
                total = total + torch.rot90(made, -turn, (2, 3))
                tell((2 * turn + half + 1) / 8)
        return total / 8

    return mean


def quantised(values: Array, like: Array) -> Array:
    """Floats with 1 for white as the type of ``like``: rounded and clipped, floats as they are."""
    if like.dtype.kind != "u":
        return values.astype(like.dtype)
    white = np.iinfo(like.dtype).max
    made: Array = np.clip(np.rint(values * white), 0, white).astype(like.dtype)
    return made


_ROWS = 256


def difference(before: Array, after: Array) -> float:
    """Root mean square of what changed, on the scale 0..255."""
    if not before.size:
        return 0.0
    scale = 255 / np.iinfo(before.dtype).max if before.dtype.kind == "u" else 255.0
    total = 0.0
    for top in range(0, len(before), _ROWS):
        rows = slice(top, top + _ROWS)
        change = after[rows].astype(np.float32) - before[rows].astype(np.float32)
        total += float(np.square(change).sum(dtype=np.float64))
    return float(scale * (total / before.size) ** 0.5)


def blend(after: Array, before: Array, strength: float, factors: Array | None = None) -> None:
    """Move ``after`` back towards ``before``, in place: 1 leaves it, 0 gives ``before`` exactly.

    ``factors`` (see ``texture.kept``) says by how much more in each block.
    """
    if strength >= 1 and factors is None:
        return
    height, width = before.shape[:2]
    for top in range(0, height, _ROWS):
        rows = slice(top, top + _ROWS)
        first = before[rows].astype(np.float32)
        share: Any = np.float32(strength)
        if factors is not None:
            share = share * texture.over(rows, factors, height, width)[..., None]
        mixed = first + share * (after[rows].astype(np.float32) - first)
        after[rows] = np.rint(mixed) if before.dtype.kind == "u" else mixed
