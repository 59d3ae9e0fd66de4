"""The values of a column as numbers, times or text, however they were written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from isthmus.media.tables.sources import polars

_ABSENT = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL")


def present(series: Any) -> Any:
    """The column with the words that people write for "no value" as no value."""
    package = polars("reading tables")
    if series.dtype != package.String:
        return series
    frame = series.to_frame()
    absent = package.col(series.name).str.strip_chars().is_in(list(_ABSENT))
    return frame.select(package.when(~absent).then(package.col(series.name))).to_series()


def as_numbers(series: Any) -> Any:
    """A polars Float64 series of any column: text is parsed, ``1,234.5`` and ``1 234,5`` too."""
    package = polars("reading tables")
    kind = series.dtype
    if kind.is_numeric() or kind == package.Boolean:
        return series.cast(package.Float64, strict=False)
    if kind.is_temporal() and kind not in (package.Time, package.Duration):
        # Milliseconds are finer than any clock that people enter.
        return series.cast(package.Datetime("ms"), strict=False).cast(package.Int64) / 1000.0
    if kind == package.Duration:
        return series.dt.total_milliseconds() / 1000.0
    text = series.cast(package.String, strict=False).str.strip_chars()
    plain = text.cast(package.Float64, strict=False)
    if int(plain.null_count()) == int(text.null_count()):
        return plain
    bare = text.str.replace_all(r"[\s'’  ]", "")
    english = bare.str.replace_all(",", "").cast(package.Float64, strict=False)
    comma = bare.str.contains(r"^[-+]?[\d.]*,\d+$")
    european = (
        bare.str.replace_all(r"\.", "").str.replace(",", ".").cast(package.Float64, strict=False)
    )
    grouped = bare.str.contains(r"^[-+]?\d{1,3}(,\d{3})+(\.\d+)?$")
    other = package.select(
        package.when(comma & ~grouped).then(european).otherwise(english)
    ).to_series()
    return plain.fill_null(other)


def as_times(series: Any, day_first: bool | None = None) -> Any:
    """A polars Float64 series of seconds since 1970 of a date column, text or not.

    Offsets are taken off. ``day_first`` says what 3/4/2026 is; None: what fits more of these values.
    """
    if series.dtype.is_temporal():
        return as_numbers(series)
    text = series.cast(polars("reading tables").String, strict=False).str.strip_chars()
    if day_first is None:
        day_first = days_come_first(text)
    made = _parsed(text, _DATES)
    if int(made.null_count()) > int(text.null_count()):
        order = "%d/%m/%Y" if day_first else "%m/%d/%Y"
        made = made.fill_null(_parsed(text, [f"{order}{clock}" for clock in _CLOCKS]))
    return made.cast(polars("reading tables").Int64) / 1000.0


def days_come_first(text: Any) -> bool:
    """Whether dates with slashes begin with the day: they do if that fits more of them."""
    head = text.filter(text.str.contains(r"^\d{1,2}/\d{1,2}/\d{4}").fill_null(False)).head(10_000)
    fits = [
        int(head.str.extract(shape).cast(polars("").Int64).is_between(1, 12).sum())
        for shape in (r"^(\d+)/", r"^\d+/(\d+)/")
    ]
    return fits[0] < fits[1]


def _parsed(text: Any, shapes: Iterable[str]) -> Any:
    package = polars("reading tables")
    made = package.Series(text.name, [None] * len(text), package.Datetime("ms"))
    for shape in shapes:
        if int(made.null_count()) == int(text.null_count()):
            break
        found = text.str.to_datetime(shape, strict=False, time_unit="ms")
        made = made.fill_null(found.dt.replace_time_zone(None))
    return made


_CLOCKS = (" %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", "")
_DATES = (
    "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%d", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d",
    "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z",
)  # fmt: skip


def as_text(series: Any) -> Any:
    """A polars String series of a category; whole numbers without a point, so 1 and 1.0 are one."""
    package = polars("reading tables")
    if series.dtype.is_float():
        whole = series.is_null() | (series == series.round())
        if bool(whole.all()):
            series = series.cast(package.Int64, strict=False)
    text = series.cast(package.String, strict=False)
    return text.str.strip_chars() if text.dtype == package.String else text
