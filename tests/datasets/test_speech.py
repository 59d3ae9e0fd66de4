"""Speech and noises as a data set: what is kept apart is never trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests import sounds

from isthmus.datasets import open_dataset, spec_for
from isthmus.errors import DataError
from isthmus.media import sound
from isthmus.recipe import Recipe, Speech
from isthmus.training.batches import Resident, augment


def spec(folder: Path, **fields) -> Speech:
    given = {"apart": ("dan", "street"), "seconds": 0.5, "validation": 0.0, **fields}
    return Speech(path=str(folder), **given)


def test_what_is_kept_apart_is_the_test_part_and_nothing_else(tmp_path: Path) -> None:
    root = sounds.corpus(tmp_path)
    made = open_dataset(spec(root, speeds=(0.9, 1.0)))
    assert made.train.values.dtype == np.int16
    assert made.train.values.shape[1:] == (2, 12_000)
    assert made.shape == (2, 8_000)
    dan = np.rint(sound.read(root / "speech/dan.wav", 16_000) * 32768).astype(np.int16)
    street = np.rint(sound.read(root / "noise/street.flac", 16_000) * 32768).astype(np.int16)
    tested = {row.tobytes() for row in made.test.values.reshape(-1, 12_000)}
    assert dan[:12_000].tobytes() in tested
    assert street[:12_000].tobytes() in tested
    trained = {row.tobytes() for row in made.train.values.reshape(-1, 12_000)}
    assert not trained & tested
    assert made.groups is not None
    assert len(made.groups) == len(made.train)


def test_windows_of_speech_and_noise_move_apart(tmp_path: Path) -> None:
    made = open_dataset(spec(sounds.corpus(tmp_path)))
    items = Resident(made.train, made.scaling, "cpu", made.window)
    assert items.values.dtype == torch.int16
    whole = items.gather(torch.arange(3))
    assert float(whole.abs().max()) <= 1
    cut = augment(whole, spec(tmp_path), torch.Generator().manual_seed(0), 0.0)
    assert cut.shape == (3, 2, 8_000)
    for row, long in zip(cut.flatten(0, 1), whole.flatten(0, 1), strict=True):
        assert (long.unfold(0, 8_000, 1) == row).all(1).any()
    assert next(items.slices(2)).shape == (2, 2, 8_000)


def test_faults_name_what_is_missing(tmp_path: Path) -> None:
    root = sounds.corpus(tmp_path)
    for fields, cause in (
        ({"apart": ("dan",)}, "no noise is kept apart"),
        ({"apart": ("anna", "ben", "cleo", "dan", "fan")}, "no speech is left to train on"),
        ({"noise": ("music",)}, "holds no recordings in music"),
    ):
        with pytest.raises(DataError, match=cause):
            open_dataset(spec(root, **fields))
    with pytest.raises(DataError, match="no such folder"):
        open_dataset(spec(tmp_path / "none"))
    mine = open_dataset(spec(root, apart=("nobody",)))
    assert len(mine.test) == 0
    assert mine.notes == ("1 recordings of data.apart are not here, the first: nobody",)


def test_data_path_keeps_what_is_apart(tmp_path: Path) -> None:
    root = sounds.corpus(tmp_path)
    shipped = Recipe.load("sound-denoise").data
    assert isinstance(shipped, Speech)
    assert spec_for(str(root), shipped) == shipped.model_copy(update={"path": str(root)})


def test_the_shipped_recipe_keeps_enough_apart() -> None:
    data = Recipe.load("sound-denoise").data
    assert isinstance(data, Speech)
    speakers = {name for name in data.apart if name[0].isdigit()}
    assert len({name.split("-")[0] for name in speakers}) >= 25
    assert len(data.apart) - len(speakers) >= 14
