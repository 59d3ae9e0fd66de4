"""Colours and shapes that tell classes apart for every kind of eyes."""

from __future__ import annotations

OKABE_ITO = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000",
)  # fmt: skip
"""Okabe & Ito 2008: eight colours that stay apart with red-green and blue-yellow blindness."""

_FURTHER = (
    "#882255", "#44AA99", "#999933", "#332288", "#AA4499", "#117733", "#DDCC77", "#88CCEE",
    "#661100", "#6699CC", "#AA4466", "#888888",
)  # fmt: skip
"""Further colours after Paul Tol's muted scheme, told apart by lightness as well as hue."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""Shapes that repeat what the colours say, for up to eight classes."""

UNLABELLED = "#9a9a9a"


def palette(count: int) -> list[str]:
    """``count`` colours as #rrggbb. From the 21st class on colours repeat."""
    colours = (*OKABE_ITO, *_FURTHER)
    return [colours[i % len(colours)] for i in range(count)]
