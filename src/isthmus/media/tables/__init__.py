"""Tables <-> columns: CSV, Parquet, Arrow, JSON lines and databases, by polars (the extra ``tables``)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import DataError
from isthmus.media.tables.encode import Block as Block
from isthmus.media.tables.encode import Encoded as Encoded
from isthmus.media.tables.encode import Misfit as Misfit
from isthmus.media.tables.encode import blocks as blocks
from isthmus.media.tables.encode import encode as encode
from isthmus.media.tables.schema import Column as Column
from isthmus.media.tables.schema import Schema as Schema
from isthmus.media.tables.schema import infer as infer
from isthmus.media.tables.sources import SUFFIXES as SUFFIXES
from isthmus.media.tables.sources import Source as Source
from isthmus.media.tables.sources import is_url as is_url
from isthmus.media.tables.sources import polars as polars
from isthmus.media.tables.sources import public as public
from isthmus.media.tables.sources import source as source
from isthmus.media.tables.write import spooled as spooled
from isthmus.media.tables.write import write as write
from isthmus.media.tables.write import write_frames as write_frames

Array = NDArray[Any]


@dataclass(frozen=True)
class Columns:
    """The numeric columns of a table, the label column as text, and what was done to make them."""

    names: tuple[str, ...]
    values: Array
    """(rows, columns) float32, without missing values."""
    labels: tuple[str, ...] | None
    notes: tuple[str, ...]


def frame(path: Path) -> Any:
    """A polars frame of a whole table, text columns with the types their values have. Raises DataError."""
    package = polars(f"reading {path}")
    held = package.concat(list(source(path).batches()))
    texts = [n for n, kind in held.schema.items() if kind == package.String]
    return held.with_columns([_typed(held[n]) for n in texts])


def _typed(series: Any) -> Any:
    """A text column as whole numbers, numbers, truths or dates if all of its values are."""
    package = polars("reading tables")
    lowered = series.str.to_lowercase()
    if series.null_count() < len(series) and bool(lowered.is_in(["true", "false"]).all()):
        return lowered == "true"
    for kind in (package.Int64, package.Float64):
        made = series.cast(kind, strict=False)
        if made.null_count() == series.null_count():
            return made
    return series


def read(path: Path, label: str | None = None) -> Columns:
    """The numeric columns of a table. Missing values become the column's median, and are noted.

    Raises DataError if nothing numeric is left, or the label column is not there.
    """
    package = polars(f"reading {path}")
    table = frame(path)
    if label is not None and label not in table.columns:
        raise DataError(f"{path}: has no column {label!r}; it has {', '.join(table.columns[:20])}")
    labels = None
    if label is not None:
        labels = tuple("" if v is None else str(v) for v in table[label].to_list())
        table = table.drop(label)
    kinds = dict(zip(table.columns, table.dtypes, strict=True))
    usable = [n for n, kind in kinds.items() if kind.is_numeric() or kind == package.Boolean]
    notes = []
    left = [n for n in kinds if n not in usable]
    if left:
        notes.append(
            f"{path.name}: columns that are not numbers were left out: {', '.join(left[:8])}"
        )
    columns, names = [], []
    for name in usable:
        values = table[name].cast(package.Float64, strict=False).to_numpy().astype(np.float64)
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
