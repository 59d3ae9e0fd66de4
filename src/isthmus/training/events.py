"""The moments of a training, and the only thing it says.

The progress bar draws them, ``events.jsonl`` keeps them, the Studio streams them, a test reads a
list of them. Every event is a flat record that JSON can hold; ``t`` is seconds since the training
began, not counting interruptions.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True)
class Event:
    """One moment. ``kind`` is the class's name in lower case."""

    kind: ClassVar[str] = "event"
    t: float

    def to_json(self) -> str:
        """One line of JSON; numbers that JSON lacks (nan, inf) become null."""
        return json.dumps({"kind": self.kind, **_finite(dataclasses.asdict(self))})


@dataclass(frozen=True)
class Started(Event):
    """The training begins or goes on (``resumed_at`` > 0)."""

    kind: ClassVar[str] = "started"
    name: str
    recipe_hash: str
    shape: list[int]
    code: list[int]
    parameters: int
    items: int
    validation_items: int
    test_items: int
    epochs: int
    steps: int
    engine: dict[str, Any]
    warnings: list[str] = field(default_factory=list)
    resumed_at: int = 0


@dataclass(frozen=True)
class Progress(Event):
    """A few times a second: means over the steps since the last one."""

    kind: ClassVar[str] = "progress"
    epoch: float
    step: int
    steps: int
    loss: float
    cost: float
    learning_rate: float
    samples_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class Evaluated(Event):
    """Figures on held-out items after an epoch (epoch 0: before the first step)."""

    kind: ClassVar[str] = "evaluated"
    epoch: int
    step: int
    split: str
    metrics: dict[str, float]
    diagnostics: dict[str, float]


@dataclass(frozen=True)
class Snapshot(Event):
    """The same few items through the model as it is now, in ``file`` under the run directory."""

    kind: ClassVar[str] = "snapshot"
    epoch: int
    step: int
    file: str


@dataclass(frozen=True)
class Checkpointed(Event):
    """Everything needed to go on from here is on disk."""

    kind: ClassVar[str] = "checkpointed"
    epoch: int
    step: int


@dataclass(frozen=True)
class Noted(Event):
    """Something a person should know: a fallback, a skipped file."""

    kind: ClassVar[str] = "noted"
    text: str


@dataclass(frozen=True)
class Finished(Event):
    """The end, and why: completed, budget, patience or stopped."""

    kind: ClassVar[str] = "finished"
    epoch: int
    step: int
    reason: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class Failed(Event):
    """The end, against the plan; ``reason`` says what happened and what to try."""

    kind: ClassVar[str] = "failed"
    epoch: int
    step: int
    reason: str


KINDS: dict[str, type[Event]] = {
    cls.kind: cls
    for cls in (Started, Progress, Evaluated, Snapshot, Checkpointed, Noted, Finished, Failed)
}


def parse(line: str) -> Event:
    """The event of one line of ``events.jsonl``. Raises ValueError on anything else."""
    tree = json.loads(line)
    cls = KINDS.get(tree.pop("kind", "")) if isinstance(tree, dict) else None
    if cls is None:
        raise ValueError(f"not an event: {line[:80]!r}")
    known = {f.name for f in dataclasses.fields(cls)}
    try:
        return cls(**{name: value for name, value in tree.items() if name in known})
    except TypeError as error:
        raise ValueError(f"not a {cls.kind} event: {error}") from None


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
