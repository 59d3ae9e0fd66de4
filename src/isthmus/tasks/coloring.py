"""A photograph coloured: by the network alone, as a person says, like another one, in several ways."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus import lab
from isthmus.autoencoder import Autoencoder
from isthmus.losses.colors import taken
from isthmus.media.tiles import Array
from isthmus.plan import ushape
from isthmus.recipe import UShape
from isthmus.tasks import hints as H
from isthmus.tasks import joining, kriging, palette
from isthmus.tasks.colorize import view
from isthmus.tasks.hints import Hint
from isthmus.tasks.restore import Progress

SIDE = 256
"""The network's view of a photograph has about as many pixels as a square of this side."""
TEMPERATURE = 0.5
"""Of the mean that is taken of each place's colours: lower is more vivid and less safe."""
_ANCHORS = 5
"""Colours that a variant draws before all else follows."""
_DRAWN = 0.5
"""Temperature of these draws: training counts vivid colours for more than they come, draws must not."""
_AWAY = 0.25
"""Anchors keep this share of the picture's longer side from each other."""


@dataclass(frozen=True)
class Small:
    """A photograph as the network sees it: L* (1, 1, h, w) and a*, b* (1, 2, h, w)."""

    light: Tensor
    ab: Tensor


def colors(
    model: Autoencoder,
    spec: object,
    pixels: Array,
    hints: Sequence[Hint] = (),
    saturation: float = 1.0,
    reference: Array | None = None,
    variant: int = 0,
) -> Small:
    """The colours of a photograph (H, W, 1 or 3) at the network's size.

    ``hints`` are obeyed and reach what looks like their place. ``saturation`` multiplies the chroma
    of what the network says. ``reference`` is a photograph (h, w, 3) whose palette is taken.
    ``variant`` 0 is the likeliest version; the others are drawn at random, each number its own.
    Raises DataError for a hint outside the picture.
    """
    size = (pixels.shape[0], pixels.shape[1])
    H.checked(hints, *size)
    grid = _grid(spec, *size)
    light = joining.small_lightness(pixels, grid)
    told = H.drawn(hints, size, grid, H.SIDE)
    wanted = None if reference is None else _palette_of(reference)
    logits = _said(model, light, told, wanted)
    if variant:
        generator = torch.Generator().manual_seed(variant)
        told = _anchored(model, light, told, logits, wanted, generator)
        logits = _said(model, light, told, wanted)
    coarse = saturation * taken(logits, TEMPERATURE)
    small = F.interpolate(light, coarse.shape[2:], mode="area")
    ab = joining.upsampled(light, small, coarse)
    ab = kriging.corrected(light, ab, logits, hints, size)
    return Small(light, H.obeyed(light, ab, hints, size))


def colorized(
    model: Autoencoder,
    spec: object,
    pixels: Array,
    hints: Sequence[Hint] = (),
    saturation: float = 1.0,
    reference: Array | None = None,
    variant: int = 0,
    progress: Progress | None = None,
) -> Array:
    """A photograph (H, W, 1 or 3) of uint8, uint16 or floats 0..1 in colour: (H, W, 3), same type.

    Its L* stays, to what the type can hold; options as ``colors`` has them.
    """
    with torch.inference_mode():
        small = colors(model, spec, pixels, hints, saturation, reference, variant)
        return joining.joined(pixels, small.light, small.ab, progress)


def _grid(spec: object, height: int, width: int) -> tuple[int, int]:
    """The size (rows, columns) of the network's view: the photograph's shape, in whole steps."""
    if not isinstance(spec, UShape):
        raise TypeError(f"a {type(spec).__name__} network takes pictures of one size only")
    step = ushape.side(spec)
    scale = SIDE / math.sqrt(height * width)
    longest = 4 * SIDE
    rows, columns = (
        min(max(round(side * scale / step), 1) * step, longest) for side in (height, width)
    )
    return rows, columns


def _said(model: Autoencoder, light: Tensor, told: Tensor, wanted: Tensor | None) -> Tensor:
    """The network's logits, weighed towards a palette if one is wanted."""
    seen = view(light, told).contiguous(memory_format=torch.channels_last)
    logits: Tensor = model(seen).raw.float()
    if wanted is None:
        return logits
    return palette.toward(logits, F.interpolate(light, logits.shape[2:], mode="area"), wanted)


def _palette_of(reference: Array) -> Tensor:
    """The colours of a photograph (h, w, 3) by lightness."""
    step = max(max(reference.shape[:2]) // SIDE, 1)
    some = torch.from_numpy(joining.as_floats(reference[::step, ::step]))
    whole = lab.to_lab(some.permute(2, 0, 1)[None].clamp(0, 1))
    return palette.histogram(whole[:, :1], whole[:, 1:])


def _anchored(
    model: Autoencoder,
    light: Tensor,
    told: Tensor,
    logits: Tensor,
    wanted: Tensor | None,
    generator: torch.Generator,
) -> Tensor:
    """``told`` with a few more colours, drawn one after the other from what the network holds possible.

    Each goes where the network is least sure, away from those before, and the network answers before
    the next is drawn: a thing gets one colour, not many.
    """
    told = told.clone()
    rows, columns = logits.shape[2:]
    step = light.shape[2] // rows
    y = torch.arange(rows).view(-1, 1).float()
    x = torch.arange(columns).view(1, -1).float()
    open_places = F.avg_pool2d(told[:, 2:], step)[0, 0] == 0
    for _ in range(_ANCHORS):
        share = torch.softmax(logits, 1)[0]
        unsure = -(share * share.clamp_min(1e-9).log()).sum(0)
        # The mean over a neighbourhood: an unsure object, not an unsure edge.
        unsure = F.avg_pool2d(unsure[None, None], 5, 1, 2, count_include_pad=False)[0, 0]
        unsure = torch.where(open_places, unsure, -1.0)
        at = int(unsure.argmax())
        row, column = divmod(at, columns)
        likely = torch.softmax(logits[0, :, row, column] / _DRAWN, 0)
        drawn = torch.multinomial(likely, 1, generator=generator)
        color = lab.expanded(lab.lattice()[drawn])[0]
        square = (slice(row * step, (row + 1) * step), slice(column * step, (column + 1) * step))
        told[0, :2, *square], told[0, 2, *square] = color[:, None, None], 1.0
        far = _AWAY * max(rows, columns)
        open_places &= (y - row) ** 2 + (x - column) ** 2 > far**2
        if not open_places.any():
            break
        logits = _said(model, light, told, wanted)
    return told
