"""Which pixels one translucent layer covers, told from the picture: a layer of the right opacity and
colour, taken off where it lies, leaves a picture whose neighbours are alike.

Each pixel has one of four labels: not covered, covered in part (a third, two thirds), covered. Two
neighbours cost what the step between them says once both are un-mixed, log(1 + d²/s²): natural
pictures have few steps, and of those that there are, height matters little (Student's t; Roth & Black
2009, "Fields of Experts"). In texture, where steps are usual, s is larger and they say less. Min-sum
belief propagation in sweeps finds a good labelling (Tappen & Freeman 2003). Nothing here is learned: a
network's word, if any, enters as one cost among others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special

from isthmus.marks.grid import ends
from isthmus.media.tiles import tiles

Array = NDArray[Any]
PARTS = np.array([0, 1 / 3, 2 / 3, 1], np.float32)
"""Share of the layer's opacity that each label stands for."""
STEP = 0.03
"""The step between neighbours that is nothing unusual, of values 0..1."""
# What a change from bare to covered costs, a pixel covered in part, and how far the network is believed:
# its errors are large patches, so that it counts a fifth a pixel.
_CHANGE, _IN_PART, _TOLD = 0.6, 1.5, 0.2
_GAMUT, _NO_COLOR = 0.02, 4.0
_ROUNDS = 2
# How much of the mean step around counts as usual, and how far around is.
_USUAL, _AROUND = 0.7, 12.0
_TILE, _MARGIN = 640, 48


def labelled(
    values: Array,
    sure: Array,
    opacity: float,
    color: Array,
    where: Array | None = None,
    stroke: float = 1.0,
) -> Array:
    """(H, W) of uint8, the index of each pixel's label in ``PARTS``; 0 where ``where`` (H, W) is false.

    ``values`` (H, W, C) are 0..1, ``sure`` (H, W) what a network says of a mark there; the layer has
    ``opacity`` 0..1 and ``color`` (C,) 0..1. Its strokes are ``stroke`` times as wide as usual: more
    pixels repeat one word of the network.
    """
    height, width = values.shape[:2]
    made = np.zeros((height, width), np.uint8)
    for tile in tiles(height, width, _TILE, _MARGIN, 1):
        if where is None or tile.keep(tile.read(where)).any():
            piece, word = tile.read(values), logit(tile.read(sure)) / np.float32(stroke)
            tile.write(made, _labelled(piece, word, opacity, color))
    return made if where is None else np.where(where, made, 0)


def logit(chance: Array) -> Array:
    """Of chances 0..1, held a little away from both ends."""
    made: Array = special.logit(np.clip(chance, 0.004, 0.996)).astype(np.float32)
    return made


def no_color(under: Array, axis: int) -> Array:
    """What un-mixed values cost that are darker than black or brighter than white; channels along ``axis``."""
    beyond = (np.maximum(-under, 0) + np.maximum(under - 1, 0)).max(axis)
    made: Array = np.minimum(beyond / _GAMUT, _NO_COLOR)
    return made


def _labelled(values: Array, word: Array, opacity: float, color: Array) -> Array:
    amounts = PARTS * np.float32(opacity)
    planes = np.ascontiguousarray(values.transpose(2, 0, 1), np.float32)
    tint = np.asarray(color, np.float32)[:, None, None]
    under = np.stack([(planes - a * tint) / (1 - a) for a in amounts])
    cost = no_color(under, 1) - _TOLD * PARTS[:, None, None] * word
    cost[1:-1] += _IN_PART
    unary = np.ascontiguousarray(cost.transpose(1, 0, 2), np.float32)
    usual = _usual(values)
    down, right = (_steps(under, amounts, usual, axis) for axis in (2, 3))
    best: Array = _beliefs(unary, down, right).argmin(1)
    return best.astype(np.uint8)


def _usual(values: Array) -> Array:
    """The square (H, W) of the step that is nothing unusual, at each pixel of (H, W, C)."""
    steps = np.zeros(values.shape[:2], np.float32)
    for axis in (0, 1):
        size = (
            np.square(np.diff(values, axis=axis)).sum(2) ** 0.25
        )  # so that few large ones say little
        for end in ends(steps, axis):
            end += size / 4
    mean = np.square(ndimage.gaussian_filter(steps, _AROUND))
    made: Array = (STEP**2 + np.square(_USUAL * mean)).astype(np.float32)
    return made


def _steps(under: Array, amounts: Array, usual: Array, axis: int) -> Array:
    """(n - 1, labels, labels, m): what a pixel and the next along ``axis`` of (labels, C, H, W) cost."""
    n = under.shape[axis]
    near, far = np.take(under, range(n - 1), axis), np.take(under, range(1, n), axis)
    least = 2 / np.add(*ends(usual, axis - 2))
    count, other = len(amounts), under.shape[5 - axis]
    made = np.empty((n - 1, count, count, other), np.float32)
    for k in range(count):
        for m in range(count):
            step = near[k] - far[m]
            # A step is as usual under the layer as beside it, though shown smaller.
            shown = (1 - amounts[k]) * (1 - amounts[m]) * least
            cost = np.log1p(np.einsum("chw,chw->hw", step, step) * shown)
            cost += _CHANGE * abs(float(PARTS[k] - PARTS[m]))
            made[:, k, m] = cost if axis == 2 else cost.T
    return made


def _beliefs(unary: Array, down: Array, right: Array) -> Array:
    """The cost (H, labels, W) of each label, all others at their best; sweeps along columns and rows."""
    above, below = np.zeros_like(unary), np.zeros_like(unary)
    turned = np.ascontiguousarray(unary.transpose(2, 1, 0))
    before, after = np.zeros_like(turned), np.zeros_like(turned)
    across = np.zeros_like(unary)
    for _ in range(_ROUNDS):
        _sweep(unary + across, down, above, below)
        along = np.ascontiguousarray((above + below).transpose(2, 1, 0))
        _sweep(turned + along, right, before, after)
        across = np.ascontiguousarray((before + after).transpose(2, 1, 0))
    return unary + across + above + below


def _sweep(base: Array, steps: Array, forth: Array, back: Array) -> None:
    """Carry messages through all lines of (n, labels, w), there and back."""
    last = len(base) - 1
    for i in range(1, last + 1):
        told = ((base[i - 1] + forth[i - 1])[:, None] + steps[i - 1]).min(0)
        forth[i] = told - told.min(0)
    for i in range(last - 1, -1, -1):
        told = ((base[i + 1] + back[i + 1])[None] + steps[i]).min(1)
        back[i] = told - told.min(0)
