"""A table of any length through a detector: trained on a sample, scored batch by batch, written out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.detection import explain, labels, thresholds
from isthmus.detection.detector import Detector, fit_detector, names_of
from isthmus.detection.fitting import Told
from isthmus.detection.streams import BATCH, added, batches, in_order, keys_of, one_thread, sampled
from isthmus.detection.thresholds import Rule
from isthmus.errors import DataError
from isthmus.media import tables
from isthmus.media.tables import Source, history
from isthmus.media.tables.schema import as_times, present
from isthmus.recipe import Detect, Recipe, Table

Array = NDArray[Any]
Progress = Callable[[float], None]

_LABEL_NAMES = {
    "class",
    "label",
    "target",
    "fraud",
    "is_fraud",
    "isfraud",
    "anomaly",
    "outlier",
    "y",
}


@dataclass
class Scored:
    """What one pass over a table found: a number a row, and notes."""

    ranking: Array
    score: Array
    p_value: Array
    probability: Array | None
    alert: Array
    labels: Array | None
    days: Array | None
    surprise: Array
    """(columns,): mean surprise of each column over all rows."""
    notes: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)


def train(source: Source, recipe: Recipe, mixed: bool, told: Told | None = None) -> Detector:
    """Fit a detector to a table by a recipe for detection. Raises DataError.

    A table longer than ``task.rows`` is sampled evenly, in one pass.
    """
    spec, data = recipe.task, recipe.data
    assert isinstance(spec, Detect)
    assert isinstance(data, Table)
    seed = recipe.training.seed
    keys = keys_of(data)
    if keys is None:
        frame, total = source.sample(spec.rows, seed)
    else:
        # Behaviour needs every row that came before, so features come first and the sample after.
        frame, total = sampled(
            history.history(keys, source.batches(BATCH), source.name), spec.rows, seed
        )
    kinds = {k: str(v) for k, v in data.columns.items()}
    schema = tables.infer(_without_keys(frame, data), source.name, data.label, kinds)
    notes = [*source.notes, *schema.notes]
    known = None
    if data.label is not None:
        known, said = labels.read(frame[data.label], source.name)
        notes += said
        notes += _leaks(frame, data.label, known, source.name)
        copied = [n.split("'")[1] for n in notes if "repeats the label" in n]
        if copied:
            kinds |= dict.fromkeys(copied, "ignore")
            schema = tables.infer(_without_keys(frame, data), source.name, data.label, kinds)
    else:
        notes += [
            f"{source.name}: the column {c!r} looks like a label; give it with --label, or it helps to hide what it marks"
            for c in frame.columns
            if c.lower() in _LABEL_NAMES
        ]
    with one_thread():
        detector = fit_detector(frame, schema, spec, seed, mixed, known, source.name, told)
    detector.facts = {
        "table": source.name,
        "table_rows": total,
        "rows": len(frame),
        "columns": len(frame.columns),
        "notes": notes,
        "training_rows": "mixed" if mixed else "clean",
    }
    return detector


def score(
    detector: Detector,
    recipe: Recipe,
    source: Source,
    rule: Rule,
    before: Source | None = None,
    time: str | None = None,
    progress: Progress | None = None,
    rows: int | None = None,
) -> Scored:
    """The scores of every row; memory holds a few batches and some numbers a row. Raises DataError."""
    data = recipe.data
    assert isinstance(data, Table)
    label = data.label
    parts: list[tuple[Array, Array, Array | None]] = []
    known: list[Array] = []
    days: list[Array] = []
    miss: list[Array] = []
    notes: dict[str, int] = {}
    surprise, total = np.zeros(len(detector.columns)), 0
    cost = rule.costs[1] if rule.costs is not None else None
    names: dict[str, str] = {}

    def judge(frame: Any) -> tuple[Any, Any, tuple[str, ...]]:
        encoded, said = detector.encode(frame, source.name)
        return frame, detector.score(encoded), said

    day = time or (data.keys.time or None) or _only_date(detector)
    if rule.daily and day is None:
        raise DataError(
            f"{source.name}: alerts a day need to know the day; name its column with --time"
        )
    frames = batches(source, data, before)
    for frame, found, said in in_order(judge, frames):
        if not total:
            taken = [c for c in frame.columns if c not in added(data)]
            names = names_of(("score", "p_value", "probability", "alert", "explanation"), taken)
            extra = [c for c in taken if c not in detector_columns(detector, data)]
            if extra and not detector.facts.get("quiet"):
                notes[
                    f"{source.name}: columns that the model does not know: {', '.join(extra[:12])}"
                ] = 1
        parts.append((found.score, found.p_value.astype(np.float32), found.probability))
        surprise += found.surprise.sum(0)
        total += len(frame)
        if label is not None and label in frame.columns:
            known.append(labels.read(frame[label], source.name)[0])
        if rule.daily and day is not None:
            days.append(_days(frame, day, source.name))
        if isinstance(cost, str):
            miss.append(_amounts(frame, cost, source.name))
        for text in said:
            notes[text] = notes.get(text, 0) + 1
        if progress is not None and rows:
            progress(min(total / rows, 1.0))
    if not total:
        raise DataError(f"{source.name}: has no rows to judge")
    scores, p_values = np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
    probability = None
    if detector.head is not None:
        probability = np.concatenate([p[2] for p in parts if p[2] is not None])
    ranking = scores if probability is None else probability
    if rule.costs is not None:
        each = np.concatenate(miss) if miss else float(rule.costs[1])
        alert = thresholds.cheapest(probability, rule.costs[0], each)
    elif rule.count is not None:
        alert = thresholds.strangest(ranking, rule.count, np.concatenate(days) if days else None)
    else:
        alert = scores >= detector.reference.threshold(rule.share or thresholds.SHARE)
    # The same kind of note from many batches is said once.
    return Scored(
        ranking, scores, p_values, probability, alert,
        np.concatenate(known) if known else None, np.concatenate(days) if days else None,
        surprise / total, tuple([*source.notes, *notes][:20]), names,
    )  # fmt: skip


def write(
    detector: Detector,
    recipe: Recipe,
    source: Source,
    scored: Scored,
    path: Path,
    most: int,
    before: Source | None = None,
) -> list[tuple[int, Any, list[explain.Cause]]]:
    """The table with its new columns into a (temporary) file; returns the strangest alerts for a report.

    Explanations are made for alerts only: (row number, the row as a dict, its causes).
    """
    package = tables.polars(f"writing {path}")
    data = recipe.data
    assert isinstance(data, Table)
    shown = set(_first(scored, 200))
    kept: list[tuple[int, Any, list[explain.Cause]]] = []

    def frames() -> Iterator[Any]:
        at = 0
        for frame in batches(source, data, before):
            rows = slice(at, at + len(frame))
            told: list[str | None] = [None] * len(frame)
            found = np.flatnonzero(scored.alert[rows])
            if most and len(found):
                few = frame[found.tolist()]
                encoded, _ = detector.encode(few, source.name)
                for row, why in zip(
                    found.tolist(), explain.causes(detector, few, encoded, most), strict=True
                ):
                    told[row] = "; ".join(c.text for c in why) or None
                    if at + row in shown:
                        kept.append(
                            (
                                at + row,
                                frame.drop(added(data), strict=False).row(row, named=True),
                                why,
                            )
                        )
            columns = {
                "score": scored.score[rows].astype(np.float32),
                "p_value": scored.p_value[rows],
            }
            if scored.probability is not None:
                columns["probability"] = scored.probability[rows].astype(np.float32)
            columns["alert"] = scored.alert[rows]
            new = [package.Series(scored.names[n], v) for n, v in columns.items()]
            if most:
                new.append(package.Series(scored.names["explanation"], told, dtype=package.String))
            yield frame.drop(added(data), strict=False).with_columns(new)
            at += len(frame)
        if at != len(scored.score):
            raise DataError(
                f"{source.name}: changed while it was read ({at:,} rows, before {len(scored.score):,})"
            )

    tables.write_frames(path, frames())
    return sorted(kept, key=lambda item: -scored.ranking[item[0]])


def detector_columns(detector: Detector, data: Table) -> set[str]:
    """Every column of a table that a person would expect the model to know."""
    known = {c.name for c in detector.schema.columns} | {data.label or ""} | set(data.keys.columns)
    return known


def _without_keys(frame: Any, data: Table) -> Any:
    """Keys themselves are names, not behaviour."""
    return frame.drop(list(data.keys.columns), strict=False)


def _only_date(detector: Detector) -> str | None:
    dates = [c.name for c in detector.schema.columns if c.kind == "date"]
    return dates[0] if len(dates) == 1 else None


def _days(frame: Any, column: str, name: str) -> Array:
    if column not in frame.columns:
        raise DataError(f"{name}: has no column {column!r}, which says the day")
    seconds = as_times(present(frame[column])).to_numpy().astype(np.float64)
    made: Array = np.floor(np.nan_to_num(seconds, nan=-1.0) / 86_400).astype(np.int64)
    return made


def _amounts(frame: Any, column: str, name: str) -> Array:
    from isthmus.media.tables.schema import as_numbers

    if column not in frame.columns:
        raise DataError(f"{name}: has no column {column!r}, which says what a miss costs")
    made: Array = np.nan_to_num(as_numbers(present(frame[column])).to_numpy().astype(np.float64))
    return made


def _leaks(frame: Any, label: str, known: Array, name: str) -> list[str]:
    """Columns that say what the label says: they would make all figures worthless."""
    from isthmus.media.tables.schema import as_text

    told = np.isfinite(known)
    if not 0 < known[told].sum() < told.sum():
        return []
    notes = []
    for column in frame.columns:
        series = frame[column]
        if column == label or series.n_unique() > 3:
            continue
        text = np.array(as_text(present(series)).fill_null("").to_list())
        groups = [set(text[told & (known == side)].tolist()) for side in (0, 1)]
        if not groups[0] & groups[1]:
            notes.append(f"{name}: the column {column!r} repeats the label and was left out")
    return notes


def _first(scored: Scored, most: int) -> list[int]:
    alerts = np.flatnonzero(scored.alert)
    order = np.argsort(-scored.ranking[alerts], kind="stable")[:most]
    return [int(i) for i in alerts[order]]
