"""What a key did before: rolling counts, amounts, gaps and risks per card, customer, terminal.

A row sees itself and what came before it, never what comes after. Tables stream through in time
order: only rows within the longest window are remembered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from isthmus.errors import DataError
from isthmus.media.tables.sources import polars
from isthmus.media.tables.values import as_numbers, as_times, present

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_WINDOW = re.compile(r"(\d+)([smhd])")


@dataclass(frozen=True)
class Keys:
    """Which columns name a key, when rows happened, what they moved, over which windows.

    ``windows`` are like "90m", "24h", "7d". ``delay`` is how long it takes until a label is known;
    with it and a ``label`` column, each window also has the share of bad rows that were known then.
    """

    columns: tuple[str, ...]
    time: str
    amount: str | None = None
    windows: tuple[str, ...] = ("1d", "7d", "30d")
    delay: str | None = None
    label: str | None = None

    @property
    def names(self) -> list[str]:
        """The columns that are added."""
        made = []
        for key in self.columns:
            made.append(f"{key}_gap")
            for window in self.windows:
                made.append(f"{key}_count_{window}")
                if self.amount is not None:
                    made.append(f"{key}_amount_{window}")
                if self.risks:
                    made.append(f"{key}_risk_{window}")
        return made

    @property
    def risks(self) -> bool:
        """Whether labels of the past are used."""
        return self.delay is not None and self.label is not None

    @property
    def memory(self) -> int:
        """Seconds that must be remembered."""
        return max(map(seconds, self.windows)) + (seconds(self.delay) if self.delay else 0)


def seconds(window: str) -> int:
    """ "7d" -> 604800."""
    found = _WINDOW.fullmatch(window)
    if not found or not int(found[1]):
        raise DataError(f"{window!r} is no span of time; write one like 90m, 24h or 7d")
    return int(found[1]) * _SECONDS[found[2]]


def history(
    keys: Keys, frames: Iterator[Any], name: str, before: Iterator[Any] | None = None
) -> Iterator[Any]:
    """The frames with the columns of ``keys.names``; ``before`` are earlier rows, only remembered.

    Rows must be in the order of time from frame to frame; within a frame any order will do. Raises
    DataError: a column is not there, a time cannot be read, the order is broken.
    """
    package = polars("looking at the past of keys")
    past: Any = None
    for frame in before or ():
        _check(keys, frame, "the training table")
        past = _recent(keys, _events(keys, frame, "the training table"), past, "")
    for frame in frames:
        _check(keys, frame, name)
        events = _events(keys, frame, name)
        if past is not None and len(events) and len(past):
            late = float(past["t"].max())
            if float(events["t"].min()) < late:
                raise DataError(
                    f"{name}: is not in the order of {keys.time!r}, or does not follow on the training "
                    "table; sort it by time"
                )
        joined = events if past is None else package.concat([past, events], how="vertical_relaxed")
        made = _features(keys, joined).filter(package.col("row") >= 0).sort("row")
        yield frame.with_columns([made[n] for n in keys.names])
        past = _recent(keys, events, past, name)


def _check(keys: Keys, frame: Any, name: str) -> None:
    wanted = [*keys.columns, keys.time, keys.amount, keys.label if keys.risks else None]
    absent = [c for c in wanted if c is not None and c not in frame.columns]
    if absent:
        raise DataError(f"{name}: has no column {absent[0]!r}, which [data.keys] names")


def _events(keys: Keys, frame: Any, name: str) -> Any:
    """Times, keys, amounts and labels alone; ``row`` numbers the rows of this frame."""
    package = polars("looking at the past of keys")
    times = (
        as_times(present(frame[keys.time]))
        if not frame[keys.time].dtype.is_numeric()
        else as_numbers(frame[keys.time])
    )
    if times.null_count():
        bad = frame[keys.time].filter(times.is_null())[0]
        raise DataError(
            f"{name}: {times.null_count()} rows have no time in {keys.time!r}, such as {bad!r}"
        )
    columns = {
        "row": package.Series(range(len(frame)), dtype=package.Int64),
        "t": times,
        "when": (times * 1000).cast(package.Int64).cast(package.Datetime("ms")),
        **{f"k{i}": frame[key].cast(package.String) for i, key in enumerate(keys.columns)},
    }
    if keys.amount is not None:
        columns["amount"] = as_numbers(present(frame[keys.amount]))
    if keys.risks:
        columns["bad"] = as_numbers(frame[keys.label]).fill_null(0.0)
    return package.DataFrame(columns)


def _features(keys: Keys, events: Any) -> Any:
    """Every feature of every row, looking back only."""
    package = polars("looking at the past of keys")
    col = package.col
    sorted_ = events.sort("t", maintain_order=True).with_columns(one=package.lit(1.0))
    made = []
    for i, key in enumerate(keys.columns):
        own = f"k{i}"
        made.append((col("t") - col("t").shift(1)).over(own).alias(f"{key}_gap"))
        for window in keys.windows:

            def rolled(value: Any, what: str, window: str = window, own: str = own) -> Any:
                return getattr(value, f"rolling_{what}_by")("when", window, closed="right").over(
                    own
                )

            made.append(rolled(col("one"), "sum").alias(f"{key}_count_{window}"))
            if keys.amount is not None:
                made.append(rolled(col("amount"), "mean").alias(f"{key}_amount_{window}"))
    made_frame = sorted_.with_columns(made)
    return _with_risks(keys, made_frame) if keys.risks else made_frame


def _with_risks(keys: Keys, events: Any) -> Any:
    """The share of bad rows of a key within a window that ended ``delay`` ago."""
    package = polars("looking at the past of keys")
    col = package.col
    late = package.duration(seconds=seconds(str(keys.delay)))
    for i, key in enumerate(keys.columns):
        own = f"k{i}"
        # Each row happens again when its label is known; sums up to then are differences of running sums.
        told = events.select(own, when=col("when") + late, bad="bad", one="one").sort("when")
        told = told.with_columns(
            bads=col("bad").cum_sum().over(own), ones=col("one").cum_sum().over(own)
        ).select(own, "when", "bads", "ones")
        for window in keys.windows:
            span = package.duration(seconds=seconds(window))
            ends = _as_of(events, told, own, col("when"))
            starts = _as_of(events, told, own, col("when") - span)
            bads = ends["bads"].fill_null(0.0) - starts["bads"].fill_null(0.0)
            ones = ends["ones"].fill_null(0.0) - starts["ones"].fill_null(0.0)
            share = package.select(
                package.when(ones > 0).then(bads / ones).otherwise(0.0)
            ).to_series()
            events = events.with_columns(share.alias(f"{key}_risk_{window}"))
    return events


def _as_of(events: Any, told: Any, own: str, when: Any) -> Any:
    asked = events.select(own, "row", place=polars("").int_range(len(events)), when=when).sort(
        "when"
    )
    return asked.join_asof(
        told, on="when", by=own, strategy="backward", check_sortedness=False
    ).sort("place")


def _recent(keys: Keys, events: Any, past: Any, name: str) -> Any:
    """The rows that later ones may look back to, and the last one of each key for its gap."""
    package = polars("looking at the past of keys")
    if not len(events):
        return past
    events = events.with_columns(row=package.lit(-1, package.Int64))
    joined = events if past is None else package.concat([past, events], how="vertical_relaxed")
    joined = joined.sort("t", maintain_order=True)
    newest = float(joined["t"].max())
    keep = package.col("t") > newest - keys.memory - 1
    for i in range(len(keys.columns)):
        keep = keep | (
            package.int_range(package.len()).over(f"k{i}") == package.len().over(f"k{i}") - 1
        )
    return joined.filter(keep)
