"""One run as its files tell it."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isthmus.datasets.registry import REGISTRY
from isthmus.errors import RecipeError
from isthmus.files import is_held
from isthmus.plan import Plan, plan
from isthmus.recipe import Named, Recipe
from isthmus.studio import story as st
from isthmus.studio.story import Story

Signature = tuple[Any, ...]
_WATCHED = ("recipe.toml", "data.json", "events.jsonl", "metrics.json", "weights.safetensors",
            "checkpoint.safetensors")  # fmt: skip


@dataclass
class Entry:
    """``relative`` is the run's path within the folder of runs: its name, and the source of its id."""

    id: str
    relative: str
    path: Path
    signature: Signature = ()
    recipe: Recipe | None = None
    plan: Plan | None = None
    card: dict[str, Any] = field(default_factory=dict)
    story: Story = field(default_factory=Story)
    metrics: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    held: bool = False
    """Whether another process trains it now."""
    created: float = 0.0
    updated: float = 0.0
    bytes: int = 0

    @property
    def has_checkpoint(self) -> bool:
        return (self.path / "checkpoint.safetensors").is_file()

    @property
    def has_weights(self) -> bool:
        return (self.path / "weights.safetensors").is_file()

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of one item, once it is known."""
        given = self.card.get("shape")
        if isinstance(given, list) and given and all(isinstance(side, int) for side in given):
            return tuple(given)
        data = self.recipe.data if self.recipe else None
        if isinstance(data, Named) and data.name in REGISTRY:
            return REGISTRY[data.name].shape
        return None


def id_of(relative: str) -> str:
    """The same path always has the same id."""
    return hashlib.sha256(relative.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def sign(path: Path) -> Signature:
    """Changes when a file that an entry is read from changes."""
    found: list[Any] = []
    for name in _WATCHED:
        try:
            held = (path / name).stat()
            found.append((held.st_mtime_ns, held.st_size, held.st_ino))
        except OSError:
            found.append(None)
    return tuple(found)


def read(relative: str, path: Path, id: str = "") -> Entry:
    """A run from its files. A damaged file is told in ``error``; the rest is read all the same."""
    entry = Entry(id or id_of(relative), relative, path, sign(path))
    faults: list[str] = []
    try:
        entry.recipe = Recipe.load(path / "recipe.toml")
    except RecipeError as error:
        faults.append(str(error).replace(str(path), path.name))
    entry.card = _json(path / "data.json", faults)
    entry.metrics = _json(path / "metrics.json", faults)
    if (path / "events.jsonl").is_file():
        try:
            for event in st.read(path / "events.jsonl"):
                entry.story.hear(event)
        except (OSError, ValueError) as error:
            faults.append(str(error))
        entry.held = not entry.story.end and is_held(path / "events.jsonl")
    if entry.recipe is not None and entry.shape is not None:
        try:
            entry.plan = plan(entry.recipe, entry.shape)
        except RecipeError as error:
            if entry.card:
                faults.append(str(error))
    times = [part[0] / 1e9 for part in entry.signature if part]
    entry.created = entry.signature[0][0] / 1e9 if entry.signature[0] else 0.0
    entry.updated = max(times, default=0.0)
    entry.bytes = _size(path)
    entry.error = "; ".join(faults)
    return entry


def _json(path: Path, faults: list[str]) -> dict[str, Any]:
    try:
        tree = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        faults.append(f"{path.name}: is damaged ({error})")
        return {}
    if isinstance(tree, dict):
        return tree
    faults.append(f"{path.name}: is damaged (it holds no JSON object)")
    return {}


def _size(path: Path) -> int:
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118
            except OSError:
                continue
    return total
