"""An order of the page as the server holds it: what is to be done with which files, and what became of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isthmus.studio.apply.describe import Arguments, Task

ENDED = ("done", "failed", "cancelled")


@dataclass
class Outcome:
    """What became of one file. ``extra`` are further results, ``views`` what is shown: name -> file id."""

    source: str
    result: str = ""
    error: str = ""
    text: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    views: dict[str, str] = field(default_factory=dict)


@dataclass
class Job:
    """One order: a task, its files, its options."""

    id: str
    task: Task
    values: dict[str, Any]
    arguments: Arguments
    sources: list[str]
    folder: Path
    state: str = "waiting"
    share: float = 0.0
    message: str = ""
    outcomes: list[Outcome] = field(default_factory=list)
    began: float = 0.0
    seconds: float = 0.0
    cancelling: bool = False

    @property
    def left(self) -> float | None:
        """Seconds that it will still take, by what it took so far."""
        if self.state != "working" or self.share < 0.02:
            return None
        spent = time.monotonic() - self.began
        return round(spent * (1 - self.share) / self.share, 1)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id, "task": self.task.name, "values": self.values, "sources": self.sources,
            "state": self.state, "share": round(self.share, 4), "left": self.left, "message": self.message,
            "seconds": round(self.seconds, 2), "cancelling": self.cancelling,
            "outcomes": [vars(outcome) for outcome in self.outcomes],
        }  # fmt: skip


def name_of(label: str) -> str:
    """A label without its suffix."""
    stem, dot, _ = label.rpartition(".")
    return stem if dot and stem else label


def named(label: str, word: str, path: Path) -> str:
    """The name of a result: the input's, a word that says what was done, the format's suffix."""
    stem = name_of(label)
    return f"{stem}-{word}{path.suffix}" if word else f"{stem}{path.suffix}"
