"""Taking a mark off a picture, given where it is and what it is like: un-mixing, and filling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special

from isthmus.marks import layers, single
from isthmus.marks.fill import fill
from isthmus.marks.shared import LEAST_THROUGH, SharedMark

Array = NDArray[Any]
_SMALLEST = 24
"""Spots of fewer pixels are no marks."""
_SUREST = 0.002
"""Share of a picture's pixels that say whether it has a mark: those that are surest (docs/log.md)."""
_HINT = 0.5
"""No mark is looked for where the surest pixels say less."""
_HEARD, _SEEN_SHARE, _ROOM = 0.2, 0.02, 48
# The chance of a mark: logistic in the logit of the surest pixels, what the layer gains, and the logit of
# how far it lies where the network said. Fitted on 44 training photographs, each with and without a mark.
_WEIGHTS, _START = (0.809, 0.473, 0.529), -4.10
_SURE = 0.62
"""Of 84 photographs without a mark that the network was trained on, one says more than this; of marks that are
less sure, most are found so badly that the picture is better left alone."""
_SHOWN = 0.02
"""What covers a pixel by less is not seen and stays."""
# What is this opaque is filled from around instead.
_OPAQUE = 0.9


@dataclass(frozen=True)
class Removed:
    """A picture without its mark: ``pixels`` of the kind that came in, ``mask`` (H, W) of what changed.

    ``confidence`` 0..1 is how sure it is that there was a mark; where ``mask`` is empty none was found
    and the pixels are those that came in. ``opacity`` is the mark's, ``color`` its mean colour.
    """

    pixels: Array
    mask: Array
    confidence: float
    opacity: float = 0.0
    color: tuple[float, ...] = ()
    filled: int = 0


def take_off(
    pixels: Array, sure: Array, opacity: Array, color: Array, mask: Array | None = None
) -> Removed:
    """The picture (H, W, C) without the mark that a network found on it.

    ``sure`` and ``opacity`` (H, W) are 0..1, ``color`` (H, W, 3) uint8. ``mask`` restricts the work to
    where it is true; where nothing like a mark is seen in all of it, it is filled from around.
    """
    told = sure if mask is None else np.where(mask, sure, np.float32(0))
    top = surest(told)
    if top < _HINT if mask is None else not mask.any():
        return Removed(pixels, np.zeros(sure.shape, bool), 0.0)
    hinted = told > min(_HEARD, 0.5 * float(told.max()))
    box = _box(hinted if mask is None else mask, _ROOM)
    values, here, cover = as_floats(pixels[box]), told[box], opacity[box].astype(np.float32)
    layer = layers.find(values, here, cover, color[box]) if top >= _HINT else None
    confidence = 0.0 if layer is None else chance_of_mark(top, layer)
    if layer is not None:
        held, added = layer.mixed()
        within = held > _SHOWN if mask is None else (held > _SHOWN) & mask[box]
        if confidence < (_SURE if mask is None else 0.5) or not within.any():
            layer = None
    if layer is None and mask is None:
        return Removed(pixels, np.zeros(sure.shape, bool), round(confidence, 3))
    if layer is not None:
        cover, hue = held, layer.color
    else:
        # A mask was drawn, and in it is no single layer: each pixel as the network says.
        assert mask is not None
        within = ndimage.binary_dilation(without_specks(here > _HEARD)) & mask[box]
        if within.sum() < _SEEN_SHARE * mask.sum():
            out = pixels.copy()
            out[mask] = quantised(fill(as_floats(pixels), mask)[mask], pixels)
            return Removed(out, mask, 0.0, 1.0, (), int(mask.sum()))
        cover = np.where(within, cover, np.float32(0))
        tint = color[box].astype(np.float32) / 255
        tint = tint.mean(2, keepdims=True) if values.shape[2] == 1 else tint
        added, hue = cover[..., None] * tint, np.median(tint[within], 0)
    # Un-mixing takes a few arrays of what it is given: no more than the mark itself.
    inner = _box(within)
    values, cover, within = values[inner], cover[inner], within[inner]
    made, holes = unmixed(values, cover, added[inner], within)
    out, whole = pixels.copy(), np.zeros(sure.shape, bool)
    whole[box][inner] = within
    out[box][inner][within] = quantised(made[within], pixels)
    shown = float(np.median(cover[within])) if layer is None else layer.opacity
    return Removed(
        out, whole, round(confidence, 3), round(shown, 3), _rounded(hue), int(holes.sum())
    )


def surest(sure: Array) -> float:
    """The mean of the surest ``_SUREST`` of the pixels' chances (0..1); 0 where there are none."""
    flat = sure.reshape(-1)
    if not flat.size:
        return 0.0
    count = max(round(_SUREST * flat.size), 1)
    return float(np.partition(flat, -count)[-count:].mean(dtype=np.float64))


def chance_of_mark(top: float, layer: layers.Found) -> float:
    """How likely it is, 0..1, that there is a mark where a network is at most so sure (``surest``) and
    ``layer`` was found."""
    sure, agreed = special.logit(np.clip((top, layer.overlap), 1e-4, 1 - 1e-4))
    return float(special.expit(np.dot(_WEIGHTS, (sure, layer.gain, agreed)) + _START))


def by_mask(pixels: Array, mask: Array) -> Removed | None:
    """The picture (H, W, C) un-mixed by a mask (H, W) as large as the mark, without any network.

    None if the mask's edges are not those of one translucent layer.
    """
    values = as_floats(pixels)
    layer = single.layer(values, mask)
    if layer is None or layer.error > 0.25 * layer.opacity or layer.opacity > _OPAQUE:
        return None
    box = _box(mask)
    values, within = values[box], mask[box]
    share, opacity, color = layers.refined(
        values, _held(values, layer, within), layer.opacity, layer.color
    )
    cover = np.where(within, share * np.float32(opacity), np.float32(0))
    made, holes = unmixed(values, cover, cover[..., None] * color, within)
    out = pixels.copy()
    out[mask] = quantised(made[within], pixels)
    return Removed(out, mask, 0.0, round(opacity, 3), _rounded(color), int(holes.sum()))


def _held(values: Array, layer: single.Layer, within: Array) -> Array:
    """The share (H, W) of one layer that each pixel of a mask drawn by hand holds.

    In the middle of the mask the layer is all there. At its edges it covers pixels in part: how much
    is told by what lies on both sides.
    """
    core = ndimage.binary_erosion(within, iterations=2)
    if core.sum() < 0.2 * within.sum():
        core = ndimage.binary_erosion(within)
    color = layer.color.astype(np.float32)
    amount = np.where(core, np.float32(layer.opacity), np.float32(0))
    made, _ = unmixed(values, amount, amount[..., None] * color, core)
    rim = within & ~core
    behind = fill(made, rim)
    away = color - behind
    size = np.square(away).sum(2)
    part = ((values - behind) * away).sum(2) / np.maximum(size, 1e-4)
    # Where the picture has the mark's own colour nothing can be told, and nothing shows.
    part = np.clip(np.where(size > 0.02, part / layer.opacity, 0.5), 0, 1)
    return np.where(core, 1, np.where(rim, part, 0)).astype(np.float32)


def _rounded(color: Array) -> tuple[float, ...]:
    return tuple(round(float(v), 3) for v in color)


def take_shared(pixels: Array, mark: SharedMark) -> Removed:
    """The picture (H, W, C) without the mark it shares with others."""
    box = _box(mark.mask)
    values = as_floats(pixels[box])
    added = mark.added[box]
    if values.shape[2] != added.shape[2]:
        added = added.mean(2, keepdims=True) if values.shape[2] == 1 else np.repeat(added, 3, 2)
    made, holes = unmixed(values, mark.opacity[box], added, mark.mask[box])
    out = pixels.copy()
    out[mark.mask] = quantised(made[mark.mask[box]], pixels)
    shown = float(np.median(mark.opacity[mark.mask]))
    return Removed(
        out, mark.mask, mark.confidence, round(shown, 3), mark.colors[0], int(holes.sum())
    )


def unmixed(values: Array, opacity: Array, added: Array, mask: Array) -> tuple[Array, Array]:
    """(the picture under the mark, where it was filled): (J - b) / (1 - a), and what is too opaque
    from around it."""
    through = 1 - opacity[..., None]
    made = np.where(mask[..., None], (values - added) / np.maximum(through, LEAST_THROUGH), values)
    made = np.clip(made, 0, 1)
    holes = mask & (opacity > 1 - 2 * LEAST_THROUGH)
    return (fill(made, holes) if holes.any() else made), holes


def without_specks(mask: Array) -> Array:
    """A mask (H, W) without its spots of a few pixels."""
    labels, count = ndimage.label(mask, np.ones((3, 3), int))
    if not count:
        return mask
    sizes = np.bincount(labels.reshape(-1))
    keep = sizes >= _SMALLEST
    keep[0] = False
    made: Array = keep[labels]
    return made


def as_floats(pixels: Array) -> Array:
    """Values 0..1 of uint8, uint16 or floats."""
    if pixels.dtype.kind != "u":
        return pixels.astype(np.float32)
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def quantised(values: Array, like: Array) -> Array:
    """Floats with 1 for white as the type of ``like``."""
    if like.dtype.kind != "u":
        return values.astype(like.dtype)
    white = np.iinfo(like.dtype).max
    made: Array = np.clip(np.rint(values * white), 0, white).astype(like.dtype)
    return made


def _box(mask: Array, room: int = 8) -> tuple[slice, slice]:
    """The part that holds all of a mask, with room around."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (
        slice(max(int(rows[0]) - room, 0), min(int(rows[-1]) + 1 + room, mask.shape[0])),
        slice(max(int(columns[0]) - room, 0), min(int(columns[-1]) + 1 + room, mask.shape[1])),
    )
