"""The mark that several pictures share: its opacity and its colour, in closed form.

Steps that all pictures have in common (``steps``) agree on a few colours, those of the mark's layers.
With its colour known a step has one number left to find, which is how much less light passes; summed
up (``integrate``) the steps are the logarithm of what passes. What the mark adds follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from isthmus.errors import DataError
from isthmus.marks import integrate, steps
from isthmus.marks.steps import Lines, Pairs

Array = NDArray[Any]
FEWEST = 3
LEAST_THROUGH = 0.04
"""Where less passes, nothing can be got back."""
_SCALES = (2, 4)
_OPAQUE = 0.9
_MOST_COLORS = 5
_STRONG, _WEAK = 4.5, 2.2
_OWN = 4.0
"""From this many standard errors on a step has a colour of its own."""
_SEEN = 0.015
_LEAST_STEPS = 60
_MOST_COVERED = 0.9


@dataclass(frozen=True)
class SharedMark:
    """What a mark does to every picture: J = (1 - opacity) I + added, where ``mask`` is true.

    ``opacity`` (H, W) and ``added`` (H, W, C) floats 0..1; ``colors`` are those of its layers,
    ``confidence`` 0..1 is how well the steps of the pictures agree on them.
    """

    opacity: Array
    added: Array
    mask: Array
    colors: tuple[tuple[float, ...], ...]
    confidence: float

    def off(self, pictures: Array) -> Array:
        """Pictures (…, H, W, C) of uint8 without the mark, as floats that may leave 0..1."""
        through = np.maximum(1 - self.opacity, LEAST_THROUGH)[..., None]
        made: Array = (pictures.astype(np.float32) / 255 - self.added) / through
        return made


def find(pictures: Array) -> SharedMark | None:
    """The mark that ``pictures`` (K, H, W, C) of uint8 share; None if they share none.

    Raises DataError for fewer than three pictures, or pictures that show the same.
    """
    if len(pictures) < FEWEST:
        raise DataError(
            f"a shared mark shows in what differs around it: at least {FEWEST} pictures are needed, "
            f"got {len(pictures)}"
        )
    mark = _layer(pictures)
    if mark is None:
        return None
    for scale in _SCALES:
        # What is soft moves little from pixel to pixel, and more in smaller pictures.
        if min(pictures.shape[1:3]) < 32 * scale:
            break
        try:
            rest = _layer(np.stack([_smaller(mark.off(p), scale) for p in pictures]))
        except DataError:
            break  # nothing of the pictures is left under an opaque mark
        if rest is not None:
            mark = _over(mark, rest, scale)
    return mark


def _layer(pictures: Array) -> SharedMark | None:
    """One look at steps between pixels."""
    shape: tuple[int, int] = pictures.shape[1:3]
    pairs = steps.candidates(pictures)
    lines = [steps.free(pictures, p) for p in pairs]
    strong = _STRONG + 8 / len(pictures)
    colors, agreement = _colors(lines, strong)
    if not colors:
        return None
    found = [_steps(pictures, p, line, colors, shape) for p, line in zip(pairs, lines, strict=True)]
    ratio, offset, trust = _kept(found, shape, strong)
    return _summed(ratio, offset, trust, colors, agreement)


def _smaller(picture: Array, scale: int) -> Array:
    """A picture of floats as uint8, squares of pixels by their means; what is over is left out."""
    height, width, channels = picture.shape
    rows, columns = height // scale, width // scale
    clipped = np.clip(picture[: rows * scale, : columns * scale], 0, 1)
    return _bytes(clipped.reshape(rows, scale, columns, scale, channels).mean((1, 3)))


def _bytes(values: Array) -> Array:
    made: Array = np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)
    return made


def _over(mark: SharedMark, rest: SharedMark, scale: int) -> SharedMark:
    """``mark`` on top of what is left of it below, found at 1 / ``scale`` of the size."""
    height, width = mark.opacity.shape

    def grown(values: Array) -> Array:
        wide = ndimage.zoom(values, scale, order=1, mode="nearest", grid_mode=True)
        return np.pad(
            wide[:height, :width],
            ((0, max(height - wide.shape[0], 0)), (0, max(width - wide.shape[1], 0))),
            "edge",
        )

    below = np.where(mark.opacity < _OPAQUE, grown(rest.opacity), 0)
    light = np.stack([grown(rest.added[..., c]) for c in range(rest.added.shape[2])], -1)
    light = np.where((below > 0)[..., None], light, 0)
    through = 1 - mark.opacity
    opacity = 1 - through * (1 - below)
    mask = mark.mask | (below > _SEEN)
    return SharedMark(
        np.where(mask, opacity, 0).astype(np.float32),
        np.where(mask[..., None], mark.added + through[..., None] * light, 0).astype(np.float32),
        mask,
        tuple(dict.fromkeys((*mark.colors, *rest.colors))),
        mark.confidence,
    )


def _colors(lines: list[Lines], strong: float) -> tuple[list[Array], float]:
    """The colours that many strong steps agree on, and which share of the strong steps does."""
    slope, error = (np.concatenate([getattr(v, n) for v in lines]) for n in ("slope", "error"))
    offset = np.concatenate([v.offset for v in lines])
    middle = np.concatenate([v.middle for v in lines])
    noise = np.concatenate([v.noise for v in lines])
    sure = np.abs(slope) > strong * error
    slope, error, offset, middle, noise = (v[sure] for v in (slope, error, offset, middle, noise))
    color = -offset / np.where(slope == 0, 1, slope)[:, None]
    apart = np.sqrt(
        np.square(error[:, None] * (color - middle)) + np.square(noise[:, None])
    ) / np.abs(slope[:, None])
    left = ((color > -0.1) & (color < 1.1)).all(1) & (apart.max(1) < 0.2)
    agreed = np.zeros(len(slope), bool)
    made: list[Array] = []
    while len(made) < _MOST_COLORS and left.sum() >= _LEAST_STEPS:
        at = _mode(color[left], apart[left])
        near = left & (np.abs(color - at) < np.maximum(3 * apart, 0.03)).all(1)
        if near.sum() < max(_LEAST_STEPS, 0.04 * len(slope)):
            break
        made.append(np.clip(at, 0, 1))
        agreed |= near
        left &= ~near
    return made, float(agreed.sum() / max(len(slope), 1))


def _mode(colors: Array, apart: Array) -> Array:
    """Where colours (N, C) lie most densely, each as sharp as it is known."""
    weight = 1 / np.square(apart.max(1) + 0.01)
    sample = np.argsort(-weight)[:400]
    reach = 0.04
    near = np.exp(-np.square(colors[sample][:, None] - colors[None]).sum(2) / (2 * reach**2))
    at = colors[sample[np.argmax((near * weight).sum(1))]]
    for _ in range(8):
        close = (np.abs(colors - at) < np.maximum(2 * apart, 0.02)).all(1)
        if not close.any():
            break
        at = (weight[close, None] * colors[close]).sum(0) / weight[close].sum()
    return np.asarray(at)


@dataclass(frozen=True)
class _Steps:
    pairs: Pairs
    slope: Array
    error: Array
    offset: Array


def _steps(
    pictures: Array, pairs: Pairs, line: Lines, colors: list[Array], shape: tuple[int, int]
) -> _Steps:
    """Each pair's step, through the layer's colour that explains it and its neighbours best."""
    slopes = np.zeros((len(colors), len(pairs.index)), np.float32)
    errors = np.ones_like(slopes)
    scores = np.zeros_like(slopes)
    for number, color in enumerate(colors):
        slopes[number], errors[number] = steps.anchored(pictures, pairs, color)
        # Neighbours belong to the same layer more often than not.
        score = np.zeros(shape[0] * shape[1], np.float32)
        score[pairs.index] = np.minimum(np.square(slopes[number] / errors[number]), 400)
        around = ndimage.uniform_filter(score.reshape(shape), 5).reshape(-1)
        scores[number] = around[pairs.index] + 0.1 * score[pairs.index]
    best = scores.argmax(0)
    index = np.arange(len(best))
    slope, error = slopes[best, index], errors[best, index]
    color = np.stack(colors)[best]
    # Where even the best layer's colour is not the step's, the free line is believed.
    miss = np.abs(line.offset + line.slope[:, None] * color)
    known = np.sqrt(
        np.square(line.error[:, None] * (color - line.middle)) + np.square(line.noise[:, None])
    )
    own = (miss > _OWN * known).any(1) & (np.abs(line.slope) > _STRONG * line.error)
    slope, error = np.where(own, line.slope, slope), np.where(own, line.error, error)
    offset = np.where(own[:, None], line.offset, -slope[:, None] * color)
    return _Steps(pairs, np.clip(slope, -1.98, 1.98), error, offset)


def _kept(
    found: list[_Steps], shape: tuple[int, int], strong: float
) -> tuple[tuple[Array, Array], tuple[Array, Array], tuple[Array, Array]]:
    """(logarithms of ratios, offsets, trust) on the grids of pairs across and down.

    A step counts if it is sure, or half sure beside one that is.
    """
    height, width = shape
    sure = np.zeros(shape, bool)
    scores = []
    for one in found:
        flat = np.zeros(height * width, np.float32)
        flat[one.pairs.index] = np.abs(one.slope) / one.error
        scores.append(flat.reshape(shape))
        hit = scores[-1] > strong
        # Single pixels are chance; an edge has neighbours.
        hit &= ndimage.uniform_filter(hit.astype(np.float32), 5) > 2.5 / 25
        sure |= hit
        sure |= np.roll(hit, 1, 1 if one.pairs.step == 1 else 0)
    near = ndimage.binary_dilation(sure, np.ones((3, 3), bool), iterations=2)
    ratios, offsets, trusts = [], [], []
    for one, score in zip(found, scores, strict=True):
        keep = near.reshape(-1)[one.pairs.index] & (score.reshape(-1)[one.pairs.index] > _WEAK)
        index, slope = one.pairs.index[keep], one.slope[keep]
        ratio = np.zeros(height * width)
        offset = np.zeros((height * width, one.offset.shape[1]), np.float32)
        error = np.full(height * width, 0.01)
        # t(y) / t(x) is (2 + s) / (2 - s).
        ratio[index] = 2 * np.arctanh(slope / 2)
        offset[index] = one.offset[keep] / (1 - slope / 2)[:, None]
        error[index] = np.hypot(one.error[keep] / (1 - np.square(slope) / 4), 0.01)
        cut = (slice(None), slice(-1)) if one.pairs.step == 1 else (slice(-1), slice(None))
        ratios.append(ratio.reshape(shape)[cut])
        offsets.append(offset.reshape(*shape, -1)[cut])
        trusts.append(1 / np.square(error).reshape(shape)[cut])
    return (ratios[0], ratios[1]), (offsets[0], offsets[1]), (trusts[0], trusts[1])


def _summed(
    ratio: tuple[Array, Array],
    offset: tuple[Array, Array],
    trust: tuple[Array, Array],
    colors: list[Array],
    agreement: float,
) -> SharedMark | None:
    """The mark whose steps these are."""
    passes = integrate.freely(*ratio)
    passes -= _ground(passes)
    touched = np.zeros(passes.shape, bool)
    touched[:, :-1] |= ratio[0] != 0
    touched[:, 1:] |= ratio[0] != 0
    touched[:-1] |= ratio[1] != 0
    touched[1:] |= ratio[1] != 0
    region = ndimage.binary_dilation((passes < -2 * _SEEN) | touched, iterations=2)
    if region.mean() > _MOST_COVERED:
        raise DataError(
            "the pictures have nearly everything in common: they show the same, not the same mark "
            "on different pictures"
        )
    passes = np.minimum(integrate.within(region, *ratio, trust, passes), 0)
    through = np.exp(passes)
    opacity = 1 - through
    mask = ndimage.binary_opening(opacity > _SEEN, iterations=1) | (opacity > 3 * _SEEN)
    if mask.sum() < _LEAST_STEPS:
        return None
    if len(colors) == 1:
        added = opacity[..., None] * colors[0]
    else:
        added = _added(region, offset, trust, through)
    opacity = np.where(mask, opacity, 0).astype(np.float32)
    added = np.where(mask[..., None], np.clip(added, 0, opacity[..., None]), 0).astype(np.float32)
    said = tuple(tuple(round(float(v), 3) for v in c) for c in colors)
    return SharedMark(opacity, added, mask, said, round(agreement, 3))


def _added(
    region: Array, offset: tuple[Array, Array], trust: tuple[Array, Array], through: Array
) -> Array:
    """What the mark adds (H, W, C): b / t has steps q / ((1 - s / 2) t)."""
    channels = []
    for c in range(offset[0].shape[2]):
        across = offset[0][..., c] / through[:, 1:]
        down = offset[1][..., c] / through[1:]
        start = integrate.freely(across, down)
        start -= np.median(start[~region]) if (~region).any() else 0
        weight = trust[0] * through[:, 1:] ** 2, trust[1] * through[1:] ** 2
        channels.append(integrate.within(region, across, down, weight, start) * through)
    return np.stack(channels, -1)


def _ground(passes: Array) -> float:
    """The level where there is no mark: the highest that is common."""
    counts, edges = np.histogram(passes, max(int(np.ptp(passes) / 0.02), 1) + 1)
    common = np.flatnonzero(counts >= 0.2 * counts.max())
    low, high = edges[common[-1]], edges[common[-1] + 1]
    near = passes[(passes >= low - 0.02) & (passes <= high + 0.02)]
    return float(np.median(near))
