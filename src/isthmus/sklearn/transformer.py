"""An autoencoder as a transformer: rows to codes and back."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin, _fit_context
from sklearn.utils.validation import check_array, check_is_fitted

from isthmus.recipe import Recipe
from isthmus.sklearn.base import AutoencoderBase

Array = NDArray[Any]


class AutoencoderTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, AutoencoderBase):  # type: ignore[misc]
    """Rows of numbers to ``n_components`` code numbers, and back.

    Starts at the principal components (``start="pca"``), so it is no worse than
    ``sklearn.decomposition.PCA`` on the training rows and usually better on new ones.

    Parameters are those of a dense recipe; ``recipe`` replaces them all by a whole
    ``isthmus.Recipe`` (any bottleneck, any network that takes rows). Fitted: ``model_``
    (``isthmus.Model``), ``loss_curve_``, ``n_iter_``, ``n_features_in_``.

    >>> Pipeline([("code", AutoencoderTransformer(16)), ("class", LogisticRegression())]).fit(X, y)
    """

    def __init__(
        self,
        n_components: int | None = None,
        *,
        hidden: tuple[int, ...] = (128,),
        activation: str = "silu",
        start: str = "pca",
        epochs: int = 60,
        batch_size: int = 64,
        learning_rate: float = 1e-3,
        standardize: bool = True,
        recipe: Recipe | None = None,
        random_state: Any = None,
    ) -> None:
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
        self._fit(self._checked(X, reset=True))
        self._n_features_out = self.model_.autoencoder.plan.bottleneck.numbers
        return self

    def transform(self, X: Any) -> Array:
        """Rows (N, F) -> codes (N, n_components) float32."""
        rows = self._checked(X, reset=False)
        return self.model_.encode(rows).reshape(len(rows), -1)

    def inverse_transform(self, X: Any) -> Array:
        """Codes (N, n_components) -> rows (N, F) float32."""
        check_is_fitted(self)
        codes = check_array(X, dtype=np.float32)
        return self.model_.decode(codes.reshape(-1, *self.model_.autoencoder.plan.bottleneck.code))

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the mean squared error of the standardised rows: higher is better, 0 is perfect."""
        return -float(self.model_.errors(self._checked(X, reset=False)).mean())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
