"""``isthmus unwatermark`` as a person uses it, and everything that can be wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from tests.cli.test_verbs import isthmus
from tests.marked import Case, case, squares
from tests.photos import small_run

from isthmus.media import photo


@pytest.fixture(scope="module")
def held() -> Case:
    return case(10)


def _write(folder: Path, pictures: np.ndarray) -> Path:
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{number:02}.png")
    return folder


def test_one_mark_on_a_folder_of_pictures_goes_without_a_network(
    tmp_path: Path, held: Case
) -> None:
    folder = _write(tmp_path / "in", held.seen)
    (folder / "09.png").unlink()
    tifffile.imwrite(folder / "09.tif", held.seen[9].astype(np.uint16) * 257)
    (folder / "broken.png").write_bytes(b"no picture")
    out, mask, page = tmp_path / "out", tmp_path / "mask.png", tmp_path / "page.html"
    done = isthmus(
        "unwatermark", folder, "-o", out, "--same-mark", "--save-mask", mask, "--compare", page,
        "--json", code=1,
    )  # fmt: skip
    assert done.stderr.count("broken.png") == 1
    tree = json.loads(done.stdout.splitlines()[-1])
    assert (tree["done"], tree["failed"], tree["unmarked"]) == (10, 1, 0)
    deep = photo.read(out / "09.tif").pixels
    assert deep.dtype == np.uint16
    made = np.stack(
        [*(photo.read(out / f"{n:02}.png").pixels for n in range(9)), photo.eight_bits(deep)]
    )
    assert held.psnr(made) > held.psnr(held.seen) + 15
    shown = photo.read(mask).pixels[..., 0] > 127
    assert (made == held.seen)[:, ~shown].all()
    assert "unwatermark same-mark" in photo.mark_of(photo.read(out / "00.png"))
    shown_page = page.read_text("utf-8")
    assert "Marks taken off" in shown_page
    assert shown_page.count("data:image/") >= 20
    again = isthmus("unwatermark", folder, "-o", out, "--same-mark", code=1)
    assert "10 skipped" in again.stdout


def test_no_mark_in_common_leaves_the_files_as_they_were(tmp_path: Path) -> None:
    folder = _write(tmp_path / "in", squares(10, 96))
    done = isthmus("unwatermark", folder, "-o", tmp_path / "out", "--same-mark")
    assert "no mark found on 10" in done.stdout
    for number in range(10):
        name = f"{number:02}.png"
        assert (tmp_path / "out" / name).read_bytes() == (folder / name).read_bytes()


def test_an_own_mask_needs_no_model_and_keeps_all_a_file_holds(tmp_path: Path) -> None:
    one = case(1, 192, 0.6, words="HI")
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    alpha = np.full((192, 192), 40_000, np.uint16)
    deep = photo.Photo(one.seen[0].astype(np.uint16) * 257, alpha, b"", icc)
    photo.save(tmp_path / "a.png", deep)
    Image.fromarray((one.mask * 255).astype(np.uint8)).save(tmp_path / "mask.png")
    isthmus(
        "unwatermark", tmp_path / "a.png", "-o", tmp_path / "b.png", "--mask", tmp_path / "mask.png"
    )
    made = photo.read(tmp_path / "b.png")
    assert made.pixels.dtype == np.uint16
    assert made.icc == icc
    assert made.alpha is not None
    assert (made.alpha == alpha).all()
    assert (made.pixels == deep.pixels)[~one.mask].all()
    eight = np.rint(made.pixels / 257).astype(np.uint8)
    assert one.psnr(eight[None]) > one.psnr(one.seen) + 8


def test_what_is_wrong_is_said_in_a_line(tmp_path: Path, held: Case) -> None:
    folder = _write(tmp_path / "in", held.seen[:4])
    first = folder / "00.png"
    Image.fromarray(np.zeros((10, 12), np.uint8)).save(tmp_path / "small.png")
    Image.fromarray(np.zeros((96, 96), np.uint8)).save(tmp_path / "black.png")
    out = tmp_path / "out"
    for arguments, said in (
        (("--mask", tmp_path / "small.png"), "must be of one size"),
        (("--mask", tmp_path / "black.png"), "white where the mark is"),
        (("--mask", tmp_path / "none.png"), "no such file"),
        (("--same-mark",), "at least 3 pictures"),
        (("--model", "no-such-model"), "no shipped model of that name"),
    ):
        done = isthmus("unwatermark", first, "-o", out / "x.png", *arguments, code=1)
        assert said in done.stderr, arguments
        assert not (out / "x.png").exists()
    both = isthmus("unwatermark", first, "-o", out, "--same-mark", "--mask", first, code=2)
    assert "give one of them" in both.stderr
    assert "must end in .png" in isthmus(
        "unwatermark", folder, "-o", out, "--same-mark", "--save-mask", tmp_path / "m.jpg", code=2
    ).stderr  # fmt: skip
    Image.fromarray(held.seen[0][:50]).save(folder / "zz.png")
    apart = isthmus("unwatermark", folder, "-o", tmp_path / "no", "--same-mark", code=1)
    assert "zz.png: is 96 x 50 pixels" in apart.stderr
    assert not (tmp_path / "no").exists()


def test_a_model_for_something_else_is_refused(tmp_path: Path, held: Case) -> None:
    _write(tmp_path / "in", held.seen[:1])
    run = small_run(tmp_path / "run")
    done = isthmus(
        "unwatermark", tmp_path / "in/00.png", "-o", tmp_path / "x.png", "--model", run, code=1
    )
    assert "denoise_photo" in done.stderr


def test_help_says_whose_pictures(tmp_path: Path) -> None:
    said = " ".join(isthmus("unwatermark", "--help").stdout.split())
    assert "pictures that are yours, or that you may edit" in said
