"""The map as a picture, by matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.files import replacing
from isthmus.maps.palette import MARKERS, UNLABELLED, palette

Array = NDArray[Any]


def plot_png(
    path: Path,
    points: Array,
    labels: Array | None,
    classes: tuple[str, ...],
    title: str,
    axes: tuple[str, str] = ("", ""),
) -> None:
    """Points (N, 2) coloured by class, with a legend; shapes too, where there are at most 8 classes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6.4), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    frame = figure.add_subplot()
    size = float(np.clip(25_000 / max(len(points), 1), 2.5, 30))
    if labels is None:
        frame.scatter(points[:, 0], points[:, 1], s=size, c=palette(1)[0], linewidths=0, alpha=0.7)
    else:
        _by_class(frame, points, labels, classes, size)
    frame.set_title(title, loc="left")
    frame.set_xlabel(axes[0])
    frame.set_ylabel(axes[1])
    frame.spines[["top", "right"]].set_visible(False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def _by_class(
    frame: Any, points: Array, labels: Array, classes: tuple[str, ...], size: float
) -> None:
    shown = [
        (i, name, colour)
        for i, (name, colour) in enumerate(zip(classes, palette(len(classes)), strict=True))
    ]
    if (labels < 0).any():
        shown = [(-1, "no label", UNLABELLED), *shown]
    for number, name, colour in shown:
        mine = points[labels == number]
        marker = MARKERS[number] if number >= 0 and len(classes) <= len(MARKERS) else "o"
        frame.scatter(
            mine[:, 0],
            mine[:, 1],
            s=size,
            c=colour,
            label=name,
            marker=marker,
            linewidths=0,
            alpha=0.75,
        )
    legend = frame.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    for handle in legend.legend_handles:
        handle.set_sizes([40])
        handle.set_alpha(1)
