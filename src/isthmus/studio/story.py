"""What a run has told so far, read from its events: enough for a row of the list."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Told = dict[str, Any]
_ENDS = {"finished", "failed"}


@dataclass
class Story:
    """Grows event by event; ``count`` is the number of the last line of ``events.jsonl``."""

    count: int = 0
    epoch: float = 0.0
    step: int = 0
    epochs: int = 0
    steps: int = 0
    loss: float | None = None
    seconds: float = 0.0
    metrics: dict[str, Any] = field(default_factory=dict)
    engine: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    end: str = ""
    """finished or failed, once the last event is one."""
    reason: str = ""

    def hear(self, event: Told) -> None:
        """One more event. Fields of a wrong type are as if they were not there."""
        self.count += 1
        kind = event.get("kind")
        self.end, self.reason = (
            ("", "") if kind not in _ENDS else (str(kind), str(event.get("reason")))
        )
        self.seconds = _number(event.get("t"), self.seconds)
        self.epoch = _number(event.get("epoch"), self.epoch)
        self.step = int(_number(event.get("step"), self.step))
        if kind == "started":
            self.epochs = int(_number(event.get("epochs"), 0))
            self.steps = int(_number(event.get("steps"), 0))
            self.engine = event.get("engine") or {}
            self.warnings = [str(w) for w in event.get("warnings") or []]
        elif kind == "progress":
            self.steps = int(_number(event.get("steps"), self.steps))
            self.loss = _number(event.get("loss"), self.loss or 0.0)
        elif kind in {"evaluated", "finished"} and isinstance(event.get("metrics"), dict):
            self.metrics |= event["metrics"]
            if "diagnostics" in event:
                self.metrics["diagnostics"] = event["diagnostics"]


def _number(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) else otherwise


def read(path: Path) -> list[Told]:
    """The events of ``events.jsonl``; a last line that a kill cut short is left out.

    Raises ValueError that names a damaged line, OSError.
    """
    lines = path.read_bytes().splitlines(keepends=True)
    events: list[Told] = []
    for number, line in enumerate(lines, 1):
        try:
            event = json.loads(line)
            if not isinstance(event, dict) or "kind" not in event:
                raise ValueError("not an event")
        except (ValueError, RecursionError):
            if number == len(lines):
                break
            raise ValueError(f"{path.name}, line {number}: is damaged") from None
        events.append(event)
    return events


def thinned(events: list[Told], most: int) -> list[Told]:
    """Every event but progress, and of that ``most`` evenly spread ones with the means between them."""
    progress = sum(e["kind"] == "progress" for e in events)
    if most <= 0 or progress <= most:
        return events
    kept: list[Told] = []
    seen, group = 0, []
    for event in events:
        if event["kind"] != "progress":
            kept.append(event)
            continue
        seen += 1
        group.append(event)
        if seen * most // progress != (seen - 1) * most // progress:
            kept.append(_mean(group))
            group = []
    return kept


def _mean(group: Iterable[Told]) -> Told:
    """The last of the group with the group's mean, least and largest loss, so that spikes stay."""
    group = list(group)
    losses = [e["loss"] for e in group if isinstance(e.get("loss"), int | float)]
    if len(losses) < 2:
        return group[-1]
    mean = sum(losses) / len(losses)
    return {**group[-1], "loss": mean, "loss_min": min(losses), "loss_max": max(losses)}
