"""``isthmus denoise`` as a person uses it: files, folders, globs, and everything that can be wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageFilter
from tests.browser import needs_chromium, open_page
from tests.cli.test_verbs import isthmus
from tests.photos import noisy, photograph, small_run

from isthmus.media import photo


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("denoise") / "run")


def _save(path: Path, side: int = 60) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noisy(photograph()[:side, :side], 15)).save(path)
    return path


def test_a_file_becomes_a_file(tmp_path: Path, model: Path) -> None:
    source = _save(tmp_path / "a.png")
    before = source.read_bytes()
    done = isthmus("denoise", source, "-o", tmp_path / "b.png", "--model", model, "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["output"] == str(tmp_path / "b.png")
    assert lines[0]["noise"] > 0
    assert lines[-1]["done"] == 1
    assert source.read_bytes() == before
    assert photo.read(tmp_path / "b.png").pixels.shape == (60, 60, 3)
    assert "isthmus" in photo.mark_of(photo.read(tmp_path / "b.png"))


def test_a_folder_keeps_its_structure_and_one_bad_file_stops_nobody(
    tmp_path: Path, model: Path
) -> None:
    folder = tmp_path / "in"
    for number in range(9):
        _save(folder / f"{'deep/er/' if number % 2 else ''}{number}.png", 24)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    (folder / "notes.txt").write_text("not mine")
    out = tmp_path / "out"
    done = isthmus("denoise", folder, "-o", out, "--model", model, code=1)
    made = sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())
    assert made == sorted(f"{'deep/er/' if n % 2 else ''}{n}.png" for n in range(9))
    assert done.stderr.count("broken.jpg") == 1
    again = isthmus("denoise", folder, "-o", out, "--model", model, code=1)
    assert "9 skipped" in again.stdout
    forced = isthmus("denoise", folder, "-o", out, "--model", model, "--force", code=1)
    assert "9 done" in forced.stdout


def test_what_has_no_colour_gets_the_network_for_it(tmp_path: Path) -> None:
    soft = np.rint(photograph()[100:228, 300:460] * 0.5 + 64).astype(np.uint8)
    seen = noisy(soft, 15)
    gray = np.asarray(Image.fromarray(seen).convert("L"))
    # What a camera's smoothing leaves of noise.
    grain = Image.fromarray(noisy(np.full_like(soft, 128), 40)).filter(
        ImageFilter.GaussianBlur(1.5)
    )
    grainy = np.clip(soft.astype(int) + np.asarray(grain) - 128, 0, 255).astype(np.uint8)
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    Image.fromarray(seen).save(folder / "colour.png")
    Image.fromarray(gray).save(folder / "one.png")
    Image.fromarray(np.repeat(gray[..., None], 3, 2)).save(folder / "three.png")
    Image.fromarray(grainy[..., 0]).save(folder / "grainy.png")
    isthmus("denoise", folder, "-o", out)
    made = {p.stem: photo.read(p) for p in out.iterdir()}
    assert "denoise photo-denoise strength" in photo.mark_of(made["colour"])
    for name in ("one", "three"):
        assert "denoise photo-denoise-gray strength" in photo.mark_of(made[name])
    assert "denoise photo-denoise-grain strength" in photo.mark_of(made["grainy"])
    isthmus("denoise", folder / "grainy.png", "-o", tmp_path / "told.png", "--sigma", 15)
    assert "denoise photo-denoise-gray strength" in photo.mark_of(photo.read(tmp_path / "told.png"))
    isthmus("denoise", folder / "one.png", "-o", tmp_path / "best.png", "--best")
    best = photo.read(tmp_path / "best.png").pixels
    assert 0 < np.abs(best - made["one"].pixels.astype(float)).mean() < 2
    assert made["one"].pixels.shape == (128, 160, 1)
    assert (made["three"].pixels == made["one"].pixels).all()
    assert not (made["one"].pixels[..., 0] == gray).all()


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_light_network_takes_colour_and_gray(tmp_path: Path, mode: str) -> None:
    truth = np.asarray(Image.fromarray(photograph()[100:228, 300:460]).convert(mode))
    seen, out = tmp_path / "seen.png", tmp_path / "out.png"
    Image.fromarray(noisy(truth, 25)).save(seen)
    isthmus("denoise", seen, "-o", out, "--model", "photo-denoise-fast")
    made, given = np.asarray(Image.open(out)), np.asarray(Image.open(seen))
    assert made.shape == truth.shape
    before, after = (np.square(a.astype(float) - truth).mean() for a in (given, made))
    assert after < before / 4, "6 dB"
    assert "denoise photo-denoise-fast strength" in photo.mark_of(photo.read(out))


def test_globs(tmp_path: Path, model: Path) -> None:
    for name in ("a1.png", "a2.png", "b.png"):
        _save(tmp_path / name, 16)
    isthmus("denoise", tmp_path / "a*.png", "-o", tmp_path / "out", "--model", model)
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"a1.png", "a2.png"}
    isthmus("denoise", tmp_path / "z*.png", "-o", tmp_path / "out2", "--model", model, code=1)
    assert not (tmp_path / "out2").exists()


def test_an_input_is_never_overwritten(tmp_path: Path, model: Path) -> None:
    source = _save(tmp_path / "a.png", 16)
    before = source.read_bytes()
    for output in (source, tmp_path):
        done = isthmus("denoise", source, "-o", output, "--model", model, "--force", code=1)
        assert "is an input" in done.stderr
    assert source.read_bytes() == before


def test_two_inputs_never_become_one_output(tmp_path: Path, model: Path) -> None:
    a, b = _save(tmp_path / "x/a.png", 16), _save(tmp_path / "y/a.png", 16)
    done = isthmus("denoise", a, b, "-o", tmp_path / "out", "--model", model, code=1)
    assert "another name" in done.stderr
    assert len(list((tmp_path / "out").iterdir())) == 1


@pytest.mark.parametrize("strength", ["0", "1"])
def test_depth_and_words_stay(tmp_path: Path, model: Path, strength: str) -> None:
    values = photograph()[:40, :50].astype(np.uint16) * 257
    coverage = np.arange(2000, dtype=np.uint16).reshape(40, 50)
    exif = Image.Exif()
    exif[0x8298] = "A. Person"
    first = photo.Photo(values, coverage, exif.tobytes(), b"profile" * 40)
    photo.save(tmp_path / "a.tif", first)
    for name in ("b.tif", "b.png"):
        isthmus(
            "denoise",
            tmp_path / "a.tif",
            "-o",
            tmp_path / name,
            "--model",
            model,
            "--strength",
            strength,
        )
        made = photo.read(tmp_path / name)
        assert made.pixels.dtype == np.uint16
        assert made.alpha is not None
        assert np.array_equal(made.alpha, coverage)
        assert np.array_equal(made.pixels, values) == (strength == "0")
        assert b"A. Person" in made.exif
        if name == "b.tif":
            assert made.icc == first.icc


def _wrong(folder: Path, kind: str) -> tuple[list[str], str]:
    """(arguments, what the one line must say) of a mistake."""
    path = folder / "in.jpg"
    more: list[str] = []
    match kind:
        case "truncated":
            _save(path)
            path.write_bytes(path.read_bytes()[:900])
            cause = "truncated"
        case "text":
            path.write_text("hello")
            cause = "cannot be read as a picture"
        case "empty":
            path.write_bytes(b"")
            cause = "is empty"
        case "bomb":
            _save(path)
            more, cause = ["--max-pixels", "100"], "--max-pixels"
        case "nan":
            path = folder / "in.tif"
            tifffile.imwrite(path, np.full((9, 9, 3), np.nan, np.float32), photometric="rgb")
            cause = "not numbers"
        case _:
            cause = "no such file"
    return [str(path), *more], cause


@pytest.mark.parametrize("kind", ["truncated", "text", "empty", "bomb", "nan", "missing"])
def test_a_bad_input_is_one_line(tmp_path: Path, model: Path, kind: str) -> None:
    arguments, cause = _wrong(tmp_path, kind)
    done = isthmus("denoise", *arguments, "-o", tmp_path / "out.png", "--model", model, code=1)
    complaints = [line for line in done.stderr.splitlines() if line.startswith("isthmus:")]
    assert len(complaints) == 1
    assert arguments[0] in complaints[0]
    assert cause in complaints[0]
    assert not (tmp_path / "out.png").exists()
    assert not list(tmp_path.glob(".out*")), "half of an output was left"


def test_wrong_extension_is_read_by_content(tmp_path: Path, model: Path) -> None:
    _save(tmp_path / "a.jpg").rename(tmp_path / "a.png")
    isthmus("denoise", tmp_path / "a.png", "-o", tmp_path / "b.png", "--model", model)
    assert photo.read(tmp_path / "b.png").pixels.shape == (60, 60, 3)


@pytest.mark.parametrize("size", [(1, 1), (20_000, 1)])
def test_the_thinnest_pictures(tmp_path: Path, model: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, (90, 120, 30)).save(tmp_path / "a.png")
    isthmus("denoise", tmp_path / "a.png", "-o", tmp_path / "b.png", "--model", model)
    with Image.open(tmp_path / "b.png") as made:
        assert made.size == size


def test_a_place_that_cannot_be_written(tmp_path: Path, model: Path) -> None:
    source = _save(tmp_path / "a.png", 16)
    (tmp_path / "file").write_text("I am no folder")
    done = isthmus("denoise", source, "-o", tmp_path / "file/b.png", "--model", model, code=1)
    assert "cannot be written" in done.stderr
    if os.geteuid() != 0:
        (tmp_path / "locked").mkdir(mode=0o500)
        done = isthmus("denoise", source, "-o", tmp_path / "locked/b.png", "--model", model, code=1)
        assert "Permission denied" in done.stderr


def test_a_full_disk_leaves_nothing(tmp_path: Path, model: Path) -> None:
    source = _save(tmp_path / "a.png", 200)
    small = _save(tmp_path / "small.png", 8)
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, resource.RLIM_INFINITY)); "
        "from isthmus.cli import main; sys.argv[0] = 'isthmus'; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "denoise", source, small, "-o", tmp_path / "out", "--model", model],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "a.png: cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["small.png"]


def test_wrong_usage(tmp_path: Path, model: Path) -> None:
    source = _save(tmp_path / "a.png", 16)
    for arguments in (["--strength", "2"], ["--sigma", "-1"]):
        isthmus("denoise", source, "-o", tmp_path / "b.png", *arguments, code=2)
    isthmus("denoise", source, "-o", tmp_path / "b.xyz", "--model", model, code=2)
    isthmus("denoise", source, code=2)


def test_a_model_of_another_task_is_refused(tmp_path: Path) -> None:
    isthmus(
        "train",
        "digits",
        "--set",
        "data.name=digits8",
        "--set",
        "data.shift=0",
        "--set",
        "training.epochs=1",
        "-o",
        tmp_path / "run",
    )
    source = _save(tmp_path / "a.png", 16)
    done = isthmus("denoise", source, "-o", tmp_path / "b.png", "--model", tmp_path / "run", code=1)
    assert "task 'reconstruct'" in done.stderr


@needs_chromium
def test_the_page_of_before_and_after(tmp_path: Path, model: Path) -> None:
    source = tmp_path / "<b>&.png"
    _save(source, 400)
    page = tmp_path / "page.html"
    isthmus("denoise", source, "-o", tmp_path / "b.png", "--model", model, "--compare", page)
    script = """
      const range = document.querySelector('.stage input');
      range.value = 80; range.dispatchEvent(new Event('input'));
      document.body.dataset.x = document.querySelector('.stage').style.getPropertyValue('--x');
      document.body.dataset.loaded = [...document.images].every(i => i.complete && i.naturalWidth > 0);
      document.body.dataset.labelled = [...document.querySelectorAll('input')].every(i => i.ariaLabel);
      document.body.dataset.stages = document.querySelectorAll('.stage').length;
    """
    dom, console = open_page(page, tmp_path / "profile", script=script)
    assert not console
    for found in ('data-x="80%"', 'data-loaded="true"', 'data-labelled="true"', 'data-stages="4"'):
        assert found in dom
    assert "<b>&amp;.png" not in dom.split("<section>")[0]


@pytest.mark.slow
def test_a_hundred_megapixels_in_bounded_memory(tmp_path: Path, model: Path) -> None:
    row = np.tile(photograph(), (1, 16, 1))[:, :10_000]
    Image.fromarray(np.tile(row, (24, 1, 1))[:10_000]).save(tmp_path / "a.png", compress_level=1)
    code = (
        "import resource, sys; from isthmus.cli import main; sys.argv[0] = 'isthmus'\n"
        "try: main()\nfinally: print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "denoise", tmp_path / "a.png", "-o", tmp_path / "b.jpg", "--model", model],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    peak = int(done.stdout.rsplit("peak", 1)[1])
    assert peak < 1500, f"{peak} MB"
