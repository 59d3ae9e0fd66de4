"""Data sets: what ships, what downloads, your own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from isthmus.datasets.base import Dataset as Dataset
from isthmus.datasets.base import Items as Items
from isthmus.datasets.base import Scaling as Scaling
from isthmus.datasets.download import get as get
from isthmus.datasets.registry import REGISTRY as REGISTRY
from isthmus.errors import DataError
from isthmus.recipe import Arrays, DataSpec, Images, Named, Sounds, Spectra, Table


def open_dataset(spec: DataSpec, seed: int = 0) -> Dataset:
    """The data set a recipe's data section describes. Raises DataError that names file and cause.

    Own data without a test part is split by ``seed``; ``limit`` keeps a random part of the
    training items.
    """
    dataset = _open(spec, seed)
    if spec.limit is not None and spec.limit < len(dataset.train):
        kept = np.random.default_rng(seed).permutation(len(dataset.train))[: spec.limit]
        dataset = replace(dataset, train=dataset.train.take(np.sort(kept)))
    return dataset


def _open(spec: DataSpec, seed: int) -> Dataset:
    from isthmus.datasets import named, own

    match spec:
        case Named():
            return named.open_named(spec.name)
        case Images():
            parts, modality = own.read_images(spec), "image"
        case Sounds():
            parts, modality = own.read_sounds(spec), "sequence"
        case Table():
            parts, modality = own.read_table(spec), "vector"
        case Spectra():
            parts, modality = own.read_spectra(spec), "spectrum"
        case Arrays():
            if Path(spec.path).is_dir():
                return named.read_idx_folder(Path(spec.path), Path(spec.path).name, ())
            parts = own.read_arrays(spec)
            modality = own.modality_of(parts)
    name = Path(spec.path).name or spec.path
    return own.dataset(name, modality, parts, spec.test, spec.scaling, seed)


def item_shape(spec: DataSpec) -> tuple[int, ...]:
    """The shape of one item; without reading anything where the data set has a name."""
    if isinstance(spec, Named) and spec.name in REGISTRY:
        return REGISTRY[spec.name].shape
    return open_dataset(spec).shape


def spec_for(path: str, base: DataSpec | None = None) -> DataSpec:
    """What ``--data PATH`` means: a file, a folder, or the name of a data set. Raises DataError.

    What ``base`` says that holds for any data (validation, limit, shift, …) is kept.
    """
    cls, fields = _recognise(path)
    shared = {} if base is None else base.model_dump(exclude={"kind", "path", "name"})
    known = {n: v for n, v in shared.items() if n in cls.model_fields}
    spec: DataSpec = cls.model_validate({**known, **fields})
    return spec


def _recognise(path: str) -> tuple[type[DataSpec], dict[str, str]]:  # type: ignore[valid-type]
    from isthmus.media import arrays, images, sound, tables

    place = Path(path)
    if not place.exists():
        if path in REGISTRY:
            return Named, {"name": path}
        raise DataError(f"{path}: no such file, folder or data set ({', '.join(REGISTRY)})")
    if place.is_dir():
        if any(place.glob("train-images-idx3-ubyte*")):
            return Arrays, {"path": path}
        held = sorted(place.glob("*.npz"))
        if images.find(place):
            return Images, {"path": path}
        if sound.find(place):
            return Sounds, {"path": path}
        if len(held) == 1:
            return _recognise(str(held[0]))
        raise DataError(f"{path}: holds no pictures, recordings, MNIST files or one .npz")
    suffix = place.suffix.lower()
    if suffix in images.SUFFIXES:
        return Images, {"path": path}
    if suffix in sound.SUFFIXES:
        return Sounds, {"path": path}
    if suffix in tables.SUFFIXES:
        return Table, {"path": path}
    if suffix == ".npz" and "cube" in arrays.read(place):
        return Spectra, {"path": path}
    if suffix in {".npz", ".npy"}:
        return Arrays, {"path": path}
    raise DataError(f"{path}: is of no known kind; use pictures, sounds, .npz, .npy, .csv or .parquet")
