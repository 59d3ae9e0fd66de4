"""The hourglass as SVG: every band a layer, as high as the square root of what passes it."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from html import escape

from isthmus.plan import Plan
from isthmus.plan.layers import Conv, ConvTranspose, GruDecoder, GruEncoder, Linear, Shape

_TALLEST, _LEAST, _LOWEST = 300.0, 26.0, 10
_BAND, _GAP = 54.0, 34.0
# The layers that get a band of their own; what the others weigh is told with the next.
_DRAWN = (Linear, Conv, ConvTranspose, GruEncoder, GruDecoder)


@dataclass(frozen=True)
class _Band:
    shape: Shape
    role: str
    note: str


def hourglass(plan: Plan) -> str:
    """The picture, with a title and a description for those who do not see it."""
    bands = _bands(plan)
    most = max(math.prod(b.shape) for b in bands)
    width = len(bands) * _BAND + (len(bands) - 1) * _GAP
    middle = _TALLEST / 2 + 26
    parts = []
    edges: list[tuple[float, float, float]] = []
    for number, band in enumerate(bands):
        size = math.prod(band.shape)
        height = max(_LEAST, _TALLEST * math.sqrt(size / most))
        x = number * (_BAND + _GAP)
        edges.append((x, height, x + _BAND))
        parts.append(_drawn(band, x, middle, height))
    sides = [_side(a, b, middle) for a, b in itertools.pairwise(edges)]
    label = (
        f"{math.prod(plan.item)} numbers are squeezed to {plan.bottleneck.numbers} and back, "
        f"by {plan.parameters:,} weights."
    )
    return (
        f'<svg viewBox="-30 0 {width + 60:.0f} {_TALLEST + 78:.0f}" role="img" '
        f'aria-label="{escape(label)}" style="max-width:{min(width * 1.25, 1040):.0f}px">'
        f"<title>{escape(label)}</title>{''.join(sides)}{''.join(parts)}</svg>"
    )


def _bands(plan: Plan) -> list[_Band]:
    """The shapes that matter: what enters, what each weighted layer leaves, the code."""
    bands = [_Band(plan.item, "enc", "input")]
    weights = 0
    for (layer, shape), after in zip(plan.encoder.steps, plan.encoder.shapes[1:], strict=True):
        weights += layer.parameters(shape)
        if isinstance(layer, _DRAWN):
            bands.append(_Band(after, "enc", f"{weights:,} weights"))
            weights = 0
    bands = _fewer(bands[:-1] if len(bands) > 1 else bands)
    after_waist: list[_Band] = []
    weights = 0
    for (layer, shape), after in zip(plan.decoder.steps, plan.decoder.shapes[1:], strict=True):
        weights += layer.parameters(shape)
        if isinstance(layer, _DRAWN):
            after_waist.append(_Band(after, "dec", f"{weights:,} weights"))
            weights = 0
    if not after_waist or math.prod(after_waist[-1].shape) != math.prod(plan.decoder.shapes[-1]):
        after_waist.append(_Band(plan.decoder.shapes[-1], "dec", f"{weights:,} weights"))
    after_waist[-1] = _Band(plan.item, "dec", after_waist[-1].note)
    waist = _Band(plan.bottleneck.code, "code", plan.bottleneck.kind.replace("_", " "))
    return [*bands, waist, *_fewer(after_waist)]


def _fewer(bands: list[_Band]) -> list[_Band]:
    """At most six a side, the outermost kept: more would be too small to read."""
    if len(bands) <= 6:
        return bands
    kept = sorted({round(i * (len(bands) - 1) / 5) for i in range(6)})
    return [bands[i] for i in kept]


def _drawn(band: _Band, x: float, middle: float, height: float) -> str:
    size = math.prod(band.shape)
    label = " x ".join(map(str, band.shape))
    text = f"{size:,}" if len(band.shape) == 1 else label
    strong = ' font-weight="600"' if band.role == "code" else ""
    # Channels of a grid are drawn as sheets behind each other.
    sheets = min(3, band.shape[0]) if len(band.shape) > 1 and band.shape[0] > 1 else 1
    boxes = "".join(
        f'<rect x="{x + 4 * s:.1f}" y="{middle - height / 2 - 4 * s:.1f}" width="{_BAND - 8:.1f}" '
        f'height="{height:.1f}" rx="4" fill="var(--{band.role})" opacity="{0.92 - 0.3 * s:.2f}"/>'
        for s in reversed(range(sheets))
    )
    centre = x + _BAND / 2 - 4
    return (
        f"<g><title>{escape(f'{label}: {band.note}')}</title>{boxes}"
        f'<text x="{centre:.1f}" y="{middle + height / 2 + 18:.1f}" text-anchor="middle" font-size="13" '
        f'fill="var(--ink)"{strong}>{escape(text)}</text>'
        f'<text x="{centre:.1f}" y="{middle + height / 2 + 32:.1f}" text-anchor="middle" font-size="{_LOWEST}" '
        f'fill="var(--soft)">{escape(band.note)}</text></g>'
    )


def _side(a: tuple[float, float, float], b: tuple[float, float, float], middle: float) -> str:
    points = (
        f"{a[2] - 8:.1f},{middle - a[1] / 2:.1f} {b[0]:.1f},{middle - b[1] / 2:.1f} "
        f"{b[0]:.1f},{middle + b[1] / 2:.1f} {a[2] - 8:.1f},{middle + a[1] / 2:.1f}"
    )
    return f'<polygon points="{points}" fill="var(--line)" opacity="0.35"/>'
