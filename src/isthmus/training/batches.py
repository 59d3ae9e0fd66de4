"""The training items in memory, cut into random batches on the device."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus.datasets.base import Items, Scaling
from isthmus.recipe import DataSpec, Photos, Speech

LAST_PART = 0.8
"""From this share of the training on, photographs are seen through ``data.last_window``."""


class Resident:
    """All items of one part in one tensor. Pictures and sound stay small: uint8 and int16."""

    def __init__(
        self, items: Items, scaling: Scaling, device: str, window: int | None = None
    ) -> None:
        self.window = window
        whole = items.values.dtype in (np.uint8, np.int16)
        values = items.values if whole else scaling.apply(items.values)
        self.values = torch.from_numpy(np.ascontiguousarray(values)).to(device)

    def __len__(self) -> int:
        return len(self.values)

    def gather(self, index: Tensor) -> Tensor:
        """Items at ``index`` (N,) as float32 network inputs (N, *shape)."""
        return self._float(self.values.index_select(0, index))

    def slices(self, size: int) -> Iterator[Tensor]:
        """All items in order, ``size`` at a time."""
        for start in range(0, len(self.values), size):
            yield self._float(self._middle(self.values[start : start + size]))

    def _middle(self, batch: Tensor) -> Tensor:
        """What is judged and shown of items that are seen through windows: their middle."""
        if self.window is None:
            return batch
        if batch.dim() == 3:
            start = (batch.shape[2] - self.window) // 2
            return batch[:, :, start : start + self.window]
        top = (batch.shape[2] - self.window) // 2
        left = (batch.shape[3] - self.window) // 2
        return batch[:, :, top : top + self.window, left : left + self.window]

    def _float(self, batch: Tensor) -> Tensor:
        # Division, not a multiplication by 1/255: the same inputs to the bit as ``Scaling.apply``.
        if batch.dtype == torch.int16:
            return batch.float().div_(32768)
        return batch.float().div_(255) if batch.dtype == torch.uint8 else batch


def order(items: int, seed: int, epoch: int) -> Tensor:
    """The order of an epoch: the same for the same seed and epoch, wherever training stopped."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(items, generator=generator)


def augment(batch: Tensor, data: DataSpec, generator: torch.Generator, progress: float) -> Tensor:
    """Shift, mirror and cut pictures (N, C, H, W) at random, as the recipe's data section asks."""
    if isinstance(data, Photos):
        return _windows(batch, data, generator, progress)
    if isinstance(data, Speech):
        return _stretches(batch, data.window, generator)
    if batch.dim() != 4 or not (data.shift or data.flip):
        return batch
    if data.flip:
        coin = torch.rand(len(batch), 1, 1, 1, generator=generator, device=batch.device) < 0.5
        batch = torch.where(coin, batch.flip(3), batch)
    if data.shift:
        batch = _shifted(batch, data.shift, generator)
    return batch


def _windows(batch: Tensor, data: Photos, generator: torch.Generator, progress: float) -> Tensor:
    """A random window of each square, turned and mirrored in one of eight ways, or mirrored only."""
    side = data.window
    if data.last_window and progress >= LAST_PART:
        # As many pixels a step as before: larger windows of fewer squares.
        side = data.last_window
        batch = batch[: max(round(len(batch) * (data.window / side) ** 2), 1)]
    count, _, height, width = batch.shape
    draws = torch.rand(3 if data.zoom == 1 else 4, count, generator=generator, device=batch.device)
    spans = torch.full((count,), side, device=batch.device)
    if data.zoom > 1:
        most = min(side * data.zoom, height, width)
        spans = (side * (most / side) ** draws[3]).round().long()
    tops = (draws[0] * (height - spans + 1)).long().tolist()
    lefts = (draws[1] * (width - spans + 1)).long().tolist()
    ways = (draws[2] * (2 if data.upright else 8)).long().tolist()
    cut = []
    for picture, top, left, span, way in zip(batch, tops, lefts, spans.tolist(), ways, strict=True):
        window = picture[:, top : top + span, left : left + span]
        if span != side:
            window = F.interpolate(window[None], (side, side), mode="bilinear", antialias=True)[0]
        if way & 1:
            window = window.flip(2)
        if way & 2:
            window = window.flip(1)
        cut.append(window.transpose(1, 2) if way & 4 else window)
    return torch.stack(cut)


def _stretches(batch: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """A random stretch of each row (N, rows, samples), another for every row."""
    count, rows, samples = batch.shape
    draws = torch.rand(count * rows, generator=generator, device=batch.device)
    starts = (draws * (samples - size + 1)).long().tolist()
    flat = batch.flatten(0, 1)
    cut = [row[start : start + size] for row, start in zip(flat, starts, strict=True)]
    return torch.stack(cut).view(count, rows, size)


def _shifted(batch: Tensor, reach: int, generator: torch.Generator) -> Tensor:
    """Each picture moved by up to ``reach`` pixels; what comes in repeats the border."""
    count, _, height, width = batch.shape
    moves = torch.randint(-reach, reach + 1, (2, count), generator=generator, device=batch.device)
    rows = (torch.arange(height, device=batch.device) + moves[0][:, None]).clamp_(0, height - 1)
    columns = (torch.arange(width, device=batch.device) + moves[1][:, None]).clamp_(0, width - 1)
    batch = batch.gather(2, rows[:, None, :, None].expand_as(batch))
    return batch.gather(3, columns[:, None, None, :].expand_as(batch))
