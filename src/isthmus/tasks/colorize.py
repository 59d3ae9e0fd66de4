"""Lightness in, colour out: one network with and without a person's hints.

The network sees L* and, in three more channels, the colours it is told and where (Zhang et al. 2017,
"Real-time user-guided image colorization"). It says how likely each colour of a lattice is, on a
coarse grid: colour needs no resolution, and what may be red or blue must not become their mean.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus import lab
from isthmus.autoencoder import Autoencoder, Reconstruction
from isthmus.errors import DataError
from isthmus.losses.colors import SHARP, taken
from isthmus.media.tiles import Array
from isthmus.recipe import Recipe
from isthmus.tasks.aging import aged
from isthmus.tasks.base import Pair, Task
from isthmus.tasks.noise import coin

_SCALE = 50.0
"""L*, a* and b* are divided by this for the network."""
_MANY = 4
"""From so many hints on a picture may be recoloured: fewer would not say how."""
_POINT = 9
"""Largest side of a hint, in pixels."""
_AREAS = 0.06
"""Share of hints that cover an area, up to a third of the picture's side."""


class Application(Task):
    """Hints and the faults of old photographs are drawn anew for every batch."""

    def pair(self, batch: Tensor, generator: torch.Generator) -> Pair:
        spec, count = self.spec, len(batch)
        if batch.shape[1] == 1:
            batch = batch.expand(-1, 3, -1, -1)
        counts = self._counts(count, generator)
        turned = coin(count, spec.recolored, generator).flatten() & (counts >= _MANY)
        whole = lab.to_lab(batch)
        if turned.any():
            other = batch.clone()
            other[turned] = lab.to_rgb(_turned(whole[turned], generator)).clamp(0, 1)
            batch, whole = other, lab.to_lab(other)
        light = whole[:, :1]
        old = torch.nonzero(coin(count, spec.old, generator).flatten()).flatten()
        if len(old):
            light = light.clone()
            light[old] = aged(batch[old], generator)
        return Pair(view(light, _told(whole[:, 1:], counts.tolist(), generator)), batch)

    def _counts(self, count: int, generator: torch.Generator) -> Tensor:
        """How many hints each picture gets: none, or a number whose logarithm is uniform."""
        draws = torch.rand(count, generator=generator, device=generator.device)
        many = torch.exp(draws * math.log(self.spec.hints + 1)).long()
        return torch.where(coin(count, self.spec.hinted, generator).flatten(), many, 0)

    any_size = True

    def apply(self, model: Autoencoder, recipe: Recipe, item: Array, **options: Any) -> Array:
        """A photograph (H, W) or (H, W, 1 or 3) in colour: (H, W, 3), of the same type.

        ``hints`` are (x, y, "#RRGGBB") or ``Hint``; other options as ``coloring.colors`` has them.
        """
        from isthmus.tasks.coloring import colorized
        from isthmus.tasks.hints import Hint

        flat = item[..., None] if item.ndim == 2 else item
        if flat.ndim != 3 or flat.shape[2] not in (1, 3) or not flat.size:
            raise DataError(
                f"a photograph has shape (height, width) or (height, width, 3); got {item.shape}"
            )
        if flat.dtype not in (np.uint8, np.uint16):
            flat = flat.astype(np.float32)
        said = options.pop("hints", ())
        points = [h if isinstance(h, Hint) else Hint.of(*h) for h in said]
        return colorized(model, recipe.encoder, flat, points, **options)

    def look(self, items: Tensor) -> Tensor:
        """Pictures of which no colour is told."""
        light = lab.to_lab(items.expand(-1, 3, -1, -1))[:, :1]
        return view(light, light.new_zeros(len(light), 3, *light.shape[2:]))

    def shown(self, view: Tensor) -> Tensor:
        """The picture in black and white, with the hints on it."""
        shown = _SCALE * torch.cat([view[:, :1] + 1, view[:, 1:3]], 1)
        return lab.to_rgb(shown).clamp(0, 1)

    def rendered(self, made: Reconstruction, view: Tensor) -> Tensor:
        return colored(made.raw, _SCALE * (view[:, :1] + 1))

    def objective(self, model: Autoencoder, pair: Pair) -> tuple[Tensor, Tensor, Reconstruction]:
        """The recipe's loss. While judged, what is shown has the true lightness: colour alone counts."""
        made: Reconstruction = model(pair.input)
        loss = model.loss.per_item(made.raw, pair.target, pair.weight).mean()
        if not model.training and made.raw.shape[1] == len(lab.lattice()):
            output = colored(made.raw, lab.to_lab(pair.target)[:, :1])
            made = Reconstruction(output, made.raw, made.code)
        return loss, made.code.cost.mean(), made

    def metrics(self, output: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Beside the error: how far a* and b* are off, and how vivid the result and the truth are."""
        made, true = lab.to_lab(output)[:, 1:], lab.to_lab(target)[:, 1:]
        return {
            **super().metrics(output, target),
            "ab_error": (made - true).square().sum(1).sqrt().flatten(1).mean(1),
            "chroma": made.square().sum(1).sqrt().flatten(1).mean(1),
            "true_chroma": true.square().sum(1).sqrt().flatten(1).mean(1),
        }


def view(light: Tensor, told: Tensor) -> Tensor:
    """What the network sees: L* (N, 1, H, W), and a*, b* and a mask (N, 3, H, W) -> (N, 4, H, W)."""
    return torch.cat([light / _SCALE - 1, told[:, :2] / _SCALE, told[:, 2:]], 1)


def colored(logits: Tensor, light: Tensor, temperature: float = SHARP) -> Tensor:
    """Logits (N, classes, h, w) and L* (N, 1, H, W) to sRGB (N, 3, H, W)."""
    ab = F.interpolate(taken(logits, temperature), light.shape[2:], mode="bilinear")
    return lab.to_rgb(torch.cat([light, ab], 1)).clamp(0, 1)


def _turned(whole: Tensor, generator: torch.Generator) -> Tensor:
    """The hues of every picture turned by an angle of its own."""
    draws = torch.rand(len(whole), 1, 1, generator=generator, device=whole.device)
    angle = 2 * math.pi * draws
    a, b = whole[:, 1], whole[:, 2]
    sine, cosine = torch.sin(angle), torch.cos(angle)
    return torch.stack((whole[:, 0], a * cosine - b * sine, a * sine + b * cosine), 1)


def _told(ab: Tensor, counts: list[int], generator: torch.Generator) -> Tensor:
    """``counts[i]`` squares of true colour, each the mean of what it covers: (N, 3, H, W)."""
    total, (height, width) = sum(counts), ab.shape[2:]
    told = ab.new_zeros(len(ab), 3, height, width)
    draws = torch.rand(4, total, generator=generator, device=generator.device)
    sides = 1 + (draws[2] * _POINT).long()
    area = (draws[3] < _AREAS) & (min(height, width) >= 3 * _POINT)
    sides = torch.where(area, (draws[2] * min(height, width) / 3).long().clamp_min(1), sides)
    sides = sides.clamp_max(min(height, width))
    tops = (draws[0] * (height - sides + 1)).long().tolist()
    lefts = (draws[1] * (width - sides + 1)).long().tolist()
    which = [i for i, n in enumerate(counts) for _ in range(n)]
    for item, top, left, side in zip(which, tops, lefts, sides.tolist(), strict=True):
        place = (slice(top, top + side), slice(left, left + side))
        color = ab[item, :, *place].mean((1, 2))
        told[item, :2, *place] = color[:, None, None]
        told[item, 2, *place] = 1
    return told
