"""Items beside each other: as pictures for pictures, as lines for everything else."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus import page
from isthmus.maps.shown import as_picture

Array = NDArray[Any]
_LARGEST_SIDE = 64


def strip(items: Array, alt: str, modality: str) -> str:
    """Items (N, *shape) in a row, as one picture with an alternative text."""
    if modality == "image":
        return _pictures(items, alt)
    return _lines(items, alt)


def _pictures(items: Array, alt: str) -> str:
    step = max(1, -(-max(items.shape[2:]) // _LARGEST_SIDE))
    cells = [as_picture(item[:, ::step, ::step]) for item in items]
    gap = np.full((cells[0].shape[0], 1, *cells[0].shape[2:]), 128, np.uint8)
    row = np.concatenate([part for cell in cells for part in (cell, gap)][:-1], 1)
    scale = max(1, round(56 / cells[0].shape[0]))
    return (
        f'<img class="pixels" src="{page.png_uri(row)}" alt="{escape(alt)}" '
        f'width="{row.shape[1] * scale}" height="{row.shape[0] * scale}">'
    )


def _lines(items: Array, alt: str) -> str:
    flat = items.reshape(len(items), -1).astype(np.float32)
    low, high = float(np.nanmin(flat)), float(np.nanmax(flat))
    span = high - low or 1.0
    width, height = 84, 54
    parts = []
    for number, row in enumerate(flat):
        x = np.linspace(2, width - 6, len(row)) + number * width
        y = height - 3 - (row - low) / span * (height - 6)
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="var(--ink)" stroke-width="1.2"/>'
        )
    return (
        f'<svg viewBox="0 0 {width * len(flat)} {height}" width="{width * len(flat)}" height="{height}" '
        f'role="img" aria-label="{escape(alt)}">{"".join(parts)}</svg>'
    )
