"""A marked photograph in; where the mark is, how opaque, which colour, and the photograph without it.

A mark lets light through, so that it need not be painted over: J = (1 - a) I + a C is solved for I
(Dekel et al. 2017), with what the network says of a and C. Outside its mask nothing changes.

What leaves the decoder, channel by channel: the mask's logit, the opacity's logit, the colour, and
what un-mixing leaves. The first channels of the code say the same of squares as large as the code's
grid; they are trained to, which is the short way to finding marks (Lee et al. 2015, "deep supervision").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus.autoencoder import Autoencoder, Reconstruction
from isthmus.errors import DataError
from isthmus.marks import drawing
from isthmus.marks.removal import Removed, by_mask, take_off
from isthmus.media.tiles import Array, padded, tiles
from isthmus.recipe import Recipe
from isthmus.tasks import noise as N
from isthmus.tasks.base import Pair, Task
from isthmus.tasks.denoise_photo import as_gray
from isthmus.tasks.distances import seen
from isthmus.tasks.marking import Chance, Layers, Mark, marked
from isthmus.tasks.restore import TILE, Progress, step_of

SEEN = 0.03
"""The opacity from which a pixel belongs to a mark."""
_MOST_OPAQUE = 0.92
# What each part counts beside the picture's own error.
_MASK, _OPACITY, _COLOR, _COARSE, _WHOLE = 1.0, 1.0, 1.0, 0.5, 2.0


class Application(Task):
    """Marks are laid on the batch, new every time, from a bank that is drawn at the first."""

    any_size = True

    def apply(self, model: Autoencoder, recipe: Recipe, item: Array, **options: Any) -> Array:
        """A photograph (H, W) or (H, W, 1 or 3) without its mark; options as ``remove`` has them."""
        flat = item[..., None] if item.ndim == 2 else item
        if flat.ndim != 3 or flat.shape[2] not in (1, 3):
            raise DataError(
                f"a photograph has shape (height, width) or (height, width, 3); got {item.shape}"
            )
        if flat.dtype not in (np.uint8, np.uint16):
            flat = flat.astype(np.float32)
        return remove(model, recipe.encoder, flat, **options).pixels.reshape(item.shape)

    def pair(self, batch: Tensor, generator: torch.Generator) -> Pair:
        """The target has seven channels: the picture, the mark's opacity, and the light it adds."""
        spec = self.spec
        if batch.shape[1] == 1:
            batch = batch.expand(-1, 3, -1, -1)
        chance = Chance(generator)
        height, width = batch.shape[2:]
        clean, seen, truth = [], [], []
        for picture in batch:
            picture = _varied(picture, chance).clamp(0, 1)
            layers = Layers.none(height, width)
            if chance() >= spec.clean:
                layers = marked(self.bank, height, width, spec.opacity, chance)
            shown = layers.on(picture)
            opacity = 1 - layers.through.mean(0, keepdim=True)
            clean.append(picture)
            seen.append((shown * 255).round() / 255)
            truth.append(torch.cat((opacity, layers.added)))
        marked_ones, pictures, layer = torch.stack(seen), torch.stack(clean), torch.stack(truth)
        through_jpeg = N.coin(len(batch), spec.coded, generator)
        if through_jpeg.any():
            marked_ones = N.coded(marked_ones, through_jpeg, generator)
        # What no mark touches is right as it is.
        pictures = torch.where(layer[:, :1] > 0, pictures, marked_ones)
        return Pair(marked_ones, torch.cat((pictures, layer), 1))

    def rendered(self, made: Reconstruction, view: Tensor) -> Tensor:
        """The picture without its mark; outside the mask it is the picture that came in."""
        said = Said.of(made.raw)
        return torch.where(said.logit > 0, said.unmixed(view), view)

    @property
    def bank(self) -> dict[str, list[Mark]]:
        """The marks of this recipe, by kind; the same for the same fonts and logos."""
        return _bank(self.spec.texts, self.spec.marks, self.spec.apart)

    def objective(self, model: Autoencoder, pair: Pair) -> tuple[Tensor, Tensor, Reconstruction]:
        """The error of the picture inside the mark and in all, and of all that is said of the mark."""
        made: Reconstruction = model(pair.input)
        picture, opacity, added = torch.split(pair.target, [3, 1, 3], 1)
        said = Said.of(made.raw)
        inside = (opacity > SEEN).float()
        area = inside.flatten(1).sum(1).clamp_min(1.0)
        any_mark = (area > 1).float()

        def within(error: Tensor) -> Tensor:
            made: Tensor = (error * inside).mean(1).flatten(1).sum(1) / area
            return made

        mask = F.binary_cross_entropy_with_logits(said.logit, inside, reduction="none")
        mask = mask.flatten(1).mean(1) + any_mark * _dice(said.logit.sigmoid(), inside)
        clean = said.unmixed(pair.input)
        gated = pair.input + said.logit.sigmoid() * (clean - pair.input)
        loss = (
            within((clean - picture).abs())
            + _WHOLE * (gated - picture).abs().flatten(1).mean(1)
            + _MASK * mask
            + _OPACITY * within((said.opacity - opacity).abs())
            + _COLOR * within((said.opacity * said.color - added).abs())
            + _COARSE * _coarse(made.code.values, inside)
        )
        output = torch.cat((gated, said.logit.sigmoid() * said.opacity, added), 1)
        return loss.mean(), made.code.cost.mean(), Reconstruction(output, made.raw, made.code)

    def metrics(self, output: Tensor, target: Tensor) -> dict[str, Tensor]:
        """``mse`` of the picture, ``inside`` the PSNR in the mark, ``iou`` of the mask (opacity)."""
        square = (output[:, :3] - target[:, :3]).square().mean(1, keepdim=True)
        truth, said = target[:, 3:4] > SEEN, output[:, 3:4] > 2 * SEEN
        return {"mse": square.flatten(1).mean(1), "iou": overlap(said, truth)}


@cache
def _bank(texts: int, folder: str, apart: tuple[str, ...]) -> dict[str, list[Mark]]:
    made: dict[str, list[Mark]] = {"text": [], "logo": []}
    for kind, coverage in drawing.bank(texts, 0, Path(folder) if folder else None, apart):
        made[kind].append(Mark.of(kind, coverage))
    return made


def overlap(said: Tensor, truth: Tensor) -> Tensor:
    """Intersection over union of masks (N, 1, H, W); 1 where both are empty."""
    both = (said & truth).flatten(1).sum(1)
    either = (said | truth).flatten(1).sum(1)
    return torch.where(either > 0, both / either.clamp_min(1), 1.0)


@dataclass(frozen=True)
class Said:
    """What the network says of a mark: ``logit`` and ``opacity`` (N, 1, H, W), ``color``, ``rest`` (N, 3, H, W)."""

    logit: Tensor
    opacity: Tensor
    color: Tensor
    rest: Tensor

    @classmethod
    def of(cls, raw: Tensor) -> Said:
        """The decoder's eight channels by name."""
        logit, opacity, color, rest = torch.split(raw, [1, 1, 3, 3], 1)
        return cls(logit, _MOST_OPAQUE * opacity.sigmoid(), color + 0.5, rest)

    def unmixed(self, seen: Tensor) -> Tensor:
        """The picture under the mark, as far as it shines through, corrected by the rest."""
        return (seen - self.opacity * self.color) / (1 - self.opacity) + self.rest


def _dice(said: Tensor, truth: Tensor) -> Tensor:
    both = (said * truth).flatten(1).sum(1)
    return 1 - (2 * both + 1) / ((said + truth).flatten(1).sum(1) + 1)


def _coarse(code: Tensor, inside: Tensor) -> Tensor:
    """How wrong the code's first two channels are: whether a mark is in a square, and how much."""
    if code.dim() != 4:
        return code.new_zeros(len(code))
    grid = (code.shape[2], code.shape[3])
    share = F.adaptive_avg_pool2d(inside, grid)
    some = (share > 0.02).float()
    found = F.binary_cross_entropy_with_logits(code[:, :1], some, reduction="none")
    part = F.binary_cross_entropy_with_logits(code[:, 1:2], share, reduction="none")
    return (found + part).flatten(1).mean(1)


def _varied(picture: Tensor, c: Chance) -> Tensor:
    """As photographs differ: larger and softer, without colour, darker or paler."""
    height, width = picture.shape[1:]
    if c() < 0.5:
        part = c(0.45, 1.0)
        tall, wide = max(round(height * part), 8), max(round(width * part), 8)
        top, left = int(c() * (height - tall + 1)), int(c() * (width - wide + 1))
        piece = picture[None, :, top : top + tall, left : left + wide]
        picture = F.interpolate(piece, (height, width), mode="bicubic", align_corners=False)[0]
    if c() < 0.08:
        picture = as_gray(picture[None])[0]
    if c() < 0.3:
        low, high = c(-0.1, 0.15), c(0.75, 1.1)
        picture = low + (high - low) * picture
    return picture


def remove(
    model: Autoencoder,
    spec: object,
    pixels: Array,
    mask: Array | None = None,
    tile: int = TILE,
    progress: Progress | None = None,
) -> Removed:
    """A photograph (height, width, 1 or 3) of uint8, uint16 or floats 0..1 without its mark.

    ``mask`` (height, width), if given, is true where the mark may be; nothing else is touched. If its
    edges are those of one layer, the network is not asked.
    """
    if mask is not None:
        known = by_mask(pixels, mask)
        if known is not None:
            return known
    maps = seen(pixels, lambda some, told: look(model, spec, some, tile, told), progress)
    return take_off(
        pixels, maps[..., 0] / np.float32(255), maps[..., 1] / np.float32(255), maps[..., 2:], mask
    )


def look(
    model: Autoencoder,
    spec: object,
    pixels: Array,
    tile: int = TILE,
    progress: Progress | None = None,
) -> Array:
    """(height, width, 5) of uint8: how sure a mark is there, its opacity and its colour."""
    height, width, _ = pixels.shape
    step, margin = step_of(spec)
    white = float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind == "u" else 1.0
    out = np.empty((height, width, 5), np.uint8)
    done = 0
    for place in tiles(height, width, tile, margin, step):
        piece = place.read(pixels)
        grown = np.ascontiguousarray(
            padded(piece, step).transpose(2, 0, 1), np.float32
        ) / np.float32(white)
        batch = torch.from_numpy(grown)[None].expand(1, 3, -1, -1)
        with torch.inference_mode():
            said = Said.of(model(batch.contiguous(memory_format=torch.channels_last)).raw)
            made = torch.cat((said.logit.sigmoid(), said.opacity, said.color.clamp(0, 1)), 1)[0]
        values = (made * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        place.write(out, values[: piece.shape[0], : piece.shape[1]])
        top, bottom, left, right = place.inner
        done += (bottom - top) * (right - left)
        if progress is not None:
            progress(done / (height * width))
    return out
