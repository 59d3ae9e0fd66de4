"""What a helper process makes for pages: maps of codes, thumbnails, principal components, comparisons."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors import safe_open

from isthmus.datasets import Dataset, open_dataset
from isthmus.errors import DataError
from isthmus.maps import project
from isthmus.maps.figures import cluster_figures, principal, trustworthiness
from isthmus.model import Model
from isthmus.recipe import Named
from isthmus.studio import packs
from isthmus.studio.live import plane
from isthmus.studio.packs import Array
from isthmus.training.run import Run

Share = Callable[[float], None]
_MOST_POINTS = 60_000
_MOST_CODE_NUMBERS = 256
_LARGEST_SPRITE = 32
_LONGEST_CURVE = 64
_BATCH = 2_000
_MOST_COMPONENTS = 256
_MOST_FEATURES = 4_096
_FILES = 200
_COMPONENTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)


def make(order: dict[str, Any], share: Share) -> None:
    """Write the file that ``order`` asks for."""
    out = Path(order["out"])
    match order["what"]:
        case "codes":
            _codes(Path(order["folder"]), order["id"], order["how"], out, share)
        case "sprites":
            _sprites(Path(order["folder"]), out)
        case "pca":
            _pca(open_dataset(Named(name=order["data"])), out, share)
        case "items":
            _items([Path(f) for f in order["folders"]], order["start"], order["count"], out)


# --- one run's map --------------------------------------------------------------------------------


def _codes(folder: Path, id: str, how: str, out: Path, share: Share) -> None:
    base = _base(folder, id, out, share)
    codes = base.arrays.pop("codes")
    made = project(codes, how, progress=lambda done: share(0.7 + 0.3 * done))  # type: ignore[arg-type]
    arrays = {**base.arrays, "points": made.points.astype(np.float32)}
    if made.inverse is not None:
        mean, axes = plane(made, codes)
        arrays |= {"mean": mean, "axes": axes}
    held = base.arrays["part"] == 1
    figures = dict(base.meta["figures"])
    shown = base.inputs
    if shown is not None and held.any():
        trust = trustworthiness(shown, arrays["points"][held][: len(shown)])
        if trust is not None:
            figures["trustworthiness"] = trust
    meta = {
        **base.meta, "figures": figures, "how": made.how, "axes": list(made.axes),
        "decodable": made.inverse is not None,
    }  # fmt: skip
    if codes[0].size <= _MOST_CODE_NUMBERS:
        flat = codes.reshape(len(codes), -1)
        everything = {**arrays, "codes": np.clip(flat, -65_504, 65_504).astype(np.float16)}
        packs.write(out.with_name(f"{out.stem}-all{out.suffix}"), everything, meta)
    packs.write(out, arrays, meta)


class _Base:
    """Codes of all items with what is known of each: the same for every projection."""

    def __init__(
        self, arrays: dict[str, Array], meta: dict[str, Any], inputs: Array | None
    ) -> None:
        self.arrays = arrays
        self.meta = meta
        self.inputs = inputs
        """Held-out items as the network sees them, as many as are compared."""


def _base(folder: Path, id: str, out: Path, share: Share) -> _Base:
    kept = out.with_name(out.name.partition("-codes-")[0] + "-base.pack")
    if kept.is_file():
        with safe_open(kept, framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            meta = json.loads(file.metadata()["meta"])
        inputs = arrays.pop("inputs", None)
        return _Base(arrays, meta, inputs)
    run = Run(folder)
    dataset = open_dataset(run.recipe.data, run.recipe.training.seed)
    model = run.model
    part, places = chosen(dataset)
    codes, errors = _encode(model, dataset, part, places, lambda done: share(0.4 * done))
    labels = _labels(dataset, part, places)
    held = part == 1
    figures, beside = {}, {}
    if held.any() and (labels >= 0).any():
        figures = cluster_figures(codes[~held], labels[~held], codes[held], labels[held])
        share(0.55)
        numbers = math.prod(model.autoencoder.plan.bottleneck.code)
        train = dataset.scaling.apply(dataset.train.values[places[~held]])
        test = dataset.scaling.apply(dataset.test.values[places[held]])
        if numbers < min(len(train), math.prod(dataset.shape)):
            first, second = principal(train, test, numbers)
            beside = cluster_figures(first, labels[~held], second, labels[held])
    share(0.7)
    inputs = None
    if held.any():
        inputs = dataset.scaling.apply(dataset.test.values[places[held][:2000]])
    arrays = {
        "codes": codes, "errors": errors, "labels": labels, "part": part,
        "places": places.astype(np.int32),
    }  # fmt: skip
    meta = {
        "run": id,
        "total": len(dataset.train) + len(dataset.test),
        "shown": len(part),
        "classes": list(dataset.classes),
        "code": list(model.autoencoder.plan.bottleneck.code),
        "figures": _finite(figures),
        "pca_figures": _finite(beside),
        "held_out": int(held.sum()),
    }
    extra = {} if inputs is None else {"inputs": inputs}
    packs.write(kept, {**arrays, **extra}, meta)
    return _Base(arrays, meta, inputs)


def _finite(figures: dict[str, float]) -> dict[str, float | None]:
    return {n: round(v, 6) if math.isfinite(v) else None for n, v in figures.items()}


def chosen(dataset: Dataset) -> tuple[Array, Array]:
    """(part, place) of the items on a map: all, or a fixed random 60,000."""
    train, test = len(dataset.train), len(dataset.test)
    part = np.concatenate([np.zeros(train, np.uint8), np.ones(test, np.uint8)])
    places = np.concatenate([np.arange(train), np.arange(test)])
    if len(part) > _MOST_POINTS:
        kept = np.sort(np.random.default_rng(0).permutation(len(part))[:_MOST_POINTS])
        part, places = part[kept], places[kept]
    return part, places


def _values(dataset: Dataset, part: Array, places: Array) -> Array:
    values = np.empty((len(part), *dataset.train.values.shape[1:]), dataset.train.values.dtype)
    for number, items in ((0, dataset.train), (1, dataset.test)):
        values[part == number] = items.values[places[part == number]]
    return values


def _labels(dataset: Dataset, part: Array, places: Array) -> Array:
    labels = np.full(len(part), -1, np.int16)
    for number, items in ((0, dataset.train), (1, dataset.test)):
        if items.labels is not None:
            labels[part == number] = items.labels[places[part == number]]
    return labels


def _encode(
    model: Model, dataset: Dataset, part: Array, places: Array, share: Share
) -> tuple[Array, Array]:
    """(codes, mean squared error) of each item."""
    if dataset.window is not None:
        raise DataError("photographs are seen through windows; there is no map of them")
    codes, errors = [], []
    for start in range(0, len(part), _BATCH):
        some = slice(start, start + _BATCH)
        values = _values(dataset, part[some], places[some])
        codes.append(model.encode(values))
        errors.append(model.errors(values))
        share(min((start + _BATCH) / len(part), 1.0))
    return np.concatenate(codes), np.concatenate(errors).astype(np.float32)


def _sprites(folder: Path, out: Path) -> None:
    """Small pictures of the items, in the order of the map."""
    run = Run(folder)
    dataset = open_dataset(run.recipe.data, run.recipe.training.seed)
    part, places = chosen(dataset)
    made = [
        small(_values(dataset, part[i : i + _BATCH], places[i : i + _BATCH]))
        for i in range(0, len(part), _BATCH)
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.part")
    with temporary.open("wb") as file:
        np.save(file, np.concatenate(made), allow_pickle=False)
    temporary.replace(out)


def small(values: Array) -> Array:
    """Items as bytes (N, C, h, w) with sides of at most 32; curves as (N, 1, 1, at most 64)."""
    if values.ndim == 4:
        step = -(-max(values.shape[2:]) // _LARGEST_SPRITE)
        pixels = packs.pixels(values)
        if step == 1:
            return pixels
        height, width = (side // step * step for side in pixels.shape[2:])
        cells = pixels[:, :, :height, :width].reshape(
            *pixels.shape[:2], height // step, step, width // step, step
        )
        made: Array = cells.mean((3, 5)).round().astype(np.uint8)
        return made
    flat = values.reshape(len(values), -1).astype(np.float32)
    step = -(-flat.shape[1] // _LONGEST_CURVE)
    flat = flat[:, ::step]
    low, high = flat.min(1, keepdims=True), flat.max(1, keepdims=True)
    return packs.pixels((flat - low) / np.maximum(high - low, 1e-9))[:, None, None]


# --- baselines and comparisons --------------------------------------------------------------------


def _pca(dataset: Dataset, out: Path, share: Share) -> None:
    """Principal components of the training part, and what they reach on the test part."""
    train = dataset.scaling.apply(dataset.train.values)
    test = dataset.scaling.apply((dataset.test if len(dataset.test) else dataset.train).values)
    flat = train.reshape(len(train), -1)
    if flat.shape[1] > _MOST_FEATURES:
        raise DataError(f"items of {flat.shape[1]:,} numbers are too wide for principal components")
    mean = flat.mean(0, dtype=np.float64)
    covariance = np.zeros((flat.shape[1], flat.shape[1]))
    for start in range(0, len(flat), 8192):
        part = flat[start : start + 8192] - mean
        covariance += part.T @ part
    share(0.4)
    _, vectors = np.linalg.eigh(covariance / len(flat))
    count = min(_MOST_COMPONENTS, flat.shape[1], len(flat) - 1)
    basis = vectors[:, ::-1][:, :count].T
    basis = basis * np.sign(basis[np.arange(count), np.abs(basis).argmax(1)])[:, None]
    share(0.7)
    points = []
    for numbers in (n for n in _COMPONENTS if n <= count):
        error = _error(
            test.reshape(len(test), -1), mean, basis[:numbers], dataset.modality == "image"
        )
        points.append([numbers, error])
    arrays = {"mean": mean.astype(np.float32), "basis": basis.astype(np.float16)}
    about = {"name": dataset.name, "shape": list(dataset.shape), "points": points}
    packs.write(
        out, arrays, {**about, "files": _files(test) if dataset.modality == "image" else {}}
    )


def _files(pictures: Array) -> dict[str, float]:
    """Bytes a picture (N, 1 or 3, H, W; 0..1) takes as a file without loss, the mean of a few hundred."""
    bytes_of = {"PNG": 0, "WebP": 0}
    some = packs.pixels(pictures[:_FILES])
    for pixels in some:
        picture = Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
        for kind, options in (("PNG", {"optimize": True}), ("WebP", {"lossless": True})):
            file = io.BytesIO()
            picture.save(file, kind, **options)
            bytes_of[kind] += file.tell()
    return {kind: count / len(some) for kind, count in bytes_of.items()}


def _error(flat: Array, mean: Array, basis: Array, picture: bool) -> float:
    total = 0.0
    for start in range(0, len(flat), 4096):
        part = flat[start : start + 4096]
        rebuilt = (part - mean) @ basis.T @ basis + mean
        if picture:
            rebuilt = np.clip(rebuilt, 0, 1)
        total += float(np.square(rebuilt - part).sum())
    return total / flat.size


def _items(folders: list[Path], start: int, count: int, out: Path) -> None:
    """The same held-out items through several models."""
    runs = [Run(folder) for folder in folders]
    first = runs[0].recipe
    dataset = open_dataset(first.data, first.training.seed)
    items = dataset.test if len(dataset.test) else dataset.train
    values = items.values[start : start + count]
    picture = dataset.modality == "image"
    arrays = {"input": _seen(values, picture)}
    for number, run in enumerate(runs):
        arrays[f"output_{number}"] = _seen(run.model.reconstruct(values), picture)
    labels = items.labels
    arrays["labels"] = (
        np.full(len(values), -1, np.int16)
        if labels is None
        else labels[start : start + count].astype(np.int16)
    )
    packs.write(out, arrays, {"total": len(items), "from": start, "modality": dataset.modality})


def _seen(values: Array, picture: bool) -> Array:
    return packs.pixels(values) if picture else values.astype(np.float32)
