"""Files that a page sent and files that were made for it: by id, in one folder, for as long as they are used.

What a person calls a file is a label, never a path. The folder is emptied when the Studio opens and when
it closes, and of what nobody has touched for a day.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isthmus.studio.apply import sniff
from isthmus.studio.refusals import Refusal, disk_full, not_found
from isthmus.studio.security import LARGEST_UPLOAD

MEGABYTE = 1_000_000
LARGEST = {
    "picture": 100 * MEGABYTE, "isth": 100 * MEGABYTE, "sound": LARGEST_UPLOAD, "table": 500 * MEGABYTE,
}  # fmt: skip
MOST_FILES = 1_000
MOST_BYTES = 8_000 * MEGABYTE
_LEAST_DISK = 512 * MEGABYTE
_HEAD = 4096
_IDLE_SECONDS = 15.0
_KEPT_SECONDS = 86_400.0


@dataclass
class Held:
    """One file. ``role`` is ``input``, ``part`` (a mask, a reference), ``result``, ``extra`` or ``view``."""

    id: str
    label: str
    kind: str
    suffix: str
    type: str
    path: Path
    size: int
    role: str = "input"
    facts: dict[str, Any] = field(default_factory=dict)
    """What a look into it found: width, height, seconds, columns, …"""
    error: str = ""
    view: str = ""
    """Id of a file that a browser can show in its place, if it cannot show this one."""
    looked: bool = False
    used: float = field(default_factory=time.monotonic)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id, "label": self.label, "kind": self.kind, "size": self.size,
            "suffix": self.suffix.removeprefix("."), "shows": bool(self.type), "role": self.role,
            "facts": self.facts, "error": self.error, "view": self.view, "looked": self.looked,
        }  # fmt: skip


class Uploads:
    """The folder and what is in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, Held] = {}

    def open(self) -> None:
        """Begin empty, readable by its owner only."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, mode=0o700)

    def close(self) -> None:
        """Leave nothing."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def get(self, id: str) -> Held:
        """A file by id. Raises Refusal."""
        found = self.files.get(id)
        if found is None:
            raise not_found("such file any more", "drop it again")
        found.used = time.monotonic()
        return found

    def new_path(self, suffix: str) -> tuple[str, Path]:
        """An id that nobody can guess, and the path that goes with it."""
        id = secrets.token_hex(8)
        return id, self.folder / f"{id}{suffix}"

    def add(self, path: Path, label: str, role: str, **more: Any) -> Held:
        """Take in a file that lies in the folder already."""
        told = sniff.of_result(path.name)
        held = Held(
            secrets.token_hex(8),
            label,
            path=path,
            size=path.stat().st_size,
            role=role,
            **told,
            **more,
        )
        self.files[held.id] = held
        return held

    def drop(self, held: Held) -> None:
        """Remove one."""
        self.files.pop(held.id, None)
        with suppress(OSError):
            held.path.unlink()
        if held.view and (view := self.files.get(held.view)) is not None:
            self.drop(view)

    @property
    def taken(self) -> int:
        """Bytes of all of them."""
        return sum(held.size for held in self.files.values())

    def room(self) -> None:
        """Raise Refusal where there is no room for another file."""
        if sum(held.role == "input" for held in self.files.values()) >= MOST_FILES:
            raise Refusal(
                413, "too_large", f"{MOST_FILES:,} files lie here already", "remove some first"
            )
        if self.taken > MOST_BYTES:
            text = f"the files here take {self.taken / 1e9:.1f} GB already"
            raise Refusal(413, "too_large", text, "remove some first")
        if shutil.disk_usage(self.folder).free < _LEAST_DISK:
            raise disk_full(str(self.folder.name))

    def sweep(self, kept: set[str]) -> list[Held]:
        """Drop what nobody has touched for a day and is not in ``kept``; returns what went."""
        old = time.monotonic() - _KEPT_SECONDS
        gone = [h for h in self.files.values() if h.used < old and h.id not in kept]
        for held in gone:
            self.drop(held)
        return gone

    async def take(self, label: str, role: str, chunks: AsyncIterator[bytes]) -> Held:
        """A file as it comes in. Raises Refusal for what no task takes and for what is too large."""
        self.room()
        label = clean_label(label)
        reader = _Reader(chunks)
        head = await reader.head(_HEAD)
        if not head:
            raise Refusal(415, "media_type", f"{label}: is empty (0 bytes)")
        found = sniff.sniff(head, label)
        if found is None:
            text = f"{label}: is none of the kinds of files that are taken here"
            raise Refusal(415, "media_type", text, f"there are {sniff.TAKEN}")
        id, path = self.new_path(found.suffix)
        most, size = LARGEST[found.kind], 0
        try:
            with path.open("xb") as file:
                async for chunk in reader.rest():
                    size += len(chunk)
                    if size > most:
                        text = f"{label}: is larger than {most // MEGABYTE:,} MB"
                        raise Refusal(
                            413, "too_large", text, "the command line takes files of any size"
                        )
                    await asyncio.to_thread(file.write, chunk)
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise
        held = Held(id, label, found.kind, found.suffix, found.type, path, size, role)
        self.files[id] = held
        return held


class _Reader:
    """A body in pieces that may come slowly, but not too slowly."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self.chunks = chunks
        self.first = b""
        self.ended = False

    async def head(self, wanted: int) -> bytes:
        while len(self.first) < wanted and not self.ended:
            self.first += await self._next()
        return self.first

    async def rest(self) -> AsyncIterator[bytes]:
        """Everything, from the beginning."""
        yield self.first
        self.first = b""
        while not self.ended:
            chunk = await self._next()
            if chunk:
                yield chunk

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                return await anext(self.chunks)
        except StopAsyncIteration:
            self.ended = True
            return b""
        except TimeoutError:
            raise Refusal(408, "bad_request", "the file came too slowly") from None


def clean_label(text: str) -> str:
    """A file's name as it is shown and offered for download: no folders, no control characters."""
    last = text.replace("\\", "/").rstrip("/").rpartition("/")[2]
    kept = "".join(c for c in last if c.isprintable()).strip().lstrip(".")
    if len(kept) > 120:
        stem, dot, suffix = kept.rpartition(".")
        kept = f"{stem[:100]}…{dot}{suffix[:12]}" if dot else kept[:120]
    return kept or "file"
