"""Hyperspectral cubes and label maps in the files they come in -> arrays."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import DataError, MissingExtra
from isthmus.media import arrays

Array = NDArray[Any]
SUFFIXES = (".mat", ".hdr", ".npz", ".npy", ".tif", ".tiff")
_CUBE_NAMES = ("cube", "hsi", "data", "x", "img", "image")
_LABEL_NAMES = ("labels", "gt", "label", "groundtruth", "ground_truth", "map", "mask", "y")


@dataclass(frozen=True)
class Cube:
    """One scene.

    ``values`` (rows, columns, bands) float32 in the file's units, as they are there (bands that were
    not measured may be NaN); ``labels`` (rows, columns) int64
    as in the file, or None; ``classes`` names for label numbers if the file brings them;
    ``bands`` the names of the bands; ``endmembers`` (bands, materials) and ``abundance`` (rows,
    columns, materials) where the truth is known.
    """

    values: Array
    labels: Array | None
    classes: tuple[str, ...] = ()
    bands: tuple[str, ...] = ()
    endmembers: Array | None = None
    abundance: Array | None = None
    notes: tuple[str, ...] = ()


def read(path: Path, cube: str | None = None) -> Cube:
    """The scene in a file: .mat (v5 or v7.3), ENVI .hdr, .npz, .npy or a TIFF with many bands.

    ``cube`` names the variable where a file holds several that could be it. Raises DataError that
    names the file, what it holds, and what to say.
    """
    held, bands = variables(path)
    name, values = _pick_cube(path, held, cube)
    rest = {n: v for n, v in held.items() if n != name}
    labels = None
    for key, array in rest.items():
        if array.shape == values.shape[:2] and _like_labels(array):
            labels = _labels(path, key, array)
            if key.lower() in _LABEL_NAMES:
                break
        elif key.lower() in _LABEL_NAMES and _is_plane(array) and _like_labels(array):
            raise DataError(
                f"{path}: {key} {array.shape} does not fit the scene {values.shape[:2]}"
            )
    classes = rest.get("classes")
    return Cube(
        values.astype(np.float32),
        labels,
        tuple(str(c) for c in classes) if classes is not None and classes.ndim == 1 else (),
        bands or tuple(f"band {i + 1}" for i in range(values.shape[2])),
        _fitting(rest.get("endmembers"), (values.shape[2], None)),
        _fitting(rest.get("abundance"), (*values.shape[:2], None)),
    )


def read_labels(path: Path, shape: tuple[int, ...], name: str | None = None) -> Array:
    """A label map (rows, columns) int64 for a scene of ``shape``; ``name`` picks a variable."""
    held, _ = variables(path)
    maps: dict[str, Array] = {
        n: v.reshape(v.shape[:2]) for n, v in held.items() if _like_labels(v) and _is_plane(v)
    }
    if name is not None:
        if name not in held:
            raise DataError(f"{path}: has no variable {name!r}; it holds {_listed(held)}")
        maps = {name: held[name].reshape(held[name].shape[:2])} if _is_plane(held[name]) else {}
    if not maps:
        raise DataError(f"{path}: holds no map of labels (rows, columns); it holds {_listed(held)}")
    fitting = {n: v for n, v in maps.items() if v.shape == shape}
    if not fitting:
        found = next(iter(maps.values())).shape
        hint = " (is it transposed?)" if found == shape[::-1] else ""
        raise DataError(f"{path}: labels {found} do not fit the scene {shape}{hint}")
    if len(fitting) > 1:
        known = [n for n in fitting if n.lower() in _LABEL_NAMES or n.lower().endswith("_gt")]
        if len(known) != 1:
            raise DataError(
                f"{path}: several variables could be the labels ({', '.join(fitting)}); "
                "name one: data.label_variable=NAME"
            )
        fitting = {known[0]: fitting[known[0]]}
    key, values = next(iter(fitting.items()))
    return _labels(path, key, values)


def variables(path: Path) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Every array of a file by name, and the names of the bands if it says them. Raises DataError."""
    suffix = path.suffix.lower()
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    match suffix:
        case ".npz" | ".npy":
            return arrays.read(path), ()
        case ".mat":
            return _guarded(path, "MATLAB file", _mat), ()
        case ".hdr":
            return _envi(path)
        case ".tif" | ".tiff":
            return {"cube": _guarded(path, "TIFF", _tiff)}, ()
        case _:
            raise DataError(f"{path}: is no scene; give one of {', '.join(SUFFIXES)}")


def choose_bands(text: str, count: int) -> Array:
    """Band numbers such as "1-103" or "5-100,120-190", counted from 1, as indices from 0."""
    chosen: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if not found:
            raise DataError(f"bands {text!r}: must look like 1-103 or 5-100,120-190")
        first, last = int(found[1]), int(found[2] or found[1])
        if not 1 <= first <= last <= count:
            raise DataError(f"bands {text!r}: {part.strip()} is not within 1-{count}")
        chosen += range(first - 1, last)
    return np.unique(chosen)


def constant_bands(values: Array) -> Array:
    """Whether each band (the last axis) says nothing: (bands,) booleans."""
    flat = values.reshape(-1, values.shape[-1])
    same: Array = (flat == flat[0]).all(0)
    return same


def _pick_cube(path: Path, held: dict[str, Array], wanted: str | None) -> tuple[str, Array]:
    cubes = {n: v for n, v in held.items() if v.ndim == 3 and v.dtype.kind in "uif" and v.size}
    if wanted is not None:
        if wanted not in held:
            raise DataError(f"{path}: has no variable {wanted!r}; it holds {_listed(held)}")
        if wanted not in cubes:
            raise DataError(f"{path}: {wanted} is no cube (rows, columns, bands): {_listed(held)}")
        cubes = {wanted: cubes[wanted]}
    if not cubes:
        raise DataError(f"{path}: holds no cube (rows, columns, bands); it holds {_listed(held)}")
    if len(cubes) > 1:
        known = [n for n in cubes if n.lower() in _CUBE_NAMES]
        rest = [n for n in cubes if n.lower() not in {"abundance", "abundances", "rgb"}]
        choice = known if len(known) == 1 else rest
        if len(choice) != 1:
            raise DataError(
                f"{path}: several variables could be the cube ({', '.join(cubes)}); "
                "name one: data.cube=NAME"
            )
        cubes = {choice[0]: cubes[choice[0]]}
    name, values = next(iter(cubes.items()))
    if values.shape[2] < 2:
        raise DataError(f"{path}: {name} {values.shape} has one band; a spectrum needs more")
    return name, values


def _like_labels(values: Array) -> bool:
    whole = values.dtype.kind in "uib" or (
        values.dtype.kind == "f" and values.size < 1e8 and bool(np.all(values == np.round(values)))
    )
    return whole and values.ndim >= 2


def _is_plane(values: Array) -> bool:
    return values.ndim == 2 or (values.ndim == 3 and values.shape[2] == 1)


def _labels(path: Path, name: str, values: Array) -> Array:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError(f"{path}: {name} holds labels that are not numbers")
    return values.astype(np.int64)


def _fitting(values: Array | None, shape: tuple[int | None, ...]) -> Array | None:
    if values is None or values.ndim != len(shape):
        return None
    fits = all(want is None or want == have for want, have in zip(shape, values.shape, strict=True))
    return values.astype(np.float32) if fits else None


def _listed(held: dict[str, Array]) -> str:
    return ", ".join(f"{n} {v.shape}" for n, v in held.items()) or "nothing"


def _guarded(path: Path, kind: str, read: Callable[[Path], Any]) -> Any:
    try:
        return read(path)
    except (DataError, MissingExtra):
        raise
    except (OSError, ValueError, TypeError, KeyError, IndexError, EOFError, MemoryError, zlib.error,
            zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:  # fmt: skip
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path}: cannot be read as a {kind} ({first})") from None


def _mat(path: Path) -> dict[str, Array]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    with path.open("rb") as file:
        head = file.read(128)
    if head[:4] == b"\x89HDF" or b"MATLAB 7.3" in head:
        return _hdf5(path)
    try:
        held = loadmat(path)
    except MatReadError as error:  # of no class that others share
        raise ValueError(str(error)) from None
    return {
        n: v
        for n, v in held.items()
        if not n.startswith("__") and isinstance(v, np.ndarray) and v.dtype.kind in "uifb"
    }


def _hdf5(path: Path) -> dict[str, Array]:
    """A .mat file of version 7.3 is HDF5 with its axes in reverse."""
    try:
        import h5py
    except ImportError:
        raise MissingExtra("h5py", "spectra", "a .mat file of version 7.3") from None
    found: dict[str, Array] = {}
    with h5py.File(path, "r") as file:
        for name, entry in file.items():
            if isinstance(entry, h5py.Dataset) and entry.dtype.kind in "uifb":
                found[name] = np.asarray(entry[()]).T
    return found


def _tiff(path: Path) -> Array:
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        values = np.asarray(series.asarray())
        if values.ndim == 3 and series.axes[0] in "SCQIZ" and series.axes[-1] not in "SC":
            values = np.moveaxis(values, 0, -1)  # bands first
    return values


def _envi(path: Path) -> tuple[dict[str, Array], tuple[str, ...]]:
    try:
        import spectral
    except ImportError:
        raise MissingExtra("spectral", "spectra", "an ENVI file") from None

    def load(path: Path) -> tuple[Array, Any]:
        try:
            opened = spectral.envi.open(str(path))
            return np.asarray(opened.open_memmap()), opened
        except spectral.SpyException as error:
            raise ValueError(str(error) or type(error).__name__) from None

    values, opened = _guarded(path, "ENVI header", load)
    waves = getattr(opened.bands, "centers", None)
    unit = getattr(opened.bands, "band_unit", None) or ""
    names = tuple(f"{float(w):g} {unit}".strip() for w in waves) if waves else ()
    return {"cube": np.array(values)}, names
