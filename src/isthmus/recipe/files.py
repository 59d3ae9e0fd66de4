"""Recipes as TOML files and ``KEY=VALUE`` assignments, with errors that name the remedy."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import tomli_w
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from isthmus.errors import RecipeError
from isthmus.recipe.base import canonical

if TYPE_CHECKING:
    from isthmus.recipe import Recipe


def shipped() -> dict[str, str]:
    """Name -> TOML text of every recipe in the package."""
    folder = resources.files("isthmus.recipes")
    return {
        entry.name.removesuffix(".toml"): entry.read_text("utf-8")
        for entry in sorted(folder.iterdir(), key=lambda e: e.name)
        if entry.name.endswith(".toml")
    }


def load(source: str | Path) -> Recipe:
    """A shipped name or a path to a TOML file."""
    names = shipped()
    if str(source) in names:
        return parse(names[str(source)], f"{source}.toml")
    path = Path(source)
    if path.is_dir() and (path / "recipe.toml").is_file():
        path = path / "recipe.toml"
    if not path.is_file():
        close = difflib.get_close_matches(str(source), names, 1, 0.5)
        hint = f"did you mean {close[0]!r}?" if close else f"shipped: {', '.join(names)}"
        raise RecipeError(f"no recipe named {str(source)!r} and no such file; {hint}")
    try:
        return parse(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read as a recipe: {error}") from error


def parse(text: str, source: str) -> Recipe:
    """TOML text to a recipe; every fault in one error, one line each."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{source}: not TOML: {error}") from None
    return validate(tree, source, text)


def override(recipe: Recipe, assignments: Iterable[str]) -> Recipe:
    """Apply ``section.key=value`` in order; values are TOML, and bare words are strings."""
    tree = recipe.model_dump(mode="python")
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        path = key.strip().split(".")
        if not equals or not all(path):
            raise RecipeError(f"--set {assignment!r}: write KEY=VALUE, e.g. bottleneck.size=2")
        _assign(tree, path, _value(value.strip()))
    return validate(tree, "--set")


def _assign(tree: dict[str, Any], path: list[str], value: Any) -> None:
    node = tree
    for part in path[:-1]:
        child = node.setdefault(part, {})
        if not isinstance(child, dict):
            raise RecipeError(f"--set: {part!r} of {'.'.join(path)!r} is a value, not a section")
        node = child
    last = path[-1]
    # Another kind brings other fields: what the two share is kept, the rest starts at its default.
    if last == "kind" and node.get("kind") != value:
        section = path[:-1]
        allowed = _fields_of_kind(section, value)
        if allowed is not None:
            for name in [n for n in node if n not in allowed]:
                del node[name]
    elif isinstance(node.get(last), dict) and isinstance(value, str):
        # `--set bottleneck=variational` is what people type for bottleneck.kind.
        _assign(tree, [*path, "kind"], value)
        return
    node[last] = value


def _value(text: str) -> Any:
    if text.lower() in {"none", "null"}:
        return None
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def validate(tree: Mapping[str, Any], source: str, text: str = "") -> Recipe:
    """A plain tree to a recipe; raises RecipeError with one line per fault."""
    from isthmus.recipe import Recipe

    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        lines = [_explain(fault, source, text) for fault in error.errors(include_url=False)]
        raise RecipeError("; ".join(dict.fromkeys(lines))) from None


def _explain(fault: Any, source: str, text: str) -> str:
    """One fault as: file, line, key, what was found, what is allowed, the nearest right name."""
    location = list(fault["loc"])
    path, model = _walk(location)
    key = ".".join(path) or "the recipe"
    line = _line_of(text, path)
    place = f"{source}:{line}" if line else source
    found = fault.get("input")
    kind = fault["type"]
    if kind == "extra_forbidden":
        names = list(model.model_fields if model else {})
        close = difflib.get_close_matches(path[-1], names, 1, 0.5)
        hint = f"did you mean {close[0]!r}?" if close else f"allowed: {', '.join(names)}"
        return f"{place}: unknown key {key!r}; {hint}"
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        allowed = str(fault["ctx"].get("expected_tags", "")).replace("'", "")
        choices = [c.strip() for c in allowed.split(",")] if allowed else _kinds_at(path)
        tag = str(fault["ctx"].get("tag", ""))
        close = difflib.get_close_matches(tag, choices, 1, 0.4)
        said = f"{tag!r} is not known" if tag else "is missing"
        hint = f"; did you mean {close[0]!r}?" if close else ""
        return f"{place}: {key}.kind {said}; allowed: {', '.join(choices)}{hint}"
    if kind == "literal_error":
        allowed = str(fault["ctx"]["expected"])
        close = difflib.get_close_matches(str(found), re.findall(r"'([^']+)'", allowed), 1, 0.5)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        return f"{place}: {key} is {found!r}; allowed: {allowed}{hint}"
    message = fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    shown = repr(found) if not isinstance(found, dict) else "a section"
    return f"{place}: {key} is {shown}; it must be {message}"


def _walk(location: list[Any]) -> tuple[list[str], type[BaseModel] | None]:
    """The key path a person wrote (union tags left out) and the model its last key belongs to."""
    from isthmus.recipe import Recipe

    model: type[BaseModel] | None = Recipe
    path: list[str] = []
    parts = list(location)
    while parts:
        part = parts.pop(0)
        path.append(str(part))
        field = model.model_fields.get(str(part)) if model else None
        if field is None:
            # The last key is unknown here, or an index into a list: nothing below it is a model.
            continue
        members = _members(field)
        if not members:
            continue
        if len(members) > 1 and parts and str(parts[0]) in members:
            model = members[str(parts.pop(0))]
        else:
            model = next(iter(members.values())) if len(members) == 1 else None
    return path, model


def _members(field: FieldInfo) -> dict[str, type[BaseModel]]:
    """Kind -> model for a field that holds one model or a union of models."""
    candidates = get_args(field.annotation) or (field.annotation,)
    models = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
    return {
        str(m.model_fields["kind"].default) if "kind" in m.model_fields else m.__name__: m
        for m in models
    }


def _fields_of_kind(section: list[str], kind: Any) -> set[str] | None:
    from isthmus.recipe import Recipe

    model: type[BaseModel] = Recipe
    members: dict[str, type[BaseModel]] = {}
    for part in section:
        field = model.model_fields.get(part)
        if field is None:
            return None
        members = _members(field)
        model = next(iter(members.values()), Recipe)
    chosen = members.get(str(kind))
    return set(chosen.model_fields) if chosen else None


def _kinds_at(path: list[str]) -> list[str]:
    from isthmus.recipe import Recipe

    field = Recipe.model_fields.get(path[0]) if path else None
    return list(_members(field)) if field else []


def _line_of(text: str, path: list[str]) -> int:
    """The line (from 1) of a key in TOML text, 0 if it is not written there."""
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[([^\[\]]+)\]", line)
        if header:
            table = [part.strip().strip("\"'") for part in header[1].split(".")]
            if table == path:
                return number
            continue
        key = re.match(r"\s*([A-Za-z0-9_.\"'-]+)\s*=", line)
        if key:
            full = [*table, *(part.strip("\"'") for part in key[1].split("."))]
            if full == path[: len(full)] and len(full) > len(table):
                return number
    return 0


def dump(recipe: Recipe) -> str:
    """TOML that holds what the recipe says beyond defaults, sections in the order of the schema."""
    tree = canonical(recipe)
    return tomli_w.dumps({**tree})


def digest(recipe: Recipe) -> str:
    """SHA-256 over the canonical JSON of the recipe without its name and description."""
    tree = canonical(recipe)
    for label in ("name", "description"):
        tree.pop(label, None)
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()[:16]
