"""Digits to bytes: the autoencoder's codes, PCA's, and lossless files, whole files counted.

    python -m benchmarks.digits_codec MNIST.npz RUN… > digits.json
    python -m benchmarks.digits_codec --draw digits.json docs/pictures/digits-codec.png
    python -m benchmarks.digits_codec --widths MNIST.npz       # the shipped digits-2 ... 128, into the manual

RUNs are trainings of the recipe ``digits-codec`` at several weights of the rate. Each is measured
at several widths of its rounding steps. PCA with 64 numbers goes through the same entropy coder.
Probabilities are counted on training digits, bytes and errors are those of all test digits.
"""

from __future__ import annotations

import io
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.marked import markdown, write_between
from isthmus.codec.codes import CodeBook, pack, unpack
from isthmus.model import Model, load
from isthmus.training import Run

SCALES = (0.75, 1.0, 1.35, 1.8)
PAGES = 10
WIDTHS = (2, 4, 8, 16, 32, 64, 128)
SHARES = (0.1, 0.3, 0.6, 1.0)  # of a number's spread, that it is rounded in
NUMBERS = (8, 16, 32)  # further widths of PCA's bottleneck
COUNTED = 20_000  # training digits that probabilities are counted on
# Targets: PCA's points of the plan (bytes a digit, mean squared error).
BARS = (
    (33, 0.00785),
    (27.2, 0.00803),
    (21.9, 0.00845),
    (17.5, 0.00934),
    (13.3, 0.01129),
    (9.5, 0.01493),
)


def bytes_of(train: Any, test: Any, pages: int) -> float:
    book = CodeBook.fit(train, pages)
    data = pack(book, test)
    assert (unpack(book, data) == test).all()
    return len(data) / len(test)


def principal(train: Any, test: Any, numbers: int = 64) -> list[tuple[float, float]]:
    mean = train.mean(0)
    _, axes = np.linalg.eigh(np.cov((train - mean).T))
    axes = axes[:, ::-1][:, :numbers]
    a, b = (train - mean) @ axes, (test - mean) @ axes
    points = []
    for step in (0.15, 0.21, 0.3, 0.5, 0.75, 1.0, 1.4, 2.0):
        qa, qb = (np.rint(x / step).astype(np.int64) for x in (a, b))
        out = np.clip(qb * step @ axes.T + mean, 0, 1)
        points.append((bytes_of(qa[:COUNTED], qb, PAGES), float(np.square(out - test).mean())))
    return points


@torch.inference_mode()
def learned(path: Path, train: Any, test: Any) -> list[tuple[float, float]]:
    model = Model.of_run(Run(path))
    steps = model.autoencoder.bottleneck.log_step
    start = steps.clone()
    points = []
    for scale in SCALES:
        steps.copy_(start + math.log(scale))
        codes = model.code(test.reshape(-1, 1, 28, 28))
        indices = codes.extras["indices"].numpy().reshape(len(test), -1)
        known = model.code(train.reshape(-1, 1, 28, 28)).extras["indices"].numpy()
        out = model.decode(codes.values.float().numpy()).reshape(len(test), -1)
        points.append(
            (
                bytes_of(known.reshape(len(train), -1), indices, PAGES),
                float(np.square(out - test / 255).mean()),
            )
        )
    return points


def by_width(npz: Path) -> list[list[str]]:
    """Rows of the manual's table: what the code of each shipped width costs in bytes, and its error.

    These were trained without a rate: each number is rounded in steps of a share of its spread.
    """
    held = np.load(npz, allow_pickle=False)
    train, test = (held[n].reshape(-1, 784)[:COUNTED] for n in ("x_train", "x_test"))
    rows = []
    for width in WIDTHS:
        model = load(f"digits-{width}")
        a, b = (_codes(model, part) for part in (train, test))
        errors, points = [_error(model, b, test)], []
        for share in SHARES:
            step = share * a.std(0)
            qa, qb = (np.rint(x / step).astype(np.int64) for x in (a, b))
            points.append(
                f"{bytes_of(qa, qb, PAGES):.1f} B at {_error(model, qb * step, test):.5f}"
            )
        rows.append([str(width), f"{4 * width} B at {errors[0]:.5f}", *points])
        print(*rows[-1], file=sys.stderr, flush=True)
    return rows


@torch.inference_mode()
def _codes(model: Model, items: Any) -> Any:
    return model.code(items.reshape(-1, 1, 28, 28)).values.double().numpy().reshape(len(items), -1)


@torch.inference_mode()
def _error(model: Model, codes: Any, items: Any) -> float:
    out = model.decode(codes.astype(np.float32)).reshape(len(items), -1)
    return float(np.square(np.clip(out, 0, 1) - items / 255).mean())


def lossless(test: Any) -> dict[str, float]:
    def size(format: str, **options: Any) -> float:
        total = 0
        for digit in test[:250]:
            held = io.BytesIO()
            Image.fromarray(digit.reshape(28, 28)).save(held, format, **options)
            total += len(held.getvalue())
        return total / 250

    import imagecodecs

    jxl = [
        len(imagecodecs.jpegxl_encode(d.reshape(28, 28), lossless=True, effort=7))
        for d in test[:250]
    ]
    return {
        "png": size("PNG", optimize=True),
        "webp": size("WEBP", lossless=True, method=6),
        "jpegxl": float(np.mean(jxl)),
    }


def at(points: list[tuple[float, float]], error: float) -> float:
    """Bytes at an error, between points that nothing beats (log error against log bytes)."""
    best: list[tuple[float, float]] = []
    for size, e in sorted(points):
        if not best or e < best[-1][1]:
            best.append((size, e))
    sizes, errors = np.log([b for b, _ in best]), np.log([e for _, e in best])
    if not errors.min() <= math.log(error) <= errors.max():
        return math.nan if math.log(error) < errors.min() else best[0][0]
    return float(np.exp(np.interp(math.log(error), errors[::-1], sizes[::-1])))


def main(npz: Path, runs: list[Path]) -> dict[str, Any]:
    held = np.load(npz, allow_pickle=False)
    train, test = (held[n].reshape(-1, 784) for n in ("x_train", "x_test"))
    pca = principal(train / 255, test / 255)
    narrow = {n: sorted(principal(train / 255, test / 255, n)) for n in NUMBERS}
    train = train[:COUNTED]
    curve = [p for run in runs for p in learned(run, train, test)]
    bars = [
        {
            "mse": e,
            "pca_plan": b,
            "pca": at(pca, e),
            "isthmus": at(curve, e),
            "ratio": b / at(curve, e),
        }
        for b, e in BARS
    ]
    return {
        "pca": sorted(pca),
        "narrow": narrow,
        "isthmus": sorted(curve),
        "bars": bars,
        "lossless": lossless(test),
    }


def draw(tree: dict[str, Any], path: Path) -> None:
    """Bytes a digit against error, for the manual: widths of the bottleneck as lines."""
    from matplotlib.figure import Figure

    figure = Figure((7.6, 4.2), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    lines = {f"PCA, {n} numbers": points for n, points in tree["narrow"].items()}
    lines["PCA, 64 numbers"] = tree["pca"]
    looks = zip(lines.items(), ("#b9a36a", "#a87c4f", "#8a5a44", "#5a4a4a"), "svDo", strict=True)
    for (name, points), colour, mark in looks:
        axes.plot(*zip(*points, strict=True), color=colour, marker=mark, ms=4, ls="--", label=name)
    points = tree["isthmus"]
    axes.plot(
        *zip(*points, strict=True),
        color="#0b6e8f",
        marker="o",
        lw=2.2,
        label="autoencoder, 64 numbers",
    )
    axes.set(xscale="log", yscale="log", xlabel="bytes a digit", ylabel="mean squared error")
    axes.set_xticks([2, 4, 8, 16, 32], ["2", "4", "8", "16", "32"])
    axes.set_yticks([0.003, 0.006, 0.012, 0.025, 0.05], [".003", ".006", ".012", ".025", ".05"])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1] == "--draw":
        draw(json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3]))
        sys.exit()
    if sys.argv[1] == "--widths":
        header = ["numbers", "as floats", *(f"in steps of {share:g} spreads" for share in SHARES)]
        text = markdown(by_width(Path(sys.argv[2])), header)
        write_between(Path(__file__).parents[1] / "docs/compress.md", "widths", text)
        sys.exit()
    print(json.dumps(main(Path(sys.argv[1]), [Path(p) for p in sys.argv[2:]]), indent=1))
