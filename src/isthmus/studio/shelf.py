"""The folder of runs: what lies in it, what changed, the bin."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from isthmus.files import write_json, write_text
from isthmus.models import find, names
from isthmus.recipe import Recipe
from isthmus.studio import entry as en
from isthmus.studio.entry import Entry, Signature
from isthmus.studio.refusals import Refusal, not_found

OWN = ".studio"
"""The Studio's own folder among the runs; hidden ones are no runs."""
_DEPTH = 3
_BIN_DAYS = 7


class Shelf:
    """Entries by id. ``folder`` is created; ``own`` holds what the Studio writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.own = folder / OWN
        self.own.mkdir(parents=True, exist_ok=True)
        self.entries: dict[str, Entry] = {}
        self.shipped: dict[str, Entry] = {}
        for name in names():
            path = find(name)
            assert path is not None
            self.shipped[name] = en.read(name, path, id=name)

    def get(self, id: str) -> Entry:
        """A run or a shipped model by id. Raises Refusal."""
        found = self.entries.get(id) or self.shipped.get(id)
        if found is None:
            raise not_found(f"run {id[:40]!r}", "it may have been removed outside the Studio")
        return found

    def run(self, id: str) -> Entry:
        """A run that may be changed: not a shipped model. Raises Refusal."""
        if id in self.shipped:
            raise Refusal(409, "state", f"{id} ships with Isthmus and stays as it is")
        return self.get(id)

    def signatures(self) -> dict[str, Signature]:
        """Relative path -> signature of every run that lies here now."""
        return {relative: en.sign(self.folder / relative) for relative in self._walk("", _DEPTH)}

    def _walk(self, relative: str, depth: int) -> Iterator[str]:
        try:
            found = sorted(os.scandir(self.folder / relative), key=lambda e: e.name)
        except OSError:
            return
        if relative and any(e.name == "recipe.toml" for e in found):
            yield relative
            return
        if depth == 0:
            return
        for item in found:
            # Links are not followed: what is deleted here must lie here.
            if item.is_dir(follow_symlinks=False) and not item.name.startswith("."):
                yield from self._walk(
                    f"{relative}/{item.name}" if relative else item.name, depth - 1
                )

    def create(self, recipe: Recipe) -> Entry:
        """A new run directory that holds its recipe and waits to be trained."""
        word = re.sub(r"[^a-z0-9]+", "-", recipe.name.lower()).strip("-")[:40] or "run"
        number = 1
        while True:
            relative = word if number == 1 else f"{word}-{number}"
            number += 1
            with suppress(FileExistsError):
                (self.folder / relative).mkdir()
                break
        try:
            write_text(self.folder / relative / "recipe.toml", recipe.to_toml())
        except OSError:
            with suppress(OSError):
                (self.folder / relative).rmdir()
            raise
        return self.renew(relative)

    def renew(self, relative: str) -> Entry:
        """Read a run again."""
        made = en.read(relative, self.folder / relative)
        self.entries[made.id] = made
        return made

    # --- the bin ----------------------------------------------------------------------------------

    def throw_away(self, entry: Entry, note: dict[str, Any]) -> str:
        """Move a run into the bin, whence it can be restored for a week."""
        id = f"b{entry.id[:8]}{time.time_ns() // 1_000_000 % 10**9:09d}"
        if not entry.path.is_dir():
            raise not_found("folder of this run", "it was removed outside the Studio")
        place = self.own / "bin" / id
        place.mkdir(parents=True)
        write_json(
            place / "bin.json",
            {"relative": entry.relative, "deleted": time.time(), "bytes": entry.bytes, **note},
        )
        entry.path.rename(place / "run")
        self.entries.pop(entry.id, None)
        return id

    def binned(self) -> list[dict[str, Any]]:
        """What lies in the bin, newest first."""
        found = []
        for place in (self.own / "bin").glob("b*"):
            with suppress(OSError, ValueError, KeyError):
                held = json.loads((place / "bin.json").read_text("utf-8"))
                until = float(held["deleted"]) + _BIN_DAYS * 86_400
                found.append({**held, "bin": place.name, "until": until})
        return sorted(found, key=lambda item: -item["deleted"])

    def restore(self, id: str) -> tuple[Entry, dict[str, Any]]:
        """Out of the bin, to where it lay or beside what lies there now."""
        held = next((item for item in self.binned() if item["bin"] == id), None)
        if held is None:
            raise not_found("such run in the bin", "it was restored or removed already")
        relative = wanted = str(held["relative"])
        number = 2
        while (self.folder / relative).exists():
            relative, number = f"{wanted}-{number}", number + 1
        (self.folder / relative).parent.mkdir(parents=True, exist_ok=True)
        (self.own / "bin" / id / "run").rename(self.folder / relative)
        shutil.rmtree(self.own / "bin" / id, ignore_errors=True)
        return self.renew(relative), held

    def destroy(self, id: str) -> None:
        """Out of the bin for good."""
        if not any(item["bin"] == id for item in self.binned()):
            raise not_found("such run in the bin", "it was restored or removed already")
        shutil.rmtree(self.own / "bin" / id, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what has lain in the bin long enough."""
        now = time.time()
        for item in self.binned():
            if item["until"] < now:
                shutil.rmtree(self.own / "bin" / item["bin"], ignore_errors=True)
