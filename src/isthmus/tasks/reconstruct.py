"""The item in, the item out (Hinton & Salakhutdinov 2006)."""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.tasks.base import Pair, Task


class Application(Task):
    """What is left is what fits through the bottleneck."""

    def pair(self, batch: Tensor, generator: torch.Generator) -> Pair:
        return Pair(batch, batch)
