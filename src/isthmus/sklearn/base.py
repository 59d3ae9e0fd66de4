"""What both estimators share: parameters, fitting, and pickling without torch objects."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

from isthmus.datasets.base import Dataset, Items, Scaling
from isthmus.model import Model
from isthmus.recipe import Dense, Named, Plain, Recipe, Training
from isthmus.training import events as E
from isthmus.training.fitting import fit as fit_recipe
from isthmus.training.writer import data_card

Array = NDArray[Any]


class AutoencoderBase(BaseEstimator):  # type: ignore[misc]
    """Fits a dense autoencoder, or any ``recipe``, to the rows of a table of numbers."""

    _parameter_constraints: dict[str, list[Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "hidden": ["array-like", tuple],
        "activation": [
            StrOptions({"relu", "leaky_relu", "gelu", "silu", "elu", "tanh", "sigmoid", "none"})
        ],
        "start": [StrOptions({"pca", "random"})],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "standardize": ["boolean"],
        "recipe": [Recipe, None],
        "random_state": ["random_state"],
    }

    def _fit(self, x: Array) -> None:
        """Train on rows (N, F) and keep ``model_``, ``loss_curve_`` and ``n_iter_``."""
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        values = x.astype(np.float32)
        items = Items(values)
        nothing = Items(values[:0])
        dataset = Dataset("rows", "vector", items, nothing, (), self._scaling(x))
        fitting = fit_recipe(self._recipe(x.shape[1], seed), dataset)
        curve: list[float] = []
        with fitting:
            for event in fitting:
                if isinstance(event, E.Progress):
                    curve.append(event.loss)
                elif isinstance(event, E.Failed):
                    raise ValueError(event.reason)
        self.loss_curve_ = curve
        self.n_iter_ = fitting.trainer.state.epoch
        self.model_ = Model(fitting.trainer.recipe, fitting.trainer.model, data_card(dataset))

    def _recipe(self, features: int, seed: int) -> Recipe:
        if self.recipe is not None:
            given: Recipe = self.recipe
            return given.set(f"training.seed={seed}")
        return Recipe(
            name="rows",
            data=Named(validation=0.0),
            encoder=Dense(layers=tuple(self.hidden), activation=self.activation, start=self.start),
            bottleneck=Plain(size=self._size(features)),
            training=Training(
                epochs=self.epochs,
                batch_size=self.batch_size,
                learning_rate=self.learning_rate,
                seed=seed,
                threads=1,  # small dense nets run fastest on one, and it leaves joblib the others
                snapshots=0,
            ),
        )

    def _size(self, features: int) -> int:
        return (
            int(self.n_components)
            if self.n_components is not None
            else max(1, min(8, features // 2))
        )

    def _scaling(self, x: Array) -> Scaling:
        if not self.standardize:
            return Scaling()
        spread = x.std(0)
        factor = np.where(spread > 1e-12, 1 / np.where(spread > 1e-12, spread, 1), 1.0)
        return Scaling(x.mean(0).astype(np.float32), factor.astype(np.float32))

    def _checked(self, x: Any, reset: bool) -> Array:
        """Rows as finite float64 (N, F); scikit-learn's own words where they are not."""
        if not reset:
            check_is_fitted(self)
        least = 2 if reset else 1
        checked: Array = validate_data(
            self, x, reset=reset, dtype=np.float64, ensure_min_samples=least
        )
        return checked

    def __getstate__(self) -> dict[str, Any]:
        """Scikit-learn estimators are pickled by their users: arrays and text only, no torch objects."""
        state = dict(super().__getstate__())
        if "model_" in state:
            model: Model = state.pop("model_")
            weights = {n: v.numpy() for n, v in model.autoencoder.state_dict().items()}
            state["_frozen_model"] = (model.recipe.to_toml(), model.card, weights)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        frozen = state.pop("_frozen_model", None)
        super().__setstate__(state)
        if frozen is None:
            return
        import torch

        from isthmus.autoencoder import Autoencoder

        text, card, weights = frozen
        recipe = Recipe.parse(text)
        autoencoder = Autoencoder.from_recipe(recipe, tuple(card["shape"]))
        autoencoder.load_state_dict({n: torch.from_numpy(np.array(v)) for n, v in weights.items()})
        self.model_ = Model(recipe, autoencoder, card)
