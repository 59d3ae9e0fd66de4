"""A noisy photograph in, the clean one out: one network for colour and gray, any level of noise.

The network's input is the noisy picture and a channel that says how strong the noise is (FFDNet:
Zhang, Zuo & Zhang 2018), or zero where nobody knows. Told or not, it must clean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus.autoencoder import Autoencoder, Reconstruction
from isthmus.errors import DataError
from isthmus.media.tiles import Array
from isthmus.networks.modules import NoiseLevel, Opponent
from isthmus.recipe import Recipe
from isthmus.tasks import even_noise, texture
from isthmus.tasks import noise as N
from isthmus.tasks.base import Pair, Task
from isthmus.tasks.restore import (
    Progress,
    blend,
    difference,
    from_all_sides,
    quantised,
    step_of,
    tiled,
)

_LUMA = (0.299, 0.587, 0.114)
# What is taken for noise in a clean picture is its finest texture, up to about this (0..255): in colour
# and without, where a camera's noise is harder to tell from texture.
_NOTHING, _SOMETHING = (0.5, 1.3), (1.5, 2.6)
_LEAST = 4 / 255
# Larger tiles look at margins less often, and need more memory: a large photograph takes it for itself.
_TILE, _TILE_OF_LARGE, _LARGE = 1024, 768, 40_000_000
# What lies farther off than this share of the network's reach, or than so many cells of its coarsest grid,
# moves no value by more than a level (docs/log.md): blocks widen the reach more than what is felt.
_FELT, _FELT_CELLS = 0.8, 5
# What an error in the estimate of the noise counts beside the picture's.
_ESTIMATE = 0.02


class Application(Task):
    """Noise is made on the batch, new every time."""

    def pair(self, batch: Tensor, generator: torch.Generator) -> Pair:
        spec, count = self.spec, len(batch)
        if batch.shape[1] == 1:
            batch = batch.expand(-1, 3, -1, -1)
        gray = N.coin(count, spec.gray, generator)
        clean = torch.where(gray, as_gray(batch), batch)
        sigma = spec.sigma / 255 * N.uniform(count, 0, 1, generator) ** 1.3
        sigma = torch.where(N.coin(count, spec.clean, generator), 0.0, sigma)
        made = N.normal(clean, generator)
        noisy = clean + sigma * torch.where(gray, made[:, :1].expand_as(made), made)
        told = N.coin(count, spec.known, generator)

        other = N.uniform(count, 0, 1, generator)
        camera = other < spec.camera
        dots = (other >= spec.camera) & (other < spec.camera + spec.impulses)
        for chosen, make in ((camera, N.camera), (dots, N.impulses)):
            rows = torch.nonzero(chosen.reshape(-1)).reshape(-1)
            if len(rows):
                shot = make(clean[rows], generator)
                noisy[rows] = torch.where(gray[rows], as_gray(shot), shot)
        # Files hold no values beyond black and white: half of the Gaussian noise is cut off there.
        cut = camera | dots | N.coin(count, 0.5, generator)
        noisy = torch.where(cut, noisy.clamp(0, 1), noisy)
        through_jpeg = N.uniform(count, 0, 1, generator) < torch.where(camera, 0.6, 0.04)
        if through_jpeg.any():
            noisy = N.coded(noisy, through_jpeg, generator)
            noisy = torch.where(gray & through_jpeg, as_gray(noisy), noisy)
        level = torch.where(told & ~camera & ~dots & ~through_jpeg, sigma, 0.0)
        return Pair(view(noisy, level), clean)

    any_size = True

    def apply(self, model: Autoencoder, recipe: Recipe, item: Array, **options: Any) -> Array:
        """A photograph (H, W) or (H, W, 1 or 3) without its noise; options as ``clean`` has them."""
        flat = item[..., None] if item.ndim == 2 else item
        if flat.ndim != 3 or flat.shape[2] not in (1, 3):
            raise DataError(
                f"a photograph has shape (height, width) or (height, width, 3); got {item.shape}"
            )
        if flat.dtype not in (np.uint8, np.uint16):
            flat = flat.astype(np.float32)
        return clean(model, recipe.encoder, flat, **options).pixels.reshape(item.shape)

    def look(self, items: Tensor) -> Tensor:
        """Pictures whose level of noise is not known."""
        return view(items, 0.0)

    def shown(self, view: Tensor) -> Tensor:
        """The noisy picture without the channel that says how noisy it is."""
        return view[:, :3]

    def objective(self, model: Autoencoder, pair: Pair) -> tuple[Tensor, Tensor, Reconstruction]:
        """The recipe's loss, each picture divided by the root of how strong its noise is.

        The error that remains grows with that root, so that this counts every level alike.
        """
        made: Reconstruction = model(pair.input)
        noise = (pair.input[:, :3] - pair.target).square().flatten(1).mean(1).sqrt()
        loss = model.loss.per_item(made.raw, pair.target) * (0.3 / (noise + _LEAST).sqrt())
        total = loss.mean()
        for layer in model.encoder.layers:
            if isinstance(layer, NoiseLevel):
                total = total + _ESTIMATE * _misjudged(layer, pair)
        return total, made.code.cost.mean(), made


def _misjudged(layer: NoiseLevel, pair: Pair) -> Tensor:
    """How far the estimates of noise are off, as a share of it: what is known is taught."""
    turned = Opponent().to(pair.input.device)
    noise = turned(pair.input[:, :3] - pair.target)[:, :1].square()
    cells = F.avg_pool2d(noise, layer.cell)
    around = F.avg_pool2d(cells, 3, 1, 1, count_include_pad=False)  # one cell alone is a poor judge
    truth = F.interpolate(around.sqrt(), scale_factor=layer.cell, mode="nearest")
    seen = torch.cat([turned(pair.input[:, :3]), pair.input[:, 3:]], 1)
    return ((layer.estimate(seen) - truth).abs() / (truth + _LEAST)).mean()


def view(noisy: Tensor, level: Tensor | float) -> Tensor:
    """What the network sees: (N, 3, H, W) and a level of noise 0..1 (0: unknown) -> (N, 4, H, W)."""
    count, _, height, width = noisy.shape
    channel = torch.as_tensor(level, dtype=noisy.dtype, device=noisy.device)
    return torch.cat([noisy, channel.expand(count, 1, height, width)], 1)


def as_gray(x: Tensor) -> Tensor:
    """Luma (ITU-R BT.601) in all three channels."""
    weights = x.new_tensor(_LUMA).reshape(1, 3, 1, 1)
    return (x * weights).sum(1, keepdim=True).expand(-1, 3, -1, -1)


@dataclass(frozen=True)
class Cleaned:
    """A photograph without its noise, and what was found.

    ``pixels`` are of the kind that came in. ``noise`` is the standard deviation of what the network
    took for noise, on the scale 0..255; ``strength`` is the share of it that was removed.
    """

    pixels: Array
    noise: float
    strength: float


def clean(
    model: Autoencoder,
    spec: object,
    pixels: Array,
    sigma: float | None = None,
    strength: float = 1.0,
    best: bool = False,
    tile: int | None = None,
    progress: Progress | None = None,
) -> Cleaned:
    """A photograph (height, width, 1 or 3) of uint8, uint16 or floats 0..1 without its noise.

    ``sigma`` (0..255) tells the network the level of noise; None lets it see for itself (one level
    where noise is even, else one for each place), and leaves a picture that shows none as it is.
    ``strength`` 0..1 blends with the original: 0 gives it back bit by bit. ``best`` takes the mean of
    what the network makes of the picture from eight sides, in eight times the time.
    """
    if strength == 0:
        return Cleaned(pixels.copy(), 0.0, 0.0)
    step, margin = step_of(spec)
    seen = even_noise.level(model, pixels) if sigma is None else sigma
    level = 0.0 if seen is None else seen / 255
    margin = min(round(_FELT * margin), _FELT_CELLS * step)
    if tile is None:
        tile = _TILE_OF_LARGE if pixels.shape[0] * pixels.shape[1] > _LARGE else _TILE

    def cleaned(x: Tensor) -> Tensor:
        made: Tensor = model(view(x, level)).raw.float()
        return made

    run = from_all_sides(cleaned) if best else lambda x, _: cleaned(x)
    out = tiled(pixels, run, quantised, step, margin, tile, progress)
    if sigma is None:
        # What is not everywhere is texture: it is given back before anything is judged.
        blend(out, pixels, 1.0, texture.kept(pixels, out))
    noise = difference(pixels, out)
    if sigma is None:
        nothing, something = (limits[pixels.shape[2] == 1] for limits in (_NOTHING, _SOMETHING))
        strength *= min(max((noise - nothing) / (something - nothing), 0.0), 1.0)
    blend(out, pixels, strength)
    return Cleaned(out, noise, strength)
