"""The map as a picture, by matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.files import replacing
from isthmus.maps.palette import MARKERS, UNLABELLED, palette
from isthmus.maps.shown import SceneView

Array = NDArray[Any]


def plot_png(
    path: Path,
    points: Array,
    labels: Array | None,
    classes: tuple[str, ...],
    title: str,
    axes: tuple[str, str] = ("", ""),
    scene: SceneView | None = None,
) -> None:
    """Points (N, 2) coloured by class, with a legend; shapes too, where there are at most 8 classes.

    With a ``scene``, its false-colour picture and the classes of its pixels lie beside the points.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8 if scene is None else 13, 6.4), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    if scene is None:
        frame = figure.add_subplot()
    else:
        parts = figure.add_gridspec(2, 2, width_ratios=(1, 2.1))
        frame = figure.add_subplot(parts[:, 1])
        _picture(figure.add_subplot(parts[0, 0]), scene.view, "false colour")
        if labels is not None:
            _picture(figure.add_subplot(parts[1, 0]), _classes(scene, labels, classes), "classes")
    size = float(np.clip(25_000 / max(len(points), 1), 0.5 if len(points) > 50_000 else 2.5, 30))
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


def _picture(frame: Any, picture: Array, title: str) -> None:
    frame.imshow(picture, interpolation="nearest")
    frame.set_title(title, loc="left", fontsize=10)
    frame.set_axis_off()


def _classes(scene: SceneView, labels: Array, classes: tuple[str, ...]) -> Array:
    """The scene with every labelled pixel in the colour of its class, the others white."""
    made = np.full(scene.view.shape, 255, np.uint8)
    colours = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in palette(len(classes))])
    known = labels >= 0
    rows, columns = scene.positions[known].T
    made[rows, columns] = colours[labels[known]]
    return made


def _by_class(
    frame: Any, points: Array, labels: Array, classes: tuple[str, ...], size: float
) -> None:
    from matplotlib.lines import Line2D

    colours = [*palette(len(classes)), UNLABELLED]
    shapes = MARKERS[: len(classes)] if len(classes) <= len(MARKERS) else ("o",) * len(classes)
    if len(points) > 20_000:
        shapes = ("o",) * len(classes)  # no shape is seen at a point's size
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
