"""Size against quality of a coded photograph, beside JPEG: what ``compress --compare`` shows."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from isthmus.codec import photos, picture
from isthmus.media.photo import eight_bits
from isthmus.report import compare
from isthmus.report.curves import Line, chart

Array = NDArray[Any]
_STEPS = (336, 304, 272, 240, 208)
_QUALITIES = (5, 15, 30, 50, 70, 85, 95)
_MOST = 1024


def views(name: str, pixels: Array, made: photos.Packed) -> list[compare.Pair]:
    """Two sliders, JPEG of the same size against ours and the original against ours, and a chart."""
    original = eight_bits(pixels)
    after = eight_bits(photos.unpack(made.data)[0].pixels)
    size = len(made.data)
    jpeg, jpeg_size = jpeg_of(original, size)
    ours, theirs = psnr(original, after), psnr(original, jpeg)
    first = compare.pair(
        f"{name}: JPEG of the same size, and .isth",
        jpeg,
        after,
        f"JPEG (4:2:0, optimised) {jpeg_size:,} bytes, {theirs:.2f} dB; .isth {size:,} bytes, "
        f"{_db(ours)}.",
    )
    second = compare.pair(
        f"{name}: the original, and .isth",
        original,
        after,
        f"{8 * size / original[..., 0].size:.3f} bits a pixel, {_db(ours)}.",
    )
    return [_with_chart(first, original, size, ours), second]


def jpeg_of(pixels: Array, size: int) -> tuple[Array, int]:
    """(what a JPEG of at most ``size`` bytes shows, its size): 4:2:0, optimised Huffman tables.

    The coarsest JPEG when even that is larger.
    """
    low, high = 1, 95
    best = _jpeg(pixels, 1)
    while low <= high:
        middle = (low + high) // 2
        data = _jpeg(pixels, middle)
        if len(data) <= size:
            best, low = data, middle + 1
        else:
            high = middle - 1
    return _open(best, pixels.shape[2]), len(best)


def psnr(a: Array, b: Array) -> float:
    """dB of two uint8 pictures; infinite if they are the same."""
    error = float(np.square(a.astype(np.float32) - b).mean(dtype=np.float64))
    return float("inf") if error == 0 else 10 * float(np.log10(255**2 / error))


def _with_chart(pair: compare.Pair, original: Array, size: int, ours: float) -> compare.Pair:
    """Rate and distortion, measured on the middle of large pictures."""
    height, width = original.shape[:2]
    top, left = max(height - _MOST, 0) // 2, max(width - _MOST, 0) // 2
    piece = np.ascontiguousarray(original[top : top + _MOST, left : left + _MOST])
    area = piece.shape[0] * piece.shape[1]
    coder = picture.Coder(piece, again=True)
    curve = []
    for step in _STEPS:
        data, error = coder.code(step)
        if error > 0:
            curve.append((8 * len(data) / area, 10 * float(np.log10(255**2 / error))))
    theirs = []
    for quality in _QUALITIES:
        data = _jpeg(piece, quality)
        good = psnr(piece, _open(data, piece.shape[2]))
        if np.isfinite(good):
            theirs.append((8 * len(data) / area, good))
    lines = [
        Line(".isth", sorted(curve), "var(--code)"),
        Line("JPEG", sorted(theirs), "var(--enc)", "6 4"),
    ]
    drawn = chart(lines, "bits a pixel", "PSNR, dB")
    return compare.with_figure(pair, Markup(drawn))


def _jpeg(pixels: Array, quality: int) -> bytes:
    held = io.BytesIO()
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    image.save(held, "JPEG", quality=quality, optimize=True, subsampling="4:2:0")
    return held.getvalue()


def _open(data: bytes, channels: int) -> Array:
    with Image.open(io.BytesIO(data)) as image:
        made = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    return made[..., None] if channels == 1 else made


def _db(value: float) -> str:
    return f"{value:.2f} dB" if np.isfinite(value) else "the same pixels"
