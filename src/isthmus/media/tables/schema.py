"""What the columns of a table are: inferred from a sample, stored with a model, checked at every use."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import DataError
from isthmus.media.tables.sources import polars
from isthmus.media.tables.values import as_numbers, as_text, as_times, days_come_first, present

Array = NDArray[Any]
Kind = Literal["number", "category", "date", "constant", "id", "text", "empty"]

MOST_LEVELS = 32
"""Values of a category that are told apart; rarer ones share hashed places."""
PLACES = 8
"""Places that rare values share."""
_MOST_KNOWN = 10_000
_PARSES = 0.95
_ID_NAME = re.compile(r"(^|[_\W])(id|uuid|guid|rowid|row|index|idx|nr|no)$", re.IGNORECASE)
_LEAST_ROWS = 20
_YEAR = 366 * 86_400.0


@dataclass(frozen=True)
class Column:
    """One column and what training rows showed of it.

    ``levels`` are a category's usual values, the most frequent first; ``known`` all values seen.
    ``parts`` are what a date becomes, ``day_first`` how it is read. ``missing`` is the share of training rows without a value.
    """

    name: str
    kind: Kind
    missing: float = 0.0
    mean: float = 0.0
    spread: float = 1.0
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    levels: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    day_first: bool = False

    @property
    def used(self) -> bool:
        """Whether the column takes part in scores."""
        return self.kind in {"number", "category", "date", "constant"}

    @property
    def flags(self) -> bool:
        """Whether some training rows had no value, so that its absence can be learnt."""
        return self.missing > 0 and self.kind in {"number", "category", "date"}

    @property
    def width(self) -> int:
        """Network inputs this column becomes."""
        match self.kind:
            case "number":
                return 1 + self.flags
            case "date":
                return 2 * len(self.parts) + self.flags
            case "category":
                return len(self.levels) + self.places + self.flags
            case _:
                return 0

    @property
    def places(self) -> int:
        """Hashed places that values outside ``levels`` share."""
        return PLACES if len(self.known) > len(self.levels) else 0


@dataclass(frozen=True)
class Schema:
    """The columns of a table, in order, and the rows they were inferred from."""

    columns: tuple[Column, ...]
    rows: int
    label: str | None = None
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def used(self) -> tuple[Column, ...]:
        """The columns that take part in scores."""
        return tuple(c for c in self.columns if c.used)

    @property
    def width(self) -> int:
        """Network inputs of a row."""
        return sum(c.width for c in self.columns)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a model's file."""
        return {
            "rows": self.rows,
            "label": self.label,
            "columns": [asdict(c) for c in self.columns],
        }

    @staticmethod
    def from_json(tree: dict[str, Any]) -> Schema:
        columns = []
        for held in tree["columns"]:
            plain: dict[str, Any] = {
                k: tuple(v) if isinstance(v, list) else v for k, v in held.items()
            }
            columns.append(Column(**plain))
        return Schema(tuple(columns), int(tree["rows"]), tree["label"])


def infer(
    frame: Any, name: str, label: str | None = None, kinds: dict[str, str] | None = None
) -> Schema:
    """A schema from a sample of rows; ``kinds`` says what a person knows better.

    Raises DataError if too little is left to learn from; what was left out is noted.
    """
    if label is not None and label not in frame.columns:
        raise DataError(f"{name}: has no column {label!r}; it has {_listed(frame.columns)}")
    wrong = [c for c in kinds or {} if c not in frame.columns]
    if wrong:
        raise DataError(f"{name}: has no column {wrong[0]!r}; it has {_listed(frame.columns)}")
    if len(frame) < 2:
        rows = "no rows" if len(frame) == 0 else "one row"
        raise DataError(f"{name}: has {rows}; there is nothing to learn from")
    made = [_column(present(frame[n]), (kinds or {}).get(n)) for n in frame.columns if n != label]
    schema = Schema(tuple(made), len(frame), label, _notes(name, made))
    if not schema.width:
        raise DataError(
            f"{name}: no column that varies and can be used; {len(frame.columns)} columns, {len(frame)} rows"
        )
    return schema


def _column(series: Any, said: str | None) -> Column:
    package = polars("reading tables")
    name, rows = series.name, len(series)
    text_like = series.dtype in (package.String, package.Categorical, package.Enum)
    if said is not None:
        return _as_kind(series, said)
    if not (
        text_like
        or series.dtype.is_numeric()
        or series.dtype.is_temporal()
        or series.dtype == package.Boolean
    ):
        return Column(name, "text")
    if series.null_count() == rows:
        return Column(name, "empty", 1.0)
    given = series.drop_nulls()
    if series.dtype == package.Boolean:
        return _as_kind(series, "category")
    if series.dtype.is_temporal() and series.dtype not in (package.Time, package.Duration):
        return _as_kind(series, "date")
    if text_like:
        numbers = as_numbers(given)
        if 1 - numbers.null_count() / len(given) < _PARSES:
            head = given.head(1000)
            if 1 - as_times(head).null_count() / len(head) >= _PARSES:
                return _as_kind(series, "date")
            distinct = given.n_unique()
            if rows >= _LEAST_ROWS and distinct > 0.95 * len(given) and distinct > MOST_LEVELS:
                return Column(name, "id" if _ID_NAME.search(name) else "text")
            return _as_kind(series, "category")
        if _numbered(name, numbers.drop_nulls()):
            return Column(name, "id")
        return _as_kind(series, "number")
    if _numbered(name, given):
        return Column(name, "id")
    return _as_kind(series, "number")


def _numbered(name: str, given: Any) -> bool:
    """Whether whole numbers that never repeat only number the rows."""
    if len(given) < _LEAST_ROWS or given.n_unique() < len(given):
        return False
    values = given.cast(polars("reading tables").Float64).to_numpy()
    if not np.isfinite(values).all() or (values != np.round(values)).any():
        return False
    steps = np.diff(values)
    counts = bool((steps > 0).all() or (steps < 0).all())
    return counts or bool(_ID_NAME.search(name))


def _as_kind(series: Any, kind: str) -> Column:
    name, rows = series.name, len(series)
    if kind in {"id", "text", "ignore"}:
        return Column(name, "id" if kind == "id" else "text")
    if kind == "category":
        text = as_text(series)
        missing = text.null_count() / rows
        counts = text.drop_nulls().value_counts(sort=True, name="__count")
        values = counts[name].to_list()
        often = counts["__count"].to_list()
        # Ties in the order of their names: the same rows give the same schema.
        order = sorted(range(len(values)), key=lambda i: (-often[i], values[i]))
        known = tuple(values[i] for i in order)
        if len(known) + (missing > 0) < 2:
            return Column(name, "constant" if known else "empty", missing, known=known)
        usual = sum(n >= max(2, 0.0005 * rows) for n in often)
        return Column(
            name, "category", missing,
            levels=known[: min(MOST_LEVELS, max(usual, 1))], known=known[:_MOST_KNOWN],
        )  # fmt: skip
    values = (as_times if kind == "date" else as_numbers)(series).to_numpy().astype(np.float64)
    given = values[np.isfinite(values)]
    missing = float(np.isnan(values).mean())
    if not len(given):
        return Column(name, "empty", 1.0)
    low, high = float(given.min()), float(given.max())
    if low == high and missing == 0:
        return Column(name, "constant", missing, low, 1.0, low, high, known=(_plain(low),))
    if kind == "date":
        text = series.dtype in (polars("").String, polars("").Categorical, polars("").Enum)
        first = text and days_come_first(series.cast(polars("").String).str.strip_chars())
        return Column(
            name, "date", missing, low=low, high=high, parts=_parts(given), day_first=first
        )
    if kind != "number":
        raise DataError(
            f"{name}: is to be {kind!r}; a column is number, category, date, id or ignore"
        )
    # One absurd value (1e200) must not be the spread of all others.
    calm = np.clip(given, *np.quantile(given, [0.0005, 0.9995])) if len(given) > 2000 else given
    with np.errstate(over="ignore"):
        spread = float(calm.std())
    if not math.isfinite(spread) or spread < 1e-12 * max(abs(low), abs(high), 1e-300):
        middle = np.quantile(given, [0.01, 0.99])
        spread = float(middle[1] - middle[0]) or 1.0
        calm = np.clip(given, *middle)
    return Column(
        name, "number", missing, float(calm.mean()), spread, low, high,
        whole=bool((given == np.round(given)).all()),
    )  # fmt: skip


def _parts(seconds: Array) -> tuple[str, ...]:
    """The cycles that a date column goes through: within the day, the week, the year."""
    parts = []
    if (seconds % 86_400 != seconds[0] % 86_400).any():
        parts.append("hour")
    if seconds.max() - seconds.min() > 86_400:
        parts.append("weekday")
    if seconds.max() - seconds.min() > _YEAR:
        parts.append("month")
    return tuple(parts)


def _plain(value: float) -> str:
    return str(int(value)) if math.isfinite(value) and value == int(value) else f"{value:g}"


def _notes(name: str, columns: list[Column]) -> tuple[str, ...]:
    why = {
        "id": "only number the rows and were left out",
        "text": "are free text and were left out",
        "empty": "have no values and were left out",
        "constant": "always hold the same value; only another value will be noticed",
    }
    return tuple(
        f"{name}: columns that {text}: {_listed(found)}"
        for kind, text in why.items()
        if (found := [c.name for c in columns if c.kind == kind])
    )


def _listed(names: list[str]) -> str:
    return ", ".join(n or "(without a name)" for n in names[:12]) + (
        f" and {len(names) - 12} more" if len(names) > 12 else ""
    )
