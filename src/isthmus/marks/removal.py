"""Taking a mark off a picture, given where it is and what it is like: un-mixing, and filling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from isthmus.marks import single
from isthmus.marks.fill import fill
from isthmus.marks.shared import LEAST_THROUGH, SharedMark

Array = NDArray[Any]
_SMALLEST = 24
"""Spots of fewer pixels are no marks."""
_LEAST_SHARE = 4e-4
_SURE = 0.75
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
    """The picture (H, W, C) without what a network found on it.

    ``sure`` and ``opacity`` (H, W) are 0..1, ``color`` (H, W, 3) uint8. ``mask`` restricts the work to
    where it is true; where the network sees nothing in all of it, it is filled from around.
    """
    found = sure > 0.5 if mask is None else (sure > 0.2) & mask
    found = without_specks(found)
    confidence = float(sure[found].mean()) if found.any() else 0.0
    if mask is None and (found.mean() < _LEAST_SHARE or confidence < _SURE):
        return Removed(pixels, np.zeros(found.shape, bool), confidence)
    if mask is not None and found.sum() < 0.02 * mask.sum():
        return _by_mask(pixels, mask)
    top, bottom, left, right = _box(found)
    box = slice(top, bottom), slice(left, right)
    values = as_floats(pixels[box])
    channels = values.shape[2]
    tint = color[box].astype(np.float32)[..., :channels] / 255
    if channels == 1:
        tint = color[box].astype(np.float32).mean(2, keepdims=True) / 255
    within = found[box]
    cover = np.where(within, opacity[box], 0)
    layer = single.layer(values, within)
    if layer is not None:
        cover, tint = _agreed(layer, cover, tint, within)
    made, holes = unmixed(values, cover, cover[..., None] * tint, within)
    out = pixels.copy()
    whole = np.zeros(found.shape, bool)
    whole[box] = within
    out[whole] = quantised(made[within], pixels)
    shown = float(np.median(cover[within]))
    hue = tuple(
        round(float(v), 3) for v in np.median(np.broadcast_to(tint, values.shape)[within], 0)
    )
    return Removed(out, whole, round(confidence, 3), round(shown, 3), hue, int(holes.sum()))


def _agreed(layer: single.Layer, cover: Array, tint: Array, within: Array) -> tuple[Array, Array]:
    """The network's opacity and colour, drawn to those of the one layer that all edges obey.

    Marks of several layers keep what the network says where it differs too much from that layer.
    """
    near = np.abs(cover - layer.opacity) < 0.25
    close = near & (np.abs(tint - layer.color.astype(np.float32)).mean(2) < 0.3)
    inner = ndimage.binary_erosion(within)
    share = float(close[inner].mean()) if inner.any() else float(close[within].mean())
    if share < 0.6:
        return cover, tint
    # At its edges a mark covers pixels in part, and the network says how much.
    edge = np.minimum(cover, layer.opacity)
    cover = np.where(
        inner & near, layer.opacity, np.where(near | (cover < layer.opacity), edge, cover)
    )
    tint = np.where(close[..., None], layer.color.astype(np.float32), tint)
    return cover.astype(np.float32), tint


def _by_mask(pixels: Array, mask: Array) -> Removed:
    """What a person marked and no network sees: un-mixed if it is one layer, else filled."""
    values = as_floats(pixels)
    layer = single.layer(values, mask)
    out = pixels.copy()
    if layer is None or layer.opacity > _OPAQUE:
        out[mask] = quantised(fill(values, mask)[mask], pixels)
        return Removed(out, mask, 0.0, 1.0, (), int(mask.sum()))
    soft = np.where(mask, ndimage.gaussian_filter(mask.astype(np.float32), 0.5), 0)
    cover = soft * layer.opacity
    made, holes = unmixed(values, cover, cover[..., None] * layer.color, mask)
    out[mask] = quantised(made[mask], pixels)
    hue = tuple(round(float(v), 3) for v in layer.color)
    return Removed(out, mask, 0.0, round(layer.opacity, 3), hue, int(holes.sum()))


def take_shared(pixels: Array, mark: SharedMark) -> Removed:
    """The picture (H, W, C) without the mark it shares with others."""
    top, bottom, left, right = _box(mark.mask)
    box = slice(top, bottom), slice(left, right)
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


def _box(mask: Array) -> tuple[int, int, int, int]:
    """The part that holds all of a mask, with room around."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    room = 8
    return (
        max(int(rows[0]) - room, 0),
        min(int(rows[-1]) + 1 + room, mask.shape[0]),
        max(int(columns[0]) - room, 0),
        min(int(columns[-1]) + 1 + room, mask.shape[1]),
    )
