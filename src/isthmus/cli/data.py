"""``isthmus data``: data sets by name."""

from __future__ import annotations

from typing import Any

import click

from isthmus.cli.common import json_option, result, table


@click.group(invoke_without_command=True, epilog="Example: isthmus data get mnist")
@click.pass_context
def data(ctx: click.Context) -> None:
    """List, describe or download data sets."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@data.command("list", epilog="Example: isthmus data list")
@json_option
def list_(as_json: bool = False) -> None:
    """Every named data set, and whether it is on this machine."""
    from isthmus.datasets.registry import REGISTRY

    rows = [_describe(name) for name in REGISTRY]
    cells = [
        [
            r["name"],
            "yes" if r["here"] else "get",
            "x".join(map(str, r["shape"])),
            f"{r['train']:,}",
            r["title"],
        ]
        for r in rows
    ]
    result(
        {"data": rows}, as_json, table(cells, ["name", "here", "item", "training", "what it is"])
    )


@data.command("info", epilog="Example: isthmus data info digits")
@click.argument("name")
@json_option
def info(name: str, as_json: bool) -> None:
    """Origin, licence, shape and counts of the data set NAME."""
    tree = _describe(name)
    result(tree, as_json, "\n".join(f"{key:8} {value}" for key, value in tree.items()))


@data.command(
    "get", epilog="Example: isthmus data get fashion --mirror https://example.org/fashion"
)
@click.argument("name")
@click.option("--mirror", metavar="URL", help="Where the original files lie  [env: ISTHMUS_MIRROR]")
@json_option
def get(name: str, mirror: str | None, as_json: bool) -> None:
    """Download the data set NAME; an interrupted download goes on where it was."""
    import sys

    from isthmus import datasets

    def show(file: str, done: int, whole: int) -> None:
        of = f" of {whole / 1e6:.1f}" if whole else ""
        print(f"\r{file}  {done / 1e6:.1f}{of} MB", end="", file=sys.stderr, flush=True)

    folder = datasets.get(name, mirror, show if sys.stderr.isatty() else None)
    result({"name": name, "folder": str(folder)}, as_json, f"{name} is in {folder}")


def _describe(name: str) -> dict[str, Any]:
    from isthmus.datasets.named import is_here
    from isthmus.datasets.registry import REGISTRY
    from isthmus.errors import DataError

    if name not in REGISTRY:
        raise DataError(f"no data set named {name!r}; there are: {', '.join(REGISTRY)}")
    entry = REGISTRY[name]
    return {
        "name": entry.name,
        "title": entry.title,
        "here": is_here(entry),
        "shape": list(entry.shape),
        "train": entry.train,
        "test": entry.test,
        "classes": list(entry.classes),
        "licence": entry.licence,
        "origin": entry.origin,
    }
