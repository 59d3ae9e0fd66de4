"""Which rows are alerts: so many in all or a day, a share, or what costs least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import DataError

Array = NDArray[Any]
SHARE = 0.01


@dataclass(frozen=True)
class Rule:
    """One way to choose alerts; nothing said is the ``SHARE`` that training rows would have.

    ``count`` rows in all, or on each day if ``daily``; the ``share`` of training rows; or ``costs`` of
    a false alarm and of a miss, the latter a number or a column's name.
    """

    count: int | None = None
    daily: bool = False
    share: float | None = None
    costs: tuple[float, float | str] | None = None

    @property
    def text(self) -> str:
        """The rule in words."""
        if self.costs is not None:
            return (
                f"cheapest where a false alarm costs {self.costs[0]:g} and a miss {self.costs[1]}"
            )
        if self.count is not None:
            return f"the {self.count:,} strangest rows{' of each day' if self.daily else ''}"
        return f"as strange as {self.share or SHARE:.3g} of the training rows"

    @staticmethod
    def parse(alerts: str | None, contamination: float | None, cost: str | None) -> Rule:
        """From the verb's options. Raises ValueError in words for the person."""
        if sum(v is not None for v in (alerts, contamination, cost)) > 1:
            raise ValueError("give one of --alerts, --contamination and --cost")
        if cost is not None:
            first, _, second = cost.partition(",")
            try:
                alarm = float(first)
            except ValueError:
                raise ValueError("--cost is FALSE_ALARM,MISS such as 5,200 or 5,amount") from None
            if not second or alarm < 0:
                raise ValueError("--cost is FALSE_ALARM,MISS such as 5,200 or 5,amount")
            try:
                return Rule(costs=(alarm, float(second)))
            except ValueError:
                return Rule(costs=(alarm, second.strip()))
        if alerts is not None:
            text, _, per = alerts.partition("/")
            if not text.isdigit() or per not in {"", "day"}:
                raise ValueError("--alerts is a whole number, or one a day such as 100/day")
            return Rule(count=int(text), daily=per == "day")
        return Rule(share=contamination)


class Strangest:
    """The ``count`` highest rows of a stream, or of each of its groups; of equal rows the first."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._seen = 0
        self._held: dict[Any, tuple[Array, Array]] = {}

    def add(self, ranking: Array, groups: Array | None = None) -> None:
        """The next rows (N,) and the group of each."""
        rows = np.arange(self._seen, self._seen + len(ranking))
        self._seen += len(ranking)
        for group in [None] if groups is None else np.unique(groups).tolist():
            mine = slice(None) if groups is None else groups == group
            values, places = ranking[mine], rows[mine]
            if group in self._held:
                values = np.concatenate([self._held[group][0], values])
                places = np.concatenate([self._held[group][1], places])
            order = np.argsort(-values, kind="stable")[: self._count]
            self._held[group] = values[order], places[order]

    def rows(self) -> Array:
        """The numbers of the chosen rows, in order."""
        return np.sort(np.concatenate([np.zeros(0, int), *(r for _, r in self._held.values())]))


def cheapest(probability: Array | None, alarm: float, miss: Array | float) -> Array:
    """(N,) booleans: rows for which looking costs less than not looking, by their probability."""
    if probability is None:
        raise DataError(
            "--cost needs probabilities, and they need labels: give --label with at least 5 rows of each kind"
        )
    made: Array = probability * miss > (1 - probability) * alarm
    return made
