"""The detector with PyOD's conventions: higher is stranger, 1 is an outlier. PyOD is not needed."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from isthmus.sklearn.detector import AutoencoderDetector

Array = NDArray[Any]


class PyODDetector:
    """``AutoencoderDetector`` where a program expects a PyOD detector.

    Fitted: ``decision_scores_``, ``labels_``, ``threshold_``. ``contamination`` is PyOD's.
    """

    def __init__(
        self, contamination: float = 0.1, random_state: Any = None, **parameters: Any
    ) -> None:
        self.contamination = contamination
        self.detector = AutoencoderDetector(contamination, random_state=random_state, **parameters)

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train on rows X (N, F); y is not used."""
        self.detector.fit(X)
        self.decision_scores_: Array = self.detector.decision_scores_
        self.labels_: Array = self.detector.labels_
        self.threshold_: float = self.detector.threshold_
        return self

    def decision_function(self, X: Any) -> Array:
        """(N,): the higher, the more suspicious."""
        return -self.detector.score_samples(X)

    def predict(self, X: Any) -> Array:
        """(N,): 1 for outliers, 0 for the rest."""
        made: Array = (self.detector.predict(X) == -1).astype(int)
        return made

    def predict_proba(self, X: Any) -> Array:
        """(N, 2): how usual and how strange a row is, by its p-value; not the chance that it is bad."""
        p = self.detector.p_values(X)
        return np.stack([p, 1 - p], 1)

    def fit_predict(self, X: Any, y: Any = None) -> Array:
        """(N,): ``labels_`` of the training rows."""
        return self.fit(X).labels_
