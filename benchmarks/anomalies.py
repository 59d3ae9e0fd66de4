"""The development sets of anomaly detection: where they are, how they are split, how they are judged.

15 sets of ADBench (Han et al. 2022), a real sample of card frauds (ULB), insurance claims with text
columns, and the Fraud Detection Handbook's simulated cards. Not in the repository.
"""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

ROOT = Path(__file__).parents[1]
CAP = 20_000
PROTOCOLS = ("unsup", "semi")
CARD, CLAIMS = "card", "vehicle"
# The card sample holds every fraud and one genuine payment of 20.27.
GENUINE = 284_315 / 14_025
WINDOWS = (1, 7, 30)
HANDBOOK = [
    "TX_AMOUNT", "TX_DURING_WEEKEND", "TX_DURING_NIGHT",
    *[f"CUSTOMER_ID_{what}_{w}DAY_WINDOW" for w in WINDOWS for what in ("NB_TX", "AVG_AMOUNT")],
    *[f"TERMINAL_ID_{what}_{w}DAY_WINDOW" for w in WINDOWS for what in ("NB_TX", "RISK")],
]  # fmt: skip


@dataclass(frozen=True)
class Split:
    """Rows (N, F) to learn from, rows to judge, and what these are (1: anomaly).

    ``unsup``: both are all rows. ``semi``: half the normal rows to learn from, all others to judge.
    """

    train: Any
    test: Any
    labels: Any


def folder() -> Path:
    """Where the sets lie. Raises FileNotFoundError."""
    given = os.environ.get("ISTHMUS_SHARED_DATA")
    place = (Path(given) if given else ROOT.parent / "shared/data") / "fraud"
    if not place.is_dir():
        raise FileNotFoundError(f"{place}: no development sets (set ISTHMUS_SHARED_DATA)")
    return place


def names() -> list[str]:
    """The seventeen sets."""
    return [*sorted(p.stem for p in folder().glob("*.npz")), CARD, CLAIMS]


def load(name: str) -> tuple[Any, Any]:
    """(rows (N, F) float64, labels (N,)); text columns as one column a value."""
    if name == CARD:
        frame = pl.read_parquet(folder() / "creditcard_real_A.parquet")
        return frame.drop("Class").to_numpy().astype(float), frame["Class"].to_numpy().astype(int)
    if name == CLAIMS:
        frame = pl.read_parquet(folder() / "vehicle_claims_fraud_oracle.parquet")
        labels = frame["FraudFound_P"].to_numpy().astype(int)
        frame = frame.drop("PolicyNumber", "FraudFound_P")
        words = [c for c, kind in frame.schema.items() if kind == pl.String]
        return frame.to_dummies(words).fill_null(0).to_numpy().astype(float), labels
    with np.load(folder() / f"{name}.npz", allow_pickle=False) as held:
        return held["X"].astype(float), held["y"].astype(int).ravel()


def split(name: str, protocol: str, seed: int, cap: int = CAP) -> Split:
    """The split behind every figure: a stratified sample of ``cap`` rows first, then the protocol's."""
    rows, labels = load(name)
    if len(labels) > cap:
        rng = np.random.default_rng(12_345)
        bad, good = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
        count = round(cap * len(bad) / len(labels))
        count = min(len(bad), max(count, min(20, len(bad))))
        kept = [rng.choice(bad, count, replace=False), rng.choice(good, cap - count, replace=False)]
        index = np.sort(np.concatenate(kept))
        rows, labels = rows[index], labels[index]
    if protocol == "unsup":
        return Split(rows, rows, labels)
    rng = np.random.default_rng(seed)
    good = np.flatnonzero(labels == 0)
    rng.shuffle(good)
    half = len(good) // 2
    train = np.sort(good[:half])
    test = np.sort(np.concatenate([good[half:], np.flatnonzero(labels == 1)]))
    return Split(rows[train], rows[test], labels[test])


def standard(made: Split) -> Split:
    """For peers: mean 0 and spread 1 by the training rows, constant columns left out."""
    mean, spread = made.train.mean(0), made.train.std(0)
    kept = spread > 1e-12
    mean, spread = mean[kept], spread[kept]
    return Split(
        (made.train[:, kept] - mean) / spread, (made.test[:, kept] - mean) / spread, made.labels
    )


def figures(labels: Any, scores: Any) -> tuple[float, float]:
    """AUROC and average precision."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    return float(roc_auc_score(labels, scores)), float(average_precision_score(labels, scores))


def handbook() -> tuple[pl.DataFrame, pl.DataFrame]:
    """A week to learn from and, a week later, one to judge, without cards known to be compromised.

    On each test day the cards of the frauds that are seven days old by then are known.
    """
    frame = pl.read_parquet(folder() / "handbook_2018-07-25_21d.parquet")
    first = datetime.date(2018, 7, 25)
    frame = frame.with_columns(
        day=(pl.col("TX_DATETIME").dt.date() - first).dt.total_days().cast(pl.Int64)
    )
    fraud = pl.col("TX_FRAUD") == 1
    train = frame.filter(pl.col("day") < 7)
    known = set(train.filter(fraud)["CUSTOMER_ID"].to_list())
    test = []
    for day in range(7):
        told = frame.filter((pl.col("day") == 6 + day) & fraud)
        known |= set(told["CUSTOMER_ID"].to_list())
        today = frame.filter(pl.col("day") == 14 + day)
        test.append(today.filter(~pl.col("CUSTOMER_ID").is_in(list(known))))
    return train, pl.concat(test)
