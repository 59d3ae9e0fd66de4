"""Learning curves as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 760.0, 280.0, 88.0, 34.0
_MOST_POINTS = 600


@dataclass(frozen=True)
class Line:
    """One curve: points (x, y), the CSS colour it is drawn in, and how it is dashed."""

    name: str
    points: list[tuple[float, float]]
    colour: str
    dash: str = ""


def chart(
    lines: list[Line], x_name: str, y_name: str, level: tuple[str, float] | None = None
) -> str:
    """Curves over a logarithmic axis (linear where values are not positive), ``level`` a dashed line."""
    drawn = [Line(n.name, _thin(n.points), n.colour, n.dash) for n in lines if len(n.points) > 1]
    values = [y for line in drawn for _, y in line.points if math.isfinite(y)]
    if not values:
        return ""
    if level is not None:
        values.append(level[1])
    logarithmic = min(values) > 0
    low, high = min(values), max(values)
    if logarithmic:
        low, high = math.log10(low), math.log10(high)
    pad = 0.06 * (high - low) or 0.1
    low, high = low - pad, high + pad
    most = max(x for line in drawn for x, _ in line.points) or 1.0

    def place(x: float, y: float) -> str:
        up = (math.log10(y) if logarithmic else y) - low
        return f"{_LEFT + x / most * (_WIDTH - _LEFT - 10):.1f},{(_HEIGHT - _BOTTOM) * (1 - up / (high - low)) + 6:.1f}"

    parts = [_axis(place, low, high, logarithmic, most, x_name, y_name)]
    for line in drawn:
        path = " ".join(place(x, y) for x, y in line.points if math.isfinite(y))
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{line.colour}" stroke-width="2" '
            f'stroke-dasharray="{line.dash}"/>'
        )
    if level is not None:
        left, right = place(0, level[1]), place(most, level[1])
        y = float(left.split(",")[1])
        parts.append(
            f'<polyline points="{left} {right}" stroke="var(--soft)" stroke-dasharray="6 4" fill="none"/>'
            f'<text x="{_WIDTH - 12}" y="{y - 6:.1f}" text-anchor="end" font-size="12" fill="var(--soft)">'
            f"{escape(level[0])}</text>"
        )
    said = "; ".join(f"{n.name} from {n.points[0][1]:.4g} to {n.points[-1][1]:.4g}" for n in drawn)
    key = "".join(
        f'<span class="key"><svg width="26" height="10" aria-hidden="true"><line x1="0" x2="26" y1="5" y2="5" '
        f'stroke="{n.colour}" stroke-width="2" stroke-dasharray="{n.dash}"/></svg> {escape(n.name)}</span>'
        for n in drawn
    )
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT + 14:.0f}" role="img" aria-label="{escape(said)}">'
        f"{''.join(parts)}</svg><figcaption>{key}</figcaption></figure>"
    )


def _thin(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(points) <= _MOST_POINTS:
        return points
    step = len(points) / _MOST_POINTS
    return [points[int(i * step)] for i in range(_MOST_POINTS)] + [points[-1]]


def _axis(
    place: Callable[[float, float], str],
    low: float,
    high: float,
    logarithmic: bool,
    most: float,
    x_name: str,
    y_name: str,
) -> str:
    marks = []
    for value in _ticks(low, high, logarithmic):
        x, y = (float(v) for v in place(0, value).split(","))
        marks.append(
            f'<line x1="{x:.1f}" x2="{_WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}" stroke="var(--line)"/>'
            f'<text x="{x - 8:.1f}" y="{y + 4:.1f}" text-anchor="end" font-size="12" fill="var(--soft)">{value:.3g}</text>'
        )
    for value in (0, most / 2, most):
        x = float(place(value, 10**low if logarithmic else low).split(",")[0])
        # The last one ends where the axis does; in its middle it would be cut.
        anchor = "end" if value == most else "middle"
        marks.append(
            f'<text x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}" font-size="12" fill="var(--soft)">{value:.3g}</text>'
        )
    marks.append(
        f'<text x="{(_WIDTH + _LEFT) / 2}" y="{_HEIGHT + 10}" text-anchor="middle" font-size="12" fill="var(--soft)">{escape(x_name)}</text>'
        f'<text transform="translate(14 {_HEIGHT / 2}) rotate(-90)" text-anchor="middle" font-size="12" fill="var(--soft)">{escape(y_name)}</text>'
    )
    return "".join(marks)


def _ticks(low: float, high: float, logarithmic: bool) -> list[float]:
    if not logarithmic:
        return [low + (high - low) * i / 4 for i in range(5)]
    candidates = [
        m * 10.0**e for e in range(math.floor(low) - 1, math.ceil(high) + 1) for m in (1, 2, 5)
    ]
    inside = [v for v in candidates if low <= math.log10(v) <= high]
    if len(inside) >= 3:
        return inside
    # Less than a decade: round steps of one size.
    bottom, top = 10**low, 10**high
    step = 10 ** math.floor(math.log10((top - bottom) / 2))
    while (top - bottom) / step > 6:
        step *= 2
    return [i * step for i in range(math.ceil(bottom / step), math.floor(top / step) + 1)]
