"""What every task does: say what is input, what is target, and how wrong is measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from isthmus.autoencoder import Autoencoder, Reconstruction
from isthmus.recipe import Recipe, TaskSpec

Array = NDArray[Any]


@dataclass(frozen=True)
class Pair:
    """What the network sees, what it should have said, how much each value counts, and the rest."""

    input: Tensor
    target: Tensor
    weight: Tensor | None = None
    context: dict[str, Tensor] = field(default_factory=dict)


class Task:
    """One application, one file. Subclasses implement ``pair``."""

    any_size: bool = False
    """Whether ``apply`` takes items of any size: photographs, recordings."""

    def __init__(self, spec: TaskSpec) -> None:
        self.spec: Any = spec

    def pair(self, batch: Tensor, generator: torch.Generator) -> Pair:
        """Clean items (N, *item) -> what goes in and what should come out. Random by ``generator``."""
        raise TypeError(f"{type(self).__name__} must implement pair")

    def look(self, items: Tensor) -> Tensor:
        """What the network sees of items (N, *item) that are used as they are."""
        return items

    def apply(self, model: Autoencoder, recipe: Recipe, item: Array, **options: Any) -> Array:
        """What a person takes away when the task is done on an item of any size.

        Only for tasks with ``any_size``; the others rebuild items of the model's own shape.
        """
        raise TypeError(f"{type(self).__name__} takes items of one shape")

    def result(self, made: Reconstruction, pair: Pair) -> Tensor:
        """What a person looks at of a reconstruction: (N, *item)."""
        return made.output

    def shown(self, view: Tensor) -> Tensor:
        """The part of a network's input that a person can look at beside the item."""
        return view

    def objective(self, model: Autoencoder, pair: Pair) -> tuple[Tensor, Tensor, Reconstruction]:
        """(loss, cost, reconstruction): two means over the batch, before and after the weight.

        ``loss`` is per value of the item, ``cost`` is the code's, in nats per item. What training
        lowers is ``loss + weight x cost / numbers``.
        """
        made: Reconstruction = model(pair.input)
        loss = model.loss.per_item(made.raw, pair.target, pair.weight).mean()
        return loss, made.code.cost.mean(), made

    def metrics(self, output: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Figures per item (N,), by name; higher or lower is better as the name says."""
        return {"mse": (output - target).square().flatten(1).mean(1)}
