"""What every loss does: raw decoder output and target in, one number per item out."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from isthmus.recipe import LossSpec


class Loss:
    """Mean over an item's values, so that pictures of any size share a learning rate.

    ``raw`` is the decoder's output: (N, *item) or, with two outputs a value, (N, 2C, *grid).
    Likelihoods are negative log-likelihoods in nats per value.
    """

    def __init__(self, spec: LossSpec) -> None:
        self.spec: Any = spec

    def output(self, raw: Tensor, item: tuple[int, ...]) -> Tensor:
        """The item a person sees: (N, *item)."""
        return raw

    def per_item(self, raw: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of each item (N,). ``weight`` (broadcast over the target) counts values more or less."""
        raise TypeError(f"{type(self).__name__} must implement per_item")


def mean_per_item(values: Tensor, weight: Tensor | None = None) -> Tensor:
    """(N, …) -> (N,): the mean, or the weighted mean, over everything but the batch."""
    if weight is None:
        return values.flatten(1).mean(1)
    weight = weight.expand_as(values)
    return (values * weight).flatten(1).sum(1) / weight.flatten(1).sum(1).clamp_min(1e-12)
