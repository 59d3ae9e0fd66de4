"""One tile: pixels to bytes, and what was coded to pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.codec import analysis, network, smoothing, synthesis, tile
from isthmus.codec.colors import color_pixels, color_planes
from isthmus.codec.container import CORRECTED, Header
from isthmus.codec.model import STEPS, Model
from isthmus.codec.quantise import TRADE
from isthmus.codec.transform import FRACTION

Array = NDArray[Any]


def grown(pixels: Array) -> Array:
    """The colour planes of a tile, grown to whole superblocks."""
    planes = color_planes(pixels)
    return np.pad(planes, [(0, 0), *((0, -n % 32) for n in planes.shape[1:])], "edge")


def analysed(pixels: Array) -> list[Array]:
    """The coefficients of a tile for each block size."""
    return analysis.candidates(grown(pixels))


def corrects(model: Model, planes: int, step: int) -> bool:
    """Whether a prior's network is for pictures of so many planes at a step of this index."""
    return model.network is not None and planes == 3 and step >= network.LEAST


def encode(
    model: Model, found: list[Array], step: int, trade: float = TRADE
) -> tuple[bytes, tile.Coded]:
    """Choose blocks, quantise and code one tile."""
    scale = float(STEPS[step]) / (1 << FRACTION)
    sizes = analysis.divide(found, scale, trade)
    return tile.encode(model, analysis.chosen(found, sizes), sizes, step, scale, trade)


def synthesised(model: Model, coded: tile.Coded, header: Header, height: int, width: int) -> Array:
    """The pixels of a tile."""
    step = int(STEPS[header.step])
    planes = synthesis.planes(coded.levels, coded.sizes, step)
    seen = planes
    if header.after and model.smooth is not None:
        weights = model.smooth[smoothing.rate_class(header.step)]
        planes = smoothing.smoothed(planes, coded.sizes, step, weights)
    if header.after == CORRECTED and model.network is not None:
        planes += network.correction(model.network, seen, coded.sizes, header.step, step)
    return color_pixels(planes[:, :height, :width], header.depth)
