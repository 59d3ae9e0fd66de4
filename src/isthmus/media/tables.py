"""Tables <-> columns: CSV and Parquet, by polars (the extra ``tables``)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import DataError, MissingExtra
from isthmus.files import replacing

SUFFIXES = (".csv", ".tsv", ".parquet")
Array = NDArray[Any]


def _polars(purpose: str) -> Any:
    try:
        import polars
    except ImportError:
        raise MissingExtra("polars", "tables", purpose) from None
    return polars


@dataclass(frozen=True)
class Columns:
    """The numeric columns of a table, the label column as text, and what was done to make them."""

    names: tuple[str, ...]
    values: Array
    """(rows, columns) float32, without missing values."""
    labels: tuple[str, ...] | None
    notes: tuple[str, ...]


def frame(path: Path) -> Any:
    """A polars frame of a file. Raises DataError that names it."""
    polars = _polars(f"reading {path}")
    try:
        if path.suffix == ".parquet":
            return polars.read_parquet(path)
        separator = "\t" if path.suffix == ".tsv" else ","
        return polars.read_csv(
            path, separator=separator, infer_schema_length=10_000, try_parse_dates=True
        )
    except (OSError, polars.exceptions.PolarsError) as error:
        raise DataError(
            f"{path}: cannot be read as a table ({str(error).splitlines()[0]})"
        ) from None


def read(path: Path, label: str | None = None) -> Columns:
    """The numeric columns of a table. Missing values become the column's median, and are noted.

    Raises DataError if nothing numeric is left, or the label column is not there.
    """
    polars = _polars(f"reading {path}")
    table = frame(path)
    if label is not None and label not in table.columns:
        raise DataError(f"{path}: has no column {label!r}; it has {', '.join(table.columns[:20])}")
    labels = None
    if label is not None:
        labels = tuple("" if v is None else str(v) for v in table[label].to_list())
        table = table.drop(label)
    kinds = dict(zip(table.columns, table.dtypes, strict=True))
    usable = [n for n, kind in kinds.items() if kind.is_numeric() or kind == polars.Boolean]
    notes = []
    left = [n for n in kinds if n not in usable]
    if left:
        notes.append(
            f"{path.name}: columns that are not numbers were left out: {', '.join(left[:8])}"
        )
    columns, names = [], []
    for name in usable:
        values = table[name].cast(polars.Float64, strict=False).to_numpy().astype(np.float64)
        finite = np.isfinite(values)
        if not finite.any():
            notes.append(f"{path.name}: column {name!r} has no numbers and was left out")
            continue
        if not finite.all():
            notes.append(
                f"{path.name}: {int((~finite).sum())} missing values of {name!r} became its median"
            )
            values = np.where(finite, values, np.median(values[finite]))
        if values.min() == values.max():
            notes.append(f"{path.name}: column {name!r} is constant and was left out")
            continue
        columns.append(values.astype(np.float32))
        names.append(name)
    if not columns:
        raise DataError(
            f"{path}: no numeric column that varies; {len(kinds)} columns, {len(table)} rows"
        )
    return Columns(tuple(names), np.stack(columns, 1), labels, tuple(notes))


def write(path: Path, columns: dict[str, Any]) -> None:
    """Named columns of equal length to .parquet or .csv; whole or not at all."""
    polars = _polars(f"writing {path}")
    table = polars.DataFrame(columns)
    with replacing(path) as temporary:
        if path.suffix == ".parquet":
            table.write_parquet(temporary)
        else:
            table.write_csv(temporary)
