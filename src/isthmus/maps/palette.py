"""Colours and shapes that tell classes apart for every kind of eyes."""

from __future__ import annotations

OKABE_ITO = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000",
)  # fmt: skip
"""Okabe & Ito 2008: eight colours that stay apart with red-green and blue-yellow blindness."""

_FURTHER = (
    "#770000", "#aaee99", "#3322aa", "#443344", "#6677ff", "#ccddcc", "#dd1144", "#003377",
    "#55eeff", "#ccaa55", "#0055ff", "#a05a78",
)  # fmt: skip
"""Further colours, each the farthest from all before it in CIELAB as seen by normal, protan and
deutan eyes (Machado et al. 2009)."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""Shapes that repeat what the colours say, for up to eight classes."""

UNLABELLED = "#9a9a9a"


def palette(count: int) -> list[str]:
    """``count`` colours as #rrggbb. From the 21st class on colours repeat."""
    colours = (*OKABE_ITO, *_FURTHER)
    return [colours[i % len(colours)] for i in range(count)]
