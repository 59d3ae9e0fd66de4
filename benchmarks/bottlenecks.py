"""Every bottleneck kind on the shipped digits, at one size and one training: the table of the manual.

Takes about ten minutes on two cores. Run: python -m benchmarks bottlenecks
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.marked import markdown, write_between
from isthmus import Recipe, Run, maps
from isthmus.datasets import Dataset, open_dataset
from isthmus.recipe.files import _members
from isthmus.training import train

ROOT = Path(__file__).parents[1]
BASE = Recipe.load("digits").set(
    "encoder.layers=[512]", "encoder.start=random", "training.epochs=30", "training.threads=1",
    "bottleneck.size=32",
)  # fmt: skip
CHANGES = {
    "plain": [],
    "simplex": [],
    "sparse": ["bottleneck.size=128", "bottleneck.penalty=topk", "bottleneck.k=16"],
    "contractive": ["bottleneck.weight=0.01"],
    "variational": ["bottleneck.weight=0.02"],
    "wasserstein": ["bottleneck.weight=1"],
    "adversarial": ["bottleneck.weight=0.1"],
    "vector_quantized": ["bottleneck.groups=16", "bottleneck.size=64"],
    "finite_scalar": ["bottleneck.levels=16"],
    "entropy_coded": ["bottleneck.weight=0.002"],
}


KINDS = tuple(_members(Recipe.model_fields["bottleneck"]))


def recipe(kind: str) -> Recipe:
    """The recipe that every kind is compared by."""
    return BASE.set(f"bottleneck={kind}", *CHANGES[kind])


def main() -> None:
    """Train every kind the schema knows, print the table and write it into the manual."""
    dataset = open_dataset(BASE.data)
    rows = [_row(kind, dataset) for kind in KINDS]
    header = ["bottleneck", "numbers", "test MSE", "PSNR dB", "kNN accuracy", "what it reports"]
    text = markdown(rows, header)
    print(text)
    write_between(ROOT / "docs/bottlenecks.md", "bottlenecks", text)


def _row(kind: str, dataset: Dataset) -> list[str]:
    print(kind, file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        run: Run = train(recipe(kind), Path(folder) / "run", dataset)
        codes = [run.model.encode(part.values) for part in (dataset.train, dataset.test)]
        figures = maps.cluster_figures(
            codes[0], dataset.train.labels, codes[1], dataset.test.labels
        )
        metrics = run.metrics
    told = {n: v for n, v in metrics["diagnostics"].items() if n != "code_std"}
    said = ", ".join(
        f"{n.replace('_', ' ')} {np.format_float_positional(v, 3, fractional=False, trim='-')}"
        for n, v in told.items()
    )
    return [
        kind.replace("_", " "), str(metrics["numbers"]), f"{metrics['mse']:.5f}", f"{metrics['psnr']:.2f}",
        f"{figures['knn_accuracy']:.3f}", said,
    ]  # fmt: skip
