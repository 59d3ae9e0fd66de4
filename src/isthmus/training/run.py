"""The run directory: what a training leaves behind, and how it is read again.

recipe.toml            what was trained
data.json              what the model expects: shape, classes, scaling
events.jsonl           all that was said, a line each
checkpoint.safetensors how to go on; gone once the training is complete
weights.safetensors    the result
metrics.json           figures on the test part, with baselines
codes.npz              codes of the test part, best and worst items: what the report shows
snapshots/*.npz        the same few items at several epochs
card.md, report.html   for people
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isthmus.errors import RecipeError, RunError
from isthmus.recipe import Recipe
from isthmus.training import events as E

if TYPE_CHECKING:
    from isthmus.model import Model


class Run:
    """A run directory that exists. Raises RunError if it does not or is no run."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_dir():
            raise RunError(f"{self.path}: no such run directory")
        if not (self.path / "recipe.toml").is_file():
            raise RunError(f"{self.path}: is not a run (it has no recipe.toml)")

    @cached_property
    def recipe(self) -> Recipe:
        """What was trained."""
        try:
            return Recipe.load(self.path / "recipe.toml")
        except RecipeError as error:
            raise RunError(f"{error}; the run is damaged") from None

    @cached_property
    def data(self) -> dict[str, Any]:
        """What the model expects."""
        card = self._json("data.json")
        if not isinstance(card.get("shape"), list) or "scaling" not in card:
            raise RunError(f"{self.path / 'data.json'}: lacks shape or scaling; the run is damaged")
        return card

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """Figures on the test part."""
        return self._json("metrics.json")

    @cached_property
    def model(self) -> Model:
        """The trained model, ready for use."""
        from isthmus.model import Model

        return Model.of_run(self)

    def events(self) -> Iterator[E.Event]:
        """All that the training said. A last line cut short by a kill is left out."""
        try:
            lines = (self.path / "events.jsonl").read_text("utf-8").splitlines(keepends=True)
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(f"{self.path / 'events.jsonl'}: cannot be read ({error})") from None
        for number, line in enumerate(lines, 1):
            try:
                yield E.parse(line)
            except ValueError as error:
                if number == len(lines):
                    return
                raise RunError(f"{self.path / 'events.jsonl'}:{number}: {error}") from None

    @property
    def state(self) -> str:
        """finished, failed, or unfinished."""
        last = None
        for event in self.events():
            last = event
        if isinstance(last, E.Finished):
            return "unfinished" if last.reason == "stopped" else "finished"
        return "failed" if isinstance(last, E.Failed) else "unfinished"

    def _json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            tree = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            raise RunError(f"{path}: is missing; the training did not finish") from None
        except (OSError, ValueError) as error:
            raise RunError(f"{path}: is damaged ({error})") from None
        if not isinstance(tree, dict):
            raise RunError(f"{path}: is damaged (it holds no JSON object)")
        return tree
