"""From figures on scales of their own to one score, and from a score to a p-value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_KEPT = 4096
_POWER = 8.0
_BEYOND = 1.0


@dataclass(frozen=True)
class Reference:
    """What training rows, judged as if new, had of one figure. ``kept`` is sorted."""

    kept: Array
    rows: int

    @staticmethod
    def of(values: Array) -> Reference:
        """All values, or as many even quantiles (the largest kept) as are worth storing."""
        ordered = np.sort(np.asarray(values, np.float64))
        if len(ordered) > _KEPT:
            # Half of what is kept describes the upper tenth, where decisions fall.
            low = np.linspace(0, 0.9, _KEPT // 2, endpoint=False)
            high = 1 - np.geomspace(0.1, 1 / len(ordered), _KEPT // 2 - 1)
            share = np.concatenate([low, high, [1.0]])
            ordered = np.quantile(ordered, share, method="lower")
            return Reference(ordered, len(values))
        return Reference(ordered, len(ordered))

    @property
    def _shares(self) -> Array:
        if self.rows <= _KEPT:
            return (np.arange(len(self.kept)) + 0.5) / len(self.kept)
        low = np.linspace(0, 0.9, _KEPT // 2, endpoint=False)
        high = 1 - np.geomspace(0.1, 1 / self.rows, _KEPT // 2 - 1)
        return np.concatenate([low, high, [1.0 - 0.5 / self.rows]])

    def below(self, values: Array) -> Array:
        """Share of the training rows below each value, ties by half; 0..1."""
        shares = self._shares
        left = np.searchsorted(self.kept, values, "left")
        right = np.searchsorted(self.kept, values, "right")
        padded = np.concatenate([[0.0], shares])
        made: Array = (padded[left] + padded[right]) / 2
        return np.where(left == len(self.kept), 1.0, made)

    def mark(self, values: Array, tail: float) -> Array:
        """0..1 for usual values, by a high power of ``below``; beyond the ``tail`` it grows slowly on.

        The power leaves a vote to those ways only that find a row among the strangest. ``tail`` is the
        share of training rows above which size counts beside rank.
        """
        top = float(self.kept[-1]) if tail == 0 else self.threshold(tail)
        scale = max(top - self.threshold(0.5), 1e-9 * max(abs(top), 1.0))
        beyond = np.log1p(np.maximum(values - top, 0) / scale)
        made: Array = self.below(values) ** _POWER + _BEYOND * beyond
        return made

    def p_value(self, values: Array) -> Array:
        """How often a training row, judged as if new, is at least this strange (never below 1 / (rows + 1))."""
        at_least = 1 - self.below(np.nextafter(values, -np.inf))
        made: Array = (np.clip(at_least, 0, 1) * self.rows + 1) / (self.rows + 1)
        return np.minimum(made, 1.0)

    def threshold(self, share: float) -> float:
        """The value that ``share`` of the training rows reach."""
        return float(np.interp(1 - share, self._shares, self.kept))
