"""A table of any length through a detector: trained on a sample, scored batch by batch, written out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.detection import explain, labels, thresholds
from isthmus.detection.detector import Detector, Scores, fit_detector, names_of
from isthmus.detection.fitting import Told
from isthmus.detection.numbers import Numbers
from isthmus.detection.streams import BATCH, added, batches, in_order, keys_of, one_thread, sampled
from isthmus.detection.thresholds import Rule, Strangest
from isthmus.errors import DataError
from isthmus.media import tables
from isthmus.media.tables import Encoded, Misfit, Source, history
from isthmus.media.tables.values import as_numbers, as_times, present
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


_PIECE = 4096
_SHOWN = 200
"""Alerts that a report shows at most."""


@dataclass
class Scored:
    """What one pass over a table found: a number a row, out of memory, and notes."""

    score: Numbers
    probability: Numbers | None
    alert: Numbers
    labels: Numbers | None
    alerts: int
    surprise: Array
    """(columns,): mean surprise of each column over all rows."""
    notes: tuple[str, ...]
    names: dict[str, str]

    @property
    def ranking(self) -> Numbers:
        """What orders rows: the probability where there is one, else the score."""
        return self.score if self.probability is None else self.probability


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
        detector = fit_detector(frame, schema, spec, seed, mixed, known, source.name, told, total)
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
    """The scores of every row; memory holds a few batches, whatever the length. Raises DataError."""
    data = recipe.data
    assert isinstance(data, Table)
    label = data.label
    day = time or (data.keys.time or None) or _only_date(detector)
    if rule.daily and day is None:
        raise DataError(
            f"{source.name}: alerts a day need to know the day; name its column with --time"
        )
    kept, alert, known = Numbers("f8"), Numbers("?"), Numbers("f4")
    probability = None if detector.head is None else Numbers("f8")
    top = None if rule.count is None else Strangest(rule.count)
    share = detector.reference.threshold(rule.share or thresholds.SHARE)
    notes: list[str] = []
    misfits: dict[str, Misfit] = {}
    surprise = np.zeros(len(detector.columns))
    names: dict[str, str] = {}

    def judge(frame: Any) -> tuple[Any, Scores, tuple[Misfit, ...]]:
        encoded, misfit = detector.encode(frame, source.name)
        return frame, _in_pieces(detector, encoded), misfit

    for frame, found, misfit in in_order(judge, batches(source, data, before)):
        if not names:
            taken = [c for c in frame.columns if c not in added(data)]
            names = names_of(("score", "p_value", "probability", "alert", "explanation"), taken)
            extra = [c for c in taken if c not in detector_columns(detector, data)]
            if extra:
                notes.append(
                    f"{source.name}: columns that the model does not know: {', '.join(extra[:12])}"
                )
        kept.add(found.score)
        surprise += found.surprise.sum(0)
        if probability is not None:
            probability.add(found.ranking)
        if label is not None and label in frame.columns:
            known.add(labels.read(frame[label], source.name)[0])
        if top is not None:
            days = _days(frame, str(day), source.name) if rule.daily else None
            top.add(found.ranking, days)
        elif rule.costs is not None:
            alarm, miss = rule.costs
            each = _amounts(frame, miss, source.name) if isinstance(miss, str) else miss
            alert.add(thresholds.cheapest(found.probability, alarm, each))
        else:
            alert.add(found.score >= share)
        for one in misfit:
            more = misfits[one.column].count if one.column in misfits else 0
            misfits[one.column] = replace(one, count=one.count + more)
        if progress is not None and rows:
            progress(min(len(kept) / rows, 1.0))
    if not len(kept):
        raise DataError(f"{source.name}: has no rows to judge")
    chosen = np.zeros(0, int) if top is None else top.rows()
    for start in range(len(alert), len(kept), _PIECE):
        stop = min(start + _PIECE, len(kept))
        mine = chosen[np.searchsorted(chosen, start) : np.searchsorted(chosen, stop)]
        alert.add(np.bincount(mine - start, minlength=stop - start) > 0)
    notes += [f"{source.name}: {m.text}" for m in misfits.values()]
    return Scored(
        kept, probability, alert, known if len(known) else None, sum(int(p.sum()) for p in alert.pieces()),
        surprise / len(kept), tuple([*source.notes, *notes][:20]), names,
    )  # fmt: skip


def _in_pieces(detector: Detector, encoded: Encoded) -> Scores:
    """The scores of a batch, for the memory of a piece; the surprise is summed over each piece's rows."""
    made = []
    for start in range(0, len(encoded.values), _PIECE):
        rows = slice(start, start + _PIECE)
        part = Encoded(encoded.values[rows], encoded.given[rows], encoded.fixed[rows])
        made.append(detector.score(part))
    if not made:
        return detector.score(encoded)
    return Scores(
        np.concatenate([s.score for s in made]),
        np.concatenate([s.p_value for s in made]),
        np.stack([s.surprise.sum(0) for s in made]),
        None if detector.head is None else np.concatenate([s.ranking for s in made]),
    )


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
    shown = _first(scored, _SHOWN)
    changed = DataError(
        f"{source.name}: changed while it was read (it had {len(scored.score):,} rows before)"
    )
    kept: list[tuple[int, Any, list[explain.Cause]]] = []

    def frames() -> Iterator[Any]:
        at = 0
        for frame in batches(source, data, before):
            rows = slice(at, at + len(frame))
            score, alert = scored.score[rows], scored.alert[rows]
            if len(score) != len(frame):
                raise changed
            plain = frame.drop(added(data), strict=False)
            told: list[str | None] = [None] * len(frame)
            found = np.flatnonzero(alert).tolist()
            if most and found:
                few = frame[found]
                encoded, _ = detector.encode(few, source.name)
                for row, why in zip(
                    found, explain.causes(detector, few, encoded, most), strict=True
                ):
                    told[row] = "; ".join(c.text for c in why) or None
                    if at + row in shown:
                        kept.append((at + row, plain.row(row, named=True), why))
            columns = {
                "score": score.astype(np.float32),
                "p_value": detector.reference.p_value(score).astype(np.float32),
            }
            if scored.probability is not None:
                columns["probability"] = scored.probability[rows].astype(np.float32)
            columns["alert"] = alert
            new = [package.Series(scored.names[n], v) for n, v in columns.items()]
            if most:
                new.append(package.Series(scored.names["explanation"], told, dtype=package.String))
            yield plain.with_columns(new)
            at += len(frame)
        if at != len(scored.score):
            raise changed

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
    given = present(frame[column])
    times = as_numbers(given) if given.dtype.is_numeric() else as_times(given)
    if times.null_count() == len(given) > given.null_count():
        raise DataError(
            f"{name}: the column {column!r} holds no dates, such as {given.drop_nulls()[0]!r}"
        )
    seconds = times.to_numpy().astype(np.float64)
    made: Array = np.floor(np.nan_to_num(seconds, nan=-1.0) / 86_400).astype(np.int64)
    return made


def _amounts(frame: Any, column: str, name: str) -> Array:
    if column not in frame.columns:
        raise DataError(f"{name}: has no column {column!r}, which says what a miss costs")
    made: Array = np.nan_to_num(as_numbers(present(frame[column])).to_numpy().astype(np.float64))
    return made


def _leaks(frame: Any, label: str, known: Array, name: str) -> list[str]:
    """Columns that say what the label says: they would make all figures worthless."""
    from isthmus.media.tables.values import as_text

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


def _first(scored: Scored, most: int) -> set[int]:
    """The strangest alerts (and some other row numbers where there are fewer alerts)."""
    top = Strangest(most)
    for ranking, alert in zip(scored.ranking.pieces(), scored.alert.pieces(), strict=True):
        top.add(np.where(alert, ranking, -np.inf))
    return set(top.rows().tolist())
