"""``isthmus compress`` and ``decompress`` as a person uses them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps
from tests.browser import needs_chromium, open_page
from tests.cli.test_verbs import isthmus
from tests.photos import photograph, psnr

PHOTO = photograph()[100:228, 200:392]
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _inputs(folder: Path) -> Path:
    (folder / "deep").mkdir(parents=True)
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    exif[0x0112] = 6
    Image.fromarray(PHOTO).save(folder / "a.jpg", exif=exif, icc_profile=PROFILE)
    Image.fromarray(PHOTO[..., 0]).save(folder / "deep/gray.png")
    Image.fromarray(PHOTO).convert("CMYK").save(folder / "deep/cmyk.tif")
    Image.fromarray(PHOTO[..., 0].astype(np.uint16) * 257).save(folder / "deep/sixteen.png")
    Image.fromarray(PHOTO[:1, :1]).save(folder / "one.png")
    frames = [Image.fromarray(PHOTO[:20, i : i + 20]) for i in range(3)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    (folder / "empty.jpg").write_bytes(b"")
    return folder


def test_a_folder_there_and_back(tmp_path: Path) -> None:
    folder = _inputs(tmp_path / "in")
    small, back = tmp_path / "small", tmp_path / "back"
    done = isthmus("compress", folder, "-o", small, "--quality", "90", code=1)
    for name in ("moving.gif", "broken.png", "empty.jpg"):
        assert sum(name in line for line in done.stderr.splitlines()) == 1
    made = sorted(str(p.relative_to(small)) for p in small.rglob("*.isth"))
    assert made == ["a.isth", "deep/cmyk.isth", "deep/gray.isth", "deep/sixteen.isth", "one.isth"]
    assert "5 done, 3 failed" in done.stdout
    isthmus("decompress", small, "-o", back)
    with Image.open(back / "a.png") as image:
        assert image.size == (128, 192)  # upright
        assert image.getexif()[0x010F] == "Camera"
        assert image.info["icc_profile"] == PROFILE
        with Image.open(folder / "a.jpg") as before:
            upright = np.asarray(ImageOps.exif_transpose(before))
        assert psnr(upright, np.asarray(image)) > 36
    with Image.open(back / "deep/gray.png") as image:
        assert image.mode == "L"
    with Image.open(back / "deep/sixteen.png") as image:
        assert image.mode == "I;16"
    again = isthmus("compress", folder, "-o", small, code=1)
    assert "5 skipped" in again.stdout


def test_targets_are_hit_and_json_says_so(tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    Image.fromarray(PHOTO).save(source)
    out = tmp_path / "a.isth"
    done = isthmus("compress", source, "-o", out, "--size", "6000", "--json")
    line, total = (json.loads(text) for text in done.stdout.splitlines())
    assert line["bytes"] == out.stat().st_size == pytest.approx(6000, rel=0.02)
    assert total["done"] == 1
    assert total["bytes_after"] == line["bytes"]
    done = isthmus("compress", source, "-o", out, "--psnr", "35", "--json", "--force")
    assert json.loads(done.stdout.splitlines()[0])["psnr"] == pytest.approx(35, rel=0.02)
    isthmus("decompress", out, "-o", tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as image:
        assert psnr(PHOTO, np.asarray(image)) == pytest.approx(35, rel=0.02)


def test_no_difference_is_no_number(tmp_path: Path) -> None:
    source, out = tmp_path / "a.png", tmp_path / "a.isth"
    Image.new("RGB", (1, 1), "red").save(source)
    done = isthmus("compress", source, "-o", out, "--effort", "2", "--json")
    assert json.loads(done.stdout.splitlines()[0])["psnr"] is None
    assert "Infinity" not in done.stdout
    assert "the same pixels" in isthmus("compress", source, "-o", out, "--force").stderr


def test_wishes_that_cannot_be(tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    Image.fromarray(PHOTO).save(source)
    isthmus("compress", source, "-o", tmp_path / "a.isth", "--size", "1", "--psnr", "30", code=2)
    isthmus("compress", source, "-o", tmp_path / "a.jpg", code=2)
    done = isthmus("compress", source, "-o", tmp_path / "a.isth", "--size", "50", code=1)
    assert "the least" in done.stderr
    assert not (tmp_path / "a.isth").exists()


def test_damage_is_named_and_the_rest_is_there(tmp_path: Path) -> None:
    golden = Path(__file__).parents[1] / "codec/golden/v1-tiles.isth"
    data = bytearray(golden.read_bytes())
    data[-1] ^= 1
    (tmp_path / "bad.isth").write_bytes(data)
    (tmp_path / "cut.isth").write_bytes(data[:30])
    (tmp_path / "newer.isth").write_bytes(data[:8] + b"\x09" + data[9:])
    (tmp_path / "text.isth").write_text("hello")
    (tmp_path / "good.isth").write_bytes(golden.read_bytes())
    out = tmp_path / "out"
    done = isthmus("decompress", tmp_path, "-o", out, "--json", code=1)
    assert {p.name for p in out.iterdir()} == {"bad.png", "good.png"}
    for said in ("tile 5", "cut.isth: is cut off", "is of version 9", "text.isth: is not an .isth"):
        assert said in done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["damaged"] == 1


@needs_chromium
def test_the_page_shows_jpeg_of_the_same_size(tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    Image.fromarray(PHOTO).save(source)
    where = tmp_path / "page.html"
    isthmus("compress", source, "-o", tmp_path / "a.isth", "--size", "3000", "--compare", where)
    dom, console = open_page(where, tmp_path / "profile")
    assert not console
    assert "JPEG of the same size" in dom
    assert "bits a pixel" in dom
    assert dom.count('type="range"') >= 2


@pytest.mark.slow
def test_a_hundred_megapixels_in_bounded_memory(tmp_path: Path) -> None:
    import subprocess
    import sys

    row = np.tile(photograph(), (1, 16, 1))[:, :10_000]
    Image.fromarray(np.tile(row, (24, 1, 1))[:10_000]).save(tmp_path / "a.png", compress_level=1)
    for verb, source, out in (("compress", "a.png", "a.isth"), ("decompress", "a.isth", "b.png")):
        code = (
            "import resource, sys; from isthmus.cli import main\n"
            "sys.argv = ['isthmus', *sys.argv[1:]]\n"
            "try: main()\n"
            "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, verb, str(tmp_path / source), "-o", str(tmp_path / out)],
            capture_output=True,
            text=True,
            check=True,
        )
        # The picture itself is 300 MB, its PNG reader's copy as much again.
        assert int(done.stderr.split()[-1]) < 1400, done.stderr
