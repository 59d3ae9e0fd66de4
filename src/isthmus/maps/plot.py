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
    from matplotlib.lines import Line2D

    colours = [*palette(len(classes)), UNLABELLED]
    shapes = MARKERS[: len(classes)] if len(classes) <= len(MARKERS) else ("o",) * len(classes)
    # In a random order: a class drawn last would hide those drawn before it.
    order = np.random.default_rng(0).permutation(len(points))
    for shape in dict.fromkeys((*shapes, "o")):
        numbers = [i for i, own in enumerate((*shapes, "o")) if own == shape]
        mine = order[np.isin(labels[order] % len(colours), numbers)]
        frame.scatter(
            points[mine, 0], points[mine, 1], s=size, marker=shape, linewidths=0, alpha=0.75,
            c=[colours[int(i)] for i in labels[mine]],
        )  # fmt: skip
    names = [*classes, "no label"] if (labels < 0).any() else list(classes)
    handles = [
        Line2D([], [], linestyle="", marker=shape, color=colour, label=name)
        for name, colour, shape in zip(names, colours, (*shapes, "o"), strict=False)
    ]
    frame.legend(handles=handles, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
