"""Pillow opens and saves .isth after ``import isthmus.pillow``."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFile

import isthmus.pillow
from tests.photos import photograph, psnr

PHOTO = photograph()[100:164, 200:296]


def _there(image: Image.Image, **options: object) -> bytes:
    held = io.BytesIO()
    image.save(held, "ISTH", **options)
    return held.getvalue()


def test_it_opens_what_it_saved() -> None:
    image = Image.fromarray(PHOTO)
    data = _there(image, quality=90, icc_profile=b"profile")
    with Image.open(io.BytesIO(data)) as back:
        assert (back.format, back.mode, back.size) == ("ISTH", "RGB", image.size)
        assert back.info["icc_profile"] == b"profile"
        assert psnr(PHOTO, np.asarray(back)) > 38
    assert len(_there(image, size=3000)) == pytest.approx(3000, rel=0.02)
    assert len(_there(image, quality=20)) < len(data)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "CMYK", "I;16"])
def test_modes(mode: str) -> None:
    image = Image.fromarray(PHOTO)
    if mode == "I;16":
        image = Image.fromarray(PHOTO[..., 0].astype(np.uint16) * 257)
    else:
        image = image.convert(mode)
    with Image.open(io.BytesIO(_there(image, lossless=True))) as back:
        back.load()
        wanted = {"P": "RGB", "1": "L", "CMYK": "RGB"}.get(mode, mode)
        assert back.mode == wanted
        if mode in {"L", "LA", "RGB", "RGBA", "I;16"}:
            assert (np.asarray(back) == np.asarray(image)).all()


def test_wishes_and_values_that_cannot_be() -> None:
    image = Image.fromarray(PHOTO)
    for options, said in (
        ({"quality": "keep"}, "quality is a number"),
        ({"quality": 0}, "^quality is 1"),
        ({"effort": 3}, "^effort is 1 or 2"),
    ):
        with pytest.raises(ValueError, match=said):
            _there(image, **options)
    with pytest.raises(OSError, match="the picture cannot be coded in 10 bytes"):
        _there(image, size=10)
    wide = PHOTO[..., 0].astype(np.int32) * 257
    with Image.open(io.BytesIO(_there(Image.fromarray(wide), lossless=True))) as back:
        assert (np.asarray(back) == wide).all()
    with pytest.raises(OSError, match="values outside"):
        _there(Image.fromarray(wide + 1000))


def test_files_by_their_suffix(tmp_path: object) -> None:
    path = f"{tmp_path}/a.isth"
    Image.fromarray(PHOTO).save(path)
    with Image.open(path) as back:
        assert back.get_format_mimetype() == "image/x-isthmus"
        back.thumbnail((20, 20))
        assert max(back.size) == 20


def test_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(_there(Image.fromarray(PHOTO)))
    data[-1] ^= 1
    with Image.open(io.BytesIO(data)) as back, pytest.raises(OSError, match="tile 0"):
        back.load()
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with Image.open(io.BytesIO(data)) as back:
        back.load()
        assert back.info["damaged"]
    with pytest.raises(OSError, match="cannot identify"):
        Image.open(io.BytesIO(data[:30]))
    assert isthmus.pillow.IsthImageFile.format == "ISTH"
