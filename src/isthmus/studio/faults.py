"""What is wrong with a recipe, fault by fault, so that the page can show each at its control."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ValidationError

from isthmus.errors import PlanError
from isthmus.recipe import Recipe
from isthmus.recipe import files as recipe_files


@dataclass(frozen=True)
class Fault:
    """``network`` and ``layer`` of the plan, or ``key`` of the schema, or ``line`` of a text."""

    message: str
    key: str = ""
    network: str = ""
    layer: int = -1
    line: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Faulty(Exception):
    """A recipe that says something it must not."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f.message for f in faults))
        self.faults = faults


def recipe_of(tree: Mapping[str, Any], text: str = "") -> Recipe:
    """A tree as JSON or TOML hold it to a recipe. Raises Faulty; ``text`` is for line numbers."""
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        found = {}
        for fault in error.errors(include_url=False):
            path, _ = recipe_files._walk(list(fault["loc"]))
            line = recipe_files._line_of(text, path) if text else 0
            message = recipe_files._explain(fault, "recipe", "").removeprefix("recipe: ")
            found[message] = Fault(message, key=".".join(path), line=line)
        raise Faulty(*found.values()) from None


def recipe_of_toml(text: str) -> Recipe:
    """TOML text to a recipe. Raises Faulty."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        raise Faulty(Fault(f"not TOML: {error}", line=int(place[1]) if place else 0)) from None
    except RecursionError:
        raise Faulty(Fault("not TOML: nested too deep")) from None
    return recipe_of(tree, text)


def of_plan(error: PlanError) -> Fault:
    """The fault of layers that do not fit."""
    return Fault(str(error), network=error.network, layer=error.layer)
