"""Photographs with marks of our own making, for many tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from isthmus.marks import drawing
from isthmus.tasks.marking import Layers, Mark, Place, laid
from tests.photos import photograph


@dataclass(frozen=True)
class Case:
    """Pictures (K, H, W, 3) without and with a mark, and its opacity (H, W)."""

    clean: NDArray[np.uint8]
    seen: NDArray[np.uint8]
    opacity: NDArray[np.float32]

    @property
    def mask(self) -> NDArray[np.bool_]:
        made: NDArray[np.bool_] = self.opacity > 0.03
        return made

    def psnr(self, made: NDArray[np.uint8]) -> float:
        """Inside the mark, in dB."""
        error = np.square(self.clean.astype(np.float64) - made)[:, self.mask].mean()
        return float(10 * np.log10(255**2 / max(error, 1e-9)))


def squares(count: int, side: int) -> NDArray[np.uint8]:
    """Different squares of two photographs."""
    chance = np.random.default_rng(1)
    made = []
    for number in range(count):
        whole = photograph(("china.jpg", "flower.jpg")[number % 2])
        top, left = chance.integers(whole.shape[0] - side), chance.integers(whole.shape[1] - side)
        piece = whole[top : top + side, left : left + side]
        made.append(np.rot90(piece, number % 4) if number % 3 else piece[:, ::-1])
    return np.stack(made)


def case(
    count: int = 12,
    side: int = 96,
    opacity: float = 0.5,
    color: tuple[float, float, float] = (1, 1, 1),
    words: str = "Mine",
) -> Case:
    """One mark of text, in Pillow's own font, on several squares."""
    clean = squares(count, side)
    mark = Mark.of("text", drawing.text(words, drawing.font(None, 96), stroke=3))
    cover = laid(mark, Place(side / 2, side / 2, side / 3.2), side, side)[0]
    layers = Layers.none(side, side)
    layers.cover(cover * opacity, torch.tensor(color).float().reshape(3, 1, 1))
    values = [layers.on(torch.from_numpy(p.copy()).permute(2, 0, 1) / 255) for p in clean]
    seen = np.stack([(v * 255).round().byte().permute(1, 2, 0).numpy() for v in values])
    return Case(clean, seen, 1 - layers.through.mean(0).numpy())
