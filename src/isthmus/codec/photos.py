"""Photographs as ``media`` reads them to ``.isth`` bytes and back, with all they bring."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.codec import container, picture, target
from isthmus.codec.errors import FormatError
from isthmus.errors import DataError
from isthmus.media.photo import Photo

SUFFIX = ".isth"
QUALITY = 75
# A picture with fewer colours than this share of its pixels may be drawn, not photographed.
_FEW_COLOURS = 0.02
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Packed:
    """A file and how good it is. ``psnr`` is infinite without loss."""

    data: bytes
    psnr: float
    exact: bool
    notes: tuple[str, ...] = ()


def pack(
    photo: Photo,
    quality: float | None = None,
    size: int | None = None,
    psnr: float | None = None,
    lossless: bool = False,
    progress: Progress | None = None,
    effort: int = 1,
) -> Packed:
    """A photograph as a file, by one of: quality (1..100), size in bytes, PSNR in dB, lossless.

    ``effort`` 2 takes four times as long for smaller files at the same quality. Drawings and
    screenshots are kept without loss where that is smaller anyway. Raises DataError.
    """
    if sum(wish is not None for wish in (quality, size, psnr)) + lossless > 1:
        raise DataError("give one of quality, size, psnr and lossless")
    if quality is not None and not 1 <= quality <= 100:
        raise DataError(f"quality is 1..100; got {quality:g}")
    if effort not in picture.EFFORTS:
        raise DataError(f"effort is {' or '.join(map(str, picture.EFFORTS))}; got {effort}")
    photo, notes = _whole(photo)
    pixels, alpha, beside = photo.pixels, photo.alpha, _beside(photo)
    if lossless:
        exact = picture.encode_exact(pixels, alpha, beside, progress, _drawn(pixels))
        return Packed(exact, math.inf, True, notes)
    if size is not None:
        made = target.to_size(target.Trial(pixels, alpha, beside, effort), size)
    elif psnr is not None:
        made = target.to_psnr(target.Trial(pixels, alpha, beside, effort), psnr)
    else:
        step = picture.step_of(QUALITY if quality is None else quality)
        coder = picture.Coder(pixels, alpha, beside, effort=effort)
        data, error = coder.code(step, progress=progress)
        made = target.Made(data, step, target.psnr(error))
    if _drawn(pixels):
        exact = picture.encode_exact(pixels, alpha, beside, drawn=True)
        if len(exact) <= len(made.data):
            return Packed(exact, math.inf, True, (*notes, "kept without loss, which is smaller"))
    return Packed(made.data, made.psnr, False, notes)


def unpack(
    data: bytes,
    region: tuple[int, int, int, int] | None = None,
    most_pixels: int = container.MOST_PIXELS,
    progress: Progress | None = None,
) -> tuple[Photo, tuple[str, ...]]:
    """(photograph, what of it is damaged and therefore gray). Raises FormatError."""
    made = picture.decode(data, region, most_pixels, progress=progress)
    held = dict(made.header.beside)
    photo = Photo(
        made.pixels, made.alpha, held.get(b"EXIF", b""), held.get(b"ICCP", b""), held.get(b"XMP ", b""),
        _texts(held.get(b"TEXT", b"")),
    )  # fmt: skip
    return photo, made.damaged


def read(
    path: Path,
    most_pixels: int = container.MOST_PIXELS,
    progress: Progress | None = None,
) -> tuple[Photo, tuple[str, ...]]:
    """The same from a file. Raises DataError that names it."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    if not data:
        raise DataError(f"{path}: is empty (0 bytes)")
    try:
        return unpack(data, most_pixels=most_pixels, progress=progress)
    except FormatError as error:
        raise DataError(f"{path}: {error}") from None


def thumbnail(data: bytes, most_pixels: int = container.MOST_PIXELS) -> Photo:
    """The picture at an eighth of its size, from the first coefficients alone: fast, and small in memory."""
    return Photo(picture.thumbnail(data, most_pixels))


def _whole(photo: Photo) -> tuple[Photo, tuple[str, ...]]:
    """A photograph in whole numbers."""
    if photo.pixels.dtype.kind == "u":
        return photo, photo.notes

    def to16(values: Any) -> Any:
        return np.clip(np.rint(values * 65535), 0, 65535).astype(np.uint16)

    alpha = None if photo.alpha is None else to16(photo.alpha)
    made = replace(photo, pixels=to16(photo.pixels), alpha=alpha)
    return made, (*photo.notes, "floats became 16 bits")


def _beside(photo: Photo) -> tuple[tuple[bytes, bytes], ...]:
    texts = json.dumps(photo.texts, sort_keys=True).encode() if photo.texts else b""
    held = ((b"ICCP", photo.icc), (b"EXIF", photo.exif), (b"XMP ", photo.xmp), (b"TEXT", texts))
    return tuple((kind, content) for kind, content in held if content)


def _texts(content: bytes) -> dict[str, str]:
    try:
        tree = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        return {}
    return {str(k): str(v) for k, v in tree.items()} if isinstance(tree, dict) else {}


def _drawn(pixels: Any) -> bool:
    """Whether a picture has so few colours that it may be a drawing or a screenshot."""
    step = max(math.isqrt(pixels.shape[0] * pixels.shape[1] // 250_000), 1)
    some = pixels[::step, ::step].reshape(-1, pixels.shape[2]).astype(np.uint64)
    if len(some) < 64:
        return False
    codes = (some << (16 * np.arange(some.shape[1], dtype=np.uint64))).sum(1)
    share = 0.001 if some.shape[1] == 1 else _FEW_COLOURS
    return len(np.unique(codes)) < max(share * len(some), 17)
