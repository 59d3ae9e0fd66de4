"""Figures of a ranking against labels, and how far a table has drifted from the training rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.detection.detector import Detector
from isthmus.media.tables import Encoded

Array = NDArray[Any]


def ranking(labels: Array, score: Array) -> dict[str, float]:
    """AUROC, average precision, and precision among the first 10, 100, 1000; {} without both kinds."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    known = np.isfinite(labels)
    y, s = labels[known].astype(int), score[known]
    if not 0 < y.sum() < len(y):
        return {}
    made = {
        "auroc": float(roc_auc_score(y, s)),
        "average_precision": float(average_precision_score(y, s)),
    }
    order = np.argsort(-s, kind="stable")
    for k in (10, 100, 1000):
        if k <= len(y):
            made[f"precision_at_{k}"] = float(y[order[:k]].mean())
    return made


def card_precision(labels: Array, score: Array, day: Array, key: Array, k: int = 100) -> float:
    """Mean over days of the share of truly bad keys among the ``k`` strangest.

    A key is as strange as its strangest row of the day; one that was found bad is not looked at
    again on later days (Fraud Detection Handbook, Le Borgne et al. 2022).
    """
    found: set[Any] = set()
    shares = []
    for now in np.unique(day):
        rows = np.flatnonzero((day == now) & ~np.isin(key, list(found)))
        names, place = np.unique(key[rows], return_inverse=True)
        top = np.full(len(names), -np.inf)
        np.maximum.at(top, place, score[rows])
        bad = np.zeros(len(names))
        np.maximum.at(bad, place, labels[rows])
        order = np.argsort(-top, kind="stable")[:k]
        shares.append(float(bad[order].sum()) / k)
        found |= set(names[order][bad[order] > 0].tolist())
    return float(np.mean(shares))


def curve(labels: Array, score: Array, most: int = 200) -> list[tuple[int, float, float]]:
    """(k, precision, recall) at about ``most`` values of k, evenly on a logarithmic scale."""
    known = np.isfinite(labels)
    y = labels[known].astype(int)[np.argsort(-score[known], kind="stable")]
    if not y.sum():
        return []
    hits = np.cumsum(y)
    places = np.unique(np.geomspace(1, len(y), most).astype(int))
    return [(int(k), float(hits[k - 1] / k), float(hits[k - 1] / hits[-1])) for k in places]


def drift(detector: Detector, encoded: Encoded) -> list[tuple[str, float]]:
    """(column, distance) between training and these rows, the greatest first; 0 is none.

    Numbers and dates: the Kolmogorov-Smirnov distance of their inputs to the prototypes'.
    Categories: half the sum of the differences of shares.
    """
    before, now = detector.prototypes.numpy(), encoded.values
    made = []
    for index, block in enumerate(detector.blocks):
        if block.stop == block.start:
            made.append((block.column.name, float((encoded.fixed[:, index] > 0).mean())))
            continue
        a, b = before[:, block.start : block.stop], now[:, block.start : block.stop]
        if block.choice:
            far = float(np.abs(a.mean(0) - b.mean(0)).sum() / 2)
        else:
            far = max(_apart(a[:, i], b[:, i]) for i in range(a.shape[1]))
        far = max(far, float((encoded.fixed[:, index] > 0).mean()))
        made.append((block.column.name, far))
    return sorted(made, key=lambda pair: -pair[1])


def _apart(a: Array, b: Array) -> float:
    a, b = np.sort(a), np.sort(b)
    both = np.concatenate([a, b])
    below = np.searchsorted(a, both, "right") / len(a) - np.searchsorted(b, both, "right") / len(b)
    return float(np.abs(below).max()) if len(b) else 0.0
