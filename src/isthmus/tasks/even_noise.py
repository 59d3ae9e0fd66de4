"""Noise that is as strong everywhere: how strong, from a sample of windows of a photograph.

What a network sees of the level of noise differs by a few per cent from place to place by chance, and
by more where fine texture looks like noise. Where noise is even, one number for the whole picture is
the better judge: the calmest places say it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from isthmus.autoencoder import Autoencoder
from isthmus.media.tiles import Array
from isthmus.networks.modules import NoiseLevel, Opponent

# At most so many windows of this side across and down: a sample is enough.
_WINDOW, _ACROSS = 96, 8
_LEAST_CELLS = 16
# The share of places that counts as calm. Even Gaussian noise of 10 to 50 had a spread of .05 to .16 on
# eleven photographs (more where much is black, which cuts noise off), a camera's .1 to .6.
_CALM, _SPREAD = 0.2, 0.16
_LEAST = 4.0


@dataclass(frozen=True)
class Seen:
    """``calm``: standard deviation of the noise in the calmest places, on the scale 0..255.

    ``even``: whether other places have about as much.
    """

    calm: float
    even: bool

    @property
    def noisy(self) -> bool:
        """Whether there is noise of the kind that the network knows, beyond a trace."""
        return self.calm >= _LEAST


@torch.inference_mode()
def look(model: Autoencoder, pixels: Array) -> Seen | None:
    """What a network sees of the noise in (height, width, 1 or 3).

    None where the picture is too small to say, or where the network does not estimate noise.
    """
    layer = next((each for each in model.encoder.layers if isinstance(each, NoiseLevel)), None)
    windows = _windows(pixels)
    if layer is None or windows is None:
        return None
    seen = Opponent()(torch.cat([windows, torch.zeros_like(windows[:, :1])], 1))
    half = layer.cell // 2
    cells = layer.estimate(seen)[:, 0, half :: layer.cell, half :: layer.cell].float().numpy()
    if cells.size < _LEAST_CELLS:
        return None
    calm, middle, lively = np.quantile(cells, [_CALM, 0.5, 1 - _CALM])
    # Of a gray picture the same noise stands in three channels and adds up along gray.
    gray = float(seen[:, 1:3].abs().max()) < 1e-5
    return Seen(
        255 * float(calm) / (3**0.5 if gray else 1.0), bool(lively - calm <= _SPREAD * middle)
    )


def level(model: Autoencoder, pixels: Array) -> float | None:
    """The level of the noise (0..255) where it is the same everywhere, else None."""
    seen = look(model, pixels)
    return seen.calm if seen is not None and seen.noisy and seen.even else None


def sees(model: Autoencoder, pixels: Array) -> bool:
    """Whether a picture has noise of the kind that the network knows, even or not."""
    seen = look(model, pixels)
    return seen is not None and seen.noisy


def _windows(pixels: Array) -> torch.Tensor | None:
    """Windows (N, 3, side, side) with 1 for white, spread over the picture."""
    height, width = pixels.shape[:2]
    down, across = (min(_WINDOW, side // 16 * 16) for side in (height, width))
    if not down or not across:
        return None
    white = float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind == "u" else 1.0
    cut = [
        pixels[top : top + down, left : left + across]
        for top in _starts(height, down)
        for left in _starts(width, across)
    ]
    made = torch.from_numpy(np.stack(cut).transpose(0, 3, 1, 2).astype(np.float32) / white)
    return made.expand(-1, 3, -1, -1)


def _starts(length: int, window: int) -> list[int]:
    count = min(-(-length // window), _ACROSS)
    return [round(start) for start in np.linspace(0, length - window, count)]
