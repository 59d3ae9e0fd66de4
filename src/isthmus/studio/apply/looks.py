"""In the worker process: a first look into a file that was dropped. What is it, can it be read at all?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from isthmus.errors import DataError
from isthmus.studio.apply import views

MOST_PIXELS = 100_000_000
_MOST_COLUMNS = 500


def look(order: dict[str, Any]) -> dict[str, Any]:
    """``facts`` of a file, and the ``view`` that was made of it if a browser cannot show it.

    Raises IsthmusError, whose text calls the file by its path.
    """
    path = Path(order["path"])
    facts: dict[str, Any]
    match order["kind"]:
        case "picture":
            return _picture(path, bool(order["shows"]), Path(order["view"]))
        case "sound":
            facts = _sound(path)
        case "table":
            facts = _table(path)
        case _:
            facts = _isth(path)
    return {"facts": facts}


def _picture(path: Path, shows: bool, view: Path) -> dict[str, Any]:
    from isthmus.media import photo

    width, height = photo.measure(path, MOST_PIXELS)
    facts = {"width": width, "height": height}
    if shows and width * height <= views.MOST_SHOWN:
        return {"facts": facts}
    views.write_png(view, photo.read(path, MOST_PIXELS).pixels)
    return {"facts": facts, "view": str(view)}


def _sound(path: Path) -> dict[str, Any]:
    from isthmus.media import sound

    with sound.Source(path) as source:
        return {
            "seconds": round(source.frames / source.rate, 3), "rate": source.rate,
            "channels": source.channels,
        }  # fmt: skip


def _table(path: Path) -> dict[str, Any]:
    from isthmus.media import tables

    source = tables.source(path)
    package = tables.polars(f"reading {path}")
    try:
        names = source.lazy.collect_schema().names()
        rows = int(source.lazy.select(package.len()).collect(engine="streaming").item())
    except (OSError, package.exceptions.PolarsError, package.exceptions.PanicException) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(f"{path}: cannot be read as a table ({said})") from None
    return {"columns": names[:_MOST_COLUMNS], "width": len(names), "rows": rows}


def _isth(path: Path) -> dict[str, Any]:
    from isthmus.codec import container
    from isthmus.codec.errors import FormatError

    try:
        header = container.read(path.read_bytes(), MOST_PIXELS).header
    except FormatError as error:
        raise DataError(f"{path}: {error}") from None
    return {"width": header.width, "height": header.height}
