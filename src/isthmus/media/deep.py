"""What Pillow cannot keep whole: PNG of 16 bits (by imagecodecs), TIFF of any depth (by tifffile)."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from isthmus.errors import DataError

Array = NDArray[Any]
_EXIF_IFD, _GPS_IFD, _ICC, _XMP = 0x8769, 0x8825, 34675, 700
_STAND_INS = {_EXIF_IFD: 34664, _GPS_IFD: 34851}
# Tags of the picture itself: the writer makes its own.
_OWN_TAGS = {254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 282, 283, 284, 296,
             305, 317, 320, 322, 323, 324, 325, 338, 339, 347, 530, 531, 532, _ICC, _XMP, _EXIF_IFD,
             _GPS_IFD, 0xA005, 33723, 34377}  # fmt: skip


def is_deep(path: Path, image: Image.Image) -> bool:
    """Whether a file holds more than 8 bits a value."""
    if image.format == "PNG":
        with path.open("rb") as file:
            return file.read(25)[24:25] == b"\x10"
    if image.format == "TIFF":
        bits = image.tag_v2.get(258, (1,))  # type: ignore[attr-defined]
        return bool(max(bits if isinstance(bits, tuple) else (bits,)) > 8)
    return False


def read(path: Path, image: Image.Image) -> tuple[Array, Array | None]:
    """(pixels (H, W, 1 or 3), alpha (H, W) or None) as uint16 or float32. Raises DataError."""
    return _parts(path, _png(path) if image.format == "PNG" else _tiff(path))


def _parts(path: Path, values: Array) -> tuple[Array, Array | None]:
    """Decoded values as pixels and alpha, checked."""
    if values.ndim == 2:
        values = values[..., None]
    if values.dtype.kind == "f":
        values = values.astype(np.float32)
        bad = int((~np.isfinite(values)).sum())
        if bad:
            raise DataError(f"{path}: holds {bad:,} values that are not numbers (nan or inf)")
    elif values.dtype != np.uint16:
        raise DataError(f"{path}: holds {values.dtype} values; 8 or 16 bits or floats can be read")
    channels = values.shape[2]
    if channels not in (1, 2, 3, 4):
        raise DataError(f"{path}: has {channels} channels; a photograph has one to four")
    alpha = np.ascontiguousarray(values[..., -1]) if channels in (2, 4) else None
    return np.ascontiguousarray(values[..., : 3 if channels >= 3 else 1]), alpha


def read_alone(path: Path) -> tuple[Array, Array | None, int, bytes, bytes, bytes]:
    """(pixels, alpha, orientation, exif, icc, xmp) of a TIFF that Pillow cannot open."""
    import tifffile

    pixels, alpha = _parts(path, _tiff(path))
    with tifffile.TiffFile(path) as file:
        tags = file.pages.first.tags
        exif = Image.Exif()
        for tag in tags:
            if tag.code not in _OWN_TAGS and isinstance(tag.value, str):
                exif[tag.code] = tag.value
        for code in (_EXIF_IFD, _GPS_IFD):
            within = tags.valueof(code)
            if isinstance(within, dict):
                known = ExifTags.TAGS if code == _EXIF_IFD else ExifTags.GPSTAGS
                numbers = {name: number for number, name in known.items()}
                exif.get_ifd(code).update(
                    {numbers[n]: _plain(v) for n, v in within.items() if n in numbers}
                )
        turn = int(tags.valueof(274, default=1))
        icc, xmp = bytes(tags.valueof(_ICC, default=b"")), bytes(tags.valueof(_XMP, default=b""))
    return pixels, alpha, turn, exif.tobytes() if len(exif) else b"", icc, xmp


def _plain(value: Any) -> Any:
    """Fractions as Pillow writes them; the rest as it is."""
    pair = isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, int) for v in value)
    return TiffImagePlugin.IFDRational(*value) if pair else value


def save(
    path: Path,
    pixels: Array,
    alpha: Array | None,
    exif: bytes,
    icc: bytes,
    xmp: bytes,
    texts: dict[str, str],
) -> None:
    """Write a 16-bit PNG or a TIFF with everything the file says beside its pixels."""
    values = pixels if alpha is None else np.concatenate([pixels, alpha[..., None]], 2)
    if path.suffix.lower() == ".png":
        if values.dtype.kind == "f":
            values = np.clip(np.round(values * 65535), 0, 65535).astype(np.uint16)
        path.write_bytes(_png_bytes(values, exif, icc, xmp, texts))
    else:
        _save_tiff(path, values, alpha is not None, exif, icc, xmp)


def png_texts(texts: dict[str, str], xmp: bytes) -> PngImagePlugin.PngInfo:
    """Text chunks for Pillow's PNG writer."""
    made = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        made.add_itxt(key, value) if not value.isascii() else made.add_text(key, value)
    if xmp:
        made.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
    return made


def _png(path: Path) -> Array:
    import imagecodecs

    return np.asarray(imagecodecs.png_decode(path.read_bytes()))


def _tiff(path: Path) -> Array:
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        kind = getattr(page.photometric, "name", "?")
        if kind not in {"MINISBLACK", "MINISWHITE", "RGB"}:
            raise DataError(f"{path}: is a TIFF of {kind} with more than 8 bits; give RGB or gray")
        values = page.asarray()
        if getattr(page, "planarconfig", 1) == 2 and values.ndim == 3:
            values = np.moveaxis(values, 0, -1)
        if kind == "MINISWHITE" and values.dtype.kind == "u":
            values = np.iinfo(values.dtype).max - values
    return np.asarray(values)


def _png_bytes(values: Array, exif: bytes, icc: bytes, xmp: bytes, texts: dict[str, str]) -> bytes:
    """A 16-bit PNG with the chunks that Pillow writes for the same words beside an 8-bit picture."""
    import imagecodecs

    encoded = bytes(imagecodecs.png_encode(np.ascontiguousarray(values), level=4))
    held = io.BytesIO()
    more: dict[str, Any] = {"pnginfo": png_texts(texts, xmp)}
    if icc:
        more["icc_profile"] = icc
    if exif:
        more["exif"] = exif
    Image.new("L", (1, 1)).save(held, "PNG", **more)
    wanted = {b"iCCP", b"eXIf", b"tEXt", b"iTXt", b"zTXt"}
    beside = b"".join(raw for kind, raw in _chunks(held.getvalue()) if kind in wanted)
    head = 8 + 25  # signature, IHDR
    return encoded[:head] + beside + encoded[head:]


def _chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """(kind, the whole chunk) of every chunk of a PNG file."""
    found, place = [], 8
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        found.append((png[place + 4 : place + 8], png[place : place + 12 + length]))
        place += 12 + length
    return found


def _save_tiff(
    path: Path, values: Array, has_alpha: bool, exif: bytes, icc: bytes, xmp: bytes
) -> None:
    import tifffile

    held = Image.Exif()
    held.load(exif)
    extra: list[tuple[int, Any, int, Any, bool]] = [
        (tag, "s", 0, str(value), True)
        for tag, value in held.items()
        if tag not in _OWN_TAGS and isinstance(value, str)
    ]
    if icc:
        extra.append((_ICC, 7, len(icc), icc, True))
    if xmp:
        extra.append((_XMP, 1, len(xmp), xmp, True))
    within = {tag: held.get_ifd(tag) for tag in (_EXIF_IFD, _GPS_IFD)}
    within = {tag: entries for tag, entries in within.items() if entries}
    # Their place is known once the rest is written, and the writer keeps their names for itself.
    extra += [(_STAND_INS[tag], 4, 1, 0, True) for tag in within]
    color = values.shape[2] >= 3
    tifffile.imwrite(
        path,
        values if values.shape[2] > 1 else values[..., 0],
        photometric="rgb" if color else "minisblack",
        planarconfig="contig" if values.shape[2] > 1 else None,
        extrasamples=["unassalpha"] if has_alpha else None,
        compression="zlib",
        predictor=values.dtype.kind == "u",
        byteorder="<",
        metadata=None,
        software=False,
        extratags=extra,
    )
    if within:
        _append_directories(path, within)


def _append_directories(path: Path, within: dict[int, dict[int, Any]]) -> None:
    """Put EXIF and GPS directories at the end of a TIFF and point its tags there."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        entries_at = {tag: file.pages.first.tags[_STAND_INS[tag]].offset for tag in within}
    with path.open("r+b") as out:
        for tag, entries in within.items():
            out.seek(0, io.SEEK_END)
            place = out.tell() + out.tell() % 2
            directory = TiffImagePlugin.ImageFileDirectory_v2(
                b"II\x2a\x00\x00\x00\x00\x00", group=tag
            )
            for key, value in entries.items():
                directory[key] = value
            out.seek(place)
            out.write(directory.tobytes(place))
            # An entry: tag, type, count, value (TIFF 6.0, section 2).
            out.seek(entries_at[tag])
            out.write(struct.pack("<HHII", tag, 4, 1, place))
