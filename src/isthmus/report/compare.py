"""Before and after, side by side under a slider, with magnified pieces: one page for any verb."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isthmus import page as html
from isthmus.files import write_text

Array = NDArray[Any]
_LARGEST = 1600
_CROP = 160
_ZOOM = 3


@dataclass(frozen=True)
class View:
    """The same place before and after, as data: addresses."""

    caption: str
    before: str
    after: str
    width: int
    height: int
    pixels: bool = False
    """Whether single pixels are to be seen."""


@dataclass(frozen=True)
class Pair:
    """One input: its name, what is said of it, the whole and pieces of it."""

    name: str
    text: str
    whole: View
    pieces: list[View]
    figure: str = ""
    """Markup of a chart that stands before the pictures."""


def pair(name: str, before: Array, after: Array, text: str) -> Pair:
    """Two uint8 pictures (height, width, 1 or 3) of one size as they are shown."""
    height, width = before.shape[:2]
    scale = min(1.0, _LARGEST / max(height, width))
    small = max(round(width * scale), 1), max(round(height * scale), 1)
    whole = View("the whole picture", _jpeg(before, small), _jpeg(after, small), *small)
    return Pair(name, text, whole, [_piece(before, after, *at) for at in _places(before, after)])


def with_figure(shown: Pair, figure: str) -> Pair:
    """The same with a chart."""
    return replace(shown, figure=figure)


def write(path: Path, title: str, pairs: list[Pair]) -> None:
    """The page: one file, no network."""
    write_text(
        path,
        html.render(
            "compare.html",
            [html.text("compare.css")],
            [html.text("compare.js")],
            title=title,
            pairs=pairs,
        ),
    )


def _places(before: Array, after: Array) -> list[tuple[str, int, int]]:
    """(caption, top, left) of the pieces worth a look: most change, finest detail, least detail."""
    height, width = before.shape[:2]
    side = min(_CROP, height, width)
    tops = range(0, height - side + 1, side)
    lefts = range(0, width - side + 1, side)
    cells = [(y, x) for y in tops for x in lefts]
    if len(cells) < 2:
        return []
    change, detail = np.empty(len(cells)), np.empty(len(cells))
    for index, (y, x) in enumerate(cells):
        first = before[y : y + side, x : x + side].astype(np.float32).mean(2)
        second = after[y : y + side, x : x + side].astype(np.float32).mean(2)
        change[index] = np.square(second - first).mean()
        detail[index] = (
            np.square(np.diff(second, axis=0)).mean() + np.square(np.diff(second, axis=1)).mean()
        )
    chosen: dict[int, str] = {}
    for caption, order in (
        ("where most changed", -change),
        ("where detail is finest", -detail),
        ("where it is smoothest", detail),
    ):
        index = next((int(i) for i in np.argsort(order, kind="stable") if int(i) not in chosen), -1)
        if index >= 0:
            chosen[index] = caption
    return [(caption, *cells[index]) for index, caption in chosen.items()]


def _piece(before: Array, after: Array, caption: str, top: int, left: int) -> View:
    side = min(_CROP, *before.shape[:2])
    rows, columns = slice(top, top + side), slice(left, left + side)
    return View(
        f"{caption}: {side} x {side} pixels at {left}, {top}",
        html.png_uri(_flat(before[rows, columns])),
        html.png_uri(_flat(after[rows, columns])),
        side * _ZOOM,
        side * _ZOOM,
        True,
    )


def _flat(picture: Array) -> Array:
    return picture[..., 0] if picture.shape[2] == 1 else picture


def _jpeg(picture: Array, size: tuple[int, int]) -> str:
    image = Image.fromarray(np.ascontiguousarray(_flat(picture)))
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    return html.jpeg_uri(image)
