"""``isthmus explore``: the map of the codes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli.common import check_output, json_option, result, say

if TYPE_CHECKING:
    from isthmus.datasets import Dataset
    from isthmus.model import Model
    from isthmus.training import Run


@dataclass(frozen=True)
class _Coded:
    """All items of a data set with their codes; the last ``held`` are those the model never saw."""

    values: Any
    codes: Any
    labels: Any
    names: tuple[str, ...] | None
    classes: tuple[str, ...]
    held: int


@click.command(epilog="Example: isthmus explore runs/digits-2d -o map.html")
@click.argument("source", metavar="RUN|RECIPE")
@click.option("--data", metavar="PATH", help="Map your own folder or file, or a named data set.")
@click.option(
    "--labels",
    metavar="COLUMN|FILE",
    help="Classes: a column of the table, or a file with one per line.",
)
@click.option(
    "--how",
    type=click.Choice(["auto", "direct", "pca", "umap", "tsne", "pacmap"]),
    default="auto",
    show_default=True,
    help="How codes become points.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT.html|.png|.parquet",
    type=click.Path(path_type=Path),
)
@json_option
def explore(
    source: str, data: str | None, labels: str | None, how: Any, output: Path, as_json: bool
) -> None:
    """Draw the codes of a data set as a map: an interactive page, a picture, or a table.

    A RECIPE is trained first.
    """
    suffix = check_output(output, (".html", ".png", ".parquet"))
    run = _run(source)
    coded = _codes(run, data, labels)
    from isthmus import maps

    projection = maps.project(coded.codes, how, run.recipe.training.seed)
    figures = _figures(coded, projection)
    title = f"{run.recipe.name}: {len(coded.codes):,} codes"
    if suffix == ".png":
        maps.plot_png(
            output, projection.points, coded.labels, coded.classes, title, projection.axes
        )
    elif suffix == ".parquet":
        _table(output, coded, projection.points)
    else:
        _page(output, run.model, title, coded, projection, figures)
    tree = {"output": str(output), "items": len(coded.codes), "how": projection.how, **figures}
    shown = "\n".join(
        f"{name:18} {value:.4f}" for name, value in figures.items() if value is not None
    )
    result(tree, as_json, "\n".join(filter(None, [shown, f"map     {output}"])))


def _run(source: str) -> Run:
    from isthmus.recipe import Recipe
    from isthmus.training import Run, train

    if (Path(source) / "recipe.toml").is_file():
        return Run(source)
    recipe = Recipe.load(source)
    from isthmus.cli.progress import Bar

    with Bar() as bar:
        return train(recipe, on_event=bar.show)


def _codes(run: Run, data: str | None, labels: str | None) -> _Coded:
    import numpy as np

    from isthmus.datasets import open_dataset, spec_for
    from isthmus.errors import DataError

    spec = run.recipe.data if data is None else spec_for(data, run.recipe.data)
    column = labels if labels and not Path(labels).is_file() else None
    if column is not None:
        if spec.kind != "table":
            raise DataError(
                f"--labels {labels}: is no file, and {data or 'the data'} is no table with columns"
            )
        spec = spec.model_copy(update={"label": column})
    dataset = open_dataset(spec, run.recipe.training.seed)
    if dataset.shape != run.model.shape:
        raise DataError(
            f"{dataset.name}: items of shape {dataset.shape}; the model takes {run.model.shape}"
        )
    parts = [dataset.train, dataset.test]
    values = np.concatenate([p.values for p in parts])
    known = [p.labels if p.labels is not None else np.full(len(p), -1) for p in parts]
    classes, found = dataset.classes, np.concatenate(known)
    if labels and column is None:
        classes, found = _labels_of(Path(labels), len(values), dataset)
    names = None if parts[0].names is None else parts[0].names + (parts[1].names or ())
    say(f"{len(values):,} items")
    codes = run.model.encode(values)
    has = bool((found >= 0).any())
    return _Coded(
        values, codes, found if has else None, names, classes if has else (), len(dataset.test)
    )


def _labels_of(path: Path, count: int, dataset: Dataset) -> tuple[tuple[str, ...], Any]:
    import numpy as np

    from isthmus.errors import DataError

    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as labels ({error})") from None
    if len(lines) != count:
        raise DataError(f"{path}: has {len(lines)} labels, but {dataset.name} has {count} items")
    classes, found = np.unique(np.array(lines), return_inverse=True)
    return tuple(str(c) for c in classes), found.astype(np.int64)


def _figures(coded: _Coded, projection: Any) -> dict[str, float | None]:
    from isthmus import maps

    split = len(coded.codes) - coded.held if coded.held else len(coded.codes) // 2
    figures: dict[str, float | None] = {}
    if coded.labels is not None:
        y, v = coded.labels[:split], coded.labels[split:]
        figures |= maps.cluster_figures(coded.codes[:split], y, coded.codes[split:], v)
        if figures:
            flat = coded.values.reshape(len(coded.values), -1)
            plane = maps.project(flat[: min(split, 20_000)], "pca")
            figures["pca2_knn_accuracy"] = _pca2(flat, coded.labels, split, plane)
    figures["trustworthiness"] = maps.trustworthiness(
        coded.values[split:], projection.points[split:]
    )
    return figures


def _pca2(flat: Any, labels: Any, split: int, plane: Any) -> float | None:
    """What two principal components of the data themselves reach: the map to beat."""
    import numpy as np

    from isthmus import maps

    origin = plane.inverse(np.zeros((1, 2), np.float32))
    axes = np.concatenate([plane.inverse(np.eye(2, dtype=np.float32)) - origin])
    points = (flat - origin) @ axes.T
    return maps.cluster_figures(points[:split], labels[:split], points[split:], labels[split:]).get(
        "knn_accuracy"
    )


def _page(
    output: Path,
    model: Model,
    title: str,
    coded: _Coded,
    projection: Any,
    figures: dict[str, float | None],
) -> None:
    from isthmus import maps

    sheet = None
    if projection.inverse is not None and len(model.shape) == 3:
        items, edges = maps.grid(lambda p: model.decode(projection.inverse(p)), projection.points)
        sheet = (items, edges, 15)
    made = maps.MapData(
        projection.points, coded.labels, coded.classes, coded.values, coded.names, sheet
    )
    note = f"Laid out by {projection.how}: {projection.axes[0]} across, {projection.axes[1]} up."
    maps.write_page(output, title, made, figures, note)


def _table(output: Path, coded: _Coded, points: Any) -> None:
    from isthmus.media import tables

    flat = coded.codes.reshape(len(coded.codes), -1)
    split = len(flat) - coded.held
    columns: dict[str, Any] = {"part": ["train"] * split + ["test"] * coded.held}
    if coded.names is not None:
        columns["name"] = list(coded.names)
    if coded.labels is not None:
        columns["label"] = [coded.classes[i] if i >= 0 else None for i in coded.labels]
    columns |= {"x": points[:, 0], "y": points[:, 1]}
    columns |= {f"code_{i}": flat[:, i] for i in range(flat.shape[1])}
    tables.write(output, columns)
