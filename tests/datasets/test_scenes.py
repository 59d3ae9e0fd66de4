"""Scenes as data sets: what is left out is told, and neighbours stay on one side of the split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isthmus.datasets import Dataset, open_dataset
from isthmus.errors import DataError
from isthmus.recipe import Spectra


def _cube(rows: int = 24, columns: int = 20) -> Any:
    return np.random.default_rng(0).uniform(1, 2, (rows, columns, 8)).astype(np.float32)


def _opened(tmp_path: Path, cube: Any, labels: Any = None, **said: Any) -> Dataset:
    held = {"cube": cube} if labels is None else {"cube": cube, "labels": labels}
    np.savez(tmp_path / "s.npz", **held)
    return open_dataset(Spectra(path=str(tmp_path / "s.npz"), **said))


def test_a_scene_without_labels(tmp_path: Path) -> None:
    dataset = _opened(tmp_path, _cube())
    assert dataset.classes == ()
    assert dataset.train.labels is None
    assert len(dataset.train) + len(dataset.test) == 480
    with pytest.raises(DataError, match="labelled_only needs some"):
        _opened(tmp_path, _cube(), labelled_only=True)


def test_bands_that_are_not_numbers(tmp_path: Path) -> None:
    cube = _cube()
    cube[3, 4, 5] = np.nan
    cube[9, 9, 1] = np.inf
    with pytest.raises(DataError, match=r"s\.npz: 2 values .* band\(s\) 2, 6; leave them out with"):
        _opened(tmp_path, cube)
    assert _opened(tmp_path, cube, bands="1,3-5,7,8").shape == (6,)


@pytest.mark.parametrize("normalise", ["none", "band", "spectrum"])
def test_pixels_that_were_not_measured_are_left_out(tmp_path: Path, normalise: str) -> None:
    cube = _cube()
    cube[:5, 0] = np.nan
    dataset = _opened(tmp_path, cube, normalise=normalise)
    assert len(dataset.train) + len(dataset.test) == 475
    assert "left out 5 pixel(s) without a measurement" in dataset.notes
    assert np.isfinite(dataset.train.values).all()
    if normalise == "band":
        both = np.concatenate([dataset.train.values, dataset.test.values])
        assert np.allclose(both.mean(0), 0, atol=1e-4)
    with pytest.raises(DataError, match="holds no number at all"):
        _opened(tmp_path, np.full((4, 4, 8), np.nan, np.float32))


def test_constant_bands(tmp_path: Path) -> None:
    cube = _cube()
    cube[..., [0, 6]] = 7
    dataset = _opened(tmp_path, cube)
    assert dataset.shape == (6,)
    assert "left out 2 constant band(s): 1, 7" in dataset.notes
    with pytest.raises(DataError, match="all 8 bands are constant"):
        _opened(tmp_path, np.ones((4, 4, 8), np.float32))


def test_a_class_of_one_pixel_is_told(tmp_path: Path) -> None:
    labels = np.ones((24, 20), int)
    labels[12:] = 2
    labels[0, 0] = 3
    dataset = _opened(tmp_path, _cube(), labels)
    assert len(dataset.classes) == 3
    assert any("class 3 has 1 pixel only" in note for note in dataset.notes)


def test_neighbours_do_not_leak(tmp_path: Path) -> None:
    dataset = _opened(tmp_path, _cube(60, 60), block=10)
    assert dataset.train.positions is not None
    assert dataset.test.positions is not None
    squares = [{tuple(p) for p in part.positions // 10} for part in (dataset.train, dataset.test)]
    assert not squares[0] & squares[1]
    assert 0.1 < len(dataset.test) / 3600 < 0.4


def test_a_pixel_with_its_neighbours(tmp_path: Path) -> None:
    cube = _cube()
    dataset = _opened(tmp_path, cube, patch=3)
    assert dataset.shape == (8, 3, 3)
    assert dataset.train.positions is not None
    row, column = next(p for p in dataset.train.positions if 0 < p[0] < 23 and 0 < p[1] < 19)
    at = int(np.flatnonzero((dataset.train.positions == (row, column)).all(1))[0])
    around = cube[row - 1 : row + 2, column - 1 : column + 2].transpose(2, 0, 1)
    assert np.allclose(dataset.train.values[at], around)
    with pytest.raises(DataError, match="patch = 4 must be odd"):
        _opened(tmp_path, cube, patch=4)
