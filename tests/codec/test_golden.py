"""Files made by earlier versions decode to the same pixels for ever, on every machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from isthmus.codec import container, picture, tile_pixels
from isthmus.codec.crc import crc32c

GOLDEN = Path(__file__).parent / "golden"
KNOWN = json.loads((GOLDEN / "golden.json").read_text())

_DECODE = """
import sys
from pathlib import Path
import numpy as np
from isthmus.codec import picture
from isthmus.codec.crc import crc32c
for path in sorted(Path(sys.argv[1]).glob("*.isth")):
    made = picture.decode(path.read_bytes(), threads=int(sys.argv[2]))
    print(path.name, crc32c(made.pixels.tobytes()))
"""


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_old_files_decode_to_the_same_pixels(name: str) -> None:
    made = picture.decode((GOLDEN / name).read_bytes())
    assert list(made.pixels.shape) == KNOWN[name]["shape"]
    little = made.pixels.astype(made.pixels.dtype.newbyteorder("<"))
    assert crc32c(little.tobytes()) == KNOWN[name]["pixels"]
    if made.alpha is not None:
        assert crc32c(made.alpha.astype("<u2").tobytes()) == KNOWN[name]["alpha"]
    assert not made.damaged


def test_every_golden_file_is_known() -> None:
    assert {p.name for p in GOLDEN.glob("*.isth")} == set(KNOWN)
    assert len(KNOWN) >= 16


def test_golden_files_reach_all_that_follows_the_synthesis() -> None:
    seen = {container.read(p.read_bytes()).header.after for p in GOLDEN.glob("*.isth")}
    assert seen == {0, container.SMOOTHED, container.CORRECTED}


def test_metadata_is_kept() -> None:
    header = picture.decode((GOLDEN / "v1-color.isth").read_bytes()).header
    assert dict(header.beside) == {
        b"ICCP": b"profile", b"EXIF": b"Exif\0\0", b"TEXT": b'{"Title": "flower"}',
    }  # fmt: skip


@pytest.mark.parametrize(
    "environment",
    [
        {"OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3"},
        {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "2"},
    ],
)
def test_other_arithmetic_gives_the_same_pixels(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _DECODE, str(GOLDEN), "2"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    seen = dict(line.split() for line in done.stdout.splitlines())
    assert seen == {name: str(KNOWN[name]["pixels"]) for name in KNOWN}


def test_float_noise_in_the_synthesis_moves_no_pixel_by_more_than_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A decoder that rounds otherwise still reads every symbol: probabilities know no floats."""
    from isthmus.codec import synthesis, transform

    data = (GOLDEN / "v1-color.isth").read_bytes()
    before = picture.decode(data)
    rng = np.random.default_rng(0)

    def rough(blocks: np.ndarray) -> np.ndarray:
        made = transform.inverse(blocks)
        return made + rng.integers(-1, 2, made.shape)

    monkeypatch.setattr(synthesis, "inverse", rough)
    after = picture.decode(data)
    assert not after.damaged
    change = np.abs(after.pixels.astype(int) - before.pixels)
    assert 0 < change.max() <= 1


def test_the_encoders_floats_cannot_part_it_from_the_decoder() -> None:
    """However the encoder rounds, what it says it coded is what is read."""
    from isthmus.codec import tile

    model = picture.prior()
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3)).astype(np.uint8)
    found = tile_pixels.analysed(pixels)
    rng = np.random.default_rng(1)
    noisy = [f * (1 + rng.normal(0, 1e-3, f.shape)).astype(np.float32) for f in found]
    for coefficients in (found, noisy):
        data, coded = tile_pixels.encode(model, coefficients, 250)
        read = tile.decode(model, data, 3, 8, 12, 250)
        assert (read.levels == coded.levels).all()
        assert (read.sizes == coded.sizes).all()
