"""Photographs come back with every bit and every word they had."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin

from isthmus.errors import DataError
from isthmus.media import photo

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
RNG = np.random.default_rng(0)


def _exif(orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x8298] = "Maker", "Model 7", "A. Person"
    exif[0x0112] = orientation
    exif.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    exif.get_ifd(0x8769)[0x829A] = TiffImagePlugin.IFDRational(1, 125)
    exif.get_ifd(0x8825)[0x0001] = "N"
    return exif.tobytes()


def _photo(dtype: Any, channels: int, alpha: bool) -> photo.Photo:
    top = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    values = RNG.random((23, 31, channels)) * top
    coverage = (RNG.random((23, 31)) * top).astype(dtype) if alpha else None
    return photo.Photo(
        values.astype(dtype), coverage, _exif(), ICC, b"<x:xmpmeta>hello</x:xmpmeta>"
    )


def _said(data: bytes) -> dict[str, Any]:
    exif = Image.Exif()
    exif.load(data)
    return {
        "maker": exif.get(0x010F),
        "by": exif.get(0x8298),
        "orientation": exif.get(0x0112, 1),
        "taken": exif.get_ifd(0x8769).get(0x9003),
        "shutter": float(exif.get_ifd(0x8769).get(0x829A, 0)),
        "north": exif.get_ifd(0x8825).get(1),
    }


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("dtype", "suffix"),
    [
        (np.uint8, ".png"),
        (np.uint8, ".tif"),
        (np.uint16, ".png"),
        (np.uint16, ".tif"),
        (np.float32, ".tiff"),
    ],
)
def test_there_and_back_is_identity(
    tmp_path: Path, dtype: Any, suffix: str, channels: int, alpha: bool
) -> None:
    first = _photo(dtype, channels, alpha)
    path = tmp_path / f"a{suffix}"
    photo.save(path, first)
    again = photo.read(path)
    assert again.pixels.dtype == dtype
    assert np.array_equal(again.pixels, first.pixels)
    if alpha:
        assert again.alpha is not None
        assert np.array_equal(again.alpha, first.alpha)  # type: ignore[arg-type]
    else:
        assert again.alpha is None
    assert again.icc == ICC
    assert _said(again.exif) == _said(first.exif)
    assert b"hello" in again.xmp


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif"])
def test_lossy_formats_keep_the_words(tmp_path: Path, suffix: str) -> None:
    smooth = np.linspace(0, 255, 64 * 48).reshape(48, 64, 1).repeat(3, 2).astype(np.uint8)
    photo.save(tmp_path / f"a{suffix}", photo.Photo(smooth, None, _exif(), ICC))
    again = photo.read(tmp_path / f"a{suffix}")
    assert np.abs(again.pixels.astype(int) - smooth).mean() < 3
    assert _said(again.exif)["maker"] == "Maker"
    assert again.icc == ICC


def test_orientation_is_applied_once(tmp_path: Path) -> None:
    upright = (RNG.random((10, 16, 3)) * 255).astype(np.uint8)
    for turn in range(1, 9):
        stored = Image.fromarray(upright)
        # The inverse of what orientation N asks for.
        ways = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
        if turn in ways:
            stored = stored.transpose(Image.Transpose(ways[turn]))
        stored.save(tmp_path / "a.png", exif=_exif(turn))
        imagecodecs_values = np.asarray(stored).astype(np.uint16) * 257
        tifffile.imwrite(
            tmp_path / "a.tif",
            imagecodecs_values,
            photometric="rgb",
            extratags=[(274, 3, 1, turn, True)],
        )
        for name, factor in (("a.png", 1), ("a.tif", 257)):
            made = photo.read(tmp_path / name)
            assert np.array_equal(made.pixels, upright.astype(made.pixels.dtype) * factor), (
                name,
                turn,
            )
            assert _said(made.exif)["orientation"] == 1


def test_texts_of_a_png_stay(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "Harbour")
    info.add_itxt("Ort", "Zürich")
    for depth in (8, 16):
        Image.new("RGB", (4, 4)).save(tmp_path / "a.png", pnginfo=info)
        held = photo.read(tmp_path / "a.png")
        if depth == 16:
            held = replace(held, pixels=held.pixels.astype(np.uint16))
        photo.save(tmp_path / "b.png", held)
        assert photo.read(tmp_path / "b.png").texts == {"Title": "Harbour", "Ort": "Zürich"}


def test_other_kinds_of_pictures_are_taken_as_people_expect(tmp_path: Path) -> None:
    rgb = Image.fromarray((RNG.random((8, 9, 3)) * 255).astype(np.uint8))
    rgb.quantize(16).save(tmp_path / "palette.png")
    assert photo.read(tmp_path / "palette.png").pixels.shape == (8, 9, 3)
    clear = rgb.quantize(16)
    clear.info["transparency"] = 0
    clear.save(tmp_path / "clear.png", transparency=0)
    assert photo.read(tmp_path / "clear.png").alpha is not None
    rgb.convert("1").save(tmp_path / "bits.png")
    assert photo.read(tmp_path / "bits.png").pixels.shape == (8, 9, 1)
    rgb.convert("CMYK").save(tmp_path / "print.jpg")
    made = photo.read(tmp_path / "print.jpg")
    assert made.pixels.shape == (8, 9, 3)
    assert made.notes == ("CMYK became RGB",)
    rgb.convert("LA").save(tmp_path / "la.png")
    assert photo.read(tmp_path / "la.png").pixels.shape == (8, 9, 1)


def test_sixteen_bits_become_eight_where_the_format_has_no_more(tmp_path: Path) -> None:
    values = np.arange(0, 65536, 1024, dtype=np.uint16).reshape(8, 8, 1).repeat(3, 2)
    photo.save(tmp_path / "a.bmp", photo.Photo(values))
    again = photo.read(tmp_path / "a.bmp").pixels
    assert np.abs(again.astype(float) * 257 - values).max() <= 129


def test_transparency_lies_on_white_in_a_jpeg(tmp_path: Path) -> None:
    held = photo.Photo(np.zeros((16, 16, 3), np.uint8), np.zeros((16, 16), np.uint8))
    photo.save(tmp_path / "a.jpg", held)
    assert photo.read(tmp_path / "a.jpg").pixels.min() > 250


def test_a_mark_says_what_was_done(tmp_path: Path) -> None:
    held = _photo(np.uint8, 3, False)
    assert photo.mark_of(held) == ""
    done = replace(held, exif=photo.marked(held, "isthmus 1 denoise"))
    photo.save(tmp_path / "a.png", done)
    assert photo.mark_of(photo.read(tmp_path / "a.png")) == "isthmus 1 denoise"
    assert _said(done.exif) == _said(held.exif)


def _bad(folder: Path, kind: str) -> Path:
    good = io.BytesIO()
    Image.fromarray((RNG.random((90, 90, 3)) * 255).astype(np.uint8)).save(good, "JPEG")
    path = folder / "bad.jpg"
    match kind:
        case "empty":
            path.write_bytes(b"")
        case "truncated":
            path.write_bytes(good.getvalue()[:1500])
        case "text":
            path.write_text("not a picture at all\n" * 9)
        case "animated":
            frames = [Image.new("RGB", (8, 8), c) for c in ("red", "blue")]
            path = folder / "bad.gif"
            frames[0].save(path, save_all=True, append_images=frames[1:])
        case "nan":
            path = folder / "bad.tif"
            values = np.ones((8, 8, 3), np.float32)
            values[2, 3] = np.nan
            tifffile.imwrite(path, values, photometric="rgb")
        case "deep cmyk":
            path = folder / "bad.tif"
            tifffile.imwrite(path, np.ones((8, 8, 4), np.uint16), photometric="separated")
        case "missing":
            path = folder / "none.jpg"
        case "folder":
            path.mkdir()
    return path


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("empty", "is empty"), ("truncated", "truncated"), ("text", "cannot be read as a picture"),
        ("animated", "animation"), ("nan", "3 values that are not numbers"), ("deep cmyk", "SEPARATED"),
        ("missing", "no such file"), ("folder", "cannot be read"),
    ],
)  # fmt: skip
def test_a_bad_file_is_named_with_its_cause(tmp_path: Path, kind: str, cause: str) -> None:
    path = _bad(tmp_path, kind)
    with pytest.raises(DataError) as caught:
        photo.read(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert cause in text
    assert "\n" not in text


def test_a_bomb_is_refused_before_it_unfolds(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    rows = imagecodecs.png_encode(np.zeros((4, 4), np.uint8))
    head = bytearray(rows)
    head[16:24] = (20_000).to_bytes(4, "big") + (20_000).to_bytes(4, "big")
    import zlib

    head[29:33] = zlib.crc32(bytes(head[12:29])).to_bytes(4, "big")
    path.write_bytes(bytes(head))
    with pytest.raises(DataError, match=r"400,000,000 pixels.*--max-pixels"):
        photo.read(path)


def test_gray_is_what_has_no_colour_anywhere() -> None:
    values = RNG.integers(0, 255, (600, 5, 1)).astype(np.uint8)
    assert photo.is_gray(values)
    three = values.repeat(3, 2)
    assert photo.is_gray(three)
    three[599, 4, 2] ^= 1
    assert not photo.is_gray(three)
