"""A simulated camera in poor light, made apart from the one that training uses."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Array = NDArray[np.float32]


def shot(picture: Array, electrons: float, index: int) -> Array:
    """A photograph (H, W, 3) of 0..255 as a small sensor in poor light would have given it.

    ``electrons`` is how many a white pixel collects; a Bayer pattern with read noise,
    interpolated, white-balanced, sharpened a little less than it was blurred, and JPEG of quality 92.
    """
    rng = np.random.default_rng(7000 + index)
    light = np.where(
        picture <= 10.31, picture / 255 / 12.92, ((picture / 255 + 0.055) / 1.055) ** 2.4
    )
    gains = np.array([2.0, 1.0, 1.6])
    seen = rng.poisson(np.maximum(light / gains * electrons, 0)) + rng.normal(
        scale=2.0, size=light.shape
    )
    seen = seen / electrons * gains
    rows, columns = np.indices(light.shape[:2])
    pattern = np.stack([
        (rows % 2 == 0) & (columns % 2 == 0), (rows + columns) % 2 == 1, (rows % 2 == 1) & (columns % 2 == 1),
    ], 2)  # fmt: skip
    # Only the noise is interpolated: the picture itself stays the truth that we measure against.
    grain = (seen - light) * pattern
    taps = np.array([[0.25, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 0.25]])
    green = np.array([[0, 0.25, 0], [0.25, 1, 0.25], [0, 0.25, 0]])
    spread = np.stack(
        [ndimage.convolve(grain[..., c], green if c == 1 else taps) for c in range(3)], 2
    )
    spread = ndimage.gaussian_filter(spread, (0.5, 0.5, 0))
    value = np.clip(light + spread, 0, 1)
    shown = np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    held = io.BytesIO()
    Image.fromarray(np.rint(shown * 255).astype(np.uint8)).save(held, "JPEG", quality=92)
    return np.asarray(Image.open(held), np.float32)
