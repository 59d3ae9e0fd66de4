"""Make docs/reference.md from the schema. ``--check`` fails if it is not what the schema says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from isthmus.recipe import Recipe, Reconstruct
from isthmus.recipe.files import _members

TARGET = Path(__file__).parents[1] / "docs/reference.md"


def main() -> None:
    text = page()
    if "--check" in sys.argv[1:]:
        if not TARGET.is_file() or TARGET.read_text("utf-8") != text:
            sys.exit(f"{TARGET.name} is not what the schema says; run scripts/make_reference.py")
        return
    TARGET.write_text(text, "utf-8")


def page() -> str:
    """The whole page."""
    lines = [
        "# Every recipe field",
        "",
        "Made from the schema by `scripts/make_reference.py`. What is left out has the default.",
    ]
    for section, field in Recipe.model_fields.items():
        members = _members(field)
        if not members:
            continue
        lines += ["", f"## `[{section}]`"]
        for kind, model in members.items():
            lines += _kind(section, kind, model)
    lines += ["", "## `loss`", "", 'In `[task]`, e.g. `loss = { kind = "bce" }`.']
    for kind, model in _members(Reconstruct.model_fields["loss"]).items():
        lines += _kind("loss", kind, model)
    return "\n".join(lines) + "\n"


def _kind(section: str, kind: str, model: type[BaseModel]) -> list[str]:
    said = " ".join((model.__doc__ or "").split())
    head = [] if section == "training" else ["", f"### {section}: `{kind}`"]
    rows = [
        _row(name, field)
        for name, field in model.model_fields.items()
        if name not in {"kind", "loss"}
    ]
    table = ["", "| field | default | meaning |", "|---|---|---|", *rows] if rows else []
    return [*head, "", said, *table]


def _row(name: str, field: Any) -> str:
    default = "(needed)" if field.is_required() else f"`{_shown(field.default)}`"
    meaning = " ".join((field.description or field.title or "").split())
    choices = [str(c) for c in get_args(field.annotation) if isinstance(c, str)]
    if choices:
        meaning += f" One of {', '.join(f'`{c}`' for c in choices)}."
    bounds = [f"{word} {getattr(m, key)}" for m in field.metadata for key, word in
              (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than"))
              if hasattr(m, key)]  # fmt: skip
    if bounds:
        meaning += f" ({', '.join(bounds)})"
    return f"| `{name}` | {default} | {meaning.replace('|', '/')} |"


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return str(list(value))
    return (
        "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    )


if __name__ == "__main__":
    main()
