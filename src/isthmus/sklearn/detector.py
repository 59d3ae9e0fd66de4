"""An ensemble of autoencoders as an outlier detector: what it cannot rebuild is suspicious."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import (
    _check_feature_names,
    check_is_fitted,
    check_random_state,
    validate_data,
)

from isthmus.detection.detector import Detector, fit_detector
from isthmus.detection.explain import Cause, contributions
from isthmus.detection.explain import causes as causes_of
from isthmus.detection.saving import from_parts, parts_of
from isthmus.detection.thresholds import SHARE
from isthmus.media import tables
from isthmus.recipe import Detect

Array = NDArray[Any]
_FITTED = ("detector_", "own_detector_")


class AutoencoderDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """Ranks rows by how badly autoencoders trained on (mostly) normal rows can rebuild them.

    Takes arrays of numbers (NaN is a missing value) and data frames with columns of any kind.

    Judging the training rows and judging new ones are two questions. ``decision_scores_`` and
    ``labels_`` judge the training rows, wary of what is among them; ``predict``, ``score_samples`` and
    ``decision_function`` judge new rows and take the training rows as normal. ``training_rows`` "clean"
    or "mixed" makes both the same.

    ``contamination`` is the share of outliers in the training rows; "auto" calls rows outliers that
    are as strange as one training row in a hundred. ``scoring`` "fast" asks one network of each
    column, not all of them, in two fifths of the time; "auto" does beyond 100,000 training rows.

    Fitted: ``detector_`` for new rows, ``own_detector_`` for the training rows, ``offset_``,
    ``decision_scores_`` (the higher, the stranger), ``labels_`` (1: outlier).
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "training_rows": [StrOptions({"auto", "clean", "mixed"})],
        "members": [Interval(Integral, 1, None, closed="left")],
        "width": [Interval(Integral, 4, None, closed="left")],
        "steps": [Interval(Integral, 1, None, closed="left")],
        "scoring": [StrOptions({"auto", "full", "fast"})],
        "random_state": ["random_state"],
    }

    novelty = True
    """``predict`` judges new rows, as scikit-learn's LocalOutlierFactor has it."""

    def __init__(
        self,
        contamination: float | str = "auto",
        *,
        training_rows: str = "auto",
        members: int = 4,
        width: int = 128,
        steps: int = 400,
        scoring: Literal["auto", "full", "fast"] = "auto",
        random_state: Any = None,
    ) -> None:
        self.contamination = contamination
        self.training_rows = training_rows
        self.members = members
        self.width = width
        self.steps = steps
        self.scoring = scoring
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None) -> Self:
        """Train on rows X (N, F); y is not used."""
        frame, kinds = self._frame(X, reset=True)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        spec = Detect(
            members=self.members, width=self.width, steps=self.steps, scoring=self.scoring
        )
        schema = tables.infer(frame, "X", kinds=kinds)
        threads = torch.get_num_threads()
        torch.set_num_threads(
            1
        )  # small dense nets run fastest on one, and it leaves joblib the others
        try:
            made = {
                mixed: fit_detector(frame, schema, spec, seed, mixed, name="X")
                for mixed in (False, True)
                if self.training_rows in ("auto", "mixed" if mixed else "clean")
            }
        finally:
            torch.set_num_threads(threads)
        self.detector_: Detector = made.get(False) or made[True]
        self.own_detector_: Detector = made.get(True) or self.detector_
        self.decision_scores_ = self._raw(self.own_detector_, frame)
        if self.contamination == "auto":
            self.threshold_ = self.own_detector_.reference.threshold(SHARE)
            self.offset_ = -self.detector_.reference.threshold(SHARE)
        else:
            share = float(self.contamination)
            self.threshold_ = float(np.percentile(self.decision_scores_, 100 * (1 - share)))
            self.offset_ = -self.detector_.reference.threshold(share)
        self.labels_ = (self.decision_scores_ > self.threshold_).astype(int)
        return self

    def score_samples(self, X: Any) -> Array:
        """(N,): minus the score of each row; the lower, the more suspicious."""
        check_is_fitted(self)
        return -self._raw(self.detector_, self._frame(X, reset=False)[0])

    def decision_function(self, X: Any) -> Array:
        """(N,): ``score_samples`` less ``offset_``; negative is an outlier."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> Array:
        """(N,): -1 for outliers, 1 for the rest."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def p_values(self, X: Any) -> Array:
        """(N,): how often a training row, judged as if new, is at least this strange."""
        check_is_fitted(self)
        encoded, _ = self.detector_.encode(self._frame(X, reset=False)[0], "X")
        return self.detector_.score(encoded, twins=True).p_value

    def explain(self, X: Any) -> Array:
        """(N, F): each column's share of what makes a row strange, summing to 1.

        A column's part is by how much the row's surprise falls when the column is put right.
        """
        check_is_fitted(self)
        frame, _ = self._frame(X, reset=False)
        encoded, _ = self.detector_.encode(frame, "X")
        gain = np.maximum(contributions(self.detector_, encoded)[0], 0)
        shares = np.zeros((len(frame), len(frame.columns)))
        place = [frame.columns.index(n) for n in self.detector_.columns]
        whole = gain.sum(1, keepdims=True)
        shares[:, place] = np.where(whole > 0, gain / np.maximum(whole, 1e-300), 1 / len(place))
        return shares

    def causes(self, X: Any, most: int = 3) -> list[list[Cause]]:
        """For each row the columns that make it strange, with what was found and what was expected."""
        check_is_fitted(self)
        frame, _ = self._frame(X, reset=False)
        encoded, _ = self.detector_.encode(frame, "X")
        return causes_of(self.detector_, frame, encoded, most)

    def _raw(self, detector: Detector, frame: Any) -> Array:
        encoded, _ = detector.encode(frame, "X")
        made: Array = detector.score(encoded, twins=True).score
        return made

    def _frame(self, X: Any, reset: bool) -> tuple[Any, dict[str, str] | None]:
        """(rows as a polars frame, what is known of its columns)."""
        package = tables.polars("AutoencoderDetector")
        mixed = _columns_of_any_kind(X)
        if mixed:
            _check_feature_names(self, X, reset=reset)
            held = X if isinstance(X, package.DataFrame) else _from_pandas(X)
            if reset:
                self.n_features_in_ = held.width
            return held, None
        checked: Array = validate_data(
            self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan",
            ensure_min_samples=2 if reset else 1,
        )  # fmt: skip
        names = list(getattr(self, "feature_names_in_", [f"x{i}" for i in range(checked.shape[1])]))
        return package.DataFrame(checked, schema=names, orient="row"), dict.fromkeys(
            names, "number"
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Scikit-learn estimators are pickled by their users: arrays and text only, no torch objects."""
        state = dict(super().__getstate__())
        for name in _FITTED:
            if name in state:
                detector: Detector = state.pop(name)
                tree, tensors = parts_of(detector)
                held = {n: v.numpy().copy() for n, v in tensors.items()}
                state[f"_frozen_{name}"] = (tree, held, detector.spec.model_dump_json())
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        frozen = {n: state.pop(f"_frozen_{n}") for n in _FITTED if f"_frozen_{n}" in state}
        super().__setstate__(state)
        for name, (tree, held, spec) in frozen.items():
            tensors = {n: torch.from_numpy(np.array(v)) for n, v in held.items()}
            setattr(self, name, from_parts(tree, tensors, Detect.model_validate_json(spec)))


def _columns_of_any_kind(X: Any) -> bool:
    """Whether rows come in a data frame with columns that are not numbers."""
    kinds = getattr(X, "dtypes", None)
    if kinds is None or not hasattr(X, "columns"):
        return False
    numeric = [k.is_numeric() if hasattr(k, "is_numeric") else k.kind in "uifb" for k in kinds]
    return not all(numeric)


def _from_pandas(X: Any) -> Any:
    """A polars frame of a pandas one, without pyarrow."""
    package = tables.polars("AutoencoderDetector")
    columns = {str(n): X[n].astype(object).where(X[n].notna(), None).tolist() for n in X.columns}
    return package.DataFrame(columns, strict=False)
