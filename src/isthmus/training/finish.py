"""After the last step: figures on the test part, the codes, the card, the report."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.autoencoder import Autoencoder
from isthmus.datasets.base import Array, Dataset
from isthmus.files import replacing, write_json, write_text
from isthmus.recipe import Recipe
from isthmus.tasks import Task
from isthmus.training.batches import Resident
from isthmus.training.evaluate import Evaluation, evaluate, pca_mse

_SHOWN = 12
_MOST_CODES = 10_000
_MOST_THUMBNAILS = 3_000


def figures(
    model: Autoencoder, task: Task, recipe: Recipe, dataset: Dataset
) -> tuple[dict[str, Any], Evaluation, Resident]:
    """Everything that is said about a model: on the test part, or the training part if there is none.

    ``pca_mse`` is the error of principal components with as many numbers, fit on the same training
    items and given the same input: the honest baseline.
    """
    part = dataset.test if len(dataset.test) else dataset.train
    items = Resident(part, dataset.scaling, "cpu", dataset.window)
    model.to("cpu")
    seen = evaluate(model, task, recipe, items, dataset.modality)
    numbers = model.plan.bottleneck.numbers
    baseline = None
    if recipe.task.kind == "reconstruct" and len(dataset.test):
        baseline = pca_mse(
            dataset.scaling.apply(dataset.train.values),
            dataset.scaling.apply(part.values),
            numbers,
            dataset.modality,
        )
    metrics: dict[str, Any] = {
        **finite({**seen.metrics, "pca_mse": baseline}),
        "items": len(part),
        "part": "test" if len(dataset.test) else "train",
        "numbers": numbers,
        "ratio": round(model.plan.ratio, 3),
        "parameters": model.plan.parameters,
        "macs": model.plan.macs,
        "diagnostics": finite(dict(seen.diagnostics)),
    }
    return metrics, seen, items


def finish(
    folder: Path, model: Autoencoder, task: Task, recipe: Recipe, dataset: Dataset, seconds: float
) -> dict[str, Any]:
    """Write metrics.json, codes.npz, card.md and report.html; returns the metrics."""
    from isthmus import report

    metrics, seen, items = figures(model, task, recipe, dataset)
    metrics = {**metrics, "recipe": recipe.hash, "training_seconds": round(seconds, 1)}
    write_json(folder / "metrics.json", metrics)
    _write_codes(folder / "codes.npz", model, task, recipe, dataset, seen, items)
    write_text(folder / "card.md", card(recipe, dataset, metrics))
    report.write(folder)
    return metrics


def _write_codes(
    path: Path,
    model: Autoencoder,
    task: Task,
    recipe: Recipe,
    dataset: Dataset,
    seen: Evaluation,
    items: Resident,
) -> None:
    part = dataset.test if len(dataset.test) else dataset.train
    ranked = np.argsort(seen.errors, kind="stable")
    best, worst = ranked[:_SHOWN], ranked[::-1][:_SHOWN]
    arrays: dict[str, Array] = {
        "codes": seen.codes[:_MOST_CODES],
        "errors": seen.errors[:_MOST_CODES],
        "thumbnails": part.values[:_MOST_THUMBNAILS],
    }
    if part.labels is not None:
        arrays["labels"] = part.labels[:_MOST_CODES]
    for name, index in {"best": best, "worst": worst}.items():
        shown, made = _through(model, task, recipe, items, index)
        arrays |= {
            f"{name}_input": shown,
            f"{name}_output": made,
            f"{name}_error": seen.errors[index],
        }
    with replacing(path) as temporary:
        np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]


def _through(
    model: Autoencoder, task: Task, recipe: Recipe, items: Resident, index: Array
) -> tuple[Array, Array]:
    import torch

    with torch.no_grad():
        batch = items.gather(torch.from_numpy(index.copy()))
        pair = task.pair(batch, torch.Generator().manual_seed(recipe.training.seed))
        output = task.result(model(pair.input), pair)
    return task.shown(pair.input).numpy().astype(np.float16), output.numpy().astype(np.float16)


def card(recipe: Recipe, dataset: Dataset, metrics: dict[str, Any]) -> str:
    """A model card a person can read: what it is, what it was trained on, how good it is."""
    shape = " x ".join(str(side) for side in dataset.shape)
    rows = "\n".join(
        f"| {name} | {value} |"
        for name, value in metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    )
    pca = metrics.get("pca_mse")
    beside = ""
    if pca:
        gain = 100 * (1 - metrics["mse"] / pca)
        beside = (
            f" Principal components with as many numbers reach {pca:.5f}; "
            f"this model's error is {abs(gain):.0f} % {'lower' if gain >= 0 else 'higher'}."
        )
    return f"""# {recipe.name}

{recipe.description or "An autoencoder."}

{math.prod(dataset.shape)} numbers ({shape}) -> {metrics["numbers"]} numbers -> back.
Mean squared error on {metrics["items"]} {metrics["part"]} items: {metrics["mse"]:.5f}.{beside}

| figure | value |
|---|---|
{rows}

- Task: {recipe.task.kind}, loss {recipe.task.loss.kind}; encoder {recipe.encoder.kind}, bottleneck {recipe.bottleneck.kind}.
- Data: {dataset.name}, {len(dataset.train)} training items, {len(dataset.test)} test items.
- Recipe hash: {recipe.hash}. Repeat: `isthmus train recipe.toml`.
"""


def finite(metrics: dict[str, float | None]) -> dict[str, float | None]:
    """Figures as JSON can hold them."""
    return {
        n: None if v is None or not math.isfinite(v) else round(v, 8) for n, v in metrics.items()
    }
