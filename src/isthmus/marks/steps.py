"""What a mark does from one pixel to the next, told from pictures that share it.

Let x and y be neighbours and J a picture's values there. With J = t I + b,

    J(y) - J(x) = s (J(x) + J(y)) / 2 + q + what the picture itself does,

where s = 2 (t(y) - t(x)) / (t(x) + t(y)) and q are the same in every picture, and what pictures do by
themselves is as often up as down, mostly little, and knows nothing of their brightness. So a straight
line through as many points as there are pictures, drawn robustly, gives s and q without knowing any
picture under its mark. The line crosses zero at the colour of the layer that begins there: a pixel
as bright as the mark does not change under it.

(The median over pictures, which finds q where s is small, is Weiss 2001 and Dekel et al. 2017.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_ROUNDS = 6
# Rounding and coding move every difference by about this much.
_FLOOR = 0.004
_CLIP = 0.03
_CHUNK = 1 << 22
"""Numbers of one gathered array, so that memory stays bounded."""


@dataclass(frozen=True)
class Pairs:
    """Neighbours by the flat index of the first; the second lies ``step`` further (1, or the width)."""

    index: Array
    step: int


@dataclass(frozen=True)
class Lines:
    """Straight lines of P pairs: ``slope`` (P,), ``offset`` (P, C), their errors, and the middle.

    ``error`` is of the slope, ``noise`` of the offset at ``middle`` (P, C), the weighted mean of what
    the line was drawn through.
    """

    slope: Array
    offset: Array
    error: Array
    noise: Array
    middle: Array


def candidates(pictures: Array) -> tuple[Pairs, Pairs]:
    """Pairs across and down at which pictures (K, H, W, C) of uint8 may have a step in common.

    A quick look at all pairs that lets one in ten by pass by chance and loses hardly a true one.
    """
    count, height, width, _ = pictures.shape
    found: list[list[Array]] = [[], []]
    rows = max(_CHUNK // (count * width * pictures.shape[3]), 2)
    for top in range(0, height, rows):
        strip = pictures[:, top : min(top + rows + 1, height)].astype(np.float32) / 255
        across = _may_step(strip[:, :, 1:], strip[:, :, :-1])[:rows]
        y, x = np.nonzero(across)
        found[0].append((y + top) * width + x)
        if strip.shape[1] > 1:
            y, x = np.nonzero(_may_step(strip[:, 1:], strip[:, :-1]))
            found[1].append((y + top) * width + x)
    return Pairs(np.concatenate(found[0]), 1), Pairs(
        np.concatenate([*found[1], np.zeros(0, int)]), width
    )


def _may_step(second: Array, first: Array) -> Array:
    """Whether differences (K, h, w, C) have one sign, or go with brightness, in any channel."""
    step = np.clip(second - first, -_CLIP, _CLIP)
    light = second + first
    light -= light.mean(0)
    size = np.sqrt(np.square(step).sum(0)) + 1e-3
    one_sign = np.abs(step.sum(0)) / size
    with_light = np.abs((step * light).sum(0)) / (np.sqrt(np.square(step * light).sum(0)) + 1e-4)
    usual = min(1.7, 0.8 * len(step) ** 0.5)
    likely: Array = (np.maximum(one_sign, with_light) > usual).any(-1)
    return likely


def gathered(pictures: Array, pairs: Pairs, part: slice) -> tuple[Array, Array]:
    """(differences, means) of some pairs in every picture: (K, P, C) floats, 1 for white."""
    flat = pictures.reshape(len(pictures), -1, pictures.shape[3])
    index = pairs.index[part]
    first = flat[:, index].astype(np.float32) / 255
    second = flat[:, index + pairs.step].astype(np.float32) / 255
    return second - first, (second + first) / 2


def parts(pictures: Array, pairs: Pairs) -> list[slice]:
    """Slices of the pairs that can be gathered at once."""
    size = max(_CHUNK // (len(pictures) * pictures.shape[3]), 1)
    return [slice(i, i + size) for i in range(0, len(pairs.index), size)]


def free(pictures: Array, pairs: Pairs) -> Lines:
    """Lines with a slope for all channels and an offset for each."""
    return _joined([line(*gathered(pictures, pairs, p)) for p in parts(pictures, pairs)], pictures)


def line(step: Array, light: Array) -> Lines:
    """The line of each of P pairs, through ``step`` over ``light`` (K, P, C), drawn robustly."""
    offset = np.median(step, 0)
    slope = np.zeros(step.shape[1], np.float32)
    for _ in range(_ROUNDS):
        left = step - offset - slope[:, None] * light
        spread, weight = _weights(left)
        total = weight.sum(0)
        mean_step, middle = (weight * step).sum(0) / total, (weight * light).sum(0) / total
        moved = light - middle
        size = (weight * moved * moved).sum((0, 2)) + 1e-4
        slope = np.clip((weight * moved * (step - mean_step)).sum((0, 2)) / size, -2, 2)
        offset = mean_step - slope[:, None] * middle
    noise = spread / np.sqrt(total[:, 0])
    return Lines(slope, offset, spread / np.sqrt(size), noise, middle)


def anchored(pictures: Array, pairs: Pairs, color: Array) -> tuple[Array, Array]:
    """(slopes, their errors) of lines that cross zero at ``color`` (C,): one number less to find."""
    made = [_anchored(*gathered(pictures, pairs, p), color) for p in parts(pictures, pairs)]
    if not made:
        return np.zeros(0, np.float32), np.ones(0, np.float32)
    return np.concatenate([m[0] for m in made]), np.concatenate([m[1] for m in made])


def _anchored(step: Array, light: Array, color: Array) -> tuple[Array, Array]:
    moved = light - color.astype(np.float32)
    slope = np.zeros(step.shape[1], np.float32)
    for _ in range(_ROUNDS):
        spread, weight = _weights(step - slope[:, None] * moved)
        size = (weight * moved * moved).sum((0, 2)) + 1e-4
        slope = np.clip((weight * moved * step).sum((0, 2)) / size, -1.98, 1.98)
    return slope, spread / np.sqrt(size)


def _weights(left: Array) -> tuple[Array, Array]:
    """(spread (P,), Cauchy's weights (K, P, 1)): a picture's own edge is an outlier in all channels."""
    size = np.abs(left).mean(2)
    spread = np.median(np.abs(left), (0, 2)) * 1.4826 + _FLOOR
    return spread, (1 / (1 + np.square(size / (1.5 * spread))))[..., None]


def _joined(lines: list[Lines], pictures: Array) -> Lines:
    if not lines:
        none, wide = np.zeros(0, np.float32), np.zeros((0, pictures.shape[3]), np.float32)
        return Lines(none, wide, none, none, wide)
    names = ("slope", "offset", "error", "noise", "middle")
    return Lines(*(np.concatenate([getattr(line, n) for line in lines]) for n in names))
