"""Picture files <-> uint8 arrays (channels, height, width)."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from isthmus.errors import DataError
from isthmus.files import replacing

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".pgm", ".ppm")
MOST_PIXELS = 100_000_000
Array = NDArray[Any]


def find(folder: Path) -> list[Path]:
    """Every picture under a folder, in a stable order; hidden files and folders are left out."""
    return sorted(
        p
        for p in folder.rglob("*")
        if p.suffix.lower() in SUFFIXES and p.is_file() and not _hidden(p.relative_to(folder))
    )


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def read(path: Path, color: str = "auto") -> Array:
    """A picture as uint8 (1 or 3, height, width), turned upright as its EXIF says. Raises DataError.

    ``color`` is "gray", "rgb", or "auto": gray files stay gray. Transparency lies on white.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise DataError(
                        f"{path}: has {opened.width} x {opened.height} pixels, more than {MOST_PIXELS:,}"
                    )
                if getattr(opened, "n_frames", 1) > 1:
                    raise DataError(
                        f"{path}: is an animation or has several pages; give single pictures"
                    )
                upright = ImageOps.exif_transpose(opened)
                return _array(upright, color)
    except DataError:
        raise
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise DataError(
            f"{path}: cannot be read as a picture ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
        ) from None


def _array(image: Image.Image, color: str) -> Array:
    if image.mode in {"I;16", "I;16B", "I;16L", "I"}:
        # 16-bit gray: keep the upper eight bits.
        values = np.clip(np.asarray(image).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        image = Image.fromarray(values)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image).convert("RGB")
    gray = color == "gray" or (color == "auto" and image.mode in {"1", "L", "F"})
    values = np.asarray(image.convert("L" if gray else "RGB"))
    return values[None] if values.ndim == 2 else np.ascontiguousarray(values.transpose(2, 0, 1))


def fit(picture: Array, size: int) -> Array:
    """The largest centred square of a picture (C, H, W), scaled to ``size`` x ``size``."""
    _channels, height, width = picture.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[:, top : top + side, left : left + side]
    if side == size:
        return square
    planes = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(plane)).resize(
                (size, size), Image.Resampling.LANCZOS
            )
        )
        for plane in square
    ]
    return np.stack(planes)


def patches(picture: Array, side: int) -> Array:
    """A picture (C, H, W) cut into squares side by side: (N, C, side, side); what is over is left out."""
    channels, height, width = picture.shape
    rows, columns = height // side, width // side
    cut = picture[:, : rows * side, : columns * side].reshape(channels, rows, side, columns, side)
    return cut.transpose(1, 3, 0, 2, 4).reshape(-1, channels, side, side)


def cover(picture: Array, side: int) -> Array:
    """Squares that together cover a picture (C, H, W), the last ones overlapping: (N, C, side, side).

    None for a picture smaller than one square.
    """
    channels, height, width = picture.shape
    if min(height, width) < side:
        return np.zeros((0, channels, side, side), picture.dtype)
    tops, lefts = _starts(height, side), _starts(width, side)
    return np.stack([picture[:, y : y + side, x : x + side] for y in tops for x in lefts])


def _starts(length: int, side: int) -> list[int]:
    """Where pieces of ``side`` begin so that the last one ends with the picture."""
    count = -(-length // side)
    return [round(i * (length - side) / max(count - 1, 1)) for i in range(count)]


def scaled(picture: Array, scale: float) -> Array:
    """A picture (C, H, W) at another size, by Lanczos' filter."""
    image = Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0)))
    size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
    return np.ascontiguousarray(
        np.asarray(image.resize(size, Image.Resampling.LANCZOS)).transpose(2, 0, 1)
    )


def jpeg(picture: Array, quality: int) -> Array:
    """A uint8 picture (3, H, W) through JPEG and back."""
    held = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0))).save(
        held, "JPEG", quality=quality
    )
    return np.asarray(Image.open(held)).transpose(2, 0, 1)


def to_uint8(picture: Array) -> Array:
    """Floats 0..1 to 0..255, rounded and clipped."""
    return np.clip(np.round(np.asarray(picture, np.float32) * 255), 0, 255).astype(np.uint8)


def write(path: Path, picture: Array) -> None:
    """A uint8 picture (1 or 3, H, W) to a file whose suffix names the format; whole or not at all."""
    values = picture[0] if picture.shape[0] == 1 else picture.transpose(1, 2, 0)
    with replacing(path) as temporary:
        Image.fromarray(np.ascontiguousarray(values)).save(temporary)
