"""Small tables with something to find: related columns of every kind, and rows that break the relations."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

FEW = ("--set", "task.steps=60", "--set", "task.width=32", "--set", "task.members=2")
"""Settings with which a small table is learnt in a moment."""


def payments(rows: int = 400, bad: int = 8, seed: int = 0) -> pl.DataFrame:
    """Payments: the amount follows the number of items, the country its currency. ``fraud`` marks the bad ones."""
    rng = np.random.default_rng(seed)
    items = rng.integers(1, 9, rows)
    amount = (items * 10 * np.exp(0.1 * rng.normal(size=rows))).round(2)
    country = rng.choice(["DE", "FR", "US"], rows, p=[0.5, 0.3, 0.2])
    currency = np.where(country == "US", "USD", "EUR")
    age: list[Any] = rng.integers(18, 80, rows).tolist()
    for row in range(0, rows, 11):
        age[row] = None
    fraud = np.zeros(rows, int)
    chosen = rng.choice(rows, bad, replace=False)
    fraud[chosen] = 1
    amount[chosen] = (amount[chosen] * 20).round(2)
    minutes = np.sort(rng.integers(0, 60 * 24 * 20, rows))
    when = np.datetime64("2026-03-02T00:00") + minutes.astype("timedelta64[m]")
    return pl.DataFrame(
        {
            "id": np.arange(1000, 1000 + rows),
            "when": when.astype("datetime64[ms]"),
            "card": rng.choice(["a", "b", "c", "d", "e"], rows),
            "items": items,
            "amount": amount,
            "country": country,
            "currency": currency,
            "age": age,
            "vip": rng.random(rows) < 0.2,
            "fraud": fraud,
        }
    )
