"""``isthmus evaluate``: figures of a run."""

from __future__ import annotations

from typing import Any

import click

from isthmus.cli.common import json_option, result


@click.command(epilog="Example: isthmus evaluate runs/digits --json")
@click.argument("run")
@click.option(
    "--data", metavar="PATH", help="Evaluate on your own folder or file, or a named data set."
)
@json_option
def evaluate(run: str, data: str | None, as_json: bool) -> None:
    """Reconstruction error of RUN on the test part of its data, or of --data."""
    from isthmus.datasets import open_dataset, spec_for
    from isthmus.errors import DataError
    from isthmus.tasks import build_task
    from isthmus.training import Run
    from isthmus.training.finish import figures

    opened = Run(run)
    model = opened.model
    spec = opened.recipe.data if data is None else spec_for(data, opened.recipe.data)
    dataset = open_dataset(spec, opened.recipe.training.seed)
    if dataset.shape != model.shape:
        raise DataError(
            f"{data or dataset.name}: items of shape {dataset.shape}; the model takes {model.shape}"
        )
    # Numbers are scaled as the model learnt them, not as other data would suggest.
    dataset = _rescaled(dataset, model.scaling)
    task = build_task(opened.recipe.task)
    metrics, _, _ = figures(model.autoencoder, task, opened.recipe, dataset)
    tree: dict[str, Any] = {"run": run, "data": dataset.name, **metrics}
    flat = {**metrics, **{f"bottleneck {n}": v for n, v in metrics["diagnostics"].items()}}
    lines = [
        f"{name:24} {value}"
        for name, value in flat.items()
        if not isinstance(value, dict) and value is not None
    ]
    result(tree, as_json, "\n".join(lines))


def _rescaled(dataset: Any, scaling: Any) -> Any:
    from dataclasses import replace

    return replace(dataset, scaling=scaling)
