"""The map as one self-contained, interactive page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from isthmus import page as html
from isthmus.files import write_text
from isthmus.maps import shown
from isthmus.maps.palette import palette

Array = NDArray[Any]

_MOST_NAMED = 20_000
_MANY = 100_000
_SHADE_BYTES = 6_000_000
_SCRIPTS = ("scatter.js", "hover.js", "choose.js", "scene.js", "sound.js", "start.js")

MEANINGS = {
    "knn_accuracy": "share of held-out items whose 15 nearest codes vote for their class",
    "probe_accuracy": "the same for a straight line between classes, in all code numbers",
    "cluster_accuracy": "share of held-out items that k-means, told no class, puts with their class",
    "cluster_nmi": "0 to 1: what the clusters and the classes know of each other",
    "cluster_ari": "pairs of items that clusters and classes agree on: 0 is chance, 1 is all",
    "silhouette": "-1 to 1: how much nearer an item is to its own class than to the next",
    "trustworthiness": "0 to 1: how many neighbours on the map are neighbours in the data",
    "endmember_angle": "mean angle in radians between the spectra found and the true ones",
    "abundance_rmse": "root mean squared error of the shares found, of 0 to 1",
}


@dataclass(frozen=True)
class MapData:
    """Everything a map shows. ``items`` (N, *shape) are uint8 pictures or float values."""

    points: Array
    labels: Array | None
    classes: tuple[str, ...]
    items: Array | None = None
    names: tuple[str, ...] | None = None
    grid: tuple[Array, tuple[float, float, float, float], int] | None = None
    """Decoded items (side x side, *shape), the (left, right, bottom, top) cell centres, and side."""
    rebuild: shown.Rebuild | None = None
    """Indices of items -> their reconstructions, drawn beside them where items are curves."""
    columns: tuple[str, ...] = ()
    shades: dict[str, Array] = field(default_factory=dict)
    """Figures (N,) that the map can be coloured by: an error, a share, a number of the code."""
    scene: shown.SceneView | None = None
    waves: Array | None = None
    """(N, samples) in -1..1: what is heard of an item, at ``rate`` samples a second."""
    rate: int = 8_000
    materials: Array | None = None
    """(materials, bands): the spectra that an unmixing found."""


def scatter_data(made: MapData, seed: int = 0) -> dict[str, Any]:
    """What the page's scripts need, as JSON can hold it."""
    tree: dict[str, Any] = {
        **_points(made.points),
        "labels": None if made.labels is None else html.base64_of(made.labels.astype("<i2")),
        "classes": list(made.classes),
        "colours": palette(max(len(made.classes), 1)),
        "names": list(made.names) if made.names and len(made.names) <= _MOST_NAMED else None,
        "summary": summary(made),
        "hint": "Point at an item to see it.",
        "shades": _shades(made.shades),
        "pictures": None,
        "grid": None,
        "scene": None if made.scene is None else shown.scene(made.scene),
        "sounds": None if made.waves is None else shown.sounds(made.waves, made.rate, seed),
    }
    if made.items is not None:
        tree["pictures"] = shown.items(made.items, made.rebuild, made.columns, seed)
    if made.grid is not None and made.grid[0].ndim == 4:
        tree["grid"] = shown.sheet(*made.grid)
    return tree


def scripts() -> str:
    """The page's scripts in one: they mount a map on every element that has ``data-map``."""
    return "\n".join(html.text(name, "isthmus.maps") for name in _SCRIPTS)


def write_page(
    path: Path, title: str, made: MapData, figures: dict[str, float | None], note: str = ""
) -> None:
    """Write the page; ``figures`` become a table with a sentence each."""
    rows = [
        (name.replace("_", " "), f"{value:.3f}", meaning(name))
        for name, value in figures.items()
        if value is not None
    ]
    written = html.render(
        "map.html",
        [html.text("scatter.css", "isthmus.maps")],
        [scripts()],
        title=title,
        summary=" ".join(filter(None, [summary(made), note])),
        figures=rows,
        materials=_materials(made),
        data=html.data(scatter_data(made)),
    )
    write_text(path, written)


def meaning(figure: str) -> str:
    """What a figure says, in a sentence."""
    found = re.fullmatch(r"pca(\d+)_(\w+)", figure)
    if found:
        return f"{found[2].replace('_', ' ')} of {found[1]} principal components, to compare"
    return MEANINGS.get(figure, "")


def summary(made: MapData) -> str:
    """The map in one sentence, for those who do not see it."""
    text = f"{len(made.points):,} items on a plane"
    if made.labels is None or not made.classes:
        return text + "."
    counts = [(name, int((made.labels == i).sum())) for i, name in enumerate(made.classes)]
    listed = ", ".join(f"{name} {count:,}" for name, count in counts[:12])
    more = f" and {len(counts) - 12} more classes" if len(counts) > 12 else ""
    return f"{text}, coloured by class: {listed}{more}."


def _points(points: Array) -> dict[str, Any]:
    """Many points as 16 bits within their bounds: finer than any screen, half the bytes."""
    if len(points) <= _MANY:
        return {"points": html.base64_of(points.astype("<f4")), "bounds": None}
    low, high = points.min(0).astype(np.float64), points.max(0).astype(np.float64)
    even = np.round((points - low) / np.maximum(high - low, 1e-12) * 65_535)
    bounds = [float(v) for v in (*low, *high)]
    return {"points": html.base64_of(even.astype("<u2")), "bounds": bounds}


def _shades(shades: dict[str, Array]) -> list[dict[str, Any]]:
    """Each figure as 8 bits between its smallest and its 99.5th percentile."""
    told: list[dict[str, Any]] = []
    for name, values in shades.items():
        if (len(told) + 1) * len(values) > _SHADE_BYTES:
            break
        low, high = float(values.min()), float(np.quantile(values, 0.995))
        even = np.clip((values - low) / max(high - low, 1e-12), 0, 1) * 255
        told.append(
            {
                "name": name,
                "values": html.base64_of((even + 0.5).astype(np.uint8)),
                "range": [low, high],
            }
        )
    return told


def _materials(made: MapData) -> Markup | None:
    """The spectra found, as small curves, each named by its number."""
    if made.materials is None:
        return None
    top = float(made.materials.max()) or 1.0
    drawn = []
    for number, (spectrum, colour) in enumerate(
        zip(made.materials, palette(len(made.materials)), strict=True), 1
    ):
        across = np.linspace(0, 160, len(spectrum))
        line = " ".join(
            f"{x:.1f},{66 - 60 * max(float(v), 0) / top:.1f}"
            for x, v in zip(across, spectrum, strict=True)
        )
        drawn.append(
            f'<figure><svg viewBox="0 0 160 70" width="160" height="70" role="img" '
            f'aria-label="{escape(f"spectrum of material {number}")}"><polyline points="{line}" fill="none" '
            f'stroke="{colour}" stroke-width="2"/></svg><figcaption>material {number}</figcaption></figure>'
        )
    return Markup("".join(drawn))
