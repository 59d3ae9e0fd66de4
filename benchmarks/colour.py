"""Colour for photographs nobody trained on, with and without hints, into docs/colour.md.

Wants shared/data/photos-eval. All is measured on thumbnails of 256 pixels: the picture in black and
white against its truth. Hints are true colours at random points, the same for every method.
Run: python -m benchmarks colour [--model NAME|RUN] [--every N]
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

import isthmus
from benchmarks.marked import markdown, write_between
from isthmus import lab, metrics
from isthmus.files import write_json
from isthmus.tasks import hints as H
from isthmus.tasks import joining

ROOT = Path(__file__).parents[1]
EVAL = ROOT.parent / "shared/data/photos-eval"
FIGURES = ROOT / ".bench/colour.json"
MANUAL = ROOT / "docs/colour.md"
SIDE = 256
COUNTS = (0, 1, 5, 10, 50)
MEAN = (3.9, 9.0)
"""Mean a*, b* of the training photographs: one colour for everything."""
SETS = {"Kodak": ("kodak", 1), "CBSD68": ("cbsd68", 4), "CID22": ("cid22-val", 1)}
"""Folder, and every how many-th file is taken."""
PUBLISHED = [
    ["ImageNet 256 px", "CIC, Zhang et al. 2016 (from memory)", "0", "20 to 22.6", "", "43.9"],
    ["ImageNet 256 px", "DeOldify (from memory)", "0", "about 24", "", "24"],
    ["ImageNet 256 px", "DDColor-L 2023 (from memory)", "0", "23.9", "", "38.7"],
]


@dataclass(frozen=True)
class Case:
    """A thumbnail: its truth (1, 3, h, w), L*, a*, b* of it, and its grey version (h, w, 1) uint8."""

    name: str
    truth: Tensor
    whole: Tensor
    gray: Any


Way = Callable[[Case, Sequence[H.Hint]], Tensor]


def cases(folder: str, every: int) -> list[Case]:
    files = sorted(p for p in (EVAL / folder).iterdir() if p.suffix in {".png", ".jpg", ".webp"})
    made = []
    for path in files[::every]:
        image = Image.open(path).convert("RGB")
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        truth = torch.from_numpy(np.asarray(image, np.float32) / 255).permute(2, 0, 1)[None]
        whole = lab.to_lab(truth)
        plain = torch.cat([whole[:, :1], torch.zeros_like(whole[:, 1:])], 1)
        gray = (lab.to_rgb(plain)[0, :1].permute(1, 2, 0) * 255).round().clamp(0, 255)
        made.append(Case(path.name, truth, whole, gray.numpy().astype(np.uint8)))
    return made


def points(case: Case, count: int, seed: int) -> list[H.Hint]:
    """``count`` random points with the colour of the truth round them (3 x 3 pixels)."""
    height, width = case.gray.shape[:2]
    draws = np.random.default_rng(seed)
    made = []
    for x, y in zip(
        draws.integers(1, width - 1, count), draws.integers(1, height - 1, count), strict=True
    ):
        a, b = case.whole[0, 1:, y - 1 : y + 2, x - 1 : x + 2].mean((1, 2)).tolist()
        made.append(H.Hint(int(x), int(y), a, b))
    return made


def one_color(a: float, b: float) -> Way:
    """Everything in one colour, hints or not."""

    def run(case: Case, hints: Sequence[H.Hint]) -> Tensor:
        ab = torch.tensor([a, b]).view(1, 2, 1, 1).expand(-1, -1, *case.whole.shape[2:])
        return joining.shown(torch.cat([case.whole[:, :1], ab], 1))

    return run


def own_mean(case: Case, hints: Sequence[H.Hint]) -> Tensor:
    """The picture's true mean colour: what nobody can know."""
    a, b = case.whole[0, 1:].mean((1, 2)).tolist()
    return one_color(a, b)(case, hints)


def propagated(case: Case, hints: Sequence[H.Hint]) -> Tensor:
    """Hints carried over what is equally light, no network (Levin et al. 2004)."""
    size = (case.gray.shape[0], case.gray.shape[1])
    told = H.drawn(hints, size, size, 1)[0]
    held = (told[2] > 0).numpy().ravel()
    values = told[:2].numpy().reshape(2, -1)[:, held].astype(np.float64)
    ab = H.spread(case.whole[0, 0].numpy(), held, values, 1e-9).reshape(1, 2, *size)
    made = torch.cat([case.whole[:, :1], torch.from_numpy(ab).float()], 1)
    return joining.shown(made)


def ours(model: Any) -> Way:
    def run(case: Case, hints: Sequence[H.Hint]) -> Tensor:
        made = model.apply(case.gray, hints=hints)
        return torch.from_numpy(made.astype(np.float32) / 255).permute(2, 0, 1)[None]

    return run


def figures(made: Tensor, case: Case) -> tuple[float, float, float]:
    """PSNR of sRGB, mean CIEDE2000, colourfulness."""
    error = float((made - case.truth).square().mean())
    apart = metrics.ciede2000(lab.to_lab(made), case.whole).mean()
    return -10 * float(np.log10(error)), float(apart), float(metrics.colorfulness(made))


def obeyed(made: Tensor, case: Case, hints: Sequence[H.Hint]) -> list[float]:
    """CIEDE2000 between each hint's colour at the picture's lightness, as far as a screen shows it, and what came."""
    errors = []
    for hint in hints:
        light = case.whole[:, :1, hint.y : hint.y + 1, hint.x : hint.x + 1]
        told = torch.tensor([hint.a, hint.b]).view(1, 2, 1, 1)
        wanted = lab.to_lab(joining.shown(torch.cat([light, told], 1)))
        came = lab.to_lab(made[:, :, hint.y : hint.y + 1, hint.x : hint.x + 1])
        errors.append(float(metrics.ciede2000(came, wanted)))
    return errors


def measure(model: Any, every: int) -> dict[str, Any]:
    """Rows of the table, and how well hints are obeyed."""
    rows: list[list[str]] = []
    misses: list[float] = []
    spent, pictures = 0.0, 0
    for name, (folder, step) in SETS.items():
        held = cases(folder, step * every)
        truth = np.mean([float(metrics.colorfulness(c.truth)) for c in held])
        label = f"{name} ({len(held)})"
        ways: list[tuple[str, Way, tuple[int, ...]]] = [
            ("black and white", one_color(0, 0), (0,)),
            ("constant mean colour", one_color(*MEAN), (0,)),
            ("its own mean colour (oracle)", own_mean, (0,)),
            ("propagation, no network", propagated, COUNTS[1:]),
            ("isthmus colorize", ours(model), COUNTS),
        ]
        for title, way, counts in ways:
            for count in counts:
                told = []
                for index, case in enumerate(held):
                    hints = points(case, count, 1000 * count + index)
                    began = time.process_time()
                    made = way(case, hints)
                    if title.startswith("isthmus"):
                        spent, pictures = spent + time.process_time() - began, pictures + 1
                        misses += obeyed(made, case, hints)
                    told.append(figures(made, case))
                psnr, apart, vivid = np.mean(told, 0)
                rows.append(
                    [label, title, str(count), f"{psnr:.2f}", f"{apart:.2f}", f"{vivid:.1f}"]
                )
                print(" | ".join(rows[-1]), flush=True)
        rows.append([label, "the truth", "", "", "0", f"{truth:.1f}"])
    return {
        "rows": rows,
        "hint_error_median": float(np.median(misses)),
        "hint_error_99": float(np.quantile(misses, 0.99)),
        "hints_within_2": float(np.mean(np.array(misses) <= 2)),
        "cpu_seconds_each": spent / max(pictures, 1),
    }


def main() -> None:
    """Measure and write the table."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    reader = argparse.ArgumentParser(prog="python -m benchmarks colour")
    reader.add_argument("subject")
    reader.add_argument("--model", default="photo-colorize")
    reader.add_argument("--every", type=int, default=1, help="Take every how many-th picture.")
    asked = reader.parse_args()
    if not EVAL.is_dir():
        raise SystemExit(f"benchmarks: {EVAL} is missing; the eval photographs are not in the tree")
    torch.set_num_threads(1)
    found = measure(isthmus.load(asked.model), asked.every)
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    write_json(FIGURES, found)
    head = ["pictures", "method", "hints", "PSNR dB", "CIEDE2000", "colourfulness"]
    text = markdown([*found["rows"], *PUBLISHED], head) + (
        f"\n\nOf all hints {found['hints_within_2']:.1%} are obeyed within a CIEDE2000 of 2 "
        f"(median {found['hint_error_median']:.2f}, 99 of 100 within {found['hint_error_99']:.2f}). "
        f"{found['cpu_seconds_each']:.2f} CPU-seconds a thumbnail."
    )
    write_between(MANUAL, "colour", text)
    print(text)
