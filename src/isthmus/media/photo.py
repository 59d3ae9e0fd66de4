"""Photographs as people keep them: every bit of depth, transparency, and what the file says beside."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from isthmus.errors import DataError
from isthmus.media import deep

Array = NDArray[Any]
SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".jp2", ".pgm", ".ppm",
)  # fmt: skip
WRITABLE = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".avif", ".bmp", ".pgm", ".ppm")
MOST_PIXELS = 200_000_000
_ORIENTATION, _SOFTWARE = 0x0112, 0x000B
_STRIP = 256


@dataclass(frozen=True)
class Photo:
    """One photograph.

    ``pixels`` (height, width, 1 or 3), upright: uint8, uint16, or float32 as the file has them.
    ``alpha`` (height, width) of the same kind, or None. ``exif``, ``icc`` and ``xmp`` are the file's
    own bytes (orientation taken out, as it has been applied), ``texts`` its text chunks.
    """

    pixels: Array
    alpha: Array | None = None
    exif: bytes = b""
    icc: bytes = b""
    xmp: bytes = b""
    texts: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        """Bits of a value: 8, 16, or 32 for floats."""
        return 8 * self.pixels.dtype.itemsize

    @property
    def white(self) -> float:
        """The value of white."""
        return float(np.iinfo(self.pixels.dtype).max) if self.pixels.dtype.kind == "u" else 1.0


def read(path: Path, most_pixels: int = MOST_PIXELS) -> Photo:
    """A photograph with all it brings. Raises DataError that names the file and the cause."""
    with _reading(path):
        try:
            return _read(path, most_pixels)
        except UnidentifiedImageError:
            if path.read_bytes()[:4] not in {b"II*\0", b"MM\0*"}:
                raise
            pixels, alpha, turn, exif, icc, xmp = deep.read_alone(path)
            alpha = None if alpha is None else turned(alpha, turn)
            return Photo(turned(pixels, turn), alpha, exif, icc, xmp)


def measure(path: Path, most_pixels: int = MOST_PIXELS) -> tuple[int, int]:
    """(width, height) of a photograph as it is shown, from its header. Raises DataError as ``read`` does."""
    with _reading(path):
        try:
            with Image.open(path) as image:
                _check(path, image, most_pixels)
                sides = image.width, image.height
                return sides[::-1] if image.getexif().get(_ORIENTATION, 1) in range(5, 9) else sides
        except UnidentifiedImageError:
            if path.read_bytes()[:4] not in {b"II*\0", b"MM\0*"}:
                raise
            height, width = read(path, most_pixels).pixels.shape[:2]
            return width, height


def _read(path: Path, most_pixels: int) -> Photo:
    with Image.open(path) as image:
        _check(path, image, most_pixels)
        exif = image.getexif()
        turn = int(exif.get(_ORIENTATION, 1))
        held = deep.read(path, image) if deep.is_deep(path, image) else None
        notes: list[str] = []
        icc = image.info.get("icc_profile") or b""
        if held is not None:
            pixels, alpha = held
            pixels, alpha = turned(pixels, turn), None if alpha is None else turned(alpha, turn)
        else:
            # In place: a second copy of a large picture is what memory would be full of.
            ImageOps.exif_transpose(image, in_place=True)
            pixels, alpha, icc = _shallow(image, icc, notes)
        exif.pop(_ORIENTATION, None)
        return Photo(
            pixels,
            alpha,
            exif.tobytes() if len(exif) else b"",
            icc,
            _bytes(image.info.get("xmp")),
            {k: str(v) for k, v in getattr(image, "text", {}).items() if k != "XML:com.adobe.xmp"},
            tuple(notes),
        )


def is_gray(pixels: Array) -> bool:
    """Whether (height, width, channels) have no colour: one channel, or all alike at every pixel."""
    rows = range(0, len(pixels), 256)
    return all((pixels[top : top + 256] == pixels[top : top + 256, :, :1]).all() for top in rows)


def marked(photo: Photo, what: str) -> bytes:
    """The photo's EXIF with a line that says what processed it: nobody cleans it twice unawares."""
    exif = Image.Exif()
    exif.load(photo.exif)
    exif[_SOFTWARE] = what
    return exif.tobytes()


def mark_of(photo: Photo) -> str:
    """What ``marked`` wrote, or the empty string."""
    exif = Image.Exif()
    exif.load(photo.exif)
    said = str(exif.get(_SOFTWARE, ""))
    return said if said.startswith("isthmus") else ""


def save(path: Path, photo: Photo, quality: int = 95) -> None:
    """Write a photo in the format its suffix names, with all the format can hold. Not atomic itself.

    Formats without 16 bits get 8, formats without transparency get it on white.
    """
    suffix = path.suffix.lower()
    if suffix in {".tif", ".tiff"} or (photo.depth > 8 and suffix == ".png"):
        deep.save(path, photo.pixels, photo.alpha, photo.exif, photo.icc, photo.xmp, photo.texts)
        return
    image = _image(photo, suffix)
    more: dict[str, Any] = {}
    if photo.icc:
        more["icc_profile"] = photo.icc
    if photo.exif:
        more["exif"] = photo.exif
    if photo.xmp and suffix in {".jpg", ".jpeg", ".webp", ".png"}:
        more["xmp"] = photo.xmp
    match suffix:
        case ".jpg" | ".jpeg":
            more |= {
                "quality": quality,
                "subsampling": 0,
                "optimize": image.width * image.height < 40_000_000,
            }
        case ".webp" | ".avif":
            more |= {"quality": quality}
        case ".png":
            more |= {"compress_level": 4, "pnginfo": deep.png_texts(photo.texts, photo.xmp)}
            more.pop("xmp", None)
        case ".bmp" | ".pgm" | ".ppm" | ".gif":
            more = {}
        case _:
            pass
    image.save(path, **more)


def _check(path: Path, image: Image.Image, most_pixels: int) -> None:
    if image.width * image.height > most_pixels:
        raise DataError(
            f"{path}: has {image.width} x {image.height} = {image.width * image.height:,} pixels, more "
            f"than the limit of {most_pixels:,} (raise it with --max-pixels)"
        )
    if getattr(image, "n_frames", 1) > 1:
        raise DataError(
            f"{path}: is an animation or has several pages ({image.n_frames}); give single pictures"  # type: ignore[attr-defined]
        )


def _shallow(image: Image.Image, icc: bytes, notes: list[str]) -> tuple[Array, Array | None, bytes]:
    """Pixels and alpha of a picture of 8 bits (or 1, or a palette), and the profile that still holds."""
    if image.mode == "CMYK":
        image, icc = _from_cmyk(image, icc), b""
        notes.append("CMYK became RGB")
    elif image.mode in {"YCbCr", "LAB", "HSV"}:
        image, icc = image.convert("RGB"), b""
    alpha = None
    if image.has_transparency_data:
        image = image.convert("LA" if image.mode in {"L", "LA", "1"} else "RGBA")
        alpha = _as_array(image.getchannel("A"))[..., 0]
        image = image.convert("L" if image.mode == "LA" else "RGB")
    if image.mode not in {"L", "RGB"}:
        image = image.convert("L" if image.mode == "1" else "RGB")
    return _as_array(image), alpha, icc


def _as_array(image: Image.Image) -> Array:
    """Pixels (H, W, 1 or 3), copied strip by strip: Pillow hands a whole picture over in three copies."""
    made = np.empty((image.height, image.width, len(image.getbands())), np.uint8)
    for top in range(0, image.height, _STRIP):
        bottom = min(top + _STRIP, image.height)
        strip = np.asarray(image.crop((0, top, image.width, bottom)))
        made[top:bottom] = strip.reshape(made[top:bottom].shape)
    return made


def shallow(image: Image.Image, icc: bytes = b"") -> tuple[Array, Array | None, bytes]:
    """(pixels (H, W, 1 or 3), alpha or None, the profile that still holds) of a picture of 8 bits."""
    return _shallow(image, icc, [])


def _from_cmyk(image: Image.Image, icc: bytes) -> Image.Image:
    if icc:
        import io

        try:
            made = ImageCms.profileToProfile(
                image, io.BytesIO(icc), ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            if made is not None:
                return made
        except ImageCms.PyCMSError:
            pass
    return image.convert("RGB")


def _image(photo: Photo, suffix: str) -> Image.Image:
    """A Pillow picture of 8 bits, with its transparency where the format has one."""
    pixels = eight_bits(photo.pixels)
    alpha = None if photo.alpha is None else eight_bits(photo.alpha)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    if alpha is None:
        return image
    if suffix in {".png", ".webp", ".tif", ".tiff", ".avif"}:
        image.putalpha(Image.fromarray(alpha))
        return image
    ground = Image.new(image.mode, image.size, "white")
    return Image.composite(image, ground, Image.fromarray(alpha))


def eight_bits(values: Array) -> Array:
    """uint16 or floats 0..1 as uint8, rounded."""
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values)
    if values.dtype == np.uint16:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return np.clip(np.round(values * 255), 0, 255).astype(np.uint8)


def turned(values: Array, orientation: int) -> Array:
    """An array (height, width, …) upright, as its EXIF orientation (1..8) says."""
    if orientation in {5, 6, 7, 8}:
        values = values.swapaxes(0, 1)
    if orientation in {2, 3, 6, 7}:
        values = values[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        values = values[::-1]
    return np.ascontiguousarray(values)


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value or b"")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Every way a file can be wrong, as one DataError that names it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a broken tag is no reason to refuse the pixels
            limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            try:
                yield
            finally:
                Image.MAX_IMAGE_PIXELS = limit
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except MemoryError:
        raise DataError(f"{path}: does not fit in memory") from None
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError, RuntimeError) as error:
        if path.is_file() and path.stat().st_size == 0:
            raise DataError(f"{path}: is empty (0 bytes)") from None
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        first = first.replace(f" '{path}'", "").replace(str(path), "it")
        raise DataError(f"{path}: cannot be read as a picture ({first})") from None
