"""A planted cause: one number of a normal row moved by six standard deviations; is it told first?

    python -m benchmarks planted [SET…]

Also the alerts among fresh normal rows, beside the budget: the detector's threshold for one in a hundred.
"""

from __future__ import annotations

import sys

import numpy as np
import polars as pl
import torch

from benchmarks import anomalies
from isthmus.detection.detector import fit_detector
from isthmus.detection.explain import causes
from isthmus.media import tables
from isthmus.recipe import Detect

PLANTED = 200
MOVED = 6.0
SHARE = 0.01


def main() -> None:
    """One line a set."""
    torch.set_num_threads(1)
    for name in sys.argv[2:] or (anomalies.CARD, "23_mammography", "28_pendigits"):
        print(name, *measure(name), flush=True)


def measure(name: str, seed: int = 0) -> tuple[str, str]:
    """Half the normal rows teach; rows of the other half are judged as they are, and with a cause."""
    made = anomalies.split(name, "semi", seed)
    columns = [f"x{i}" for i in range(made.train.shape[1])]
    train = pl.DataFrame(made.train, schema=columns, orient="row")
    schema = tables.infer(train, name, kinds=dict.fromkeys(columns, "number"))
    detector = fit_detector(train, schema, Detect(), seed, mixed=False, name=name)
    fresh = made.test[made.labels == 0]
    scores = detector.score(detector.encode(pl.DataFrame(fresh, schema=columns, orient="row"))[0])
    alerts = float(np.mean(scores.score >= detector.reference.threshold(SHARE)))

    rng = np.random.default_rng(seed)
    rows = fresh[rng.permutation(len(fresh))[:PLANTED]].copy()
    spread = made.train.std(0)
    moving = rng.choice(np.flatnonzero(spread > 0), len(rows))
    rows[np.arange(len(rows)), moving] += MOVED * spread[moving] * rng.choice([-1, 1], len(rows))
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    told = causes(detector, frame, detector.encode(frame)[0], 1)
    first = [bool(t) and t[0].column == columns[c] for t, c in zip(told, moving, strict=True)]
    return (
        f"planted column first in {np.mean(first):.1%} of {len(rows)} rows;",
        f"{alerts:.2%} of {len(fresh):,} fresh normal rows are alerts (budget {SHARE:.0%})",
    )
