"""Tables as they come: files and databases, read lazily in batches of rows, by polars."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from isthmus.errors import DataError, IsthmusError, MissingExtra
from isthmus.media.tables.dialect import dialect

TEXT = (".csv", ".tsv", ".txt")
SUFFIXES = (".csv", ".tsv", ".parquet", ".arrow", ".feather", ".ipc", ".jsonl", ".ndjson")
BATCH = 50_000
_INFERRED = 10_000


def polars(purpose: str) -> Any:
    """The package, or an error that says how to get it."""
    try:
        import polars as package
    except ImportError:
        raise MissingExtra("polars", "tables", purpose) from None
    return package


def is_url(text: str) -> bool:
    """Whether an input names a table in a database, like ``sqlite:///shop.db#payments``."""
    scheme = text.split("://", 1)[0]
    return "://" in text and scheme.split("+")[0] in {"sqlite", "postgresql", "postgres"}


@dataclass
class Source:
    """One table, not yet read. ``name`` is what messages call it; ``stem`` what outputs are called.

    Text columns of CSV files are text until a schema says what they mean, so that what is written
    back is what was read.
    """

    name: str
    stem: str
    suffix: str
    lazy: Any = None
    """A polars LazyFrame; None for a database."""
    engine: Any = None
    query: str = ""
    notes: tuple[str, ...] = ()
    _held: list[Any] = field(default_factory=list)

    def batches(self, size: int = BATCH, columns: list[str] | None = None) -> Iterator[Any]:
        """Polars frames of at most ``size`` rows, in order. Raises DataError that names the table.

        A table without rows gives one empty frame, so that its columns are known.
        """
        package = polars(f"reading {self.name}")
        count = 0
        try:
            for frame in self._frames(size, columns):
                for start in range(0, len(frame), size):
                    count += 1
                    yield frame.slice(start, size)
            if not count:
                yield self._empty(columns)
        except (
            OSError,
            package.exceptions.PolarsError,
            package.exceptions.PanicException,
        ) as error:
            raise self._unreadable(error) from None
        except IsthmusError:
            raise
        except Exception as error:
            if not type(error).__module__.startswith("sqlalchemy"):
                raise
            raise self._unreadable(error) from None

    def sample(self, rows: int, seed: int) -> tuple[Any, int]:
        """(frame of at most ``rows`` rows drawn evenly, in order; how many the table has).

        One pass in constant memory: every row draws a number and the smallest are kept.
        """
        package = polars(f"reading {self.name}")
        rng = np.random.default_rng(seed)
        kept, total = None, 0
        for frame in self.batches():
            drawn = frame.with_columns(
                package.Series("__draw", rng.random(len(frame))),
                package.Series("__row", np.arange(total, total + len(frame))),
            )
            total += len(frame)
            kept = drawn if kept is None else package.concat([kept, drawn])
            if len(kept) > rows:
                kept = kept.bottom_k(rows, by="__draw")
        assert kept is not None
        return kept.sort("__row").drop("__draw", "__row"), total

    def _frames(self, size: int, columns: list[str] | None) -> Iterator[Any]:
        if self.lazy is None:
            yield from self._rows_of_database(size, columns)
            return
        lazy = self.lazy if columns is None else self.lazy.select(columns)
        yield from lazy.collect_batches(chunk_size=size, maintain_order=True, engine="streaming")

    def _rows_of_database(self, size: int, columns: list[str] | None) -> Iterator[Any]:
        package = polars(f"reading {self.name}")
        with self.engine.connect().execution_options(stream_results=True) as connection:
            for frame in package.read_database(
                self.query, connection, iter_batches=True, batch_size=size,
                infer_schema_length=None,
            ):  # fmt: skip
                yield frame if columns is None else frame.select(columns)

    def _empty(self, columns: list[str] | None) -> Any:
        if self.lazy is None:
            raise DataError(f"{self.name}: has no rows")
        frame = self.lazy.head(0).collect()
        return frame if columns is None else frame.select(columns)

    def _unreadable(self, error: BaseException) -> DataError:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        return DataError(f"{self.name}: cannot be read as a table ({said})")


def source(place: str | Path) -> Source:
    """The table in a file or behind a URL. Raises DataError that names it."""
    text = str(place)
    if is_url(text):
        return _database(text)
    path = Path(text)
    package = polars(f"reading {path}")
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    suffix = path.suffix.lower()
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path}: is empty")
        if suffix in TEXT:
            return _text(path)
        if suffix == ".parquet":
            lazy = package.scan_parquet(path)
        elif suffix in {".arrow", ".feather", ".ipc"}:
            lazy = package.scan_ipc(path)
        elif suffix in {".jsonl", ".ndjson"}:
            lazy = package.scan_ndjson(path, infer_schema_length=_INFERRED)
            if package.Null in lazy.collect_schema().dtypes():
                # A column may have its first value late in the file.
                lazy = package.scan_ndjson(path, infer_schema_length=None)
        else:
            raise DataError(f"{path}: is not a table ({', '.join(SUFFIXES)}, or a database's URL)")
        lazy.collect_schema()
    except (OSError, package.exceptions.PolarsError, package.exceptions.PanicException) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(f"{path}: cannot be read as a table ({said})") from None
    return Source(str(path), path.stem, suffix, lazy)


def _text(path: Path) -> Source:
    package = polars(f"reading {path}")
    found = dialect(path)
    place, held = path, []
    notes: tuple[str, ...] = ()
    if found.encoding != "utf-8" and found.encoding != "utf-8-sig":
        folder = _Folder()
        held.append(folder)
        place = _as_utf8(path, folder.path / path.name, found.encoding)
        notes = (f"{path}: is not UTF-8 and was read as {found.encoding}",)
    if found.headless:
        notes += (f"{path}: the first line holds numbers; they were taken for the columns' names",)
    lazy = package.scan_csv(
        place, separator=found.separator, infer_schema=False,
        missing_columns="raise", truncate_ragged_lines=False,
    ).rename(lambda name: name.strip())  # fmt: skip
    return Source(str(path), path.stem, path.suffix.lower(), lazy, notes=notes, _held=held)


class _Folder:
    """A temporary folder that goes when nobody needs it any more."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="isthmus-"))
        weakref.finalize(self, shutil.rmtree, self.path, True)


def _as_utf8(path: Path, place: Path, encoding: str) -> Path:
    with (
        path.open(encoding=encoding, errors="replace", newline="") as old,
        place.open("w", encoding="utf-8", newline="") as new,
    ):
        shutil.copyfileobj(old, new, 1 << 20)
    return place


def _database(text: str) -> Source:
    """``URL#TABLE`` or ``URL#SELECT …``; the part after # may be left out if there is one table."""
    try:
        import sqlalchemy
    except ImportError:
        raise MissingExtra("sqlalchemy", "database", f"reading {public(text)}") from None
    address, _, wanted = text.partition("#")
    wanted = unquote(wanted).strip()
    name = public(address)
    if address.startswith("sqlite:///") and not Path(address.removeprefix("sqlite:///")).is_file():
        raise DataError(f"{name}: no such file")
    if address.startswith(("postgres://", "postgresql://")):
        address = "postgresql+psycopg://" + address.split("://", 1)[1]
    try:
        engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.pool.NullPool)
        inspector = sqlalchemy.inspect(engine)
        tables = [*inspector.get_table_names(), *inspector.get_view_names()]
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "database", f"reading {name}") from None
    except sqlalchemy.exc.SQLAlchemyError as error:
        said = str(error).splitlines()[0]
        raise DataError(f"{name}: cannot be opened ({said})") from None
    listed = ", ".join(tables[:12]) or "none"
    if wanted.lower().startswith("select "):
        return Source(name, "query", ".db", engine=engine, query=wanted)
    if not wanted:
        if len(tables) != 1:
            raise DataError(f"{name}: say which table, as in URL#TABLE; it has: {listed}")
        wanted = tables[0]
    if wanted not in tables:
        raise DataError(f"{name}: has no table {wanted!r}; it has: {listed}")
    quoted = engine.dialect.identifier_preparer.quote(wanted)
    query = f"SELECT * FROM {quoted}"
    return Source(f"{name}#{wanted}", wanted, ".db", engine=engine, query=query)


def public(address: str) -> str:
    """An address without its password and query: it goes into messages, reports and models."""
    address = address.partition("#")[0]
    scheme, _, rest = address.partition("://")
    login, at, place = rest.rpartition("@")
    return f"{scheme}://{login.split(':')[0]}{at}{place}" if at else address
