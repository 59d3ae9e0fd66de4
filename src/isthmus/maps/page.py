"""The map as one self-contained, interactive page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isthmus import page as html
from isthmus.files import write_text
from isthmus.maps.palette import palette

Array = NDArray[Any]

_MOST_PICTURES = 6_000
_LARGEST_CELL = 48
_PER_SHEET = 1_024
_MOST_STEPS = 256

MEANINGS = {
    "knn_accuracy": "share of held-out items whose 15 nearest codes vote for their class",
    "probe_accuracy": "the same for a straight line between classes, in all code numbers",
    "silhouette": "-1 to 1: how much nearer an item is to its own class than to the next",
    "trustworthiness": "0 to 1: how many neighbours on the map are neighbours in the data",
    "pca2_knn_accuracy": "the first figure for two principal components of the data, to compare",
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


def scatter_data(made: MapData, seed: int = 0) -> dict[str, Any]:
    """What ``scatter.js`` needs, as JSON can hold it."""
    tree: dict[str, Any] = {
        "points": html.base64_of(made.points.astype("<f4")),
        "labels": None if made.labels is None else html.base64_of(made.labels.astype("<i2")),
        "classes": list(made.classes),
        "colours": palette(max(len(made.classes), 1)),
        "names": list(made.names) if made.names and len(made.names) <= 20_000 else None,
        "summary": summary(made),
        "hint": "Point at an item to see it.",
        "pictures": None,
        "grid": None,
    }
    if made.items is not None:
        tree["pictures"] = _pictures(made.items, seed)
    if made.grid is not None and made.grid[0].ndim == 4:
        tree["grid"] = _grid(*made.grid)
    return tree


def write_page(
    path: Path, title: str, made: MapData, figures: dict[str, float | None], note: str = ""
) -> None:
    """Write the page; ``figures`` become a table with a sentence each."""
    rows = [
        (name.replace("_", " "), f"{value:.3f}", MEANINGS.get(name, ""))
        for name, value in figures.items()
        if value is not None
    ]
    written = html.render(
        "map.html",
        [html.text("scatter.css", "isthmus.maps")],
        [html.text("scatter.js", "isthmus.maps")],
        title=title,
        summary=" ".join(filter(None, [summary(made), note])),
        figures=rows,
        data=html.data(scatter_data(made)),
    )
    write_text(path, written)


def summary(made: MapData) -> str:
    """The map in one sentence, for those who do not see it."""
    text = f"{len(made.points):,} items on a plane"
    if made.labels is None or not made.classes:
        return text + "."
    counts = [(name, int((made.labels == i).sum())) for i, name in enumerate(made.classes)]
    listed = ", ".join(f"{name} {count:,}" for name, count in counts[:12])
    more = f" and {len(counts) - 12} more classes" if len(counts) > 12 else ""
    return f"{text}, coloured by class: {listed}{more}."


def _pictures(items: Array, seed: int) -> dict[str, Any]:
    kept = np.arange(len(items))
    if len(items) > _MOST_PICTURES:
        kept = np.sort(np.random.default_rng(seed).permutation(len(items))[:_MOST_PICTURES])
    tree: dict[str, Any] = {"items": html.base64_of(kept.astype("<i4"))}
    if items.ndim == 4:
        return {**tree, **_sprites(items[kept])}
    return {**tree, **_curves(items[kept])}


def _sprites(items: Array) -> dict[str, Any]:
    """Pictures (N, C, H, W) on sheets side by side."""
    cells = np.stack([_cell(item) for item in items])
    height, width = cells.shape[1:3]
    columns = int(math.sqrt(_PER_SHEET))
    sheets = []
    for start in range(0, len(cells), _PER_SHEET):
        part = cells[start : start + _PER_SHEET]
        rows = -(-len(part) // columns)
        sheet = np.zeros((rows * height, columns * width, *cells.shape[3:]), np.uint8)
        for place, cell in enumerate(part):
            y, x = divmod(place, columns)
            sheet[y * height : (y + 1) * height, x * width : (x + 1) * width] = cell
        sheets.append(html.png_uri(sheet))
    return {"sheets": sheets, "cell": [width, height], "columns": columns, "perSheet": _PER_SHEET}


def _cell(item: Array) -> Array:
    picture = as_picture(item)
    if max(picture.shape[:2]) <= _LARGEST_CELL:
        return picture
    small = Image.fromarray(picture)
    scale = _LARGEST_CELL / max(picture.shape[:2])
    size = (max(round(small.width * scale), 1), max(round(small.height * scale), 1))
    return np.asarray(small.resize(size, Image.Resampling.BOX))


def as_picture(item: Array) -> Array:
    """An item (C, H, W), uint8 or floats 0..1, as uint8 (H, W) or (H, W, 3)."""
    values = (
        item
        if item.dtype == np.uint8
        else np.clip(item.astype(np.float32) * 255 + 0.5, 0, 255).astype(np.uint8)
    )
    if values.shape[0] == 3:
        return np.ascontiguousarray(values.transpose(1, 2, 0))
    return np.ascontiguousarray(values[0])


def _curves(items: Array) -> dict[str, Any]:
    """Vectors, spectra and sequences as lines of at most 256 points of 8 bits."""
    flat = items.reshape(len(items), -1).astype(np.float32)
    if flat.shape[1] > _MOST_STEPS:
        flat = flat[:, np.linspace(0, flat.shape[1] - 1, _MOST_STEPS).astype(int)]
    low, high = float(np.quantile(flat, 0.001)), float(np.quantile(flat, 0.999))
    scaled = np.clip((flat - low) / max(high - low, 1e-12), 0, 1) * 255
    return {"curves": html.base64_of(scaled.astype(np.uint8)), "steps": flat.shape[1]}


def _grid(items: Array, centres: tuple[float, float, float, float], side: int) -> dict[str, Any]:
    cells = [as_picture(item) for item in items]
    rows = [np.concatenate(cells[i * side : (i + 1) * side], 1) for i in range(side)]
    left, right, bottom, top = centres
    half_x, half_y = (right - left) / (side - 1) / 2, (top - bottom) / (side - 1) / 2
    edges = [left - half_x, right + half_x, bottom - half_y, top + half_y]
    return {"image": html.png_uri(np.concatenate(rows, 0)), "edges": edges}
