"""The item with noise of any level, partly hidden, in; the item out: what comes back wrong is strange.

This is the task for one autoencoder of any network. ``isthmus detect`` trains an ensemble of its own
on the columns of a table (``isthmus.detection``), with the same corruption.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from isthmus.tasks.base import Pair, Task

LEAST_NOISE, MOST_NOISE = 0.1, 1.5
"""Standard deviations between which the level of noise is drawn, evenly in its logarithm."""


def noise_levels(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Levels of noise of the given shape."""
    drawn = torch.rand(shape, generator=generator, device=generator.device)
    return LEAST_NOISE * torch.exp(math.log(MOST_NOISE / LEAST_NOISE) * drawn)


class Application(Task):
    """Half the items of a batch are noisy, half are partly hidden."""

    def pair(self, batch: Tensor, generator: torch.Generator) -> Pair:
        each = (len(batch), *[1] * (batch.ndim - 1))
        noise = torch.empty_like(batch).normal_(generator=generator)
        noisy = batch + noise_levels(each, generator).to(batch.dtype) * noise
        share = torch.rand(each, generator=generator, device=batch.device)
        drawn = torch.rand(batch.shape, generator=generator, device=batch.device)
        hidden = torch.where(drawn < share, 0.0, batch)
        first = torch.rand(each, generator=generator, device=batch.device) < 0.5
        return Pair(torch.where(first, noisy, hidden), batch)
