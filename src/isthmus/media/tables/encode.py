"""Rows of a table to the numbers a network sees, by the schema of the model that asks."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import DataError
from isthmus.media.tables.schema import Column, Schema
from isthmus.media.tables.sources import polars
from isthmus.media.tables.values import as_numbers, as_text, as_times, present

Array = NDArray[Any]

FAR = 30.0
"""Standard deviations beyond which a number grows by its logarithm only."""
_CYCLES = {"hour": 86_400.0, "weekday": 7 * 86_400.0, "month": 365.2425 * 86_400.0}
# 1970 began on a Thursday.
_STARTS = {"hour": 0.0, "weekday": 3 * 86_400.0, "month": 0.0}
_MOSTLY = 0.5


@dataclass(frozen=True)
class Encoded:
    """Rows as a network sees them.

    ``values`` (N, width) float32, 0 where nothing is known; ``given`` (N, width) float32, 1 where it
    is. ``fixed`` (N, used columns) float32: surprise in nats that needs no network, of values and
    gaps that training rows never had.
    """

    values: Array
    given: Array
    fixed: Array


@dataclass(frozen=True)
class Misfit:
    """Values of a column that training did not prepare for: how many, and one of them.

    ``kind`` is what they should have been; "known" where they are words never seen before.
    """

    column: str
    kind: str
    count: int
    example: str

    @property
    def text(self) -> str:
        """In words."""
        what = "1 value" if self.count == 1 else f"{self.count:,} values"
        such = f": {self.example!r}" if self.count == 1 else f", such as {self.example!r}"
        if self.kind == "known":
            never = "was" if self.count == 1 else "were"
            return f"{what} of {self.column!r} {never} never seen in training{such}"
        are = "is" if self.count == 1 else "are"
        return f"{what} of {self.column!r} {are} not a {self.kind}{such}; counted as missing"


@dataclass(frozen=True)
class Block:
    """Where a used column lies among the inputs: ``start:stop`` its values, ``flag`` its absence."""

    column: Column
    start: int
    stop: int
    flag: int | None

    @property
    def choice(self) -> bool:
        """Whether exactly one of the inputs is 1 (a category)."""
        return self.column.kind == "category"


def blocks(schema: Schema) -> tuple[Block, ...]:
    """The place of every used column."""
    made, at = [], 0
    for column in schema.used:
        width = column.width - column.flags if column.width else 0
        flag = at + width if column.flags else None
        made.append(Block(column, at, at + width, flag))
        at += column.width
    return tuple(made)


def encode(frame: Any, schema: Schema, name: str) -> tuple[Encoded, tuple[Misfit, ...]]:
    """(what the network sees, values that do not fit).

    Raises DataError: a column of the model is not there, or holds another kind of value.
    """
    absent = [c.name for c in schema.used if c.name not in frame.columns]
    if absent:
        raise DataError(
            f"{name}: has no column {', '.join(map(repr, absent[:8]))}, which the model was trained with"
        )
    rows = len(frame)
    values = np.zeros((rows, schema.width), np.float32)
    given = np.ones((rows, schema.width), np.float32)
    fixed = np.zeros((rows, len(schema.used)), np.float32)
    never = np.float32(np.log(schema.rows + 1))
    misfits: list[Misfit] = []
    for number, block in enumerate(blocks(schema)):
        column, series = block.column, present(frame[block.column.name])
        span = slice(block.start, block.stop)
        match column.kind:
            case "number":
                made, gone = _number(series, column, name, misfits)
                values[:, block.start] = made
            case "date":
                times = partial(as_times, day_first=column.day_first)
                seconds = _read(times, series, column, name, misfits)
                gone = ~np.isfinite(seconds)
                values[:, span] = _cycles(np.where(gone, 0.0, seconds), column)
            case "category":
                gone, unseen = _category(series, column, values[:, span])
                fixed[:, number] += never * unseen
                if unseen.any():
                    news = int(unseen.sum()), str(series[int(unseen.argmax())])
                    misfits.append(Misfit(column.name, "known", *news))
            case _:
                fixed[:, number] = never * _differs(series, column)
                continue
        values[gone, span] = 0
        given[gone, span] = 0
        if block.flag is not None:
            share = column.missing
            values[:, block.flag] = (gone - share) / np.sqrt(max(share * (1 - share), 1e-6))
        else:
            fixed[gone, number] += never
    return Encoded(values, given, fixed), tuple(misfits)


def _number(series: Any, column: Column, name: str, misfits: list[Misfit]) -> tuple[Array, Array]:
    raw = _read(as_numbers, series, column, name, misfits)
    gone = np.isnan(raw)
    raw = np.nan_to_num(raw, nan=column.mean, posinf=1e300, neginf=-1e300)
    return bounded((raw - column.mean) / column.spread).astype(np.float32), gone


def bounded(z: Array) -> Array:
    """Standardised numbers: as they are up to FAR, then growing by their logarithm."""
    size = np.abs(z)
    made: Array = np.where(
        size > FAR, np.sign(z) * (FAR + np.log1p(np.maximum(size - FAR, 0.0))), z
    )
    return made


def _read(parse: Any, series: Any, column: Column, name: str, misfits: list[Misfit]) -> Array:
    """Numbers of a column (NaN: none); values that are none are counted, and too many are an error."""
    made = parse(series)
    lost = int(made.null_count()) - int(series.null_count())
    if lost:
        bad = series.filter(made.is_null() & series.is_not_null())[0]
        if lost > _MOSTLY * max(len(series) - series.null_count(), 1):
            raise DataError(
                f"{name}: column {column.name!r} was a {column.kind} in training; here it holds {bad!r}"
            )
        misfits.append(Misfit(column.name, column.kind, lost, str(bad)))
    values: Array = made.to_numpy().astype(np.float64)
    return values


def _cycles(seconds: Array, column: Column) -> Array:
    made = np.empty((len(seconds), 2 * len(column.parts)), np.float32)
    for i, part in enumerate(column.parts):
        angle = 2 * np.pi * ((seconds + _STARTS[part]) % _CYCLES[part]) / _CYCLES[part]
        made[:, 2 * i] = np.sqrt(2) * np.sin(angle)
        made[:, 2 * i + 1] = np.sqrt(2) * np.cos(angle)
    return made


def _category(series: Any, column: Column, out: Array) -> tuple[Array, Array]:
    """Write ones into ``out`` (N, levels + places); returns (missing, never seen before)."""
    package = polars("reading tables")
    # Only distinct values are looked at one by one; rows follow by number.
    text = as_text(series)
    distinct = text.unique(maintain_order=True)
    level = {v: i for i, v in enumerate(column.levels)}
    known = set(column.known)
    place, news = [], []
    for value in distinct.to_list():
        if value is None:
            place.append(-1)
        elif value in level:
            place.append(level[value])
        elif column.places:
            place.append(len(level) + zlib.crc32(value.encode()) % column.places)
        else:
            place.append(-2)
        news.append(value is not None and value not in known)
    table = package.DataFrame(
        {
            "v": distinct,
            "place": package.Series(place, dtype=package.Int32),
            "new": package.Series(news, dtype=package.Boolean),
        }
    )
    joined = package.DataFrame({"v": text}).join(
        table, on="v", how="left", nulls_equal=True, maintain_order="left"
    )
    at, new = joined["place"].to_numpy(), joined["new"].to_numpy()
    rows = np.flatnonzero(at >= 0)
    out[rows, at[rows]] = 1
    # Where all values of a column were stored, an unknown one is new; else nobody can tell.
    return at == -1, new & (len(column.known) < 10_000)


def _differs(series: Any, column: Column) -> Array:
    if column.low == column.high and column.known and column.spread == 1.0 and _numeric(series):
        made: Array = as_numbers(series).to_numpy() != column.low
        return made
    other: Array = (as_text(series) != column.known[0]).fill_null(True).to_numpy()
    return other


def _numeric(series: Any) -> bool:
    return bool(series.dtype.is_numeric())
