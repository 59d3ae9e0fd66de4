"""Hyperspectral scenes as data sets: every pixel an item that knows where it lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from isthmus.datasets.base import Array, Items, Scene
from isthmus.datasets.own import Parts
from isthmus.errors import DataError
from isthmus.media import spectra
from isthmus.recipe import Spectra

_LEAST_IN_CLASS = 2


def read(spec: Spectra) -> Parts:
    """The pixels of a scene, prepared as the recipe says. Raises DataError naming file and remedy."""
    path = Path(spec.path)
    return prepare(spec, spectra.read(path, spec.cube), str(path))


def prepare(spec: Spectra, cube: spectra.Cube, name: str) -> Parts:
    """The pixels of a cube that is read already; ``name`` is for errors."""
    notes = list(cube.notes)
    rows, columns, _ = cube.values.shape
    labels = cube.labels
    if spec.labels is not None:
        labels = spectra.read_labels(Path(spec.labels), (rows, columns), spec.label_variable)
    used = _bands(spec, cube, name, notes)
    values, measured = _measured(cube.values[..., used], used, name, notes)
    scale = float(max(values.max(), 1e-12))
    endmembers = None if cube.endmembers is None else cube.endmembers[used].T
    scene = Scene(rows, columns, false_colour(values), endmembers, cube.abundance)
    values = _normalised(values, spec.normalise, notes, measured)
    items = _squares(values, spec.patch, name)
    named = spec.classes or cube.classes
    found, classes = _classes(labels, named, notes)
    places = np.stack(np.divmod(np.arange(rows * columns), columns), 1)
    # Squares of pixels go to one side of a split together.
    across = -(-columns // spec.block)
    groups = places[:, 0] // spec.block * across + places[:, 1] // spec.block
    wanted = measured.reshape(-1)
    if spec.labelled_only:
        if found is None:
            raise DataError(
                f"{name}: has no labels; data.labelled_only needs some (data.labels=FILE)"
            )
        wanted = wanted & (found >= 0)
    kept = np.flatnonzero(wanted)
    if spec.normalise == "none":
        notes.append(f"brightest value {scale:g}")
    made = Items(items[kept], None if found is None else found[kept], None, places[kept])
    bands = tuple(cube.bands[i] for i in used)
    return Parts(made, None, classes, bands, tuple(notes), groups[kept], scene)


def false_colour(values: Array) -> Array:
    """A cube (rows, columns, bands) as a picture (rows, columns, 3): long, middle, short wavelengths.

    Each stretched between its 2nd and 98th percentile.
    """
    bands = values.shape[2]
    picked = values[..., [int(bands * 0.75), int(bands * 0.45), int(bands * 0.12)]]
    low = np.percentile(picked, 2, (0, 1))
    high = np.percentile(picked, 98, (0, 1))
    scaled = (picked - low) / np.maximum(high - low, 1e-12)
    made: Array = np.clip(scaled * 255 + 0.5, 0, 255).astype(np.uint8)
    return made


def _bands(spec: Spectra, cube: spectra.Cube, name: str, notes: list[str]) -> Array:
    count = cube.values.shape[2]
    try:
        used = spectra.choose_bands(spec.bands, count) if spec.bands else np.arange(count)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    dead = spectra.constant_bands(cube.values[..., used])
    if dead.all():
        raise DataError(f"{name}: all {len(used)} bands are constant; there is nothing to learn")
    if dead.any():
        listed = ", ".join(str(b + 1) for b in used[dead][:8])
        notes.append(f"left out {int(dead.sum())} constant band(s): {listed}")
        used = used[~dead]
    if len(used) < 2:
        raise DataError(f"{name}: {len(used)} band is left; a spectrum needs more")
    return used


def _measured(values: Array, used: Array, name: str, notes: list[str]) -> tuple[Array, Array]:
    """The values with 0 where a pixel was not measured at all, and which pixels were (rows, columns).

    Raises DataError where only some bands of a pixel are not numbers: those bands are to be left out.
    """
    bad = ~np.isfinite(values)
    if not bad.any():
        return values, np.ones(values.shape[:2], bool)
    blank: Array = np.asarray(bad.all(2))
    partly = bad & ~blank[..., None]
    if partly.any():
        bands = used[np.flatnonzero(partly.any((0, 1)))] + 1
        listed = ", ".join(map(str, bands[:6])) + (" …" if len(bands) > 6 else "")
        raise DataError(
            f"{name}: {int(partly.sum()):,} values are not numbers, in band(s) {listed}; "
            "leave them out with data.bands"
        )
    if blank.all():
        raise DataError(f"{name}: holds no number at all")
    notes.append(f"left out {int(blank.sum()):,} pixel(s) without a measurement")
    return np.where(bad, 0, values).astype(np.float32), ~blank


def _normalised(values: Array, how: str, notes: list[str], measured: Array) -> Array:
    if how == "band":
        mean, spread = values[measured].mean(0), values[measured].std(0)
        even: Array = ((values - mean) / np.maximum(spread, 1e-12)).astype(np.float32)
        return even
    if how == "spectrum":
        length = np.linalg.norm(values, axis=2, keepdims=True)
        dark = int((length < 1e-12).sum())
        if dark:
            notes.append(f"{dark} pixel(s) without any light stay zero")
        unit: Array = (values / np.maximum(length, 1e-12)).astype(np.float32)
        return unit
    return values


def _squares(values: Array, side: int, name: str) -> Array:
    """(rows x columns, bands), or with neighbours (rows x columns, bands, side, side)."""
    rows, columns, bands = values.shape
    if side == 1:
        return values.reshape(-1, bands)
    if side % 2 == 0:
        raise DataError(
            f"{name}: data.patch = {side} must be odd, so that a pixel is in the middle"
        )
    reach = side // 2
    mode = "reflect" if min(rows, columns) > reach else "edge"
    wide = np.pad(values, ((reach, reach), (reach, reach), (0, 0)), mode)  # type: ignore[call-overload]
    view = np.lib.stride_tricks.sliding_window_view(wide, (side, side), (0, 1))
    return np.ascontiguousarray(view.reshape(rows * columns, bands, side, side))


def _classes(
    labels: Array | None, named: tuple[str, ...], notes: list[str]
) -> tuple[Array | None, tuple[str, ...]]:
    """Label numbers from 0 (-1: no class), and the names of the classes that occur."""
    if labels is None:
        return None, ()
    flat = labels.reshape(-1)
    found = np.unique(flat[flat >= 0])
    # 0 means "no class" where names count from 1, or where most of a scene of several classes is 0.
    none = len(found) > 0 and found[0] == 0
    if none and named:
        none = len(named) < len(found) or found.max() >= len(named)
    elif none:
        none = len(found) > 2 and (flat == 0).mean() > 0.25
    first = 1 if none or (len(found) and found[0] > 0) else 0
    if none:
        found = found[1:]
    places = np.searchsorted(found, flat)
    made = np.where(np.isin(flat, found), places, -1).astype(np.int64)
    names = tuple(
        named[c - first] if 0 <= c - first < len(named) else f"class {c}" for c in found.tolist()
    )
    for index, name in enumerate(names):
        count = int((made == index).sum())
        if count < _LEAST_IN_CLASS:
            notes.append(f"{name} has {count} pixel only: no figure can say much of it")
    return made, names
