"""An autoencoder as an outlier detector: what it cannot rebuild is suspicious."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OutlierMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from isthmus.recipe import Denoise, Recipe
from isthmus.sklearn.base import AutoencoderBase

Array = NDArray[Any]
_FENCE = 1.5


class AutoencoderDetector(OutlierMixin, AutoencoderBase):  # type: ignore[misc]
    """Ranks rows by how badly an autoencoder trained on (mostly) normal rows rebuilds them.

    Each column's error is divided by its usual size, so that no column shouts; ``explain`` says which
    columns made a row suspicious. Trained on rows with noise (Vincent et al. 2008), which keeps it from
    copying. ``contamination`` is the share of outliers in the training rows, or "auto": rows beyond
    Tukey's fence, the upper quartile of the error plus one and a half interquartile ranges. Fitted: ``offset_``, ``model_``.
    """

    _parameter_constraints = {
        **AutoencoderBase._parameter_constraints,
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
    }

    def __init__(
        self,
        contamination: float | str = "auto",
        *,
        n_components: int | None = None,
        hidden: tuple[int, ...] = (64,),
        activation: str = "silu",
        start: str = "pca",
        epochs: int = 60,
        batch_size: int = 64,
        learning_rate: float = 1e-3,
        standardize: bool = True,
        recipe: Recipe | None = None,
        random_state: Any = None,
    ) -> None:
        self.contamination = contamination
        self.n_components = n_components
        self.hidden = hidden
        self.activation = activation
        self.start = start
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.standardize = standardize
        self.recipe = recipe
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None) -> Self:
        """Train on rows X (N, F); y is not used."""
        rows = self._checked(X, reset=True)
        self._fit(rows)
        squared = self._squared(rows)
        # The median is what a normal row has, however wild the others are.
        usual = np.median(squared, 0)
        self.usual_error_ = np.maximum(usual, 0.05 * max(float(np.mean(usual)), 1e-9))
        scores = self._scores(squared)
        if self.contamination == "auto":
            low, high = np.percentile(-scores, [25, 75])
            self.offset_ = -float(high + _FENCE * max(high - low, 1e-9))
        else:
            self.offset_ = float(np.percentile(scores, 100 * float(self.contamination)))
        return self

    def score_samples(self, X: Any) -> Array:
        """(N,): minus the mean standardised error of each row; the lower, the more suspicious."""
        return self._scores(self._squared(self._checked(X, reset=False)))

    def decision_function(self, X: Any) -> Array:
        """(N,): ``score_samples`` less ``offset_``; negative is an outlier."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> Array:
        """(N,): -1 for outliers, 1 for the rest."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def explain(self, X: Any) -> Array:
        """(N, F): each column's share of a row's error, summing to 1."""
        surprise = self._squared(self._checked(X, reset=False)) / self.usual_error_
        whole = np.maximum(surprise.sum(1, keepdims=True), 1e-300)
        shares: Array = surprise / whole
        return shares

    def _recipe(self, features: int, seed: int) -> Recipe:
        recipe = super()._recipe(features, seed)
        return recipe if self.recipe is not None else recipe.replace(task=Denoise(amount=0.2))

    def _squared(self, rows: Array) -> Array:
        model = self.model_
        rebuilt = model.scaling.apply(model.reconstruct(rows))
        squared: Array = np.square(rebuilt.astype(np.float64) - model.inputs(rows))
        return squared

    def _scores(self, squared: Array) -> Array:
        scores: Array = -(squared / self.usual_error_).mean(1)
        return scores
