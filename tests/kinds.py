"""Every kind the schema knows, found by inspection: a new one cannot be forgotten."""

from __future__ import annotations

from pydantic import BaseModel

from isthmus.recipe import Recipe, Reconstruct
from isthmus.recipe.files import _members


def kinds(section: str, model: type[BaseModel] = Recipe) -> list[type[BaseModel]]:
    """The classes of a union, e.g. ``kinds("bottleneck")``."""
    return list(_members(model.model_fields[section]).values())


def losses() -> list[type[BaseModel]]:
    return kinds("loss", Reconstruct)
