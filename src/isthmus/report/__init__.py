"""The report of a run: one self-contained page, made from the run directory alone.

What is missing (a training that failed early has no test figures) is left out.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from isthmus import maps, page
from isthmus.errors import RunError
from isthmus.files import write_text
from isthmus.media import arrays
from isthmus.plan import Plan, plan
from isthmus.report.curves import Line, chart
from isthmus.report.hourglass import hourglass
from isthmus.report.strips import strip
from isthmus.training import events as E
from isthmus.training.run import Run

_SHOWN = 12

_MEANINGS = {
    "mse": "mean squared error a value, after clipping pictures to 0..1",
    "psnr": "the same in decibels: 3 dB more is half the error",
    "pca_mse": "the error of principal components with as many numbers, on the same items",
    "loss": "what training lowers, without the bottleneck's cost",
    "cost": "the code's cost in nats an item, before its weight",
    "knn_accuracy": maps.meaning("knn_accuracy"),
    "probe_accuracy": maps.meaning("probe_accuracy"),
    "silhouette": maps.meaning("silhouette"),
}


def write(folder: Path) -> Path:
    """Write ``report.html`` into a run directory and return its path. Raises RunError."""
    run = Run(folder)
    shape = tuple(run.data["shape"])
    planned = plan(run.recipe, shape)
    said = list(run.events())
    metrics = run.metrics if (folder / "metrics.json").is_file() else {}
    codes = arrays.read(folder / "codes.npz") if (folder / "codes.npz").is_file() else {}
    made = _map(run, codes)
    if made is not None and made.labels is not None:
        half = len(made.points) // 2
        labels = made.labels
        flat = codes["codes"][: len(labels)]
        metrics = {
            **metrics,
            **maps.cluster_figures(flat[:half], labels[:half], flat[half:], labels[half:]),
        }
    written = page.render(
        "report.html",
        [page.text("report.css", "isthmus.report"), page.text("scatter.css", "isthmus.maps")],
        [maps.scripts()] if made is not None else [],
        name=run.recipe.name,
        description=run.recipe.description,
        sentence=_sentence(run, planned, metrics, said),
        notes=[w for e in said if isinstance(e, E.Started) for w in e.warnings][:8]
        + [e.text for e in said if isinstance(e, E.Noted)],
        item_numbers=f"{math.prod(shape):,}",
        code_numbers=f"{planned.bottleneck.numbers:,}",
        ratio=f"{planned.ratio:.3g}",
        parameters=f"{planned.parameters:,}",
        macs=f"{planned.macs:,}",
        hourglass=Markup(hourglass(planned)),
        layers=planned.table(),
        curves=Markup(_curves(said, metrics)),
        snapshots=_snapshots(run, said),
        extremes=_extremes(run, codes),
        items=f"{metrics.get('items', 0):,}",
        part=metrics.get("part", "test"),
        figures=_figures(metrics),
        map=None if made is None else page.data(maps.scatter_data(made)),
        map_sentence="" if made is None else maps.summary(made),
        diagnostics=_diagnostics(said),
        bottleneck_text=(type(run.recipe.bottleneck).__doc__ or "").splitlines()[0],
        command=f"isthmus train {folder / 'recipe.toml'}",
        recipe=run.recipe.to_toml(),
        hash=run.recipe.hash,
        machine=_machine(said),
    )
    path = folder / "report.html"
    try:
        write_text(path, written)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror or error})") from None
    return path


def _sentence(run: Run, planned: Plan, metrics: dict[str, Any], said: list[E.Event]) -> str:
    failed = next((e for e in said if isinstance(e, E.Failed)), None)
    if failed is not None:
        return f"The training failed: {failed.reason}"
    numbers = math.prod(planned.item)
    text = f"{numbers:,} numbers -> {planned.bottleneck.numbers} numbers -> {numbers:,}"
    if "mse" not in metrics:
        return f"{text}; the training has not finished."
    text += (
        f": mean squared error {metrics['mse']:.5f} on {metrics['items']:,} {metrics['part']} items"
    )
    if not metrics.get("pca_mse"):
        return text + "."
    gain = 100 * (1 - metrics["mse"] / metrics["pca_mse"])
    return (
        f"{text}. Principal components with as many numbers: {metrics['pca_mse']:.5f}, so the "
        f"autoencoder's error is {abs(gain):.0f} % {'lower' if gain >= 0 else 'higher'}."
    )


def _curves(said: list[E.Event], metrics: dict[str, Any]) -> str:
    train = [(e.epoch, e.loss) for e in said if isinstance(e, E.Progress) and e.loss is not None]
    held = [
        (float(e.epoch), e.metrics["loss"])
        for e in said
        if isinstance(e, E.Evaluated) and e.metrics.get("loss") is not None
    ]
    level = ("PCA, test", metrics["pca_mse"]) if metrics.get("pca_mse") else None
    lines = [
        Line("training loss", train, "var(--enc)"),
        Line("held-out loss", held, "var(--code)", "7 3"),
    ]
    return chart(lines, "epoch", "loss (logarithmic)", level)


def _snapshots(run: Run, said: list[E.Event]) -> list[tuple[str, Markup]]:
    first = run.path / "snapshots" / "items.npz"
    taken = {e.epoch: e.file for e in said if isinstance(e, E.Snapshot)}
    if not first.is_file() or not taken:
        return []
    modality = run.data["modality"]
    items = arrays.read(first)
    rows = [("input", items["input"])]
    for epoch in sorted(taken):
        path = run.path / taken[epoch]
        if path.is_file():
            when = "before training" if epoch == 0 else f"epoch {epoch}"
            rows.append((when, arrays.read(path)["output"]))
    if run.recipe.task.kind != "reconstruct":
        rows.append(("target", items["target"]))
    return [
        (
            label,
            Markup(
                strip(
                    _shown(run, values[:_SHOWN]), f"{label}: {len(values[:_SHOWN])} items", modality
                )
            ),
        )
        for label, values in rows
    ]


def _extremes(run: Run, codes: dict[str, Any]) -> list[tuple[str, Markup]]:
    rows = []
    for which in ("best", "worst"):
        if f"{which}_input" not in codes:
            continue
        errors = codes[f"{which}_error"]
        for what, label in (("input", which), ("output", f"{which}, rebuilt")):
            values = _shown(run, codes[f"{which}_{what}"])
            alt = f"{label} items, errors {errors.min():.4g} to {errors.max():.4g}"
            rows.append(
                (
                    f"{label} ({errors.mean():.4f})" if what == "input" else label,
                    Markup(strip(values, alt, run.data["modality"])),
                )
            )
    return rows


def _shown(run: Run, values: Any) -> Any:
    values = values.astype(np.float32)
    return np.clip(values, 0, 1) if run.data["modality"] == "image" else values


def _figures(metrics: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (name.replace("_", " "), f"{metrics[name]:.5g}", meaning)
        for name, meaning in _MEANINGS.items()
        if isinstance(metrics.get(name), float)
    ]


def _map(run: Run, codes: dict[str, Any]) -> maps.MapData | None:
    held = codes.get("codes")
    if held is None or len(held) < 3 or not np.isfinite(held).all():
        return None
    items = codes.get("thumbnails")
    most = len(items) if items is not None else len(held)
    points = maps.project(held[:most]).points
    labels = codes["labels"][:most] if "labels" in codes else None
    classes = tuple(run.data.get("classes", ()))
    if labels is not None and not classes:
        labels = None
    return maps.MapData(points, labels, classes if labels is not None else (), items)


def _diagnostics(said: list[E.Event]) -> list[tuple[str, Markup]]:
    looked = [e for e in said if isinstance(e, E.Evaluated)]
    names = list(looked[-1].diagnostics) if looked else []
    charts = []
    for name in names:
        points = [
            (float(e.epoch), e.diagnostics[name])
            for e in looked
            if e.diagnostics.get(name) is not None
        ]
        drawn = chart([Line(name.replace("_", " "), points, "var(--code)")], "epoch", "")
        if drawn:
            charts.append((name.replace("_", " "), Markup(drawn)))
    return charts


def _machine(said: list[E.Event]) -> str:
    started = next((e for e in said if isinstance(e, E.Started)), None)
    if started is None:
        return ""
    engine = started.engine
    seconds = next((e.t for e in reversed(said) if e.kind in {"finished", "progress"}), 0.0)
    return (
        f"Trained in {seconds:,.0f} s on {engine.get('device')}, {engine.get('threads')} thread(s), "
        f"{'bfloat16' if engine.get('bfloat16') else 'float32'}."
    )
