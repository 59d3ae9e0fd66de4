"""Laying marks on pictures: batches (N, 3, H, W) of values in 0..1, everything drawn at random.

A picture I under a mark is J = t I + b: what passes through, and the light the mark adds. One layer
of opacity a and colour C has t = 1 - a and b = a C; layers on each other multiply. All blend modes
that are linear in the picture (normal, multiply, screen) have this form.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn import functional as F

from isthmus.marks.drawing import Array

T = TypeVar("T")
_LEVELS = 4


@dataclass(frozen=True)
class Mark:
    """One coverage at full, half, quarter … size: (1, 1, h, w) of uint8 each."""

    kind: str
    levels: tuple[Tensor, ...]

    @classmethod
    def of(cls, kind: str, coverage: Array) -> Mark:
        """A mark of a coverage (height, width) of uint8."""
        image = Image.fromarray(coverage)
        levels = [coverage]
        for level in range(1, _LEVELS):
            # Grown at the end to whole squares, so that all levels lie on each other.
            size = -(-image.width // 2**level), -(-image.height // 2**level)
            box = (0.0, 0.0, size[0] * 2.0**level, size[1] * 2.0**level)
            grown = ImageOps.expand(
                image, (0, 0, int(box[2]) - image.width, int(box[3]) - image.height)
            )
            levels.append(np.asarray(grown.resize(size, Image.Resampling.BOX)))
        return cls(kind, tuple(torch.from_numpy(v.copy())[None, None] for v in levels))

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in full."""
        return int(self.levels[0].shape[2]), int(self.levels[0].shape[3])


@dataclass(frozen=True)
class Place:
    """Where and how a mark lies: middle and height in pixels, angle in radians.

    ``gap`` (across, down), in heights of the mark: then it is repeated over the whole picture;
    ``shift`` moves every second row by that share of a repeat. ``across`` stretches it.
    """

    y: float
    x: float
    height: float
    angle: float = 0.0
    across: float = 1.0
    gap: tuple[float, float] | None = None
    shift: float = 0.0


def laid(mark: Mark, place: Place, height: int, width: int) -> Tensor:
    """The coverage (1, 1, height, width) of a mark at its place on a picture."""
    tall, wide = mark.size
    scale = tall / place.height  # pixels of the mark for one of the picture
    rows = torch.arange(height).float()[:, None] - place.y
    columns = torch.arange(width).float()[None] - place.x
    cos, sin = math.cos(place.angle), math.sin(place.angle)
    v = (rows * cos - columns * sin) * scale
    u = (rows * sin + columns * cos) * (scale / place.across)
    if place.gap is not None:
        across, down = wide + place.gap[0] * tall, tall * (1 + place.gap[1])
        row = torch.floor(v / down + 0.5)
        v = v - row * down
        u = u + row.remainder(2) * (place.shift * across)
        u = u - torch.floor(u / across + 0.5) * across
    # The level that is shrunk least: edges stay as crisp as those of drawn letters.
    level = min(max(int(math.log2(max(scale, 1.0))), 0), len(mark.levels) - 1)
    source = mark.levels[level].float() / 255
    # A level covers as many pixels of the mark as it has, times its own; its first corner is shared.
    down, across = source.shape[2] * 2**level, source.shape[3] * 2**level
    u, v = (u + wide / 2) * (2 / across) - 1, (v + tall / 2) * (2 / down) - 1
    grid = torch.stack((u, v), -1)[None]
    return F.grid_sample(source, grid, align_corners=False)


@dataclass
class Layers:
    """What marks do to a picture: ``through`` and ``added`` (3, H, W)."""

    through: Tensor
    added: Tensor

    @classmethod
    def none(cls, height: int, width: int) -> Layers:
        """No mark yet."""
        return cls(torch.ones(3, height, width), torch.zeros(3, height, width))

    def cover(self, opacity: Tensor, color: Tensor, blend: str = "normal") -> None:
        """Lay ``color`` (3, 1, 1 or H, W) on with ``opacity`` (1, H, W)."""
        if blend == "normal":
            passes, gives = 1 - opacity, opacity * color
        elif blend == "multiply":
            passes, gives = 1 - opacity * (1 - color), torch.zeros(())
        else:
            passes, gives = 1 - opacity * color, opacity * color
        self.through = self.through * passes
        self.added = self.added * passes + gives

    def on(self, picture: Tensor) -> Tensor:
        """The picture (3, H, W) under the marks."""
        return (self.through * picture + self.added).clamp(0, 1)


class Chance:
    """Random numbers from one generator, cheaply one by one."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator
        self.held: list[float] = []

    def __call__(self, low: float = 0.0, high: float = 1.0) -> float:
        """Between ``low`` and ``high``."""
        if not self.held:
            device = self.generator.device
            self.held = torch.rand(256, generator=self.generator, device=device).tolist()
        return low + (high - low) * self.held.pop()

    def log(self, low: float, high: float) -> float:
        """Between ``low`` and ``high``, as often below as above their geometric mean."""
        return math.exp(self(math.log(low), math.log(high)))

    def one(self, of: Sequence[T]) -> T:
        """Any of several."""
        return of[min(int(self() * len(of)), len(of) - 1)]


def marked(
    marks: dict[str, list[Mark]], height: int, width: int, opacity: tuple[float, float], c: Chance
) -> Layers:
    """The layers of a mark as people make them: one, a logo with text, or repeated all over."""
    layers = Layers.none(height, width)
    how = c()
    if how < 0.30:
        _one(layers, c.one(marks["text"]), _anywhere(c, height, width, "text"), opacity, c)
    elif how < 0.55:
        _one(layers, c.one(marks["logo"]), _anywhere(c, height, width, "logo"), opacity, c)
    elif how < 0.78:
        kind = "text" if c() < 0.7 else "logo"
        _one(layers, c.one(marks[kind]), _repeated(c, height, width, kind), opacity, c)
    else:
        # A logo with a line of text below or beside it.
        over = _anywhere(c, height, width, "logo")
        share = c(0.2, 0.6) * over.height
        down = (over.height + share) * c(0.55, 0.8)
        under = Place(
            over.y + down * math.cos(over.angle),
            over.x + down * math.sin(over.angle),
            share,
            over.angle,
        )
        style = _Style.drawn(opacity, c)
        _one(layers, c.one(marks["logo"]), over, opacity, c, style)
        _one(layers, c.one(marks["text"]), under, opacity, c, style if c() < 0.8 else None)
    return layers


def _angle(c: Chance) -> float:
    how = c()
    if how < 0.5:
        return 0.0
    if how < 0.75:
        return c.one((-1, 1)) * math.radians(c(25, 50))
    return math.radians(c(-90, 90))


def _anywhere(c: Chance, height: int, width: int, kind: str) -> Place:
    side = min(height, width)
    tall = c.log(9, 0.4 * side) if kind == "text" else c.log(18, 0.95 * side)
    y, x = c(-0.05, 1.05) * height, c(-0.05, 1.05) * width
    return Place(y, x, tall, _angle(c), c(0.85, 1.15))


def _repeated(c: Chance, height: int, width: int, kind: str) -> Place:
    side = min(height, width)
    tall = c.log(7, 0.2 * side) if kind == "text" else c.log(14, 0.35 * side)
    y, x = c() * height, c() * width
    gap = (c(0.3, 3), c(0.3, 3.5))
    return Place(y, x, tall, _angle(c), c(0.9, 1.1), gap, c.one((0.0, 0.5, c())))


@dataclass(frozen=True)
class _Style:
    color: Tensor
    opacity: float
    blend: str
    rim: str
    rim_share: float

    @classmethod
    def drawn(cls, opacity: tuple[float, float], c: Chance) -> _Style:
        how = c()
        if how < 0.5:
            shade = 1.0 if c() < 0.8 else c(0.8, 1)
            color = torch.full((3, 1, 1), shade)
        elif how < 0.66:
            color = torch.full((3, 1, 1), 0.0 if c() < 0.7 else c(0, 0.2))
        elif how < 0.76:
            color = torch.full((3, 1, 1), c(0.2, 0.8))
        else:
            color = torch.tensor([c(), c(), c()]).reshape(3, 1, 1)
            if c() < 0.5:  # a pure colour rather than a muddy one
                color = (color - color.min()) / (color.max() - color.min()).clamp_min(1e-3)
        blend = "normal" if c() < 0.92 else c.one(("multiply", "screen"))
        if float(color.mean()) > 0.9 and blend == "multiply":
            blend = "screen"
        if float(color.mean()) < 0.1 and blend == "screen":
            blend = "multiply"
        draw = c()
        rim = "shadow" if draw < 0.2 else "outline" if draw < 0.28 else "none"
        return cls(color, c(*opacity), blend, rim, c(0.3, 0.9))


def _one(
    layers: Layers,
    mark: Mark,
    place: Place,
    opacity: tuple[float, float],
    c: Chance,
    style: _Style | None = None,
) -> None:
    """One mark with its rim, in a style of its own unless given."""
    style = style or _Style.drawn(opacity, c)
    height, width = layers.through.shape[1:]
    coverage = laid(mark, place, height, width)
    if style.rim != "none":
        # What is behind a mark lifts it off the picture: the opposite of its brightness.
        behind = torch.full((3, 1, 1), 0.0 if float(style.color.mean()) > 0.4 else 1.0)
        rim = _shadow(coverage, place, c) if style.rim == "shadow" else _outline(coverage)
        layers.cover(rim[0] * (style.opacity * style.rim_share), behind)
    color = style.color
    if c() < 0.08:  # fading into another colour from side to side
        other = torch.tensor([c(), c(), c()]).reshape(3, 1, 1)
        color = color + (other - color) * torch.linspace(0, 1, width)
    layers.cover(coverage[0] * style.opacity, color, style.blend)


def _shadow(coverage: Tensor, place: Place, c: Chance) -> Tensor:
    """The coverage moved a little and blurred."""
    spread = max(place.height * c(0.02, 0.08), 0.6)
    reach = min(int(2.5 * spread) + 1, 12)
    line = torch.exp(-(torch.arange(-reach, reach + 1).float() ** 2) / (2 * spread**2))
    line = line / line.sum()
    moved = torch.roll(coverage, (round(c(0, 1.5) * spread), round(c(-1.5, 1.5) * spread)), (2, 3))
    moved = F.conv2d(moved, line.reshape(1, 1, -1, 1), padding=(reach, 0))
    return F.conv2d(moved, line.reshape(1, 1, 1, -1), padding=(0, reach))


def _outline(coverage: Tensor) -> Tensor:
    """A rim of one pixel around, and only around: the mark itself stays translucent."""
    return (F.max_pool2d(coverage, 3, 1, 1) - coverage).clamp(0, 1)
