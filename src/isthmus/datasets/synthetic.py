"""Small data sets made on the spot, always the same, for kinds of data that nobody ships."""

from __future__ import annotations

import numpy as np

from isthmus.datasets.base import Array, Dataset, Items, Scaling
from isthmus.datasets.registry import Named


def waves(entry: Named) -> Dataset:
    """Sine, square, saw and burst with random pitch, phase and loudness, and a little noise."""
    rng = np.random.default_rng(0)
    count, steps = entry.train + entry.test, entry.shape[1]
    labels = rng.integers(0, 4, count)
    time = np.arange(steps) / steps
    phase = rng.uniform(0, 1, (count, 1)) + rng.uniform(1.5, 4.0, (count, 1)) * time
    turn = phase % 1
    burst = np.exp(-np.square((time - rng.uniform(0.2, 0.8, (count, 1))) / 0.1))
    shapes = np.stack(
        [
            np.sin(2 * np.pi * phase),
            np.sign(turn - 0.5),
            2 * turn - 1,
            burst * np.sin(8 * np.pi * phase),
        ]
    )
    loudness = rng.uniform(0.4, 1.0, (count, 1))
    values = loudness * shapes[labels, np.arange(count)] + rng.normal(0, 0.03, (count, steps))
    return _divided(entry, values[:, None].astype(np.float32), labels, Scaling())


def spectra(entry: Named) -> Dataset:
    """Pixels that mix five smooth spectra, one of them mostly, in light and in shadow."""
    rng = np.random.default_rng(0)
    count, bands = entry.train + entry.test, entry.shape[0]
    ends = np.stack([_endmember(material, bands) for material in range(len(entry.classes))])
    labels = rng.integers(0, len(ends), count)
    share = rng.dirichlet(np.full(len(ends), 0.4), count) * 0.4
    share[np.arange(count), labels] += 0.6
    brightness = rng.uniform(0.5, 1.1, (count, 1))
    values = brightness * (share @ ends) + rng.normal(0, 0.008, (count, bands))
    values = np.clip(values, 1e-3, None).astype(np.float32)
    scaling = Scaling(np.zeros(1, np.float32), np.array([1 / float(values.max())], np.float32))
    return _divided(entry, values, labels, scaling)


def _endmember(material: int, bands: int) -> Array:
    """A smooth spectrum: a few broad bumps that differ from material to material."""
    rng = np.random.default_rng(100 + material)
    place = np.linspace(0, 1, bands)
    level: Array = np.full(bands, 0.15) + 0.3 * place * rng.uniform(-0.4, 1)
    for _ in range(4):
        bump = np.exp(-np.square((place - rng.uniform(0, 1)) / rng.uniform(0.05, 0.25)))
        level = level + rng.uniform(-0.15, 0.4) * bump
    return np.clip(level, 0.02, None)


def _divided(entry: Named, values: Array, labels: Array, scaling: Scaling) -> Dataset:
    kind = "sequence" if len(entry.shape) == 2 else "spectrum"
    items = Items(values, labels.astype(np.int64))
    first, last = np.arange(entry.train), np.arange(entry.train, len(values))
    columns = tuple(f"band {i + 1}" for i in range(entry.shape[0])) if kind == "spectrum" else ()
    return Dataset(
        entry.name, "sequence" if kind == "sequence" else "spectrum", items.take(first), items.take(last),
        entry.classes, scaling, columns,
    )  # fmt: skip
