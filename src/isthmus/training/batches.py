"""The training items in memory, cut into random batches on the device."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from isthmus.datasets.base import Array, Items, Scaling
from isthmus.recipe import DataSpec


class Resident:
    """All items of one part in one tensor. Pictures stay uint8: a quarter of the memory traffic."""

    def __init__(self, items: Items, scaling: Scaling, device: str) -> None:
        values = items.values if items.values.dtype == np.uint8 else scaling.apply(items.values)
        self.values = torch.from_numpy(np.ascontiguousarray(values)).to(device)

    def __len__(self) -> int:
        return len(self.values)

    def gather(self, index: Tensor) -> Tensor:
        """Items at ``index`` (N,) as float32 network inputs (N, *shape)."""
        return self._float(self.values.index_select(0, index))

    def slices(self, size: int) -> Iterator[Tensor]:
        """All items in order, ``size`` at a time."""
        for start in range(0, len(self.values), size):
            yield self._float(self.values[start : start + size])

    def _float(self, batch: Tensor) -> Tensor:
        # Division, not a multiplication by 1/255: the same inputs to the bit as ``Scaling.apply``.
        return batch.float().div_(255) if batch.dtype == torch.uint8 else batch


def order(items: int, seed: int, epoch: int) -> Tensor:
    """The order of an epoch: the same for the same seed and epoch, wherever training stopped."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(items, generator=generator)


def split(items: Items, share: float, seed: int) -> tuple[Array, Array]:
    """Indices of (training, validation) items; a share of zero leaves validation empty."""
    count = len(items)
    held = min(max(round(count * share), 1), count - 1) if share > 0 and count > 1 else 0
    shuffled = np.random.default_rng(seed).permutation(count)
    return np.sort(shuffled[held:]), np.sort(shuffled[:held])


def augment(batch: Tensor, data: DataSpec, generator: torch.Generator) -> Tensor:
    """Shift and mirror pictures (N, C, H, W) at random, as the recipe's data section asks."""
    if batch.dim() != 4 or not (data.shift or data.flip):
        return batch
    if data.flip:
        coin = torch.rand(len(batch), 1, 1, 1, generator=generator, device=batch.device) < 0.5
        batch = torch.where(coin, batch.flip(3), batch)
    if data.shift:
        batch = _shifted(batch, data.shift, generator)
    return batch


def _shifted(batch: Tensor, reach: int, generator: torch.Generator) -> Tensor:
    """Each picture moved by up to ``reach`` pixels; what comes in repeats the border."""
    count, _, height, width = batch.shape
    moves = torch.randint(-reach, reach + 1, (2, count), generator=generator, device=batch.device)
    rows = (torch.arange(height, device=batch.device) + moves[0][:, None]).clamp_(0, height - 1)
    columns = (torch.arange(width, device=batch.device) + moves[1][:, None]).clamp_(0, width - 1)
    batch = batch.gather(2, rows[:, None, :, None].expand_as(batch))
    return batch.gather(3, columns[:, None, None, :].expand_as(batch))
