"""The base of every part of a recipe: frozen, strict about names, torch-free."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """One section of a recipe. Immutable; an unknown key is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


def canonical(spec: Spec) -> dict[str, Any]:
    """What a spec says beyond its defaults, plus its ``kind``: the input of the recipe hash.

    Defaults are left out so that a field added in a later version does not change the hash of
    the recipes written before it.
    """
    said: dict[str, Any] = {}
    for name, field in type(spec).model_fields.items():
        value = getattr(spec, name)
        if isinstance(value, Spec):
            said[name] = canonical(value)
        elif name == "kind" or value != field.get_default(call_default_factory=True):
            said[name] = list(value) if isinstance(value, tuple) else value
    return said
