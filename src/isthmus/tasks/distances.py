"""A mark looked for from several distances.

A network that has learnt marks at one size sees neither letters a tenth of a picture high nor lines of two
pixels at another. What it says of a picture and of smaller copies of it is averaged; docs/log.md has what
that brings.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy import special
from torch.nn import functional as F

from isthmus.marks.grid import reduced
from isthmus.marks.labels import logit
from isthmus.media.tiles import Array
from isthmus.tasks.restore import Progress

_LONGEST = 1600
"""Marks are looked for in a picture of at most this side: what is larger hides its shapes."""
_SHORTEST = 300
"""Smaller copies than this say nothing more."""
_VIEWS = 3

Look = Callable[[Array, Progress | None], Array]
"""(height, width, 5) of uint8 for pixels (height, width, C): how sure a mark is there, its opacity and colour."""


def seen(pixels: Array, look: Look, progress: Progress | None = None) -> Array:
    """What ``look`` says of a picture (height, width, C), from all distances together: (height, width, 5)."""
    scales = _scales(max(pixels.shape[:2]))
    closely = scales[0] > 1
    whole = float(sum(s**-2 for s in scales) + closely)
    said, done = [], 0.0
    for scale in scales:
        smaller = reduced(pixels, scale) if scale > 1 else pixels
        said.append(look(smaller, _part(progress, done, scale**-2 / whole)))
        done += scale**-2 / whole
    maps = _together(said, [scale // scales[0] for scale in scales])
    if not closely:
        return maps
    fine = look(pixels, _part(progress, done, 1 - done))
    wide = _enlarged(maps, scales[0], pixels.shape[:2])
    # Where the large picture says the same, its edges are the sharper ones.
    agrees = (wide[..., :1] > 127) & (fine[..., :1] > 127)
    return np.where(agrees, fine, wide)


def _scales(longest: int) -> list[int]:
    """By how much a picture is reduced for each view, the largest view first."""
    scale = 1
    while longest > _LONGEST * scale:
        scale *= 2
    scales = [scale]
    while len(scales) < _VIEWS and longest >= 2 * _SHORTEST * scales[-1]:
        scales.append(2 * scales[-1])
    return scales


def _together(said: list[Array], scales: list[int]) -> Array:
    """Maps of pictures reduced by ``scales`` as one of the first's size: the mean logit; the rest by how
    sure each is."""
    if len(said) == 1:
        return said[0]
    shape = said[0].shape[:2]
    total, weight = np.zeros((*shape, 1), np.float32), np.zeros((*shape, 1), np.float32)
    rest = np.zeros((*shape, said[0].shape[2] - 1), np.float32)
    for maps, scale in zip(said, scales, strict=True):
        values = _enlarged(maps, scale, shape).astype(np.float32)
        word = logit(values[..., :1] / 255)
        chance = special.expit(word)
        total += word
        weight += chance
        rest += chance * values[..., 1:]
    chance = 255 * special.expit(total / len(said))
    made: Array = np.concatenate((chance, rest / weight), 2).round().astype(np.uint8)
    return made


def _enlarged(maps: Array, scale: int, shape: tuple[int, ...]) -> Array:
    """Maps (h, w, C) of uint8 ``scale`` times as large, smoothly, cut to ``shape``."""
    if scale == 1:
        return maps
    values = torch.from_numpy(maps.transpose(2, 0, 1).copy())[None].float()
    grown = F.interpolate(values, scale_factor=scale, mode="bilinear", align_corners=False)[0]
    made: Array = grown.round().to(torch.uint8).permute(1, 2, 0).numpy()[: shape[0], : shape[1]]
    return made


def _part(progress: Progress | None, start: float, share: float) -> Progress | None:
    return None if progress is None else lambda done: progress(start + share * done)
