"""Scenes in every file they come in; each mistake one line that names the file and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import spectral.io.envi
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat

from isthmus.errors import DataError
from isthmus.media import spectra

CUBE = np.random.default_rng(0).integers(1, 4000, (9, 7, 12)).astype(np.uint16)
LABELS = np.random.default_rng(1).integers(0, 4, (9, 7)).astype(np.uint8)


def _v73(path: Path, held: dict[str, Any]) -> None:
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in held.items():
            file[name] = values.T
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file".ljust(128))


def _envi(path: Path) -> None:
    waves = {"wavelength": [400 + 10 * i for i in range(12)], "wavelength units": "nm"}
    spectral.io.envi.save_image(str(path), CUBE, metadata=waves, interleave="bil")


WRITERS = {
    "v5.mat": lambda p: savemat(p, {"paviaU": CUBE, "paviaU_gt": LABELS}),
    "v73.mat": lambda p: _v73(p, {"paviaU": CUBE, "paviaU_gt": LABELS}),
    "s.npz": lambda p: np.savez(p, cube=CUBE, labels=LABELS),
    "s.npy": lambda p: np.save(p, CUBE),
    "s.hdr": _envi,
    "s.tif": lambda p: tifffile.imwrite(
        p, CUBE.transpose(2, 0, 1), planarconfig="separate", photometric="minisblack"
    ),
    "interleaved.tif": lambda p: tifffile.imwrite(
        p, CUBE, planarconfig="contig", photometric="minisblack"
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_file_gives_the_same_cube(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    found = spectra.read(path)
    assert found.values.dtype == np.float32
    assert (found.values == CUBE).all()
    if name.endswith((".mat", ".npz")):
        assert found.labels is not None
        assert (found.labels == LABELS).all()
    if name.endswith(".hdr"):
        assert found.bands[0] == "400 nm"


@pytest.mark.parametrize("name", ["v5.mat", "v73.mat", "s.npz", "s.npy", "s.tif"])
def test_a_truncated_file_is_told_by_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    whole = path.read_bytes()
    for share in (0, 0.3, 0.9):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(DataError, match=name) as told:
            spectra.read(path)
        assert "\n" not in str(told.value)


def test_an_envi_header_without_its_values(tmp_path: Path) -> None:
    _envi(tmp_path / "s.hdr")
    (tmp_path / "s.img").unlink()
    with pytest.raises(DataError, match=r"s\.hdr"):
        spectra.read(tmp_path / "s.hdr")


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"picture": CUBE[..., 0]}, r"no cube \(rows, columns, bands\); it holds picture \(9, 7\)"),
        ({"a": CUBE, "b": CUBE}, r"\(a, b\); name one: data.cube=NAME"),
        ({"thin": CUBE[..., :1]}, "one band; a spectrum needs more"),
    ],
)
def test_what_is_no_scene(held: dict[str, Any], said: str, tmp_path: Path) -> None:
    savemat(tmp_path / "s.mat", held)
    with pytest.raises(DataError, match=said):
        spectra.read(tmp_path / "s.mat")


def test_one_of_two_cubes_is_named(tmp_path: Path) -> None:
    savemat(tmp_path / "s.mat", {"a": CUBE, "b": CUBE + 1})
    assert (spectra.read(tmp_path / "s.mat", "b").values == CUBE + 1).all()
    with pytest.raises(DataError, match="no variable 'c'; it holds a"):
        spectra.read(tmp_path / "s.mat", "c")


def test_labels_from_their_own_file(tmp_path: Path) -> None:
    path = tmp_path / "gt.mat"
    savemat(path, {"gt": LABELS, "fine": np.kron(LABELS, np.ones((2, 2), np.uint8))})
    assert (spectra.read_labels(path, (9, 7)) == LABELS).all()
    for shape, said in (((8, 7), "do not fit the scene"), ((7, 9), "is it transposed")):
        with pytest.raises(DataError, match=said):
            spectra.read_labels(path, shape)
    savemat(path, {"one": LABELS, "two": LABELS})
    with pytest.raises(DataError, match=r"several variables could be the labels \(one, two\)"):
        spectra.read_labels(path, (9, 7))
    assert (spectra.read_labels(path, (9, 7), "two") == LABELS).all()


@given(st.sets(st.integers(1, 50), min_size=1))
def test_bands_by_number_and_range_are_one(chosen: set[int]) -> None:
    text = ",".join(map(str, sorted(chosen)))
    assert set(spectra.choose_bands(text, 50) + 1) == chosen
    low, high = min(chosen), max(chosen)
    assert list(spectra.choose_bands(f"{low}-{high}", 50)) == list(range(low - 1, high))


@pytest.mark.parametrize("text", ["0-3", "4-2", "1-51", "red", "1,,2", "-"])
def test_bands_that_are_not_there(text: str) -> None:
    with pytest.raises(DataError, match="bands"):
        spectra.choose_bands(text, 50)
