"""What the maps are worth: scenes, unmixing, voices and a million points, into docs/maps.md.

Wants the scenes and recordings of shared/data; takes about fifteen minutes on two cores.
Run: python -m benchmarks maps [scenes|unmixing|voices|digits|million]
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import bottlenecks
from benchmarks.marked import markdown, write_between
from benchmarks.million import million
from isthmus import Recipe, maps
from isthmus.datasets import Dataset, open_dataset
from isthmus.recipe import Sounds, Spectra
from isthmus.training import train

Array = NDArray[np.generic]
ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared/data"
SCENES = {"Jasper Ridge": "jasper_ridge.npz", "Houston": "houston_crop.npz"}
LOSSES = ("mse", "sad", "cosine", "sid")
NUMBERS = (2, 3, 5, 10)
FIGURES = {
    "knn_accuracy": "kNN",
    "probe_accuracy": "linear probe",
    "cluster_accuracy": "cluster accuracy",
    "cluster_nmi": "NMI",
    "cluster_ari": "ARI",
    "silhouette": "silhouette",
}
VOICES = {"en": "English voice", "es": "Spanish voice", "fr": "French voice"}


def scenes() -> str:
    """Linear-probe accuracy on k numbers, of each loss and of PCA, on squares never trained on."""
    rows = []
    for name, file in SCENES.items():
        base = Recipe.load("spectra").replace(data=Spectra(path=str(DATA / "spectra" / file)))
        dataset = open_dataset(base.data, 0)
        for loss in LOSSES:
            found = [_accuracy(_trained(base, loss, k, dataset), dataset) for k in NUMBERS]
            rows.append([name, f"autoencoder, {loss}", *found])
        held = (dataset.train.values, dataset.test.values)
        pca = [_accuracy(maps.principal(*held, k), dataset) for k in NUMBERS]
        unit = [_accuracy(maps.principal(*map(_unit, held), k), dataset) for k in NUMBERS]
        rows += [[name, "PCA", *pca], [name, "PCA of spectra of length 1", *unit]]
    return markdown(rows, ["scene", "codes", *(f"k = {k}" for k in NUMBERS)])


def unmixing() -> str:
    """Materials and shares found in Jasper Ridge, beside vertex component analysis alone."""
    base = Recipe.load("spectra-unmix").replace(
        data=Spectra(path=str(DATA / "spectra" / SCENES["Jasper Ridge"]))
    )
    base = base.set("bottleneck.size=4", "training.threads=1")
    dataset = open_dataset(base.data, 0)
    assert dataset.scene is not None
    assert dataset.scene.endmembers is not None
    assert dataset.scene.abundance is not None
    assert dataset.test.positions is not None
    at = dataset.test.positions
    truth = dataset.scene.abundance[at[:, 0], at[:, 1]]
    rows = []
    for seed in range(3):
        for what, changes in (
            ("start (purest pixels)", ("training.epochs=1", "training.learning_rate=1e-12")),
            ("trained", ()),
        ):
            recipe = base.set(f"training.seed={seed}", *changes)
            with tempfile.TemporaryDirectory() as folder:
                model = train(recipe, Path(folder) / "run", dataset).model
            found = model.decode(np.eye(4, dtype=np.float32))
            shares = model.encode(dataset.test.values)
            told = maps.unmixing(found, shares, dataset.scene.endmembers, truth)
            rows.append(
                [str(seed), what, f"{told['endmember_angle']:.3f}", f"{told['abundance_rmse']:.3f}"]
            )
    return markdown(rows, ["seed", "network", "endmember angle (rad)", "abundance RMSE"])


def voices() -> str:
    """Pieces of half a second, coloured by who speaks; the recordings held out are whole files."""
    source = DATA / "audio/speech_by_sa/asterisk"
    with tempfile.TemporaryDirectory() as folder:
        for file in sorted(source.iterdir()):
            language = file.name[:2]
            if language in VOICES:
                target = Path(folder) / "voices" / VOICES[language]
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
        rows = []
        for name, view in (("sounds", "spectrogram"), ("voices", "timbre")):
            base = Recipe.load(name).set("training.threads=1")
            assert isinstance(base.data, Sounds)
            data = base.data.model_copy(update={"path": str(Path(folder) / "voices")})
            recipe = base.replace(data=data)
            dataset = open_dataset(recipe.data, 0)
            pca = maps.principal(
                dataset.scaling.apply(dataset.train.values),
                dataset.scaling.apply(dataset.test.values),
                8,
            )
            for what, pair in ((f"`{name}`", _codes(recipe, dataset)), ("PCA", pca)):
                told = _told(what, pair, dataset)
                parts = f"{len(dataset.train):,} / {len(dataset.test):,}"
                rows.append([view, *told[:2], parts, *told[2:]])
    header = ["of", "codes", "numbers", "pieces to learn from / to judge by", *FIGURES.values()]
    return markdown(rows, header)


def digits() -> str:
    """Every bottleneck kind, then two numbers: an autoencoder's, PCA's, and the pixels laid out by others."""
    data = open_dataset(Recipe.load("digits").data, 0)
    pixels = (data.train.values.reshape(len(data.train), -1) / 255, data.test.values.reshape(len(data.test), -1) / 255)  # fmt: skip
    rows = [
        _told(f"{kind.replace('_', ' ')}", _codes(bottlenecks.recipe(kind), data), data)
        for kind in bottlenecks.KINDS
    ]
    rows.append(_told("PCA of the pixels", maps.principal(*pixels, 32), data))
    rows.append(_told("variational, 2", _codes(Recipe.load("digits-variational"), data), data))
    rows.append(_told("plain, 2", _codes(Recipe.load("digits-2d"), data), data))
    rows.append(_told("PCA of the pixels", maps.principal(*pixels, 2), data))
    for how, name in (("umap", "UMAP of the pixels"), ("tsne", "t-SNE of the pixels")):
        print(f"  {name}", file=sys.stderr, flush=True)
        points = maps.project(np.concatenate(pixels), how, 0).points  # type: ignore[arg-type]
        pair = (points[: len(pixels[0])], points[len(pixels[0]) :])
        rows.append(_told(f"{name}, test digits laid out with the others", pair, data))
    return markdown(rows, ["codes", "numbers", *FIGURES.values()])


def _codes(recipe: Recipe, data: Dataset) -> tuple[Array, Array]:
    print(f"  {recipe.bottleneck.kind} {recipe.bottleneck.size}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        run = train(recipe, Path(folder) / "run", data)
        return run.model.encode(data.train.values), run.model.encode(data.test.values)


def _told(what: str, codes: tuple[Array, Array], data: Dataset) -> list[str]:
    found = maps.cluster_figures(codes[0], data.train.labels, codes[1], data.test.labels)
    return [what, str(codes[0][0].size), *(f"{found[name]:.3f}" for name in FIGURES)]


PARTS: dict[str, Callable[[], str]] = {
    "scenes": scenes,
    "unmixing": unmixing,
    "voices": voices,
    "digits": digits,
    "million": million,
}


def main() -> None:
    """Measure the parts asked for (all, if none), print each table and write it into the manual."""
    for name in sys.argv[2:] or list(PARTS):
        if name not in {"million", "digits"} and not DATA.is_dir():
            raise SystemExit(f"{DATA}: is missing; the {name} table needs its files")
        print(name, file=sys.stderr, flush=True)
        text = PARTS[name]()
        print(text, flush=True)
        write_between(ROOT / "docs/maps.md", name, text)


def _trained(base: Recipe, loss: str, numbers: int, dataset: Dataset) -> tuple[Array, Array]:
    print(f"  {dataset.name} {loss} {numbers}", file=sys.stderr, flush=True)
    changes = [f"task.loss={loss}", f"bottleneck.size={numbers}", "training.minutes=0.35"]
    if loss != "mse":
        changes.append("task.loss.mse=1.0")
    with tempfile.TemporaryDirectory() as folder:
        recipe = base.set(*changes, "training.threads=1")
        model = train(recipe, Path(folder) / "run", dataset).model
        return model.encode(dataset.train.values), model.encode(dataset.test.values)


def _accuracy(codes: tuple[Array, Array], dataset: Dataset) -> str:
    told = maps.cluster_figures(codes[0], dataset.train.labels, codes[1], dataset.test.labels)
    return f"{told['probe_accuracy']:.3f}"


def _unit(spectra: Array) -> Array:
    return spectra / np.maximum(np.linalg.norm(spectra, axis=1, keepdims=True), 1e-12)
