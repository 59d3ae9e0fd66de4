"""Writing tables of any length: frames in, one file out, in the format of its suffix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from isthmus.errors import DataError
from isthmus.files import replacing
from isthmus.media.tables.sources import SUFFIXES, Source, polars


def write(path: Path, columns: dict[str, Any]) -> None:
    """Named columns of equal length to a table; whole or not at all."""
    package = polars(f"writing {path}")
    with replacing(path) as temporary:
        write_frames(temporary, iter([package.DataFrame(columns)]))


def write_frames(path: Path, frames: Iterator[Any]) -> None:
    """Frames of the same columns, one after the other; memory holds a few at a time.

    The caller gives a temporary path (``files.replacing``). What ``frames`` raises is raised.
    """
    package = polars(f"writing {path}")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(f"{path}: the name must end in {', '.join(SUFFIXES)}")
    first = next(frames)
    schema = first.schema
    raised: list[BaseException] = []

    def rows(
        with_columns: Any, predicate: Any, n_rows: int | None, batch_size: int | None
    ) -> Iterator[Any]:
        try:
            for frame in chain([first], frames):
                # A batch whose values happen to be all missing has no type of its own.
                yield frame if frame.schema == schema else frame.cast(schema)
        except BaseException as error:
            raised.append(error)
            raise

    lazy = package.io.plugins.register_io_source(rows, schema=schema)
    try:
        match suffix:
            case ".parquet":
                lazy.sink_parquet(path, row_group_size=100_000)
            case ".jsonl" | ".ndjson":
                lazy.sink_ndjson(path)
            case ".csv" | ".tsv":
                lazy.sink_csv(path, separator="\t" if suffix == ".tsv" else ",")
            case _:
                lazy.sink_ipc(path)
    except (OSError, package.exceptions.PolarsError, package.exceptions.PanicException) as error:
        cause = raised[0] if raised else error
        if not isinstance(cause, package.exceptions.PolarsError | OSError):
            raise cause from None
        said = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        raise DataError(f"{path}: cannot be written ({said})") from None


def spooled(source: Source, folder: Path) -> Source:
    """A copy of a table in files of ``folder``, the first under its own name, to read it twice alike.

    A database says little of its columns' types, and SQLite holds any in any: each is one that all
    of its values fit.
    """
    package = polars(f"reading {source.name}")
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for number, frame in enumerate(source.batches()):
        parts.append(folder / f"{source.stem}{f'-{number}' if number else ''}.parquet")
        frame.write_parquet(parts[-1])
    lazies = [package.scan_parquet(part) for part in parts]
    kinds: dict[str, Any] = {}
    for lazy in lazies:
        for name, kind in lazy.collect_schema().items():
            kinds[name] = _common(kinds.get(name, kind), kind)
    return replace(
        source, suffix=".parquet", engine=None,
        lazy=package.concat([lazy.cast(kinds) for lazy in lazies]),
    )  # fmt: skip


def _common(one: Any, other: Any) -> Any:
    """The narrowest type that holds values of both."""
    package = polars("reading tables")
    if one == other or other == package.Null:
        return one
    if one == package.Null:
        return other
    if one.is_numeric() and other.is_numeric():
        whole = one.is_integer() and other.is_integer()
        return package.Int64 if whole else package.Float64
    return package.String
