"""The page of a detection: scores, alerts and why, figures, a map, columns and their drift."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from isthmus import maps, page
from isthmus.detection import figures
from isthmus.detection.detector import Detector
from isthmus.detection.explain import Cause, number
from isthmus.detection.streams import batches, sampled
from isthmus.detection.thresholds import Rule
from isthmus.detection.work import Scored
from isthmus.files import write_text
from isthmus.media.tables import Column, Source, polars
from isthmus.recipe import Recipe, Table
from isthmus.report.curves import Line, chart

Array = NDArray[Any]
Kept = list[tuple[int, dict[str, Any], list[Cause]]]

_MAPPED = 3000
_BARS = 60
_FINE = 50
_WIDTH, _HEIGHT = 760, 220
_DRIFTED = 0.1
_MEANINGS = {
    "auroc": "the chance that a bad row scores higher than a good one; 0.5 is chance",
    "average_precision": "mean precision over all places in the ranking; chance is the share of bad rows",
    "precision_at_10": "share of bad rows among the first 10",
    "precision_at_100": "share of bad rows among the first 100",
    "precision_at_1000": "share of bad rows among the first 1,000",
}


def write(
    path: Path,
    source: Source,
    detector: Detector,
    recipe: Recipe,
    scored: Scored,
    kept: Kept,
    rule: Rule,
    before: Source | None = None,
) -> None:
    """Write the page: one file, no network."""
    data = recipe.data
    assert isinstance(data, Table)
    own = detector.facts.get("table") == source.name
    frame, _ = sampled(_numbered(source, data, before, scored), _MAPPED, 0)
    encoded, _ = detector.encode(frame, source.name)
    drawn = _map(detector, encoded, frame)
    told = (
        {}
        if scored.labels is None
        else figures.ranking(scored.labels[:], (scored.score if own else scored.ranking)[:])
    )
    made = page.render(
        "detection.html",
        [
            page.text("report.css", "isthmus.report"),
            page.text("detection.css", "isthmus.report"),
            page.text("scatter.css", "isthmus.maps"),
        ],
        [maps.scripts()] if drawn is not None else [],
        title=f"Strange rows of {Path(source.name).name}",
        sentence=f"{scored.alerts:,} alerts of {len(scored.score):,} rows: {rule.text}.",
        notes=[*detector.facts.get("notes", []), *scored.notes][:12],
        histogram=Markup(_histogram(scored, detector)),
        figures=[(n.replace("_", " "), f"{v:.3f}", _MEANINGS[n]) for n, v in told.items()],
        curve=Markup(_curve(scored, own)) if told else "",
        alerts=[_alert(item, scored, detector) for item in kept],
        alert_count=f"{scored.alerts:,}",
        probabilities=scored.probability is not None,
        labels=scored.labels is not None,
        map=None if drawn is None else page.data(maps.scatter_data(drawn)),
        map_sentence="" if drawn is None else maps.summary(drawn),
        columns=_columns(detector, encoded, scored, kept),
        card=_card(detector),
        recipe=recipe.to_toml(),
    )
    write_text(path, made)


def _numbered(source: Source, data: Table, before: Source | None, scored: Scored) -> Any:
    """Frames whose rows know whether they are alerts."""
    at = 0
    for frame in batches(source, data, before):
        yield frame.with_columns(
            polars("reports").Series("__alert", scored.alert[at : at + len(frame)])
        )
        at += len(frame)


def _histogram(scored: Scored, detector: Detector) -> str:
    """How many rows have which score, on a logarithmic scale; alerts in colour, the training rows a line."""
    low = min(float(piece.min()) for piece in scored.score.pieces())
    high = max(low + 1e-9, *(float(piece.max()) for piece in scored.score.pieces()))
    edges = np.linspace(low, high, _BARS + 1)
    fine = np.linspace(low, high, _BARS * _FINE + 1)
    counted, flagged = np.zeros(_BARS * _FINE, int), np.zeros(_BARS, int)
    for piece, alert in zip(scored.score.pieces(), scored.alert.pieces(), strict=True):
        counted += np.histogram(piece, fine)[0]
        flagged += np.histogram(piece[alert], edges)[0]
    every = counted.reshape(_BARS, _FINE).sum(1)
    middle = fine[np.searchsorted(counted.cumsum(), len(scored.score) / 2) + 1]
    reference = np.random.default_rng(0).random(20_000)
    spread = np.interp(reference, detector.reference._shares, detector.reference.kept)
    usual = np.histogram(spread, edges)[0] / 20_000 * len(scored.score)
    top = np.log10(max(every.max(), 1)) + 0.1
    width = (_WIDTH - 60) / _BARS

    def up(count: float) -> float:
        return (_HEIGHT - 40) * (np.log10(count) + 0.1) / (top + 0.1) if count >= 0.8 else 0.0

    bars = []
    for i in range(_BARS):
        for count, colour in ((every[i], "var(--enc)"), (flagged[i], "var(--code)")):
            if count:
                bars.append(
                    f'<rect x="{50 + i * width:.1f}" y="{_HEIGHT - 30 - up(count):.1f}" width="{width - 1:.1f}" '
                    f'height="{up(count):.1f}" fill="{colour}"/>'
                )
    line = " ".join(
        f"{50 + (i + 0.5) * width:.1f},{_HEIGHT - 30 - up(usual[i]):.1f}" for i in range(_BARS)
    )
    ticks = "".join(
        f'<text x="{50 + x * (_WIDTH - 60):.0f}" y="{_HEIGHT - 12}" text-anchor="{anchor}">{low + x * (high - low):.2f}</text>'
        for x, anchor in (
            (0, "middle"),
            (0.25, "middle"),
            (0.5, "middle"),
            (0.75, "middle"),
            (1, "end"),
        )
    )
    marks = "".join(
        f'<text x="44" y="{_HEIGHT - 26 - up(10.0**e):.1f}" text-anchor="end">{10**e:,}</text>'
        for e in range(int(top) + 1)
    )
    said = escape(
        f"scores from {low:.2f} to {high:.2f}, half below {middle:.2f}; {scored.alerts:,} alerts"
    )
    return (
        f'<figure class="bars"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{said}">{"".join(bars)}'
        f'<polyline points="{line}" fill="none" stroke="var(--ink)" stroke-dasharray="4 3"/>{ticks}{marks}</svg>'
        '<figcaption><span class="key"><svg width="14" height="10" aria-hidden="true"><rect width="14" height="10" fill="var(--enc)"/></svg> rows</span>'
        '<span class="key"><svg width="14" height="10" aria-hidden="true"><rect width="14" height="10" fill="var(--code)"/></svg> alerts</span>'
        '<span class="key"><svg width="26" height="10" aria-hidden="true"><line x1="0" x2="26" y1="5" y2="5" stroke="var(--ink)" stroke-dasharray="4 3"/></svg> training rows</span></figcaption></figure>'
    )


def _curve(scored: Scored, own: bool) -> str:
    assert scored.labels is not None
    points = figures.curve(scored.labels[:], (scored.score if own else scored.ranking)[:])
    if len(points) < 2:
        return ""
    lines = [
        Line("precision", [(r, p) for _, p, r in points], "var(--enc)"),
    ]
    return chart(lines, "recall: share of the bad rows that were found", "precision (logarithmic)")


def _alert(
    item: tuple[int, dict[str, Any], list[Cause]], scored: Scored, detector: Detector
) -> dict[str, Any]:
    row, values, why = item
    whole = sum(c.nats for c in why) or 1.0
    label = ""
    if scored.labels is not None:
        said = scored.labels[row]
        label = "not known" if np.isnan(said) else "bad" if said == 1 else "good"
    return {
        "row": f"{row + 1:,}",
        "score": f"{scored.score[row]:.3f}",
        "p_value": f"{float(detector.reference.p_value(scored.score[row : row + 1])[0]):.2g}",
        "probability": "" if scored.probability is None else f"{scored.probability[row]:.1%}",
        "label": label,
        "causes": [
            {
                "column": c.column,
                "found": c.found,
                "expected": c.expected,
                "width": f"{max(4, 80 * c.nats / whole):.0f}",
                "share": f"{c.nats / whole:.0%}",
            }
            for c in why
        ],
        "cells": [(n, "" if v is None else str(v)) for n, v in values.items()],
    }


def _map(detector: Detector, encoded: Any, frame: Any) -> maps.MapData | None:
    if len(frame) < 3:
        return None
    codes = detector.codes(encoded)
    flagged = frame["__alert"].to_numpy()
    found = detector.score(encoded)
    return maps.MapData(
        maps.project(codes, "pca").points,
        flagged.astype(np.int64),
        ("usual", "alert"),
        shades={"score": found.score},
    )


def _columns(detector: Detector, encoded: Any, scored: Scored, kept: Kept) -> list[dict[str, Any]]:
    far = dict(figures.drift(detector, encoded))
    blamed = [why[0].column for _, _, why in kept if why]
    place = {n: i for i, n in enumerate(detector.columns)}
    rows = []
    for column in detector.schema.columns:
        used = column.name in place
        apart = far.get(column.name, 0.0)
        rows.append(
            {
                "name": column.name,
                "kind": column.kind if used else f"{column.kind}, left out",
                "text": _said(column),
                "surprise": f"{scored.surprise[place[column.name]]:.2f}" if used else "",
                "blamed": str(blamed.count(column.name)) if used else "",
                "drift": f"{apart:.2f}" if used else "",
                "drifted": apart > _DRIFTED,
            }
        )
    return rows


def _said(column: Column) -> str:
    match column.kind:
        case "number":
            text = f"{number(column.low)} to {number(column.high)}, mean {number(column.mean)}"
        case "category":
            more = len(column.known) - 4
            text = ", ".join(column.known[:4]) + (f" and {more:,} more" if more > 0 else "")
        case "constant":
            text = f"always {column.known[0]}"
        case "date":
            text = f"{np.datetime64(int(column.low), 's')} to {np.datetime64(int(column.high), 's')}".replace(
                "T", " "
            )
        case _:
            return ""
    return text + (f"; {column.missing:.1%} missing" if column.missing else "")


def _card(detector: Detector) -> str:
    facts = detector.facts
    net = detector.net
    weights = sum(p.numel() for p in net.parameters())
    head = ""
    if detector.head is not None:
        head = f" Probabilities were learnt from {detector.head.bad:,} bad and {detector.head.good:,} good rows."
    kind = "which may hold what is looked for" if detector.mixed else "which were taken as normal"
    return (
        f"{net.members} denoising networks with {weights:,} weights in all, trained on {facts.get('rows', 0):,} of "
        f"{facts.get('table_rows', 0):,} rows of {facts.get('table', 'a table')}, {kind}.{head}"
    )
