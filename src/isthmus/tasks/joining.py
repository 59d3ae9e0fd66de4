"""Small colours joined with full-size lightness, in bounded memory.

Every pixel takes the colours of the small picture's pixels round it, those of like lightness first
(Kopf et al. 2007, "Joint bilateral upsampling"): edges come from the lightness, and no colour comes
up that is not there. Where a screen cannot show a colour at that lightness, its chroma gives way,
never the lightness.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus import lab
from isthmus.media.tiles import Array
from isthmus.tasks.restore import Progress, quantised

_PIXELS = 1 << 20
"""Of a strip."""
_LIKE = 6.0
"""Spread of L* that counts as like."""
_HALVINGS = 12
_TINTED = 4.0
"""Spread of a*, b* at one lightness from which on a photograph counts as coloured."""


def as_floats(pixels: Array) -> Array:
    """uint8, uint16 or floats as float32 with 1 for white."""
    white = float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind == "u" else 1.0
    return pixels.astype(np.float32) / np.float32(white)


def lightness_of(pixels: Array) -> Tensor:
    """L* (1, 1, h, w) of pixels (h, w, 1 or 3) of uint8, uint16 or floats 0..1."""
    rgb = torch.from_numpy(as_floats(pixels)).permute(2, 0, 1)[None]
    light = lab.to_linear(rgb.clamp(0, 1))
    if light.shape[1] == 3:
        light = (light * light.new_tensor(lab.LUMINANCE).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return lab.lightness(light)


def small_lightness(pixels: Array, grid: tuple[int, int]) -> Tensor:
    """L* of a photograph at the size of ``grid`` (h, w): (1, 1, h, w). Reads it strip by strip."""
    height, width = pixels.shape[:2]
    block = max(min(height // grid[0], width // grid[1]), 1)
    parts = [
        F.avg_pool2d(lightness_of(pixels[top : top + rows]), block, block, ceil_mode=True)
        for top, rows in _strips(height, width, block)
    ]
    return F.interpolate(torch.cat(parts, 2), grid, mode="bilinear", antialias=True)


def joined(
    pixels: Array,
    light: Tensor,
    ab: Tensor,
    progress: Progress | None = None,
) -> Array:
    """Pixels (H, W, 1 or 3) in the colours ``ab`` (1, 2, h, w) of a small picture of lightness ``light``.

    The result (H, W, 3) has the type of ``pixels`` and their L*, as far as that type rounds.
    """
    height, width = pixels.shape[:2]
    out = np.empty((height, width, 3), pixels.dtype)
    for top, rows in _strips(height, width, 1):
        strip = pixels[top : top + rows]
        whole = lightness_of(strip)
        made = upsampled(whole, light, ab, top, height)
        rgb = shown(torch.cat([whole, made], 1))
        out[top : top + rows] = quantised(rgb[0].permute(1, 2, 0).numpy(), strip)
        if progress is not None:
            progress((top + rows) / height)
    return out


def upsampled(whole: Tensor, light: Tensor, ab: Tensor, top: int = 0, height: int = 0) -> Tensor:
    """``ab`` (1, 2, h, w) of a picture with ``light`` (1, 1, h, w) at rows ``top``… of one with ``whole``.

    ``height`` is that of the large picture, if ``whole`` (1, 1, rows, width) is a strip of it.
    """
    rows, width = whole.shape[2:]
    height = height or rows
    small_rows, small_columns = light.shape[2:]
    # In the order and precision of ``hints.place``: a hint's pixel must look at its own square.
    y = (torch.arange(top, top + rows).double() + 0.5) * small_rows / height
    x = (torch.arange(width).double() + 0.5) * small_columns / width
    row, column = y.long(), x.long()
    y, x = (y - 0.5).float(), (x - 0.5).float()
    total = torch.zeros_like(whole)
    color = whole.new_zeros(1, 2, rows, width)
    columns = [(column + right).clamp(0, small_columns - 1) for right in (-1, 0, 1)]
    # Columns are taken from the small picture, rows from what that leaves: whole lines at a time.
    wide = [(light.index_select(3, from_), ab.index_select(3, from_)) for from_ in columns]
    for down in (-1, 0, 1):
        near_y = torch.exp(-((row + down - y) ** 2))
        from_row = (row + down).clamp(0, small_rows - 1)
        for right, (their_light, their_ab) in zip((-1, 0, 1), wide, strict=True):
            near_x = torch.exp(-((column + right - x) ** 2))
            apart = their_light.index_select(2, from_row).sub_(whole).mul_(1 / _LIKE)
            weight = apart.square_().neg_().exp_().add_(1e-3).mul_(near_y[:, None] * near_x)
            total += weight
            color.addcmul_(weight, their_ab.index_select(2, from_row))
    return color / total


def shown(whole: Tensor) -> Tensor:
    """L*, a*, b* as sRGB within 0..1: chroma gives way where it must, at the same L* and hue."""
    rgb = lab.to_rgb(whole)
    over = ((rgb < 0) | (rgb > 1)).any(1)
    if over.any():
        wrong = whole.permute(0, 2, 3, 1)[over].T[None, :, :, None]
        rgb.permute(0, 2, 3, 1)[over] = _fitted(wrong)[0, :, :, 0].T
    return rgb.clamp(0, 1)


def _fitted(whole: Tensor) -> Tensor:
    """The most vivid colours of the same L* and hue within sRGB, by halving: (1, 3, n, 1)."""
    low = torch.zeros_like(whole[:, :1])
    step = torch.full_like(low, 0.5)
    for _ in range(_HALVINGS):
        tried = lab.to_rgb(torch.cat([whole[:, :1], whole[:, 1:] * (low + step)], 1))
        inside = ((tried >= -1e-4) & (tried <= 1 + 1e-4)).all(1, keepdim=True)
        low = torch.where(inside, low + step, low)
        step = step / 2
    return lab.to_rgb(torch.cat([whole[:, :1], whole[:, 1:] * low], 1))


def _strips(height: int, width: int, block: int) -> list[tuple[int, int]]:
    """(first row, rows) of strips of about a million pixels, each a multiple of ``block`` rows."""
    rows = max(_PIXELS // max(width, 1) // block, 1) * block
    return [(top, min(rows, height - top)) for top in range(0, height, rows)]


def is_colored(pixels: Array) -> bool:
    """Whether a photograph shows more colours than one tint: a sepia print does not.

    What is left of a* and b* when the mean of each lightness is taken away must be little.
    """
    if pixels.shape[2] == 1:
        return False
    step = max(max(pixels.shape[:2]) // 256, 1)
    some = torch.from_numpy(as_floats(pixels[::step, ::step]))
    whole = lab.to_lab(some.permute(2, 0, 1)[None].clamp(0, 1))[0].flatten(1)
    level = (whole[0] / 12.5).long().clamp(0, 7)
    rest = whole[1:].clone()
    for index in range(8):
        own = level == index
        if own.any():
            rest[:, own] -= rest[:, own].mean(1, keepdim=True)
    return bool(rest.square().sum(0).mean().sqrt() > _TINTED)
