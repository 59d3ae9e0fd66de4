"""What a text table does not say of itself: its encoding, its separator, whether its names are apart."""

from __future__ import annotations

import codecs
import csv
from dataclasses import dataclass
from pathlib import Path

from isthmus.errors import DataError

_LOOKED = 262_144
_SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class Dialect:
    """How a text table is written. ``names`` are those of its first line, in order.

    ``headless``: they are all numbers, as if the names were missing.
    """

    separator: str
    encoding: str
    names: tuple[str, ...]
    headless: bool = False


def dialect(path: Path) -> Dialect:
    """Look at the beginning of a text table. Raises DataError: empty, not text, names that repeat."""
    with path.open("rb") as file:
        start = file.read(_LOOKED)
    if not start.strip():
        raise DataError(f"{path}: is empty")
    encoding = _encoding(path, start)
    text = start.decode(encoding, "ignore")
    lines = [line for line in text.splitlines() if line.strip()]
    if len(start) == _LOOKED and len(lines) > 1:
        lines = lines[:-1]  # the last one may be cut
    separator = _separator(path, lines[:200])
    names = tuple(name.strip() for name in next(csv.reader(lines[:1], delimiter=separator)))
    headless = all(_is_number(name) for name in names)
    _apart(path, names, headless)
    return Dialect(separator, encoding, names, headless)


def _encoding(path: Path, start: bytes) -> str:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if b"\0" in start:
        raise DataError(f"{path}: is not text (it holds zero bytes); is its name right?")
    # A character may be cut at the end of what was read.
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return "cp1252"
    # A later line may still not be UTF-8: the whole file decides.
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while part := file.read(1 << 22):
                decoder.decode(part)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _separator(path: Path, lines: list[str]) -> str:
    """The separator that cuts the lines into the most columns, equally many on (nearly) each."""
    if path.suffix.lower() == ".tsv":
        return "\t"
    best, reached = ",", (0.0, 0)
    for candidate in _SEPARATORS:
        widths = [len(row) for row in csv.reader(lines, delimiter=candidate) if row]
        if not widths or widths[0] < 2:
            continue
        even = sum(w == widths[0] for w in widths) / len(widths)
        if (even, widths[0]) > reached:
            best, reached = candidate, (even, widths[0])
    return best


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _apart(path: Path, names: tuple[str, ...], headless: bool) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen and headless:
            raise DataError(
                f"{path}: the first line holds numbers; it must hold the columns' names"
            )
        if name in seen:
            raise DataError(f"{path}: two columns are called {name!r}; give one another name")
        seen.add(name)
