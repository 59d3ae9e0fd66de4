"""What a map's page shows of each item: pictures, curves, sounds, the scene; within a budget of bytes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isthmus import page as html

Array = NDArray[Any]
Rebuild = Callable[[Array], Array]

_MOST_PICTURES = 6_000
_MOST_CURVES = 30_000
_CURVE_BYTES = 12_000_000
_SOUND_BYTES = 8_000_000
_LARGEST_CELL = 48
_PER_SHEET = 1_024
_MOST_STEPS = 256


@dataclass(frozen=True)
class SceneView:
    """Where items lie in a picture: ``view`` (rows, columns, 3) uint8, ``positions`` (N, 2)."""

    view: Array
    positions: Array


def items(values: Array, rebuild: Rebuild | None, columns: tuple[str, ...], seed: int) -> Any:
    """Pictures (N, C, H, W) as sheets, anything else as curves beside their reconstructions."""
    most = _MOST_PICTURES
    if values.ndim != 4:
        steps = min(math.prod(values.shape[1:]), _MOST_STEPS)
        most = min(_MOST_CURVES, _CURVE_BYTES // (2 * steps))
    kept = chosen(len(values), most, seed)
    tree: dict[str, Any] = {"items": html.base64_of(kept.astype("<i4"))}
    if values.ndim == 4:
        return {**tree, **_sprites(values[kept])}
    rebuilt = None if rebuild is None else rebuild(kept)
    return {**tree, **_curves(values[kept], rebuilt, columns)}


def chosen(count: int, most: int, seed: int) -> Array:
    """Which of ``count`` items are shown: all, or ``most`` drawn by chance, in order."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])


def sounds(waves: Array, rate: int, seed: int) -> dict[str, Any]:
    """Waves (N, samples) in -1..1 as 8-bit mu-law (ITU-T G.711's curve), as many as 8 MB hold."""
    kept = chosen(len(waves), max(_SOUND_BYTES // waves.shape[1], 1), seed)
    loudest = float(np.quantile(np.abs(waves[kept]), 0.999)) or 1.0
    even = np.clip(waves[kept] / loudest, -1, 1)
    bent = np.sign(even) * np.log1p(255 * np.abs(even)) / np.log(256)
    return {
        "items": html.base64_of(kept.astype("<i4")),
        "waves": html.base64_of(np.round(bent * 127).astype(np.int8)),
        "samples": waves.shape[1],
        "rate": rate,
    }


def scene(view: SceneView) -> dict[str, Any]:
    """The picture and the pixel of every item."""
    rows, columns = view.view.shape[:2]
    pixels = view.positions[:, 0].astype(np.int64) * columns + view.positions[:, 1]
    return {
        "image": html.png_uri(view.view),
        "rows": rows,
        "columns": columns,
        "pixels": html.base64_of(pixels.astype("<i4")),
    }


def sheet(made: Array, centres: tuple[float, float, float, float], side: int) -> dict[str, Any]:
    """Decoded items (side x side, C, H, W) as one picture that lies under the points."""
    cells = [as_picture(item) for item in made]
    rows = [np.concatenate(cells[i * side : (i + 1) * side], 1) for i in range(side)]
    left, right, bottom, top = centres
    half_x, half_y = (right - left) / (side - 1) / 2, (top - bottom) / (side - 1) / 2
    edges = [left - half_x, right + half_x, bottom - half_y, top + half_y]
    return {"image": html.png_uri(np.concatenate(rows, 0)), "edges": edges}


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


def _sprites(values: Array) -> dict[str, Any]:
    """Pictures (N, C, H, W) on sheets side by side."""
    cells = np.stack([_cell(item) for item in values])
    height, width = cells.shape[1:3]
    columns = int(math.sqrt(_PER_SHEET))
    sheets = []
    for start in range(0, len(cells), _PER_SHEET):
        part = cells[start : start + _PER_SHEET]
        rows = -(-len(part) // columns)
        made = np.zeros((rows * height, columns * width, *cells.shape[3:]), np.uint8)
        for place, cell in enumerate(part):
            y, x = divmod(place, columns)
            made[y * height : (y + 1) * height, x * width : (x + 1) * width] = cell
        sheets.append(html.png_uri(made))
    return {"sheets": sheets, "cell": [width, height], "columns": columns, "perSheet": _PER_SHEET}


def _cell(item: Array) -> Array:
    picture = as_picture(item)
    if max(picture.shape[:2]) <= _LARGEST_CELL:
        return picture
    small = Image.fromarray(picture)
    scale = _LARGEST_CELL / max(picture.shape[:2])
    size = (max(round(small.width * scale), 1), max(round(small.height * scale), 1))
    return np.asarray(small.resize(size, Image.Resampling.BOX))


def _curves(values: Array, rebuilt: Array | None, columns: tuple[str, ...]) -> dict[str, Any]:
    """Vectors, spectra and sequences as lines of at most 256 points of 8 bits, on one scale."""
    flat = _thinned(values)
    low, high = float(np.quantile(flat, 0.001)), float(np.quantile(flat, 0.999))

    def scaled(lines: Array) -> str:
        even = np.clip((lines - low) / max(high - low, 1e-12), 0, 1) * 255
        return html.base64_of((even + 0.5).astype(np.uint8))

    return {
        "curves": scaled(flat),
        "rebuilt": None if rebuilt is None else scaled(_thinned(rebuilt)),
        "steps": flat.shape[1],
        "range": [low, high],
        "ends": [columns[0], columns[-1]] if columns else None,
    }


def _thinned(values: Array) -> Array:
    flat = values.reshape(len(values), -1).astype(np.float32)
    if flat.shape[1] <= _MOST_STEPS:
        return flat
    thin: Array = flat[:, np.linspace(0, flat.shape[1] - 1, _MOST_STEPS).astype(int)]
    return thin
