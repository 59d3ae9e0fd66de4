"""What the verbs on photographs share: names of outputs, what is said and shown of each."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isthmus.cli.common import check_output

if TYPE_CHECKING:
    from isthmus.cli.batch import Job

# What cannot be written, or would lose what was gained.
_RENAMED = {".gif": ".png", ".jp2": ".png"}


def renamed(path: Path) -> str:
    """The name of an output beside others: the input's, of a kind that can be written."""
    return path.stem + _RENAMED.get(path.suffix.lower(), path.suffix)


def check_outputs(jobs: Iterable[Job]) -> None:
    """Raises a usage error if an output is of a kind that no photograph is written as."""
    from isthmus.media import photo

    for job in jobs:
        check_output(job.output, photo.WRITABLE)


def remarks(notes: Iterable[str], already: str) -> str:
    """What there is to say of a photograph in brackets; ``already`` is what processed it before."""
    said = [*notes, *([f"was processed before by {already}"] if already else [])]
    return f"  ({'; '.join(said)})" if said else ""


def before_after(name: str, before: Any, after: Any, text: str) -> Any:
    """Pixels of any depth as a pair of the page of ``--compare``."""
    from isthmus.media.photo import eight_bits
    from isthmus.report import compare

    return compare.pair(name, eight_bits(before), eight_bits(after), text)


def write_page(path: Path | None, title: str, shown: list[Any], tree: dict[str, Any]) -> None:
    """The page of ``--compare``, if one was asked for and there is anything to show."""
    if path is None or not shown:
        return
    from isthmus.report import compare

    compare.write(path, title, shown)
    tree["compare"] = str(path)
