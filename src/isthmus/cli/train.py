"""``isthmus train``: a recipe in, a run directory out."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli.common import force_option, say
from isthmus.errors import RunError

if TYPE_CHECKING:
    from isthmus.recipe import Recipe
    from isthmus.training import Fit


@click.command(epilog="Example: isthmus train digits --set bottleneck.size=2 -o runs/two")
@click.argument("recipe")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change the recipe; repeat for more.",
)
@click.option(
    "--data", metavar="PATH", help="Train on your own folder or file, or a named data set."
)
@click.option(
    "-o",
    "--output",
    metavar="RUN",
    type=click.Path(path_type=Path),
    help="The run directory  [default: runs/NAME]",
)
@click.option(
    "--from",
    "start",
    metavar="MODEL",
    help="Begin with the weights of a run or a shipped model, of the same shape as RECIPE's.",
)
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint of RUN.")
@force_option
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Events as JSON lines on stdout; the last is the result.",
)
def train(
    recipe: str,
    assignments: tuple[str, ...],
    data: str | None,
    output: Path | None,
    start: str | None,
    resume: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Train RECIPE: a shipped name, a TOML file, or a run directory to repeat.

    Ctrl-C stops after the current step and keeps everything; --resume goes on from there.
    """
    from isthmus.recipe import Recipe

    chosen = Recipe.load(recipe)
    if data is not None:
        from isthmus.datasets import spec_for

        chosen = chosen.replace(data=spec_for(data, chosen.data))
    # After the data: what a scene or a table lets one set is known only then.
    chosen = chosen.set(*assignments)
    from isthmus.model import load
    from isthmus.training import fit
    from isthmus.training.engine import own_rank
    from isthmus.training.run import Run

    first = None if start is None else load(start)
    if own_rank() > 0:
        # A helper of process 0 under torchrun: it trains along and neither speaks nor writes.
        output = output or Path("runs") / chosen.name
        if resume and (output / "events.jsonl").is_file() and Run(output).state == "finished":
            return
        for _ in fit(chosen, output=output, resume=resume, start=first):
            pass
        return
    folder = _folder(recipe, chosen, output, resume, force)
    if folder is None:
        return
    fitting = fit(chosen, output=folder, resume=resume, force=force, start=first)
    previous = signal.signal(signal.SIGINT, lambda *_: _stop(fitting, previous))
    try:
        last = _watch(fitting, as_json)
    finally:
        signal.signal(signal.SIGINT, previous)
    _tell(folder, last, as_json)


def _folder(
    recipe: str, chosen: Recipe, output: Path | None, resume: bool, force: bool
) -> Path | None:
    """Where the run goes; None if there is nothing left to do."""
    from isthmus.training import free_folder
    from isthmus.training.run import Run

    if output is None:
        given = Path(recipe)
        if resume:
            output = given if (given / "recipe.toml").is_file() else Path("runs") / chosen.name
        else:
            output = free_folder(Path("runs"), chosen.name)
    if (output / "recipe.toml").is_file() and not force:
        if not resume:
            raise RunError(
                f"{output}: is a run already; --resume goes on with it, --force replaces it"
            )
        if Run(output).recipe.hash != chosen.hash:
            raise RunError(
                f"{output}: was trained by recipe {Run(output).recipe.hash}, this one is {chosen.hash}; "
                "resume with the same recipe, or choose another -o"
            )
        if (output / "events.jsonl").is_file() and Run(output).state == "finished":
            say(f"{output}: is finished; nothing to do (--force trains again)")
            return None
    return output


def _stop(fitting: Fit, previous: Any) -> None:
    """The first Ctrl-C ends in good order; the second is immediate."""
    say("\nstopping after this step (Ctrl-C again to stop at once)")
    fitting.control.stop()
    signal.signal(signal.SIGINT, previous)


def _watch(fitting: Fit, as_json: bool) -> Any:
    """Draw the events, or print them as JSON lines; returns the last one."""
    from isthmus.cli.progress import Bar

    last = None
    if as_json:
        for last in fitting:
            if last.kind not in {"finished", "failed"}:
                print(last.to_json(), flush=True)
        return last
    with Bar() as bar:
        for last in fitting:
            bar.show(last)
    return last


def _tell(folder: Path, last: Any, as_json: bool) -> None:
    import json

    from isthmus.training.run import Run

    if last is None or last.kind == "failed":
        if as_json and last is not None:
            print(last.to_json())
        raise RunError(last.reason if last is not None else f"{folder}: nothing was trained")
    metrics = Run(folder).metrics
    report = folder / "report.html"
    if as_json:
        tree = {
            "kind": "result",
            "run": str(folder),
            "reason": last.reason,
            "report": str(report),
            **metrics,
        }
        print(json.dumps(tree))
        return
    print(_summary(folder, last.reason, metrics))
    print(f"report  {report}")


def _summary(folder: Path, reason: str, metrics: dict[str, Any]) -> str:
    lines = []
    if reason == "stopped":
        lines.append(f"stopped; go on with: isthmus train {folder} --resume")
    lines.append(f"run     {folder}")
    lines.append(
        f"{metrics['part']:7} mean squared error {metrics['mse']:.5f}   PSNR {metrics['psnr']:.2f} dB   ({metrics['items']} items)"
    )
    if metrics.get("pca_mse"):
        gain = 100 * (1 - metrics["mse"] / metrics["pca_mse"])
        word = "lower" if gain >= 0 else "higher"
        lines.append(
            f"PCA-{metrics['numbers']:<3} mean squared error {metrics['pca_mse']:.5f}   "
            f"the autoencoder's is {abs(gain):.0f} % {word}"
        )
    return "\n".join(lines)
