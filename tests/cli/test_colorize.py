"""``isthmus colorize`` as a person uses it: files, folders, hints, and everything that can be wrong."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.test_verbs import isthmus as in_a_process
from tests.colour import gray_of, small_run
from tests.photos import photograph

from isthmus.cli import main
from isthmus.media import photo
from isthmus.tasks import coloring


@dataclass(frozen=True)
class Done:
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("colour") / "run")


@pytest.fixture
def colorize(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """The verb with the small model, in this process: torch is loaded once."""
    monkeypatch.setattr(coloring, "SIDE", 96)

    def run(*arguments: object, code: int = 0, own: bool = True) -> Done:
        said = [
            "isthmus",
            "colorize",
            *map(str, arguments),
            *(["--model", str(model)] if own else []),
        ]
        monkeypatch.setattr(sys, "argv", said)
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        assert end.value.code == code, printed
        return Done(printed.out, printed.err)

    return run


def _gray(path: Path, height: int = 60, width: int = 80) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(gray_of(photograph()[:height, :width])[..., 0]).save(path)
    return path


def test_a_grey_file_becomes_a_coloured_one(tmp_path: Path, model: Path) -> None:
    source = _gray(tmp_path / "a.png")
    before = source.read_bytes()
    done = in_a_process(
        "colorize", source, "-o", tmp_path / "b.png", "--hint", "30,20,#C03020", "--model", model,
        "--json", "--compare", tmp_path / "page.html",
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["hints"] == 1
    assert lines[-1]["done"] == 1
    assert source.read_bytes() == before
    made = photo.read(tmp_path / "b.png")
    assert made.pixels.shape == (60, 80, 3)
    red, green, blue = made.pixels[20, 30].astype(int)
    assert red > green + 40
    assert red > blue + 40
    assert "colorize" in photo.mark_of(made)
    assert "hints=1" in photo.mark_of(made)
    assert "data:image" in (tmp_path / "page.html").read_text("utf-8")


def test_a_folder_keeps_its_structure_and_a_bad_file_stops_nobody(
    tmp_path: Path, colorize: Run
) -> None:
    for name in ("a.png", "deep/er/b.pgm", "c.jpg"):
        _gray(tmp_path / "in" / name, 24, 30)
    (tmp_path / "in/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    out = tmp_path / "out"
    done = colorize(tmp_path / "in", "-o", out, code=1)
    made = sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())
    assert made == ["a.png", "c.jpg", "deep/er/b.png"], "grey formats become ones with colour"
    assert done.stderr.count("broken.jpg") == 1
    assert "3 skipped" in colorize(tmp_path / "in", "-o", out, code=1).stdout
    assert "3 done" in colorize(tmp_path / "in", "-o", out, "--force", code=1).stdout


def test_depth_alpha_and_words_stay(tmp_path: Path, colorize: Run) -> None:
    values = gray_of(photograph()[:40, :50]).astype(np.uint16) * 257
    coverage = np.arange(2000, dtype=np.uint16).reshape(40, 50)
    exif = Image.Exif()
    exif[0x8298] = "A. Person"
    sepia = (values * np.array([1.0, 0.9, 0.75])).astype(np.uint16)
    for name, pixels, icc in (("gray", values, b"p" * 200), ("sepia", sepia, b"profile" * 40)):
        source = tmp_path / f"{name}.tif"
        photo.save(source, photo.Photo(pixels, coverage, exif.tobytes(), icc))
        done = colorize(source, "-o", tmp_path / f"{name}-out.tif")
        made = photo.read(tmp_path / f"{name}-out.tif")
        assert made.pixels.dtype == np.uint16
        assert made.pixels.shape == (40, 50, 3)
        assert made.alpha is not None
        assert np.array_equal(made.alpha, coverage)
        assert b"A. Person" in made.exif
        # A profile for grey would make nonsense of colours; one for colours holds.
        assert made.icc == (b"" if name == "gray" else icc)
        assert ("gray colour profile" in done.stderr) == (name == "gray")


def test_a_colour_photograph_is_left_alone_unless_forced(tmp_path: Path, colorize: Run) -> None:
    Image.fromarray(photograph()[::4, ::4]).save(tmp_path / "a.png")
    done = colorize(tmp_path / "a.png", "-o", tmp_path / "b.png", code=1)
    assert "in colour already" in done.stderr
    assert "--force" in done.stderr
    assert not (tmp_path / "b.png").exists()
    colorize(tmp_path / "a.png", "-o", tmp_path / "b.png", "--force")
    assert (tmp_path / "b.png").exists()


def test_variants_lie_beside_and_differ(tmp_path: Path, colorize: Run) -> None:
    source = _gray(tmp_path / "a.png", 100, 120)
    done = colorize(source, "-o", tmp_path / "b.png", "--variants", 3, "--json")
    first = json.loads(done.stdout.splitlines()[0])
    places = [tmp_path / "b.png", tmp_path / "b.2.png", tmp_path / "b.3.png"]
    assert first["variants"] == [str(p) for p in places[1:]]
    made = [photo.read(p).pixels for p in places]
    assert not np.array_equal(made[0], made[1])
    assert not np.array_equal(made[1], made[2])


def test_reference_and_saturation(tmp_path: Path, colorize: Run) -> None:
    source = _gray(tmp_path / "a.png")
    blue = np.zeros((20, 30, 3), np.uint8)
    blue[..., 2] = np.arange(30) * 8
    Image.fromarray(blue).save(tmp_path / "blue.png")
    colorize(source, "-o", tmp_path / "b.png", "--reference", tmp_path / "blue.png")
    colorize(source, "-o", tmp_path / "plain.png")
    colorize(source, "-o", tmp_path / "gray.png", "--saturation", 0)
    b, plain, gray = (
        photo.read(tmp_path / f"{n}.png").pixels.astype(int) for n in ("b", "plain", "gray")
    )
    assert (b[..., 2] - b[..., 1]).mean() > (plain[..., 2] - plain[..., 1]).mean()
    assert np.ptp(gray, axis=2).max() <= 1
    done = colorize(source, "-o", tmp_path / "c.png", "--reference", source, code=1)
    assert "has no palette" in done.stderr


@pytest.mark.parametrize("hint", ["12,9", "12,9,red", "-1,9,#112233", "a,b,#112233", "12,9,#1122"])
def test_a_malformed_hint_is_wrong_usage(tmp_path: Path, colorize: Run, hint: str) -> None:
    source = _gray(tmp_path / "a.png")
    done = colorize(source, "-o", tmp_path / "b.png", f"--hint={hint}", code=2)
    assert "is no hint" in done.stderr
    assert "#RRGGBB" in done.stderr
    assert not (tmp_path / "b.png").exists()


def test_hints_that_belong_to_no_place(tmp_path: Path, colorize: Run) -> None:
    source, other = _gray(tmp_path / "a.png"), _gray(tmp_path / "b.png")
    done = colorize(source, "-o", tmp_path / "o.png", "--hint", "80,5,#112233", code=1)
    assert "80,5 lies outside" in done.stderr
    assert "columns 0 to 79" in done.stderr
    done = colorize(source, other, "-o", tmp_path / "o", "--hint", "8,5,#112233", code=2)
    assert "one photograph" in done.stderr
    assert not (tmp_path / "o.png").exists()


def test_other_mistakes_are_one_line(tmp_path: Path, colorize: Run) -> None:
    source = _gray(tmp_path / "a.png")
    assert ".pgm" in colorize(source, "-o", tmp_path / "b.pgm", code=2).stderr
    assert "must end in" in colorize(source, "-o", tmp_path / "b.docx", code=2).stderr
    done = colorize(source, "-o", tmp_path / "b.png", "--max-pixels", 10, code=1)
    assert "--max-pixels" in done.stderr
    done = colorize(source, "-o", tmp_path / "b.png", "--model", "photo-denoise", code=1, own=False)
    assert "not for colour" in done.stderr
    assert (
        "no such run"
        in colorize(
            source, "-o", tmp_path / "b.png", "--model", tmp_path / "none", code=1, own=False
        ).stderr
    )
    assert not (tmp_path / "b.png").exists()


@pytest.mark.parametrize("size", [(1, 1), (3000, 1), (1, 700)])
def test_the_thinnest_pictures(tmp_path: Path, colorize: Run, size: tuple[int, int]) -> None:
    Image.new("L", size, 90).save(tmp_path / "a.png")
    colorize(tmp_path / "a.png", "-o", tmp_path / "b.png", "--hint", "0,0,#00FF00")
    with Image.open(tmp_path / "b.png") as made:
        assert made.size == size
