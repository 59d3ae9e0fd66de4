"""Hyperspectral cubes -> arrays (rows, columns, bands)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import DataError
from isthmus.media import arrays

Array = NDArray[Any]


@dataclass(frozen=True)
class Cube:
    """``values`` (rows, columns, bands) float32; ``labels`` (rows, columns) int64, -1 unlabelled."""

    values: Array
    labels: Array | None


def read(path: Path) -> Cube:
    """A cube from an .npz with ``cube`` (or one three-axis array) and perhaps ``labels``. Raises DataError."""
    held = arrays.read(path)
    cubes = {n: v for n, v in held.items() if v.ndim == 3 and v.dtype.kind in "uif"}
    if "cube" in cubes:
        cube = cubes["cube"]
    elif len(cubes) == 1:
        cube = next(iter(cubes.values()))
    else:
        found = ", ".join(f"{n} {v.shape}" for n, v in held.items())
        raise DataError(
            f"{path}: needs one array (rows, columns, bands) named cube; it holds {found}"
        )
    values = cube.astype(np.float32)
    if not np.isfinite(values).all():
        raise DataError(
            f"{path}: {int((~np.isfinite(values)).sum())} values of the cube are not numbers"
        )
    labels = held.get("labels")
    if labels is None:
        return Cube(values, None)
    if labels.shape != values.shape[:2]:
        raise DataError(f"{path}: labels {labels.shape} do not fit the scene {values.shape[:2]}")
    # Where every pixel has a label, 0 is a class; where some are 0 and marked as none, it is not.
    shifted = labels.astype(np.int64)
    return Cube(values, shifted)
