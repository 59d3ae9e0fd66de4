"""Named data sets for the page: what there is, their items, their principal components. No torch."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from isthmus.datasets import Dataset, open_dataset
from isthmus.datasets.named import is_here
from isthmus.datasets.registry import REGISTRY
from isthmus.recipe import Named
from isthmus.studio import packs
from isthmus.studio.packs import Array
from isthmus.studio.refusals import Refusal, not_found

_SPECTRA = {"spectra-synthetic", "pavia-university", "salinas", "indian-pines"}


def listing() -> list[dict[str, Any]]:
    """Every named data set."""
    return [
        {
            "name": entry.name,
            "title": entry.title,
            "here": is_here(entry),
            "shape": list(entry.shape),
            "modality": _modality(entry.name, entry.shape),
            "train": entry.train,
            "test": entry.test,
            "classes": list(entry.classes),
            "licence": entry.licence,
            "origin": entry.origin,
            "get": f"isthmus data get {entry.name}",
        }
        for entry in REGISTRY.values()
    ]


def _modality(name: str, shape: tuple[int, ...]) -> str:
    if name in _SPECTRA:
        return "spectrum"
    return {1: "vector", 2: "sequence", 3: "image"}[len(shape)]


def known(name: str) -> str:
    """A name that is one, of data that is here. Raises Refusal."""
    if name not in REGISTRY:
        raise not_found(f"data set {name[:40]!r}")
    if not is_here(REGISTRY[name]):
        raise Refusal(
            409,
            "no_data",
            f"the data set {name} is not on this machine",
            f"isthmus data get {name}",
        )
    return name


class Sets:
    """Opens data sets, and keeps the last one open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Dataset] = {}

    def get(self, name: str) -> Dataset:
        """A data set by name. Raises Refusal, DataError. Slow: for a thread."""
        known(name)
        with self._lock:
            if name not in self._open:
                self._open = {name: open_dataset(Named(name=name))}
            return self._open[name]

    def items(self, name: str, part: str, start: int, count: int) -> bytes:
        """Some items of a part as a pack."""
        dataset = self.get(name)
        items = dataset.test if part == "test" and len(dataset.test) else dataset.train
        stop = min(start + count, len(items))
        values = items.values[start:stop]
        arrays = {"values": values if values.dtype == np.uint8 else dataset.scaling.apply(values)}
        arrays["labels"] = _labels(items.labels, start, stop)
        meta = {
            "name": name, "part": part, "total": len(items), "from": start,
            "shape": list(dataset.shape), "modality": dataset.modality,
            "classes": list(dataset.classes), "columns": list(dataset.columns),
            "scaling": dataset.scaling.to_json(),
        }  # fmt: skip
        return packs.pack(arrays, meta)


def _labels(labels: Array | None, start: int, stop: int) -> Array:
    if labels is None:
        return np.full(max(stop - start, 0), -1, np.int16)
    return labels[start:stop].astype(np.int16)
