"""Finding the quantiser's step that gives a wanted size or a wanted quality."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.codec import picture
from isthmus.codec.errors import FormatError
from isthmus.codec.picture import LEAST_STEP, MOST_STEP
from isthmus.codec.quantise import TRADE

Array = NDArray[Any]
# One index of the step changes the size by about this (a step of twice the width: 0.6 times).
_SLOPE = math.log(0.58) / 32
_CLOSE = 0.015


@dataclass(frozen=True)
class Made:
    """A file, and what it cost: ``psnr`` in dB over all values of the pixels."""

    data: bytes
    step: int
    psnr: float


class Trial:
    """One picture, coded as often as it takes: what does not depend on the step is done once."""

    def __init__(
        self,
        pixels: Array,
        alpha: Array | None,
        beside: tuple[tuple[bytes, bytes], ...],
        effort: int = 1,
    ) -> None:
        self.coder = picture.Coder(pixels, alpha, beside, again=True, effort=effort)
        self.made: dict[tuple[int, float], Made] = {}

    def at(self, step: int, trade: float = TRADE) -> Made:
        """The file at one step."""
        key = (step, trade)
        if key not in self.made:
            data, error = self.coder.code(step, trade)
            self.made[key] = Made(data, step, psnr(error))
        return self.made[key]


def psnr(error: float) -> float:
    """A mean squared error in squared levels of 0..255 as dB; infinite for none."""
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def to_size(trial: Trial, size: int) -> Made:
    """The file whose size is nearest to ``size`` bytes. Raises FormatError if none can be so small.

    A picture that takes less even at the finest step comes back at the finest step.
    """

    def miss(made: Made) -> float:
        return math.log(len(made.data) / size)

    best = _search(trial, miss, _SLOPE)
    if len(best.data) > size * 1.02 and best.step == MOST_STEP:
        raise FormatError(f"cannot be coded in {size:,} bytes; {len(best.data):,} is the least")
    if abs(miss(best)) > 0.02 and best.step not in (LEAST_STEP, MOST_STEP):
        best = _finer(trial, best, miss)
    return best


def to_psnr(trial: Trial, wanted: float) -> Made:
    """The file whose PSNR is nearest to ``wanted`` dB. Raises FormatError if that is out of reach."""
    best = _search(trial, lambda made: wanted / 20 - min(made.psnr, 99) / 20, 6.02 / 32 / 20)
    if abs(best.psnr - wanted) > 0.02 * wanted and best.step in (LEAST_STEP, MOST_STEP):
        raise FormatError(f"cannot be coded at {wanted:g} dB; {best.psnr:.2f} dB is the nearest")
    return best


def _search(trial: Trial, miss: Callable[[Made], float], slope: float) -> Made:
    """The step with the least ``miss``, which changes steadily by about ``slope`` an index."""
    low, high = LEAST_STEP, MOST_STEP  # the answer lies between
    step, seen = 270, {}
    while True:
        seen[step] = miss(trial.at(step))
        if abs(seen[step]) < 0.4 * _CLOSE:
            break
        # Above zero means too large a file (or too low a quality) for a falling (rising) miss.
        if (seen[step] > 0) == (slope < 0):
            low = max(low, step + 1)
        else:
            high = min(high, step - 1)
        if low > high:
            break
        near = sorted(seen, key=lambda s: abs(seen[s]))[:2]
        local = (seen[near[0]] - seen[near[1]]) / (near[0] - near[1]) if len(near) == 2 else slope
        local = local if local * slope > 0 else slope
        guess = near[0] - seen[near[0]] / local
        step = int(np.clip(round(guess), low, high))
    return trial.at(min(seen, key=lambda s: abs(seen[s])))


def _finer(trial: Trial, best: Made, miss: Callable[[Made], float]) -> Made:
    """Between two steps: the worth of a bit moves the size a little."""
    step = best.step if miss(best) > 0 else best.step - 1
    low, high = TRADE, 4 * TRADE
    for _ in range(6):
        middle = math.sqrt(low * high)
        made = trial.at(step, middle)
        best = min(best, made, key=lambda m: abs(miss(m)))
        if abs(miss(best)) < _CLOSE:
            break
        low, high = (middle, high) if miss(made) > 0 else (low, middle)
    return best
