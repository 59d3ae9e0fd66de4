"""The item with noise in, the clean item out (Vincent et al. 2008, 2010)."""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.tasks.base import Pair, Task


class Application(Task):
    """Noise is made on the batch, new every time."""

    def pair(self, batch: Tensor, generator: torch.Generator) -> Pair:
        amount = self.spec.amount
        if self.spec.noise == "gaussian":
            noise = torch.empty_like(batch).normal_(generator=generator)
            return Pair(batch + amount * noise, batch)
        hit = torch.empty_like(batch).bernoulli_(min(amount, 1.0), generator=generator).bool()
        if self.spec.noise == "masking":
            return Pair(batch.masked_fill(hit, 0.0), batch)
        coin = torch.empty_like(batch).bernoulli_(0.5, generator=generator)
        return Pair(torch.where(hit, coin, batch), batch)
