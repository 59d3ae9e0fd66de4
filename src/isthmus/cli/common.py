"""What several verbs share: their options, and how results are printed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on stdout, nothing else."
)
force_option = click.option("--force", is_flag=True, help="Replace what exists.")
max_pixels_option = click.option(
    "--max-pixels",
    type=click.IntRange(1),
    default=200_000_000,
    show_default=True,
    help="Refuse larger pictures.",
)
compare_option = click.option(
    "--compare",
    metavar="PAGE.html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a page that shows before and after.",
)
quality_option = click.option(
    "--quality",
    type=click.IntRange(1, 100),
    default=95,
    show_default=True,
    help="Of JPEG and WebP outputs.",
)


def say(text: str) -> None:
    """For the person: stderr, so that stdout stays for results."""
    print(text, file=sys.stderr)


def result(tree: dict[str, Any], as_json: bool, text: str) -> None:
    """The verb's result on stdout: JSON if asked for, else text."""
    print(json.dumps(tree) if as_json else text)


class Failures:
    """Inputs that failed: each named in one line, the others done; then exit 1."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, source: str | Path, error: Exception) -> None:
        """Name an input and why it failed."""
        self.count += 1
        text = str(error)
        say(f"isthmus: {text if str(source) in text else f'{source}: {text}'}")

    def exit(self) -> None:
        """Leave with 1 if anything failed."""
        if self.count:
            raise click.exceptions.Exit(1)


def check_output(path: Path, suffixes: tuple[str, ...]) -> str:
    """The suffix of an output path. Raises a usage error if it is not one of ``suffixes``."""
    if path.suffix.lower() not in suffixes:
        raise click.UsageError(f"-o {path}: the name must end in {', '.join(suffixes)}")
    return path.suffix.lower()


def loaded(name: str, task: str, things: str, recipe: str) -> Any:
    """A model for a task. Raises RunError if it was trained for another one."""
    import isthmus
    from isthmus.errors import RunError

    model = isthmus.load(name)
    if model.recipe.task.kind != task:
        raise RunError(
            f"{name}: was trained for the task {model.recipe.task.kind!r}, not for {things} "
            f"(isthmus recipes show {recipe})"
        )
    return model


def table(rows: list[list[str]], header: list[str]) -> str:
    """Columns aligned for a terminal; numbers are for the caller to format."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def clock(seconds: float) -> str:
    """Seconds as 0:42 or 1:02:03."""
    whole = max(int(seconds + 0.5), 0)
    hours, rest = divmod(whole, 3600)
    text = f"{rest // 60}:{rest % 60:02d}"
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else text
