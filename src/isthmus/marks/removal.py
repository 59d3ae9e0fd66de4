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
_SUREST = 0.002
"""Share of a picture's pixels that say whether it has a mark: those that are surest. On 206 photographs, each with
and without a mark, they told the two apart better than the mean of all that was found (recall .63 against
.46 where one clean picture in twenty is taken for marked), whatever the size of the mark."""
# Its logit to the chance of a mark, where half of the pictures have one: fitted on the same photographs.
_SLOPE, _START = 0.71, 2.87
_SURE = 0.74
"""Of photographs without a mark, one in 25 says more than this."""
# What is this opaque is filled from around instead.
_OPAQUE = 0.9
_HARDLY, _MOSTLY = 0.25, 0.65


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
    confidence = chance_of_mark(sure if mask is None else sure[mask])
    if mask is None and (found.mean() < _LEAST_SHARE or confidence < _SURE):
        return Removed(pixels, np.zeros(found.shape, bool), round(confidence, 3))
    if mask is not None and found.sum() < 0.02 * mask.sum():
        out = pixels.copy()
        out[mask] = quantised(fill(as_floats(pixels), mask)[mask], pixels)
        return Removed(out, mask, 0.0, 1.0, (), int(mask.sum()))
    # A pixel more: the faint rim of a mark is hardly seen.
    within = ndimage.binary_dilation(found)
    within = within if mask is None else within & mask
    top, bottom, left, right = _box(within)
    box = slice(top, bottom), slice(left, right)
    values, within, found = as_floats(pixels[box]), within[box], found[box]
    tint = color[box].astype(np.float32) / 255
    tint = tint.mean(2, keepdims=True) if values.shape[2] == 1 else tint
    cover = np.where(within, opacity[box], 0).astype(np.float32)
    layer = single.layer(values, found)
    one = None if layer is None else _is_one(layer, cover, tint, found)
    if layer is not None and one is not None:
        made, cover = by_layer(values, layer, one, within, cover, tint)
        shown, hue = layer.opacity, layer.color
        holes = within & (cover > 1 - 2 * LEAST_THROUGH)
    else:
        made, holes = unmixed(values, cover, cover[..., None] * tint, within)
        shown = float(np.median(cover[found]))
        hue = np.median(np.broadcast_to(tint, values.shape)[found], 0)
    out = pixels.copy()
    whole = np.zeros(pixels.shape[:2], bool)
    whole[box] = within
    out[whole] = quantised(made[within], pixels)
    return Removed(
        out, whole, round(confidence, 3), round(shown, 3), _rounded(hue), int(holes.sum())
    )


def chance_of_mark(sure: Array) -> float:
    """How likely it is, 0..1, that pixels of which a network is so ``sure`` (0..1) hold a mark."""
    flat = sure.reshape(-1)
    if not flat.size:
        return 0.0
    count = max(round(_SUREST * flat.size), 1)
    top = float(np.partition(flat, -count)[-count:].mean(dtype=np.float64))
    top = min(max(top, 1e-4), 1 - 1e-4)
    return float(1 / (1 + np.exp(-_SLOPE * (np.log(top / (1 - top)) - _START))))


def _is_one(layer: single.Layer, cover: Array, tint: Array, found: Array) -> Array | None:
    """Where (H, W) the network's opacity is about the layer's; None if that is not most of the mark."""
    near = np.abs(cover - layer.opacity) < 0.3
    close = near & (np.abs(tint - layer.color.astype(np.float32)).mean(2) < 0.35)
    inner = ndimage.binary_erosion(found)
    inner = inner if inner.any() else found
    return near if close[inner].mean() > 0.6 else None


def by_layer(
    values: Array,
    layer: single.Layer,
    near: Array,
    within: Array,
    cover: Array | None = None,
    tint: Array | None = None,
) -> tuple[Array, Array]:
    """(the picture without one layer, the opacity of each pixel).

    In the middle of the mark the layer is all there. At its edges it covers pixels in part: how much
    is told by what lies on both sides. Where ``near`` is false, ``cover`` and ``tint`` hold instead.
    """
    # A mask that was found is wider than its mark, by a pixel or two more than one that was drawn.
    found = cover is not None
    core = ndimage.binary_erosion(within, iterations=4 if found else 2)
    if not found and core.sum() < 0.2 * within.sum():
        core = ndimage.binary_erosion(within)
    color = layer.color.astype(np.float32)
    amount = np.where(core & near, np.float32(layer.opacity), np.float32(0))
    hue = np.broadcast_to(color, values.shape).copy()
    if cover is not None and tint is not None:
        other = core & ~near
        amount[other] = cover[other]
        hue[other] = np.broadcast_to(tint, values.shape)[other]
    made, _ = unmixed(values, amount, amount[..., None] * hue, core)
    rim = within & ~core
    behind = fill(made, rim)
    away = color - behind
    size = np.square(away).sum(2)
    part = ((values - behind) * away).sum(2) / np.maximum(size, 1e-4)
    # Where the picture has the mark's own colour nothing can be told, and nothing shows.
    part = np.where(size > 0.02, part, 0.5 * layer.opacity) / layer.opacity
    if found:
        # Mostly covered is covered, and hardly is not: then the sums are exact again.
        part = (ndimage.median_filter(part, 3) - _HARDLY) / (_MOSTLY - _HARDLY)
    part = np.clip(part, 0, 1) * layer.opacity
    amount = np.where(rim, part, amount).astype(np.float32)
    made, _ = unmixed(values, amount, amount[..., None] * hue, within)
    return made, amount


def by_mask(pixels: Array, mask: Array) -> Removed | None:
    """The picture (H, W, C) un-mixed by a mask (H, W) as large as the mark, without any network.

    None if the mask's edges are not those of one translucent layer.
    """
    values = as_floats(pixels)
    layer = single.layer(values, mask)
    if layer is None or layer.error > 0.25 * layer.opacity or layer.opacity > _OPAQUE:
        return None
    out = pixels.copy()
    top, bottom, left, right = _box(mask)
    box = slice(top, bottom), slice(left, right)
    within = mask[box]
    made, cover = by_layer(values[box], layer, np.ones_like(within), within)
    out[mask] = quantised(made[within], pixels)
    holes = within & (cover > 1 - 2 * LEAST_THROUGH)
    return Removed(out, mask, 0.0, round(layer.opacity, 3), _rounded(layer.color), int(holes.sum()))


def _rounded(color: Array) -> tuple[float, ...]:
    return tuple(round(float(v), 3) for v in color)


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
