"""In the worker process: a verb of the command line on a page's files, and what the page shows of it.

The verb is called as a terminal would call it, within this process, which has loaded torch already. So a
result is what the command line gives, to the bit, and a new verb needs nothing here. Paths in its
messages become the names that the person knows.
"""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import click

from isthmus.cli import batch, cli
from isthmus.errors import IsthmusError
from isthmus.studio.apply import views

Share = Callable[[float], None]
_SECONDS_BETWEEN = 0.12
_VERB_SHARE = 0.95
_OWN = ("input", "output", "text", "notes")


class Cancelled(Exception):
    """The page does not want it any more."""


def shares(say: Share, cancelled: Callable[[], bool]) -> Share:
    """``say`` a few times a second, and raise Cancelled once nobody waits for the result."""
    last = 0.0

    def told(done: float) -> None:
        nonlocal last
        if cancelled():
            raise Cancelled("cancelled")
        now = time.monotonic()
        if now - last > _SECONDS_BETWEEN:
            last = now
            say(round(done, 4))

    return told


def apply(order: dict[str, Any], share: Share) -> list[dict[str, Any]]:
    """Do ``order``: an outcome for each of its sources, in their order. Raises Cancelled."""
    folder = Path(order["folder"])
    out = folder / "out"
    out.mkdir(parents=True)
    names = _Names(order, out)
    count = len(order["sources"])
    words = [*order["words"], *_files(order, folder), *_also(order, folder)]
    paths = [source["path"] for source in order["sources"]]

    def moved(done: int, part: float) -> None:
        share(_VERB_SHARE * (done + part) / count)

    lines, said = _call([order["verb"], *paths, "-o", str(out), "--json", *words], moved)
    outcomes = [_outcome(source, lines, said, out, folder, names) for source in order["sources"]]
    for number, (source, outcome) in enumerate(zip(order["sources"], outcomes, strict=True)):
        share(_VERB_SHARE + (1 - _VERB_SHARE) * number / count)
        if outcome["output"]:
            made, more = views.make(source, Path(outcome["output"]), order["gives"], folder)
            outcome["views"], outcome["figures"] = made, {**outcome["figures"], **more}
    return outcomes


def _call(
    words: list[str], moved: Callable[[int, float], None]
) -> tuple[list[dict[str, Any]], list[str]]:
    """(JSON lines it printed, lines it said to the person)."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), batch.watched(moved):
        try:
            cli.main(args=words, prog_name="isthmus", standalone_mode=False)
        except click.exceptions.Exit:
            pass
        except click.ClickException as error:
            err.write(f"isthmus: {error.format_message()}\n")
        except IsthmusError as error:
            err.write(f"isthmus: {error}\n")
    lines = []
    for text in out.getvalue().splitlines():
        tree = json.loads(text) if text.startswith("{") else None
        if isinstance(tree, dict) and "input" in tree and "output" in tree:
            lines.append(tree)
    return lines, err.getvalue().splitlines()


def _outcome(
    source: dict[str, Any], lines: list[dict[str, Any]], said: list[str], out: Path, folder: Path,
    names: _Names,
) -> dict[str, Any]:  # fmt: skip
    """What became of one source."""
    told: dict[str, Any] = {
        "output": "", "error": "", "text": "", "figures": {}, "notes": [], "extra": [], "views": {},
    }  # fmt: skip
    path = str(source["path"])
    faults = [line.removeprefix("isthmus: ") for line in said if line.startswith("isthmus: ")]
    own = [fault for fault in faults if path in fault]
    line = next((tree for tree in lines if tree["input"] == path), None)
    if line is None:
        general = [fault for fault in faults if not names.mentions(fault)]
        fault = (own or general or ["nothing was made of it"])[0]
        told["error"] = names.in_words(fault, source["label"])
        return told
    told["output"] = line["output"]
    told["text"] = names.in_words(str(line.get("text", "")))
    told["figures"] = {k: v for k, v in line.items() if k not in _OWN}
    notes = [note.removeprefix("note: ") for note in said if note.startswith("note: ")]
    notes += [*own, *line.get("notes", [])]
    told["notes"] = list(dict.fromkeys(names.in_words(str(note)) for note in notes))
    stem = Path(path).stem
    versions = [
        p for p in sorted(out.iterdir()) if p.stem.startswith(stem) and str(p) != line["output"]
    ]
    beside = [p for p in sorted(folder.glob("also-*/*")) if p.stem.startswith(stem)]
    told["extra"] = [
        {"path": str(p), "word": p.stem.removeprefix(stem).strip("-_."), "version": True} for p in versions
    ] + [
        {"path": str(p), "word": p.parent.name.removeprefix("also-"), "version": False} for p in beside
    ]  # fmt: skip
    return told


class _Names:
    """The words of a verb with the person's own names in place of paths, and titles in place of flags."""

    def __init__(self, order: dict[str, Any], out: Path) -> None:
        self.known: list[tuple[str, str]] = [(f"{out}/", "")]
        held = [*order["sources"], *order["files"].values()]
        self.paths = [str(source["path"]) for source in order["sources"]]
        self.flags = dict(order["titles"])
        for one in held:
            path, label = Path(one["path"]), str(one["label"])
            stem = label.rpartition(".")[0] or label
            self.known += [(str(path), label), (path.name, label), (path.stem, stem)]

    def mentions(self, text: str) -> bool:
        """Whether a fault is about one of the files."""
        return any(path in text for path in self.paths)

    def in_words(self, text: str, label: str = "") -> str:
        for path, name in self.known:
            text = text.replace(path, name)
        for flag, title in self.flags.items():
            text = re.sub(rf"{re.escape(flag)}(?![-\w])", f"“{title}”", text)
        return text if not label or label in text else f"{label}: {text}"


def _files(order: dict[str, Any], folder: Path) -> Iterator[str]:
    """Options that name a file; a mask is made as large as the picture it is for."""
    for flag, part in order["files"].items():
        path = Path(part["path"])
        if flag in order["masks"]:
            path = views.fitted_mask(path, Path(order["sources"][0]["path"]), folder / "mask.png")
        yield f"{flag}={path}"


def _also(order: dict[str, Any], folder: Path) -> Iterator[str]:
    """Options that ask for a second result: one file, for all sources if there are several."""
    for flag in order["also"]:
        place = folder / f"also-{flag.removeprefix('--').removeprefix('save-')}"
        place.mkdir()
        yield f"{flag}={place / Path(order['sources'][0]['path']).stem}.png"


@contextmanager
def guarded(say: Callable[..., None], job: str) -> Iterator[None]:
    """A cancelled order ends like a failed one, without a reason."""
    try:
        yield
    except Cancelled:
        say("job", job=job, state="failed", message="")
