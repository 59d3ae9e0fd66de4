"""What a few labels add: which rows are bad, and a probability that can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import DataError
from isthmus.media.tables.values import as_numbers, as_text, present

Array = NDArray[Any]

ENOUGH = 30
"""Bad rows from which all columns are weighed; with fewer only the score is calibrated."""
_LEAST = 5
_BAD = {
    "1",
    "true",
    "yes",
    "y",
    "t",
    "bad",
    "fraud",
    "fraudulent",
    "anomaly",
    "outlier",
    "positive",
}
_GOOD = {
    "0",
    "false",
    "no",
    "n",
    "f",
    "good",
    "ok",
    "normal",
    "legit",
    "genuine",
    "negative",
    "inlier",
}


@dataclass(frozen=True)
class Head:
    """A logistic line from features of a row to the probability that it is bad."""

    weights: Array
    bias: float
    mean: Array
    spread: Array
    bad: int
    good: int

    @staticmethod
    def fit(features: Array, labels: Array) -> Head | None:
        """Learn from the rows with labels; None if there are too few of either kind."""
        from sklearn.linear_model import LogisticRegression

        known = np.isfinite(labels)
        x, y = features[known], labels[known].astype(int)
        bad, good = int(y.sum()), int((1 - y).sum())
        if min(bad, good) < _LEAST:
            return None
        if bad < ENOUGH:
            x = x[:, :1]
        mean, spread = x.mean(0), np.maximum(x.std(0), 1e-9)
        model = LogisticRegression(C=0.1 if x.shape[1] > 1 else 1e3, max_iter=500)
        model.fit((x - mean) / spread, y)
        return Head(model.coef_[0], float(model.intercept_[0]), mean, spread, bad, good)

    def probability(self, features: Array) -> Array:
        """(N,) in 0..1."""
        x = (features[:, : len(self.mean)] - self.mean) / self.spread
        made: Array = 1 / (1 + np.exp(-np.clip(x @ self.weights + self.bias, -500, 500)))
        return made


def read(series: Any, name: str) -> tuple[Array, tuple[str, ...]]:
    """(labels (N,): 1 bad, 0 good, NaN not known; notes). Raises DataError for more than two kinds."""
    given = present(series)
    numbers = as_numbers(given)
    if numbers.null_count() == given.null_count():
        values: Array = numbers.to_numpy().astype(np.float64)
        kinds = np.unique(values[np.isfinite(values)])
        if len(kinds) > 2:
            raise DataError(
                f"{name}: the label column {series.name!r} has {len(kinds)} different numbers; "
                "labels are 1 for bad and 0 for good"
            )
        made = np.where(np.isnan(values), np.nan, (values > 0).astype(float))
        if len(kinds) == 2 and (kinds > 0).all():
            made = np.where(np.isnan(values), np.nan, (values == kinds[1]).astype(float))
    else:
        made = _words(as_text(given), name)
    counts = int((made == 1).sum()), int((made == 0).sum())
    notes: tuple[str, ...] = ()
    if min(counts) == 0:
        one = "bad" if counts[0] else "good" if counts[1] else "not known"
        notes = (f"{name}: all labels in {series.name!r} are {one}; no probability can be learnt",)
    elif min(counts) < _LEAST:
        notes = (
            f"{name}: {counts[0]} bad and {counts[1]} good labels are too few for a probability",
        )
    return made, notes


def _words(text: Any, name: str) -> Array:
    kinds = text.drop_nulls().unique().to_list()
    if len(kinds) > 2:
        raise DataError(
            f"{name}: the label column {text.name!r} has {len(kinds)} different values; "
            "labels are of two kinds, such as yes and no"
        )
    lowered = {k: k.lower() for k in kinds}
    bad = next((k for k in kinds if lowered[k] in _BAD), None)
    if bad is None and len(kinds) == 2:
        good = next((k for k in kinds if lowered[k] in _GOOD), None)
        counts = {k: int((text == k).sum()) for k in kinds}
        bad = (
            next(k for k in kinds if k != good)
            if good
            else min(kinds, key=lambda k: (counts[k], k))
        )
    made: Array = np.array(
        [np.nan if v is None else float(v == bad) for v in text.to_list()], np.float64
    )
    return made
