"""Whole pictures: every kind, every size, parts of them, and targets."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from tests.photos import photograph, psnr

from isthmus.codec import photos, picture, target
from isthmus.codec.errors import FormatError
from isthmus.errors import DataError
from isthmus.media.photo import Photo

PHOTO = photograph()[100:260, 200:440]


def _like(pixels: np.ndarray, format: str, **options: object) -> tuple[int, float]:
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, format, **options)
    return len(held.getvalue()), psnr(pixels, np.asarray(Image.open(held).convert("RGB")))


def test_a_photograph_is_smaller_than_a_jpeg_that_is_worse() -> None:
    size, quality = _like(PHOTO, "JPEG", quality=60, optimize=True)
    made = target.to_size(target.Trial(PHOTO, None, ()), int(0.8 * size))
    assert len(made.data) < 0.82 * size
    back = picture.decode(made.data).pixels
    assert psnr(PHOTO, back) > quality + 0.5
    assert psnr(PHOTO, back) == pytest.approx(made.psnr, abs=0.01)


def test_quality_orders_sizes_and_errors() -> None:
    made = [photos.pack(Photo(PHOTO), quality=q) for q in (5, 40, 75, 95, 100)]
    assert sorted(len(m.data) for m in made) == [len(m.data) for m in made]
    assert sorted(m.psnr for m in made) == [m.psnr for m in made]
    assert made[-1].psnr > 49


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (9, 2), (31, 33), (32, 64)])
def test_pictures_of_every_size(shape: tuple[int, int], channels: int) -> None:
    pixels = PHOTO[: shape[0], : shape[1], :channels]
    made = picture.decode(picture.encode(pixels, 200))
    assert made.pixels.shape == pixels.shape
    assert psnr(pixels, made.pixels) > 40


def test_sixteen_bits_and_transparency() -> None:
    pixels = PHOTO[:60, :80].astype(np.uint16) * 256 + 17
    alpha = np.arange(4800, dtype=np.uint16).reshape(60, 80)
    made = picture.decode(picture.encode(pixels, 130, alpha))
    assert made.pixels.dtype == np.uint16
    assert (made.alpha == alpha).all()
    assert np.abs(made.pixels.astype(int) - pixels).mean() < 150  # of 65,535


def test_nothing_is_lost_without_loss() -> None:
    deep = PHOTO[:40, :50].astype(np.uint16) * 250 + 3
    for pixels in (PHOTO[:50], PHOTO[:50, :, :1], deep):
        packed = photos.pack(Photo(pixels), lossless=True)
        assert (picture.decode(packed.data).pixels == pixels).all()
    assert len(photos.pack(Photo(PHOTO), lossless=True).data) < _like(PHOTO, "PNG")[0]


def test_a_drawing_is_kept_without_loss() -> None:
    drawn = np.full((120, 160, 3), 255, np.uint8)
    drawn[20:60, 30:90] = (200, 30, 30)
    packed = photos.pack(Photo(drawn), quality=80)
    assert packed.exact
    assert (photos.unpack(packed.data)[0].pixels == drawn).all()
    assert not photos.pack(Photo(PHOTO), quality=80).exact


def test_a_pattern_that_the_prior_takes_for_impossible_is_still_coded() -> None:
    chequers = ((np.indices((64, 64)).sum(0) % 2) * 255).astype(np.uint8)[..., None]
    made = picture.decode(picture.encode(chequers, 250))
    assert psnr(chequers, made.pixels) > 30


def test_tiles_and_their_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "TILE", 64)
    alpha = PHOTO[..., 0]
    data = picture.encode(PHOTO, 270, alpha)
    one, two = picture.decode(data, threads=1), picture.decode(data, threads=2)
    assert one.header.count == 12
    assert (one.pixels == two.pixels).all()
    assert (one.alpha == alpha).all()
    part = picture.decode(data, (50, 130, 60, 201))
    assert (part.pixels == one.pixels[50:130, 60:201]).all()
    assert part.alpha is not None
    assert (part.alpha == alpha[50:130, 60:201]).all()
    with pytest.raises(FormatError, match="region"):
        picture.decode(data, (0, 161, 0, 10))


def test_a_part_reads_only_its_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "TILE", 64)
    data = bytearray(picture.encode(PHOTO, 270))
    data[-5] ^= 1  # in the last tile
    assert not picture.decode(bytes(data), (0, 60, 0, 60)).damaged
    assert picture.decode(bytes(data)).damaged


@pytest.mark.parametrize("step", [200, 330])
def test_the_thumbnail_is_the_picture_made_small(step: int) -> None:
    data = picture.encode(PHOTO, step)
    small = picture.thumbnail(data)
    whole = picture.decode(data).pixels.reshape(20, 8, 30, 8, 3).mean((1, 3))
    assert small.shape == (20, 30, 3)
    assert psnr(small, np.rint(whole).astype(np.uint8)) > 30
    assert picture.thumbnail(picture.encode_exact(PHOTO)).shape == (20, 30, 3)


@pytest.mark.parametrize("size", [1500, 4000, 12345, 40000])
def test_sizes_are_hit(size: int) -> None:
    assert len(photos.pack(Photo(PHOTO), size=size).data) == pytest.approx(size, rel=0.02)


@pytest.mark.parametrize("wanted", [27, 33.3, 45])
def test_qualities_are_hit(wanted: float) -> None:
    packed = photos.pack(Photo(PHOTO), psnr=wanted)
    back = photos.unpack(packed.data)[0].pixels
    assert psnr(PHOTO, back) == pytest.approx(wanted, rel=0.02)


def test_what_cannot_be_done_is_said() -> None:
    with pytest.raises(DataError, match="the least"):
        photos.pack(Photo(PHOTO), size=100)
    with pytest.raises(DataError, match="nearest"):
        photos.pack(Photo(PHOTO), psnr=90)
    with pytest.raises(DataError, match="one of"):
        photos.pack(Photo(PHOTO), psnr=40, size=1000)
    with pytest.raises(DataError, match="shape"):
        picture.encode(np.zeros((0, 5, 3), np.uint8), 250)
    with pytest.raises(DataError, match="uint8"):
        picture.encode(np.zeros((5, 5, 3), np.float32), 250)  # type: ignore[arg-type]


def test_floats_become_sixteen_bits_and_all_words_stay() -> None:
    floats = (PHOTO[:20, :20] / 255).astype(np.float32)
    packed = photos.pack(Photo(floats, icc=b"p", exif=b"e", xmp=b"x", texts={"Title": "ä"}))
    assert "floats became 16 bits" in packed.notes
    back, damaged = photos.unpack(packed.data)
    assert (back.depth, back.icc, back.exif, back.xmp) == (16, b"p", b"e", b"x")
    assert back.texts == {"Title": "ä"}
    assert not damaged


def test_an_orientation_in_a_file_is_applied() -> None:
    from dataclasses import replace

    from isthmus.codec import container

    data = picture.encode(PHOTO[:40, :60], 250)
    file = container.read(data)
    turned = replace(file.header, orientation=6)
    again = container.write(turned, [file.payload(entry) for entry in file.pixels], [])
    upright = picture.decode(again).pixels
    assert (upright == np.rot90(picture.decode(data).pixels, -1)).all()
