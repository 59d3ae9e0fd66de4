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
from typing import Any

import numpy as np
import polars as pl

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
OURS = "isthmus"
GIVEN = next((int(a) for a in sys.argv[2:] if a.isdigit()), 5_000)
"""Rows of a set at most."""


def main() -> None:
    """Measure what is not there yet, then write the table."""
    if not PEERS_PYTHON.exists():
        install_peers()
    every(LIGHT, SEEDS[0])
    every((OURS,), SEEDS[0])
    for peer in HEAVY:
        every((peer,), SEEDS[0])
    for seed in SEEDS[1:]:
        every((OURS,), seed)
    for how in HANDBOOK_WAYS:
        on_handbook(how)
    report()


def every(methods: tuple[str, ...], seed: int) -> None:
    """Every set in both protocols."""
    for protocol in anomalies.PROTOCOLS:
        if methods != (OURS,):
            run_peers(protocol, seed, methods)
            continue
        for name in anomalies.names():
            ours(name, protocol, seed)


def ours(name: str, protocol: str, seed: int) -> None:
    """One default for all: only which question is asked differs, as in scikit-learn."""
    out = _place(name, protocol, seed) / f"{OURS}.npz"
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
    detector = fit_detector(train, schema, Detect(), seed, mixed=protocol == "unsup", name=name)
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
    text = []
    for protocol in anomalies.PROTOCOLS:
        rows, held = _results(protocol)
        peers = [p for p in (OURS, *LIGHT, *HEAVY) if p in rows]
        whole = [p for p in peers if all(p in held[n] for n in held)]
        ranks = {p: [] for p in whole}
        for found in held.values():
            order = sorted(whole, key=lambda p: -found[p][1])
            for p in whole:
                ranks[p].append(order.index(p) + 1)
        lines = []
        for p in sorted(peers, key=lambda p: -float(np.mean([v[1] for v in rows[p]]))):
            both = [n for n in held if p in held[n] and OURS in held[n]]
            auroc, precision = np.mean([held[n][p] for n in both], 0)
            own = np.mean([held[n][OURS] for n in both], 0)
            rank = f"{np.mean(ranks[p]):.2f}" if p in ranks and len(whole) > 1 else ""
            lines.append([p, str(len(both)), f"{auroc:.3f}", f"{precision:.3f}", f"{own[0]:.3f}", f"{own[1]:.3f}", rank])  # fmt: skip
        header = ["", "sets", "AUROC", "average precision", "ours there: AUROC", "average precision", "rank"]  # fmt: skip
        title = {
            "unsup": "Training rows judged themselves, anomalies among them",
            "semi": "Trained on normal rows, new rows judged",
        }[protocol]
        print(title, table(lines, header), sep="\n")
        text.append(f"**{title}**\n\n{markdown(lines, header)}")
    lines = []
    for how, words in HANDBOOK_WAYS.items():
        if (STORE / "handbook" / f"{how}.npz").exists():
            told = on_handbook(how)
            lines.append([words, *[f"{v:.3f}" for v in told.values()]])
    if lines:
        header = ["handbook's cards", "AUROC", "average precision", "card precision@100"]
        print(table(lines, header))
        text.append(markdown(lines, header))
    write_between(ROOT / "docs/detection.md", "detection", "\n\n".join(text))


def _results(protocol: str) -> tuple[dict[str, list[Any]], dict[str, dict[str, Any]]]:
    """Figures of each method, a set each; and by set. Ours is the mean of the seeds that are there."""
    rows: dict[str, list[Any]] = {}
    held: dict[str, dict[str, Any]] = {}
    for name in anomalies.names():
        found: dict[str, list[Any]] = {}
        for seed in SEEDS:
            files = sorted(_place(name, protocol, seed).glob("*.npz"))
            if files:
                labels = anomalies.split(name, protocol, seed, GIVEN).labels
            for file in files:
                score = np.load(file)["scores"]
                found.setdefault(file.stem, []).append(anomalies.figures(labels, score))
        held[name] = {p: np.mean(v, 0) for p, v in found.items()}
        for p, v in held[name].items():
            rows.setdefault(p, []).append(v)
    return rows, held


def _place(name: str, protocol: str, seed: int) -> Path:
    return STORE / f"{GIVEN}" / name / f"{protocol}-{seed}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
