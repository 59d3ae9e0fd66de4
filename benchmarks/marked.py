"""Writing figures into the manual between markers, so that nobody copies numbers by hand."""

from __future__ import annotations

import re
from pathlib import Path


def write_between(path: Path, name: str, text: str) -> None:
    """Replace what stands between ``<!-- name -->`` and ``<!-- /name -->`` in a Markdown file."""
    old = path.read_text("utf-8")
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(old):
        raise SystemExit(f"{path}: has no markers <!-- {name} --> … <!-- /{name} -->")
    path.write_text(pattern.sub(lambda m: m[1] + text.rstrip() + "\n" + m[2], old), "utf-8")


def markdown(rows: list[list[str]], header: list[str]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]]
    return "\n".join(lines)
