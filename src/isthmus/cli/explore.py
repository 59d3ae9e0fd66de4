"""``isthmus explore``: the map of the codes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli.common import check_output, json_option, result, say

if TYPE_CHECKING:
    from isthmus.cli.coded import Coded
    from isthmus.maps import MapData
    from isthmus.model import Model


@click.command(
    epilog="Example: isthmus explore spectra --data scene.mat --labels scene_gt.mat -o map.html"
)
@click.argument("source", metavar="RUN|RECIPE")
@click.option("--data", metavar="PATH", help="Map your own folder or file, or a named data set.")
@click.option(
    "--labels",
    metavar="COLUMN|FILE",
    help="Classes: a column of the table, a map of the scene, or a file with one per line.",
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
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a setting of RECIPE; may be repeated.",
)
@json_option
def explore(
    source: str,
    data: str | None,
    labels: str | None,
    how: Any,
    output: Path,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Draw the codes of a data set as a map: an interactive page, a picture, or a table.

    A RECIPE is trained first, on --data if given. Scenes are shown beside their map, sounds are heard.
    """
    suffix = check_output(output, (".html", ".png", ".parquet"))
    from isthmus import maps
    from isthmus.cli import coded as subject

    run = subject.run_of(source, data, labels, assignments)
    made = subject.coded(run, data, labels)
    say("laying out")
    projection = maps.project(made.codes, how, run.recipe.training.seed, _placing(len(made.codes)))
    told = subject.figures(run, made, projection.points)
    title = f"{run.recipe.name}: {len(made.codes):,} codes"
    match suffix:
        case ".png":
            maps.plot_png(
                output, projection.points, made.labels, made.classes, title, projection.axes,
                _scene(made),
            )  # fmt: skip
        case ".parquet":
            _table(output, run.model, made, projection.points)
        case _:
            shown = _shown(run.model, made, projection)
            note = f"Laid out by {projection.how}: {projection.axes[0]} across, {projection.axes[1]} up."
            maps.write_page(output, title, shown, told, note)
    tree = {"output": str(output), "items": len(made.codes), "how": projection.how, **told}
    lines = "\n".join(f"{name:18} {value:.4f}" for name, value in told.items() if value is not None)
    result(tree, as_json, "\n".join(filter(None, [lines, f"map     {output}"])))


def _placing(count: int) -> Any:
    """Say how far a large layout is, a line for every tenth."""
    tenths = set()

    def hear(share: float) -> None:
        tenth = int(share * 10)
        if tenth not in tenths:
            tenths.add(tenth)
            say(f"placed {share:4.0%} of {count:,} items")

    return hear


def _shown(model: Model, made: Coded, projection: Any) -> MapData:
    from isthmus import maps
    from isthmus.cli.coded import materials, shades

    sheet = None
    if projection.inverse is not None and made.dataset.modality == "image":
        items, edges = maps.grid(lambda p: model.decode(projection.inverse(p)), projection.points)
        sheet = (items, edges, 15)
    return maps.MapData(
        projection.points, made.labels, made.classes, _middle(made, made.values), made.names, sheet,
        rebuild=lambda kept: _middle(made, model.reconstruct(made.values[kept])),
        columns=made.dataset.columns, shades=shades(model, made), scene=_scene(made),
        waves=made.waves, rate=getattr(model.recipe.data, "sample_rate", 8000),
        materials=materials(model),
    )  # fmt: skip


def _middle(made: Coded, values: Any) -> Any:
    """Of a pixel that was read with its neighbours, the spectrum of the pixel."""
    if made.dataset.modality == "spectrum" and values.ndim == 4:
        return values[:, :, values.shape[2] // 2, values.shape[3] // 2]
    return values


def _scene(made: Coded) -> Any:
    from isthmus import maps

    if made.dataset.scene is None or made.positions is None:
        return None
    return maps.SceneView(made.dataset.scene.view, made.positions)


def _table(output: Path, model: Model, made: Coded, points: Any) -> None:
    from isthmus.media import tables

    flat = made.codes.reshape(len(made.codes), -1)
    split = len(flat) - made.held
    columns: dict[str, Any] = {"part": ["train"] * split + ["test"] * made.held}
    if made.names is not None:
        columns["name"] = list(made.names)
    if made.positions is not None:
        columns |= {"row": made.positions[:, 0], "column": made.positions[:, 1]}
    if made.labels is not None:
        columns["label"] = [made.classes[i] if i >= 0 else None for i in made.labels]
    columns |= {"error": model.errors(made.values), "x": points[:, 0], "y": points[:, 1]}
    columns |= {f"code_{i}": flat[:, i] for i in range(flat.shape[1])}
    tables.write(output, columns)
