"""One's own data, good and bad: every fault is one line that names the file and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from isthmus.datasets import open_dataset, read_items, spec_for
from isthmus.errors import DataError
from isthmus.recipe import Arrays, Images, Named, Sounds, Spectra, Table
from isthmus.training.writer import data_card


def picture(path: Path, size: tuple[int, int] = (20, 16), mode: str = "RGB", seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(values).convert(mode).save(path)
    return path


def fails(path: Path | str, said: str, **fields: Any) -> None:
    with pytest.raises(DataError) as caught:
        open_dataset(spec_for(str(path)).model_copy(update=fields))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_of_pictures_with_classes(tmp_path: Path) -> None:
    for i in range(12):
        picture(tmp_path / ("cats" if i % 3 else "dogs") / f"{i}.png", seed=i)
    dataset = open_dataset(spec_for(str(tmp_path)), seed=3)
    assert dataset.shape == (3, 16, 20)
    assert dataset.classes == ("cats", "dogs")
    assert len(dataset.test) == 2
    assert dataset.train.names is not None
    for name, label in zip(dataset.train.names, dataset.train.labels, strict=True):  # type: ignore[arg-type]
        assert name.startswith(dataset.classes[label])


def test_size_crops_and_scales_and_patch_cuts(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", (40, 30))
    picture(tmp_path / "b.jpg", (33, 64))
    picture(tmp_path / "c.png", (16, 16), "L")
    spec = spec_for(str(tmp_path))
    assert isinstance(spec, Images)
    assert open_dataset(spec.model_copy(update={"size": 8})).shape == (3, 8, 8)
    gray = spec.model_copy(update={"size": 8, "color": "gray"})
    assert open_dataset(gray).shape == (1, 8, 8)
    cut = open_dataset(spec.model_copy(update={"patch": 16}))
    assert len(cut.train) + len(cut.test) == 2 * 1 + 2 * 4 + 1


def test_patches_are_the_picture() -> None:
    from isthmus.media.images import patches

    whole = np.arange(3 * 12 * 20).reshape(3, 12, 20) % 251
    cut = patches(whole.astype(np.uint8), 4)
    assert cut.shape == (15, 3, 4, 4)
    assert (cut[7] == whole[:, 4:8, 8:12]).all()


def test_exif_turns_pictures_upright(tmp_path: Path) -> None:
    values = np.zeros((10, 30, 3), np.uint8)
    values[:, :5] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    Image.fromarray(values).save(tmp_path / "a.png", exif=exif)
    from isthmus.media.images import read

    shown = read(tmp_path / "a.png")
    assert shown.shape == (3, 30, 10)
    assert shown[0, :5].min() == 255


def test_bad_pictures(tmp_path: Path) -> None:
    fails(tmp_path, "holds no pictures")
    picture(tmp_path / "a.png", (20, 16))
    fails(tmp_path, "has 1 item(s); an autoencoder needs at least 2")
    picture(tmp_path / "b.png", (20, 17))
    fails(tmp_path, "pictures differ in size: ")
    fails(tmp_path, "b.png is 20 x 17; set data.size=64")
    fails(tmp_path, "no picture is as large as a patch of 40", patch=40)
    (tmp_path / "b.png").write_bytes((tmp_path / "b.png").read_bytes()[:200])
    (tmp_path / "a.png").write_bytes(b"")
    fails(tmp_path, "none of 2 files can be read; the first: ")


def test_one_corrupt_picture_among_many_is_noted(tmp_path: Path) -> None:
    for i in range(5):
        picture(tmp_path / f"{i}.png", seed=i)
    (tmp_path / "3.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    dataset = open_dataset(spec_for(str(tmp_path)))
    assert len(dataset.train) + len(dataset.test) == 4
    assert "3.png" in dataset.notes[0]
    assert "cannot be read as a picture" in dataset.notes[0]


def test_arrays_of_every_layout(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    layouts = {
        (30, 9, 8): (1, 9, 8), (30, 9, 8, 3): (3, 9, 8), (30, 3, 9, 8): (3, 9, 8),
        (30, 7): (7,), (30, 2, 50): (2, 50),
    }  # fmt: skip
    for given, wanted in layouts.items():
        values = rng.integers(0, 256, given, np.uint8) if len(given) > 3 else rng.random(given)
        np.savez(tmp_path / "a.npz", x=values, y=np.arange(30) % 3)
        dataset = open_dataset(spec_for(str(tmp_path / "a.npz")))
        if given == (30, 2, 50):
            assert dataset.shape == wanted
            assert dataset.modality == "sequence"
        else:
            assert dataset.shape == wanted, given
        assert dataset.classes == ("0", "1", "2")


def test_train_and_test_parts_of_an_array_file(tmp_path: Path) -> None:
    x = np.arange(60 * 64).reshape(60, 8, 8).astype(np.uint8)
    np.savez(
        tmp_path / "a.npz",
        x_train=x[:50],
        y_train=np.arange(50) % 2,
        x_test=x[50:],
        y_test=np.arange(10) % 2,
    )
    dataset = open_dataset(Arrays(path=str(tmp_path / "a.npz"), limit=20))
    assert len(dataset.train) == 20
    assert len(dataset.test) == 10
    np.savez(tmp_path / "b.npz", x_train=x[:50], x_test=x[50:, :4])
    fails(tmp_path / "b.npz", "x_test (10, 1, 4, 8) does not fit x_train")


def test_bad_arrays(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    values = np.random.default_rng(0).random((20, 6))
    values[4, 2] = np.nan
    values[9, 1] = np.inf
    np.savez(path, x=values)
    fails(path, "2 values of x are not numbers (nan or inf), the first at (4, 2)")
    np.savez(path, x=np.random.rand(20, 6), y=np.arange(19))  # noqa: NPY002
    fails(path, "y has shape (19,), but x has 20 items")
    np.savez(path, x=np.array([{"a": 1}] * 9, dtype=object))
    fails(path, "holds Python objects, which are never loaded")
    np.savez(path, x=np.array(["a", "b"]))
    fails(path, "x must hold numbers")
    np.savez(path, one=np.zeros((3, 3)), two=np.zeros((3, 3)))
    fails(path, "needs an array named x or x_train")
    path.write_bytes(path.read_bytes()[:100])
    fails(path, "cannot be read as a NumPy file")
    fails(tmp_path / "nowhere.npz", "no such file, folder or data set")


def test_constant_data_is_noted(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.full((20, 5), 3.5))
    dataset = open_dataset(spec_for(str(tmp_path / "a.npz")))
    assert "there is nothing to learn" in dataset.notes[0]
    assert np.isfinite(dataset.scaling.apply(dataset.train.values)).all()


def test_tables(tmp_path: Path) -> None:
    pytest.importorskip("polars")
    rows = [f"{i},{i * 2.5},{'x' if i % 2 else 'y'},7,{'' if i == 3 else i}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["id,amount,kind,same,gap", *rows]))
    spec = spec_for(str(tmp_path / "t.csv"))
    assert isinstance(spec, Table)
    dataset = open_dataset(spec.model_copy(update={"label": "kind"}))
    assert dataset.columns == ("id", "amount", "gap")
    assert dataset.classes == ("x", "y")
    assert any("1 missing values of 'gap'" in note for note in dataset.notes)
    assert any("'same' is constant" in note for note in dataset.notes)
    scaled = dataset.scaling.apply(dataset.train.values)
    assert np.allclose(scaled.mean(0), 0, atol=1e-5)
    assert np.allclose(dataset.scaling.undo(scaled), dataset.train.values, rtol=1e-4, atol=1e-4)
    fails(tmp_path / "t.csv", "has no column 'colour'", label="colour")
    (tmp_path / "w.csv").write_text("a,b\nx,y\nz,w\n")
    fails(tmp_path / "w.csv", "no numeric column that varies")
    (tmp_path / "e.parquet").write_bytes(b"PAR1garbage")
    fails(tmp_path / "e.parquet", "cannot be read as a table")


def test_sounds(tmp_path: Path) -> None:
    for name, rate in (("a", 8000), ("b", 16000), ("c", 44100)):
        time = np.arange(2 * rate) / rate
        soundfile.write(
            tmp_path / f"{name}.wav", np.stack([np.sin(2000 * time), np.zeros_like(time)], 1), rate
        )
    spec = spec_for(str(tmp_path))
    assert isinstance(spec, Sounds)
    dataset = open_dataset(spec)
    assert dataset.shape == (1, 4000)
    assert len(dataset.train) + len(dataset.test) == 12
    assert 0.3 < np.abs(dataset.train.values).max() < 0.6, "channels are averaged"
    fails(tmp_path, "no recording is as long as a piece of 3.0 s", seconds=3.0)
    (tmp_path / "d.wav").write_bytes(b"RIFF")
    assert "d.wav" in open_dataset(spec).notes[0]


def test_sounds_as_spectrograms_without_their_silence(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for voice, pitch in (("low", 300.0), ("high", 1200.0)):
        (tmp_path / voice).mkdir()
        for take in range(3):
            wave = np.sin(2 * np.pi * pitch * np.arange(16000) / 8000) * rng.uniform(0.05, 0.9)
            wave[8000:] = 0
            soundfile.write(tmp_path / voice / f"{take}.wav", wave, 8000)
    dataset = open_dataset(Sounds(path=str(tmp_path), view="mel", mels=16, seconds=0.25))
    assert dataset.classes == ("high", "low")
    assert dataset.shape[:2] == (1, 16)
    assert len(dataset.train) + len(dataset.test) == 24
    assert any("left out 24 silent pieces of 48" in note for note in dataset.notes)
    assert dataset.train.waves is not None
    assert dataset.train.waves.shape == (len(dataset.train), 2000)
    # Evened loudness: takes of one pitch look alike, however loud they were.
    values, labels = dataset.train.values, dataset.train.labels
    assert labels is not None
    for label in (0, 1):
        assert values[labels == label].max((1, 2, 3)).std() < 0.01


def test_cubes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cube = rng.integers(0, 4000, (9, 8, 20)).astype(np.uint16)
    labels = np.zeros((9, 8), int)
    labels[:2] = 1
    labels[2:4] = 3
    np.savez(tmp_path / "s.npz", cube=cube, labels=labels)
    spec = spec_for(str(tmp_path / "s.npz"))
    assert isinstance(spec, Spectra)
    dataset = open_dataset(spec)
    assert dataset.classes == ("class 1", "class 3")
    assert dataset.train.labels is not None
    assert set(dataset.train.labels) == {-1, 0, 1}
    assert dataset.train.positions is not None
    for value, (row, column) in zip(dataset.train.values, dataset.train.positions, strict=True):
        assert (value == cube[row, column]).all()
    np.savez(tmp_path / "s.npz", cube=cube, labels=labels[:5])
    fails(tmp_path / "s.npz", "labels (5, 8) does not fit the scene (9, 8)")


def test_read_items_fits_pictures_to_the_model(tmp_path: Path, digits: Any) -> None:
    picture(tmp_path / "a.png", (50, 40))
    items, _ = read_items(str(tmp_path), data_card(digits))
    assert items.values.shape == (1, 1, 8, 8)
    np.savez(tmp_path / "x.npz", x=np.zeros((3, 9, 9), np.uint8))
    with pytest.raises(DataError, match=r"items of shape \(1, 9, 9\); the model takes \(1, 8, 8\)"):
        read_items(str(tmp_path / "x.npz"), data_card(digits))


def test_a_name_is_enough() -> None:
    assert spec_for("digits8") == Named(name="digits8")
    kept = spec_for("digits8", Named(limit=9, validation=0.3, shift=2))
    assert kept == Named(name="digits8", limit=9, validation=0.3, shift=2)


def test_the_projects_own_data(shared_data: Path) -> None:
    whole = open_dataset(spec_for(str(shared_data / "digits")))
    assert (len(whole.train), len(whole.test)) == (60_000, 10_000)
    scene = open_dataset(spec_for(str(shared_data / "spectra/jasper_ridge.npz")))
    assert scene.shape == (198,)
    assert len(scene.classes) == 4
