"""``isthmus explore`` on scenes and sounds, as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars
import pytest
import soundfile
from PIL import Image
from scipy.io import savemat
from tests.cli.test_verbs import isthmus

QUICK = ["--set", "training.epochs=3", "--set", "training.threads=1", "--set", "encoder.layers=[16]"]  # fmt: skip


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three materials in stripes and mixtures, in the files of a MATLAB user."""
    folder = tmp_path_factory.mktemp("scene")
    rng = np.random.default_rng(0)
    place = np.linspace(0, 1, 20)
    ends = np.stack([0.2 + place, 1.2 - place, 0.4 + np.exp(-(((place - 0.5) / 0.1) ** 2))])
    kinds = np.repeat(np.arange(3), 10)[:, None].repeat(30, 1)
    shares = rng.dirichlet(np.full(3, 0.5), (30, 30)) * 0.3
    shares += 0.7 * np.eye(3)[kinds]
    cube = shares @ ends + rng.normal(0, 0.01, (30, 30, 20))
    savemat(folder / "scene.mat", {"field": np.clip(cube * 1000, 0, None).astype(np.uint16)})
    savemat(folder / "gt.mat", {"gt": (kinds + 1).astype(np.uint8)})
    return folder


def test_a_scene_in_one_command(scene: Path, tmp_path: Path) -> None:
    done = isthmus(
        "explore", "spectra", "--data", scene / "scene.mat", "--labels", scene / "gt.mat", *QUICK,
        "-o", tmp_path / "map.html", "--json", cwd=tmp_path,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert told["items"] == 900
    assert told["probe_accuracy"] > 0.9
    assert told["pca3_probe_accuracy"] > 0.9
    assert '"scene":{' in (tmp_path / "map.html").read_text("utf-8").replace('": ', '":')
    run = next((tmp_path / "runs").iterdir())
    isthmus("explore", run, "-o", tmp_path / "map.png", cwd=tmp_path)
    with Image.open(tmp_path / "map.png") as picture:
        assert picture.width > 1.3 * picture.height, "the scene stands beside its map"
    isthmus("explore", run, "-o", tmp_path / "map.parquet", cwd=tmp_path)
    table = polars.read_parquet(tmp_path / "map.parquet")
    assert table.columns[:4] == ["part", "row", "column", "label"]
    assert table.select("row", "column").n_unique() == 900
    done = isthmus("explore", run, *QUICK, "-o", tmp_path / "x.png", code=2, cwd=tmp_path)
    assert "is a run that is trained already" in done.stderr


def test_what_a_scene_lets_one_set(scene: Path, tmp_path: Path) -> None:
    """Settings of the data given by --data, not of the recipe's own."""
    chosen = [
        "--set",
        "data.bands=1-12",
        "--set",
        "data.normalise=band",
        "--set",
        'data.classes=["a", "b", "c"]',
    ]
    common = ["spectra", "--data", scene / "scene.mat", *QUICK, *chosen]
    isthmus("train", *common, "-o", tmp_path / "run", cwd=tmp_path)
    assert json.loads((tmp_path / "run/data.json").read_text())["shape"] == [12]
    done = isthmus(
        "explore", *common, "--labels", scene / "gt.mat", "-o", tmp_path / "map.html", cwd=tmp_path
    )
    assert "error" not in done.stderr
    page = (tmp_path / "map.html").read_text("utf-8")
    assert all(f'"{name}"' in page for name in "abc")


def test_materials_are_found(scene: Path, tmp_path: Path) -> None:
    isthmus(
        "explore", "spectra-unmix", "--data", scene / "scene.mat", *QUICK, "--set", "bottleneck.size=3",
        "-o", tmp_path / "map.html", cwd=tmp_path,
    )  # fmt: skip
    text = (tmp_path / "map.html").read_text("utf-8")
    assert text.count("spectrum of material") == 3
    assert "share of material 3" in text


def test_sounds_by_folder(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for voice, pitch in (("low", 200), ("high", 900)):
        folder = tmp_path / "sounds" / voice
        folder.mkdir(parents=True)
        for take in range(6):
            wave = np.sin(2 * np.pi * pitch * np.arange(16000) / 8000) + rng.normal(0, 0.1, 16000)
            soundfile.write(folder / f"{take}.wav", 0.3 * wave, 8000)
    done = isthmus(
        "explore", "sounds", "--data", tmp_path / "sounds", "--set", "training.epochs=3",
        "--set", "training.threads=1", "-o", tmp_path / "map.html", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert json.loads(done.stdout)["knn_accuracy"] > 0.9
    assert '"waves"' in (tmp_path / "map.html").read_text("utf-8")


def test_mistakes_name_the_file(scene: Path, tmp_path: Path) -> None:
    savemat(tmp_path / "small.mat", {"gt": np.ones((4, 4), np.uint8)})
    (tmp_path / "torn.mat").write_bytes((scene / "scene.mat").read_bytes()[:3000])
    for data, labels, said in (
        (scene / "scene.mat", tmp_path / "small.mat", "small.mat: labels (4, 4) do not fit the scene"),
        (scene / "gt.mat", scene / "gt.mat", "gt.mat: holds no cube"),
        (tmp_path / "torn.mat", scene / "gt.mat", "torn.mat: cannot be read as a MATLAB file"),
        (scene / "scene.mat", "nowhere.mat", "nowhere.mat: no such file"),
    ):  # fmt: skip
        done = isthmus(
            "explore", "spectra", "--data", data, "--labels", labels, "-o", tmp_path / "m.html",
            code=1, cwd=tmp_path,
        )  # fmt: skip
        assert said in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert not (tmp_path / "m.html").exists()
        assert not (tmp_path / "runs").exists()
