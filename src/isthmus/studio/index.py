"""What the Studio knows of runs that their folders do not say: titles, stars, tags, places in a queue.

SQLite in WAL mode, beside the runs. It is an index: without it every run is still there.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

_COLUMNS = "path, title, star, tags, sweep, queued, ended, reason"


@dataclass(frozen=True)
class Note:
    """``queued``: when a run was put into the queue, 0 if it does not wait. ``ended`` and ``reason``: how
    a training ended that could not say it itself (failed, interrupted, stopped)."""

    title: str = ""
    star: bool = False
    tags: tuple[str, ...] = ()
    sweep: str = ""
    queued: float = 0.0
    ended: str = ""
    reason: str = ""


class Index:
    """Notes by the run's path within the folder of runs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged = False
        try:
            self._open()
        except sqlite3.DatabaseError:
            # Nothing but stars, tags and titles is lost with it: keep it aside and begin anew.
            self.damaged = True
            path.replace(path.with_suffix(".damaged"))
            for extra in ("-wal", "-shm"):
                path.with_name(path.name + extra).unlink(missing_ok=True)
            self._open()
        self._held = self._read()

    def _open(self) -> None:
        self._db = sqlite3.connect(self.path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS runs (path TEXT PRIMARY KEY, title TEXT NOT NULL, "
            "star INTEGER NOT NULL, tags TEXT NOT NULL, sweep TEXT NOT NULL, "
            "queued REAL NOT NULL, ended TEXT NOT NULL, reason TEXT NOT NULL)"
        )
        self._db.execute(f"SELECT {_COLUMNS} FROM runs LIMIT 1")

    def _read(self) -> dict[str, Note]:
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM runs")
        return {
            path: Note(title, bool(star), tuple(json.loads(tags)), sweep, queued, ended, reason)
            for path, title, star, tags, sweep, queued, ended, reason in rows
        }

    def get(self, path: str) -> Note:
        """What is noted of a run; an empty note if nothing is."""
        return self._held.get(path, Note())

    def set(self, path: str, **changes: Any) -> Note:
        """Note something of a run. Raises OSError where the disk is full."""
        note = replace(self.get(path), **changes)
        if note == self.get(path):
            return note
        try:
            self._db.execute(
                f"INSERT OR REPLACE INTO runs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (path, note.title, int(note.star), json.dumps(note.tags), note.sweep, note.queued,
                 note.ended, note.reason),
            )  # fmt: skip
        except sqlite3.OperationalError as error:
            raise _as_os_error(error, self.path) from None
        self._held[path] = note
        return note

    def forget(self, path: str) -> None:
        """A run is gone."""
        if self._held.pop(path, None) is not None:
            with suppress(sqlite3.OperationalError):
                self._db.execute("DELETE FROM runs WHERE path = ?", (path,))

    def queue(self) -> list[str]:
        """Paths of the runs that wait, in order."""
        waiting = [(note.queued, path) for path, note in self._held.items() if note.queued]
        return [path for _, path in sorted(waiting)]

    def close(self) -> None:
        """Everything is on disk already."""
        self._db.close()


def _as_os_error(error: sqlite3.OperationalError, path: Path) -> OSError:
    import errno

    full = "full" in str(error)
    return OSError(errno.ENOSPC if full else errno.EIO, str(error), str(path))
