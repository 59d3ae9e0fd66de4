"""A trained model ready for use: arrays in, arrays out, in the user's own units."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from isthmus.autoencoder import Autoencoder
from isthmus.bottlenecks import Code
from isthmus.datasets.base import Array, Scaling
from isthmus.errors import DataError, RunError
from isthmus.recipe import Recipe
from isthmus.tasks import build_task

if TYPE_CHECKING:
    from isthmus.training.run import Run

_BATCH = 1024


class Model:
    """A run loaded for use.

    Items are arrays (N, *shape) in the units of the training data: pictures as uint8 0..255 or
    floats 0..1, other data as it was in the file. ``model.shape`` is the shape of one item.
    """

    def __init__(self, recipe: Recipe, autoencoder: Autoencoder, card: dict[str, Any]) -> None:
        self.recipe = recipe
        self.autoencoder = autoencoder.eval()
        self.task = build_task(recipe.task)
        self.card = card
        self.shape: tuple[int, ...] = tuple(card["shape"])
        self.scaling = Scaling.from_json(card["scaling"])

    @classmethod
    def of_run(cls, run: Run) -> Model:
        """The model of a run directory. Raises RunError that names the damaged file."""
        from isthmus.training.checkpoint import first_difference, read_tensors

        autoencoder = Autoencoder.from_recipe(run.recipe, tuple(run.data["shape"]))
        path = run.path / "weights.safetensors"
        if not path.is_file():
            raise RunError(f"{path}: is missing; the training did not finish (train with --resume)")
        tensors, header = read_tensors(path)
        if header.get("recipe") != run.recipe.hash:
            raise RunError(
                f"{path}: belongs to recipe {header.get('recipe')}, but recipe.toml is {run.recipe.hash}; "
                "one of the two was changed"
            )
        fault = first_difference(autoencoder, tensors)
        if fault:
            raise RunError(f"{path}: does not fit recipe.toml: {fault}")
        autoencoder.load_state_dict(tensors)
        return cls(run.recipe, autoencoder, run.data)

    def code(self, items: Any) -> Code:
        """Items (N, *shape) -> Code, with cost and extras."""
        parts = list(self._codes(self.inputs(items)))
        extras = {n: torch.cat([p.extras[n] for p in parts]) for n in parts[0].extras}
        return Code(
            torch.cat([p.values for p in parts]), torch.cat([p.cost for p in parts]), extras
        )

    def encode(self, items: Any) -> Array:
        """Items (N, *shape) -> code values (N, *code) float32."""
        return self.code(items).values.float().numpy()

    def decode(self, codes: Any) -> Array:
        """Code values (N, *code) -> items (N, *shape) float32 in the user's units (pictures 0..1)."""
        values = np.asarray(codes, np.float32)
        wanted = self.autoencoder.plan.bottleneck.code
        if values.shape[1:] != wanted:
            raise DataError(
                f"codes must have shape (N, {', '.join(map(str, wanted))}); got {values.shape}"
            )
        with torch.no_grad():
            parts = [
                self.autoencoder.decode(torch.from_numpy(values[i : i + _BATCH]))
                for i in range(0, len(values), _BATCH)
            ]
        if not parts:
            return np.zeros((0, *self.shape), np.float32)
        return self._outputs(torch.cat(parts).float().numpy())

    def reconstruct(self, items: Any) -> Array:
        """Items there and back: (N, *shape) -> (N, *shape) float32."""
        if not self.autoencoder.plan.skips:
            return self.decode(self.encode(items))
        with torch.no_grad():
            made = [self.autoencoder(batch).output for batch in self._views(self.inputs(items))]
        return self._outputs(torch.cat(made).float().numpy())

    def apply(self, items: Any, **options: Any) -> Array:
        """What the model's task makes of items: for denoising the clean ones, else the rebuilt ones.

        A model for photographs takes one of any size, (height, width) or (height, width, 3), uint8,
        uint16 or floats 0..1, and gives back the same kind; ``options`` are its task's own.

        >>> clean = isthmus.load("photo-denoise").apply(image, strength=0.8)
        """
        if self.task.any_size:
            return self.task.apply(self.autoencoder, self.recipe, np.asarray(items), **options)
        return self.reconstruct(items)

    def errors(self, items: Any) -> Array:
        """Mean squared error of each item's reconstruction (N,), in network units."""
        inputs = self.inputs(items)
        rebuilt = self.scaling.apply(self.reconstruct(items))
        errors: Array = np.square(rebuilt - inputs).reshape(len(inputs), -1).mean(1)
        return errors

    def inputs(self, items: Any) -> Array:
        """Items as float32 network inputs (N, *shape). Raises DataError if they do not fit."""
        values = np.asarray(items)
        if values.dtype == object or values.dtype.kind in "OSUMm":
            raise DataError(f"items must be numbers; got an array of {values.dtype}")
        if values.ndim == len(self.shape) and self.shape[0] == 1:
            values = values[:, None]  # (N, H, W) pictures of one channel
        if values.shape[1:] != self.shape:
            raise DataError(
                f"items must have shape (N, {', '.join(map(str, self.shape))}); got {values.shape}"
            )
        if values.dtype != np.uint8 and not np.isfinite(values).all():
            raise DataError(
                f"items hold {int((~np.isfinite(values)).sum())} values that are not numbers"
            )
        if values.dtype == np.uint8 and self.card.get("range") is None:
            values = values.astype(np.float32)
        return self.scaling.apply(values)

    def _codes(self, inputs: Array) -> Any:
        with torch.no_grad():
            for batch in self._views(inputs):
                yield self.autoencoder.encode(batch)

    def _views(self, inputs: Array) -> Iterator[torch.Tensor]:
        """Batches of what the network sees; one empty batch of no items."""
        for start in range(0, max(len(inputs), 1), _BATCH):
            yield self.task.look(torch.from_numpy(inputs[start : start + _BATCH]))

    def _outputs(self, values: Array) -> Array:
        made = self.scaling.undo(values)
        return np.clip(made, *self.card["range"]) if self.card.get("range") else made


def load(source: str | Path) -> Model:
    """A model from a run directory, or a shipped one by name. Never unpickles. Raises RunError.

    >>> model = load("runs/digits")
    >>> rebuilt = model.reconstruct(images)
    """
    from isthmus.models import find
    from isthmus.training.run import Run

    path = find(str(source)) or Path(source)
    if not path.exists():
        from isthmus.models import names

        shipped = ", ".join(names()) or "none"
        raise RunError(
            f"{source}: no such run directory, and no shipped model of that name ({shipped})"
        )
    return Run(path).model
