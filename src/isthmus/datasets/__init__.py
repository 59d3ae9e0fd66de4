"""Data sets: what ships, what downloads, your own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isthmus.datasets.base import Dataset as Dataset
from isthmus.datasets.base import Items as Items
from isthmus.datasets.base import Modality
from isthmus.datasets.base import Scaling as Scaling
from isthmus.datasets.download import get as get
from isthmus.datasets.registry import REGISTRY as REGISTRY
from isthmus.errors import DataError
from isthmus.recipe import Arrays, DataSpec, Images, Named, Photos, Sounds, Spectra, Speech, Table

if TYPE_CHECKING:
    from isthmus.datasets import own

_OWN = {"kind", "path", "name", "labels", "label_variable", "classes"}
"""What a recipe says of one file only."""
_HEARD_AS: dict[str, Modality] = {"wave": "sequence", "mel": "image", "timbre": "vector"}


def open_dataset(spec: DataSpec, seed: int = 0) -> Dataset:
    """The data set a recipe's data section describes. Raises DataError that names file and cause.

    Own data without a test part is split by ``seed``; ``limit`` keeps a random part of the
    training items.
    """
    dataset = _open(spec, seed)
    if spec.limit is not None and spec.limit < len(dataset.train):
        kept = np.sort(np.random.default_rng(seed).permutation(len(dataset.train))[: spec.limit])
        groups = None if dataset.groups is None else dataset.groups[kept]
        dataset = replace(dataset, train=dataset.train.take(kept), groups=groups)
    return dataset


def _open(spec: DataSpec, seed: int) -> Dataset:
    from isthmus.datasets import named, own, scenes, speech

    match spec:
        case Named():
            return named.open_named(spec.name)
        case Images():
            parts, modality = own.read_images(spec), "image"
        case Photos():
            parts, modality = own.read_photos(spec), "image"
        case Sounds():
            parts = own.read_sounds(spec)
            modality = _HEARD_AS[spec.view]
        case Speech():
            parts, modality = speech.read_speech(spec), "sequence"
        case Table():
            parts, modality = own.read_table(spec), "vector"
        case Spectra():
            parts, modality = scenes.read(spec), "spectrum"
        case Arrays():
            if Path(spec.path).is_dir():
                return named.read_idx_folder(Path(spec.path), Path(spec.path).name, ())
            parts = own.read_arrays(spec)
            modality = own.modality_of(parts)
    name = Path(spec.path).name or spec.path
    scaling = spec.scaling
    if isinstance(spec, Spectra) and spec.normalise != "none" and scaling == "auto":
        scaling = "none"
    made = own.dataset(name, modality, parts, spec.test, scaling, seed)
    return replace(made, window=spec.window) if isinstance(spec, Photos | Speech) else made


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
    if cls is Images and isinstance(base, Sounds) and not Path(path).is_file():
        cls = Sounds  # recordings with a cover picture among them
    if isinstance(base, Speech) and Path(path).is_dir():
        # Where the recordings lie is what is asked; which of them are kept apart stays.
        kept = base.model_dump(exclude={"path"})
        return Speech.model_validate({**kept, "path": path})
    if cls is Images and isinstance(base, Photos):
        cls = Photos  # a recipe for windows of photographs stays one
    if isinstance(base, Spectra) and cls in {Images, Arrays} and Path(path).is_file():
        cls = Spectra  # a .tif or .npy may be a scene: the recipe knows
    shared = {} if base is None else base.model_dump(exclude=_OWN)
    known = {n: v for n, v in shared.items() if n in cls.model_fields}
    spec: DataSpec = cls.model_validate({**known, **fields})
    return spec


def _recognise(path: str) -> tuple[type[DataSpec], dict[str, str]]:
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
    if suffix in {".mat", ".hdr"} or (suffix == ".npz" and "cube" in arrays.read(place)):
        return Spectra, {"path": path}
    if suffix in {".npz", ".npy"}:
        return Arrays, {"path": path}
    raise DataError(
        f"{path}: is of no known kind; use pictures, sounds, .npz, .npy, .mat, .hdr, .csv or .parquet"
    )


def read_items(
    path: str, card: dict[str, Any], base: DataSpec | None = None
) -> tuple[Items, tuple[str, ...]]:
    """Everything in a file or folder as items that a model with this data card takes, and notes.

    ``base`` says how the model's own data were read. Pictures are cropped and scaled to the model's
    size. Raises DataError if the items do not fit.
    """
    from isthmus.datasets import own, scenes

    shape = tuple(int(side) for side in card["shape"])
    spec = spec_for(path, base)
    match spec:
        case Images():
            size = shape[-1] if len(shape) == 3 else None
            color = "gray" if shape[0] == 1 else "rgb"
            parts = own.read_images(spec.model_copy(update={"size": size, "color": color}))
        case Named():
            dataset = open_dataset(spec)
            parts = own.Parts(dataset.train, dataset.test)
        case Sounds():
            if spec.view == "wave":
                spec = spec.model_copy(update={"seconds": shape[-1] / spec.sample_rate})
            parts = own.read_sounds(spec)
        case Table():
            parts = own.read_table(spec)
            parts = _columns(path, parts, tuple(card.get("columns") or ()))
        case Spectra():
            parts = scenes.read(spec)
        case Arrays():
            parts = own.read_arrays(spec)
        case Speech():
            raise DataError(f"{path}: recordings are restored whole: use isthmus denoise")
        case Photos():
            raise DataError(f"{path}: photographs are restored whole: use isthmus denoise")
    items = parts.items
    if parts.test is not None:
        items = Items(np.concatenate([parts.items.values, parts.test.values]))
    if items.values.shape[1:] != shape:
        raise DataError(f"{path}: items of shape {items.values.shape[1:]}; the model takes {shape}")
    return items, parts.notes


def _columns(path: str, parts: own.Parts, wanted: tuple[str, ...]) -> own.Parts:
    """The columns a model was trained on, in its order."""
    missing = [name for name in wanted if name not in parts.columns]
    if missing:
        raise DataError(
            f"{path}: lacks the column(s) {', '.join(missing[:8])} that the model was trained on"
        )
    index = [parts.columns.index(name) for name in wanted]
    values = parts.items.values[:, index] if wanted else parts.items.values
    return replace(parts, items=replace(parts.items, values=values))
