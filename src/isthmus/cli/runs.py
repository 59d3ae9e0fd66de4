"""``isthmus runs``: what was trained here."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli.common import Failures, json_option, result, table
from isthmus.errors import IsthmusError, RunError

if TYPE_CHECKING:
    from isthmus.training.run import Run

_FIGURES = ("mse", "psnr", "pca_mse", "numbers", "parameters", "training_seconds")


@click.group(
    invoke_without_command=True, epilog="Example: isthmus runs compare runs/digits runs/two"
)
@click.pass_context
def runs(ctx: click.Context) -> None:
    """List, show, compare or remove runs."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@runs.command("list", epilog="Example: isthmus runs list")
@click.argument("folder", default="runs", type=click.Path(path_type=Path))
@json_option
def list_(folder: Path = Path("runs"), as_json: bool = False) -> None:
    """Every run under FOLDER (default: runs), with its figures."""
    found = sorted(_under(folder)) if folder.is_dir() else []
    rows: list[dict[str, Any]] = []
    failures = Failures()
    for path in found:
        try:
            rows.append(_describe(path))
        except IsthmusError as error:
            failures.add(path, error)
    cells = [
        [r["run"], r["state"], r["bottleneck"], _number(r.get("mse")), _number(r.get("psnr"), 2)]
        for r in rows
    ]
    result(
        {"runs": rows},
        as_json,
        table(cells, ["run", "state", "bottleneck", "mse", "psnr"])
        if cells
        else f"no runs in {folder}",
    )
    failures.exit()


@runs.command("show", epilog="Example: isthmus runs show runs/digits")
@click.argument("run", type=click.Path(path_type=Path))
@json_option
def show(run: Path, as_json: bool) -> None:
    """One run: its recipe, figures and files."""
    tree = _describe(run)
    from isthmus.training.run import Run

    files = sorted(str(p.relative_to(run)) for p in run.rglob("*") if p.is_file())
    lines = [f"{name:18} {value}" for name, value in tree.items() if value is not None]
    text = "\n".join(
        [*lines, "", Run(run).recipe.to_toml().strip(), "", "files: " + ", ".join(files)]
    )
    result(
        {**tree, "recipe": Run(run).recipe.model_dump(mode="json"), "files": files}, as_json, text
    )


@runs.command("compare", epilog="Example: isthmus runs compare runs/a runs/b")
@click.argument("run", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
def compare(run: tuple[Path, ...], as_json: bool) -> None:
    """Figures side by side, and only what differs between the recipes."""
    from isthmus.training.run import Run

    described = [_describe(path) for path in run]
    flat = [_flatten(Run(path).recipe.model_dump(mode="json")) for path in run]
    keys = sorted({key for recipe in flat for key in recipe})
    differing = {
        k: [r.get(k) for r in flat] for k in keys if len({repr(r.get(k)) for r in flat}) > 1
    }
    names = [str(path) for path in run]
    rows = [[n, *(_number(d.get(n)) for d in described)] for n in _FIGURES]
    rows += [
        [k, *("-" if v is None else str(v) for v in values)] for k, values in differing.items()
    ]
    result({"runs": described, "differing": differing}, as_json, table(rows, ["", *names]))


@runs.command("remove", epilog="Example: isthmus runs remove runs/two")
@click.argument("run", type=click.Path(path_type=Path))
def remove(run: Path) -> None:
    """Delete a run directory."""
    if not (run / "recipe.toml").is_file():
        raise RunError(f"{run}: is not a run; nothing was removed")
    shutil.rmtree(run)
    print(f"removed {run}")


def _under(folder: Path) -> Iterator[Path]:
    """Run directories; hidden folders hold none (the Studio's bin is one)."""
    for recipe in folder.rglob("recipe.toml"):
        path = recipe.parent
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _describe(path: Path) -> dict[str, Any]:
    from isthmus.training.run import Run

    run = Run(path)
    recipe = run.recipe
    tree: dict[str, Any] = {
        "run": str(path),
        "name": recipe.name,
        "state": _state(run),
        "hash": recipe.hash,
        "bottleneck": f"{recipe.bottleneck.kind} {recipe.bottleneck.size}",
    }
    if (path / "metrics.json").is_file():
        tree |= {name: run.metrics.get(name) for name in _FIGURES}
    return tree


def _state(run: Run) -> str:
    if (run.path / "events.jsonl").is_file():
        return run.state
    # A shipped model has no events; a run that waits in the Studio's queue has nothing yet.
    return "finished" if (run.path / "weights.safetensors").is_file() else "unfinished"


def _flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _number(value: Any, digits: int = 5) -> str:
    if value is None:
        return "-"
    return f"{value:.{digits}f}" if isinstance(value, float) else f"{value:,}"
