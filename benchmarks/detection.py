"""Detection beside PyOD: AUROC and average precision over seventeen sets, in both protocols.

    python -m benchmarks detection [ROWS]         # measure what is not there yet, then the table
    python -m benchmarks detection-table [ROWS]   # the table of what is there, into the manual

At most ROWS rows a set (5,000), drawn once for everybody. Everything is resumable: each result is a
file in .bench/detection. 5,000 rows take a quarter of an hour of one core, most of it PyOD's networks.
Peers are measured with one seed and compared with ours of that seed; our others tell the spread.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from scipy.stats import rankdata

from benchmarks import anomalies
from benchmarks.marked import markdown, write_between
from benchmarks.peer_detectors import HEAVY, LIGHT
from benchmarks.speed import PEERS_PYTHON, ROOT, install_peers
from isthmus.cli.common import table
from isthmus.detection import figures
from isthmus.detection.detector import fit_detector
from isthmus.media import tables
from isthmus.recipe import Detect

STORE = ROOT / ".bench/detection"
SEEDS = (0, 1, 2)
OURS, FAST = "isthmus", "isthmus fast"
GIVEN = next((int(a) for a in sys.argv[2:] if a.isdigit()), 5_000)
"""Rows of a set at most."""


def main() -> None:
    """Measure what is not there yet, then write the table."""
    if not PEERS_PYTHON.exists():
        install_peers()
    every(LIGHT, SEEDS[0])
    every((OURS,), SEEDS[0])
    every((FAST,), SEEDS[0])
    for peer in HEAVY:
        every((peer,), SEEDS[0])
    for seed in SEEDS[1:]:
        every((OURS,), seed)
    for how in HANDBOOK_WAYS:
        on_handbook(how)
    report()


def every(methods: tuple[str, ...], seed: int) -> None:
    """Every set in both protocols."""
    if methods in ((OURS,), (FAST,)):
        for name in anomalies.names():
            for protocol in anomalies.PROTOCOLS:
                ours(name, protocol, seed, "fast" if methods == (FAST,) else "full")
        return
    for protocol in anomalies.PROTOCOLS:
        run_peers(protocol, seed, methods)


def ours(name: str, protocol: str, seed: int, scoring: Literal["full", "fast"] = "full") -> None:
    """One default for all: only which question is asked differs, as in scikit-learn."""
    out = _place(name, protocol, seed) / f"{FAST if scoring == 'fast' else OURS}.npz"
    if out.exists():
        return
    import torch

    torch.set_num_threads(1)
    made = anomalies.split(name, protocol, seed, GIVEN)
    columns = [f"x{i}" for i in range(made.train.shape[1])]
    train = pl.DataFrame(made.train, schema=columns, orient="row")
    test = pl.DataFrame(made.test, schema=columns, orient="row")
    start = time.process_time()
    schema = tables.infer(train, name, kinds=dict.fromkeys(columns, "number"))
    spec = Detect(scoring=scoring)
    detector = fit_detector(train, schema, spec, seed, mixed=protocol == "unsup", name=name)
    middle = time.process_time()
    scores = detector.score(detector.encode(test)[0]).score
    seconds = [middle - start, time.process_time() - middle]
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(out, scores=scores, seconds=seconds)
    _say(f"{name} {protocol} {seed}: {anomalies.figures(made.labels, scores)}")


def run_peers(protocol: str, seed: int, peers: tuple[str, ...]) -> None:
    """PyOD's detectors on the same splits, in one process of an environment of their own."""
    with tempfile.TemporaryDirectory() as folder:
        for name in anomalies.names():
            place = _place(name, protocol, seed)
            if all((place / f"{p}.npz").exists() for p in peers):
                continue
            made = anomalies.standard(anomalies.split(name, protocol, seed, GIVEN))
            place.mkdir(parents=True, exist_ok=True)
            given = Path(folder) / place.relative_to(STORE) / "split.npz"
            given.parent.mkdir(parents=True)
            np.savez(given, train=made.train, test=made.test, seed=seed)
        script = str(ROOT / "benchmarks/peer_detectors.py")
        subprocess.run([str(PEERS_PYTHON), script, folder, str(STORE), *peers], check=False)


HANDBOOK_WAYS = {
    "mixed": "the week's rows may hold frauds",
    "clean": "the week's rows taken as normal",
    "labels": "with the week's labels",
}


def on_handbook(how: str) -> dict[str, float]:
    """The handbook's week by its own protocol; card precision leaves out cards found on earlier days."""
    out = STORE / "handbook" / f"{how}.npz"
    train, test = anomalies.handbook()
    if not out.exists():
        import torch

        torch.set_num_threads(1)
        few = train.sample(20_000, seed=0) if how != "labels" else train
        columns = few.select(anomalies.HANDBOOK)
        schema = tables.infer(columns, "week", kinds=dict.fromkeys(anomalies.HANDBOOK, "number"))
        labels = few["TX_FRAUD"].to_numpy().astype(float) if how == "labels" else None
        detector = fit_detector(columns, schema, Detect(), 0, how == "mixed", labels, "week")
        found = detector.score(detector.encode(test.select(anomalies.HANDBOOK))[0])
        out.parent.mkdir(parents=True, exist_ok=True)
        np.savez(out, scores=found.ranking)
    scores = np.load(out)["scores"]
    labels = test["TX_FRAUD"].to_numpy().astype(float)
    auroc, precision = anomalies.figures(labels, scores)
    cards = figures.card_precision(
        labels, scores, test["day"].to_numpy(), test["CUSTOMER_ID"].to_numpy()
    )
    return {"AUROC": auroc, "average precision": precision, "card precision@100": cards}


def report() -> None:
    """The tables of what has been measured, printed and written into the manual."""
    text = [f"At most {GIVEN:,} rows a set, drawn once for everybody."]
    for protocol, title in TITLES.items():
        lines = _compared(protocol)
        print(title, table(lines, HEADER), sep="\n")
        text.append(f"**{title}**\n\n{markdown(lines, HEADER)}")
        text.append(_spread(protocol))
        print(text[-1])
    if lines := _on_cards():
        print(table(lines, CARDS))
        text.append(markdown(lines, CARDS))
    lines = []
    for how, words in HANDBOOK_WAYS.items():
        if (STORE / "handbook" / f"{how}.npz").exists():
            told = on_handbook(how)
            lines.append([words, *[f"{v:.3f}" for v in told.values()]])
    if lines:
        header = ["handbook's cards", "AUROC", "average precision", "card precision@100"]
        print(table(lines, header))
        write_between(ROOT / "docs/detection.md", "handbook", markdown(lines, header))
    write_between(ROOT / "docs/detection.md", "detection", "\n\n".join(t for t in text if t))


TITLES = {
    "unsup": "Training rows judged themselves, anomalies among them",
    "semi": "Trained on normal rows, new rows judged",
}
HEADER = [
    "", "sets", "AUROC", "average precision", "ours there: AUROC", "average precision",
    "rank by AUROC", "rank by average precision", "rows fitted / CPU-s", "rows judged / CPU-s",
]  # fmt: skip
CARDS = ["card frauds among their own rows, at their true rate", "AUROC", "average precision"]


def _compared(protocol: str) -> list[list[str]]:
    """A line a method, the best first; ranks among those that judged every set that ours did."""
    held = {name: _figures(name, protocol, SEEDS[0]) for name in anomalies.names()}
    held = {name: found for name, found in held.items() if found}
    every_one = (OURS, FAST, *LIGHT, *HEAVY)
    methods = [p for p in every_one if any(p in found for found in held.values())]
    # Ours has one place, not two that push others back.
    whole = [p for p in methods if p != FAST and all(p in found for found in held.values())]
    ranks = np.mean(
        [rankdata([[-v for v in found[p][:2]] for p in whole], axis=0) for found in held.values()],
        axis=0,
    )
    made = []
    for p in methods:
        shared = [found for found in held.values() if p in found]
        mine, ours_there = (np.array([found[q] for found in shared]) for q in (p, OURS))
        fitted, judged = (mine[:, i].sum() / mine[:, j].sum() for i, j in ((2, 4), (3, 5)))
        place = [f"{r:.2f}" for r in ranks[whole.index(p)]] if p in whole else ["", ""]
        # Peers judge the rows they were fitted to while they are fitted.
        rates = [f"{fitted:,.0f}", f"{judged:,.0f}" if protocol == "semi" else ""]
        both = [*mine.mean(0)[:2], *ours_there.mean(0)[:2]]
        made.append([p, str(len(shared)), *[f"{v:.3f}" for v in both], *place, *rates])
    return sorted(made, key=lambda line: -float(line[3]))


def _figures(name: str, protocol: str, seed: int) -> dict[str, tuple[float, ...]]:
    """Of each method: AUROC, average precision, rows fitted and judged, CPU-seconds of both."""
    files = sorted(_place(name, protocol, seed).glob("*.npz"))
    if OURS not in [file.stem for file in files]:
        return {}
    made = anomalies.split(name, protocol, seed, GIVEN)
    found = {}
    for file in files:
        held = np.load(file)
        both = anomalies.figures(made.labels, held["scores"])
        found[file.stem] = (*both, len(made.train), len(made.test), *held["seconds"])
    return found


def _spread(protocol: str) -> str:
    """Ours with every seed, over the sets that all of them judged."""
    seeds = [
        {n: f[OURS] for n in anomalies.names() if OURS in (f := _figures(n, protocol, s))}
        for s in SEEDS
    ]
    seeds = [found for found in seeds if found]
    names = [n for n in anomalies.names() if all(n in found for found in seeds)]
    if len(seeds) < 2 or not names:
        return ""
    means = np.array([np.mean([found[n][:2] for n in names], 0) for found in seeds])
    both = [f"{m:.3f} ± {s:.3f}" for m, s in zip(means.mean(0), means.std(0, ddof=1), strict=True)]
    return (
        f"Ours with {len(seeds)} seeds over {len(names)} sets, mean and spread of the means: "
        f"AUROC {both[0]}, average precision {both[1]}."
    )


def _on_cards() -> list[list[str]]:
    """The card sample holds one genuine payment of twenty: each counts for as many."""
    from sklearn.metrics import average_precision_score

    place = _place(anomalies.CARD, "unsup", SEEDS[0])
    if not (place / f"{OURS}.npz").exists():
        return []
    labels = anomalies.split(anomalies.CARD, "unsup", SEEDS[0], GIVEN).labels
    weight = np.where(labels == 1, 1.0, anomalies.GENUINE)
    made = []
    for file in sorted(place.glob("*.npz")):
        score = np.load(file)["scores"]
        precision = average_precision_score(labels, score, sample_weight=weight)
        made.append([file.stem, anomalies.figures(labels, score)[0], precision])
    made.sort(key=lambda line: -line[2])
    return [[name, f"{auroc:.3f}", f"{precision:.3f}"] for name, auroc, precision in made]


def _place(name: str, protocol: str, seed: int) -> Path:
    return STORE / f"{GIVEN}" / name / f"{protocol}-{seed}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
