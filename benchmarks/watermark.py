"""Marks taken off pictures nobody trained on, beside OpenCV's inpainting, into docs/watermarks.md.

Wants shared/data (photos-eval, marks/logos). Words, logos and, where they are installed, fonts are
ones the shipped model never saw. Pairs are the same on every machine with the same fonts. OpenCV lives
in .bench/venv. Run: python -m benchmarks watermark [blind] [clean] [same] [NAME|RUN]
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import isthmus
from benchmarks.marked import markdown, write_between
from benchmarks.speed import PEERS_PYTHON
from isthmus.marks import drawing, removal, shared
from isthmus.model import Model
from isthmus.tasks.marking import Layers, Mark, Place, laid
from isthmus.tasks.unwatermark import remove

Array = NDArray[Any]
ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared/data"
LOGOS = DATA / "marks/logos"
MANUAL = ROOT / "docs/watermarks.md"
KINDS = ("text", "logo", "tiled text", "logo, text, shadow")
WORDS = ("Harbour Light", "© Mira Okafor", "NIGHTJAR", "keep off", "Blue Lantern 88", "fieldnotes.org",
         "TIDE & STONE", "Quarry Lane", "© 2031 J. Brandt", "evaluation copy")  # fmt: skip
UNSEEN_FONTS = ("Lato", "Quicksand", "Kaushan", "Comfortaa")
UNSEEN_LOGOS = "si-s"
SEEN = 0.03
THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Marked:
    """A picture before and after it was marked (H, W, 3) of uint8, and the mark's opacity (H, W)."""

    kind: int
    clean: Array
    seen: Array
    opacity: Array

    @property
    def mask(self) -> Array:
        made: Array = self.opacity > SEEN
        return made


def pictures(every: int = 1) -> list[Array]:
    """Eval photographs in colour: 8 Kodak, 11 CID22, and CBSD68 or a part of it."""
    files = [
        *sorted((DATA / "photos-eval/kodak").glob("*.png")),
        *sorted((DATA / "photos-eval/cid22-val").glob("*.webp")),
        *sorted((DATA / "photos-eval/cbsd68").glob("*.jpg"))[::every],
    ]
    if not files:
        raise SystemExit(f"benchmarks: {DATA}/photos-eval is missing")
    return [np.asarray(Image.open(p).convert("RGB")) for p in files]


def mark_on(height: int, width: int, kind: int, seed: int) -> Layers:
    """A mark of one of the four kinds, its opacity between 0.3 and 0.8."""
    chance = np.random.default_rng(20260000 + seed)
    fonts = [p for p in drawing.fonts() if p.stem.startswith(UNSEEN_FONTS)] or list(drawing.fonts())
    face = drawing.font(fonts[int(chance.integers(len(fonts)))] if fonts else None, 96)
    text = Mark.of("text", drawing.text(str(chance.choice(WORDS)), face))
    logos = [p for p in drawing.logos(LOGOS) if p.stem.startswith(UNSEEN_LOGOS)]
    logo = Mark.of("logo", drawing.logo(logos[int(chance.integers(len(logos)))]))
    opacity = float(chance.uniform(0.3, 0.8))
    shade = (
        chance.uniform(0, 1, 3) if chance.random() < 0.35 else np.full(3, chance.random() < 0.75)
    )
    color = torch.tensor(shade, dtype=torch.float32).reshape(3, 1, 1)
    y, x = chance.uniform(0.3, 0.7) * height, chance.uniform(0.35, 0.65) * width
    angle = float(chance.choice([0, 0, math.radians(30), -math.radians(30)]))

    def shape(mark: Mark, *how: Any) -> torch.Tensor:
        return laid(mark, Place(*how), height, width)[0]

    if kind == 0:
        cover = shape(text, y, x, chance.uniform(0.08, 0.16) * height, angle)
    elif kind == 1:
        cover = shape(logo, y, x, chance.uniform(0.25, 0.55) * height, 0.0)
    elif kind == 2:
        tall = chance.uniform(0.04, 0.07) * height
        cover = shape(text, y, x, tall, -math.radians(30), 1.0, (1.5, 2.5), 0.5)
    else:
        tall = chance.uniform(0.2, 0.35) * height
        cover = shape(logo, y, x, tall) + shape(text, y + 0.75 * tall, x, 0.25 * tall)
        cover = cover.clamp(0, 1)
    layers = Layers.none(height, width)
    if kind == 3:
        shadow = torch.roll(cover, (3, 3), (1, 2))[None]
        for _ in range(3):
            shadow = torch.nn.functional.avg_pool2d(shadow, 5, 1, 2)
        layers.cover(shadow[0] * opacity * 0.6, torch.zeros(3, 1, 1))
    layers.cover(cover * opacity, color)
    return layers


def marked(picture: Array, layers: Layers, kind: int) -> Marked:
    values = layers.on(torch.from_numpy(picture.copy()).permute(2, 0, 1) / 255)
    seen = (values * 255).round().byte().permute(1, 2, 0).numpy()
    return Marked(kind, picture, seen, 1 - layers.through.mean(0).numpy())


def pairs() -> list[Marked]:
    """The benchmark: 37 pictures, kinds in turn."""
    return [
        marked(p, mark_on(*p.shape[:2], i % len(KINDS), i), i % len(KINDS))
        for i, p in enumerate(pictures(4))
    ]


def blind(model: Model) -> str:
    """Ours knowing nothing, ours with the true mask, OpenCV with the true mask, and bounds."""
    held = pairs()
    rows = [_row("marked, nothing done", held, [p.seen for p in held], None, 0)]
    began = time.process_time()
    found = [_ours(model, p.seen) for p in held]
    cost = (time.process_time() - began) / _megapixels(held)
    rows.append(
        _row("**Isthmus, blind**", held, [f.pixels for f in found], [f.mask for f in found], cost)
    )
    began = time.process_time()
    told = [_ours(model, p.seen, p.mask) for p in held]
    cost = (time.process_time() - began) / _megapixels(held)
    rows.append(_row("Isthmus, true mask given", held, [f.pixels for f in told], None, cost))
    for method, name in (("telea", "OpenCV Telea"), ("ns", "OpenCV Navier-Stokes")):
        made = _peer(method, [p.seen for p in held], [p.mask for p in held])
        if made is not None:
            rows.append(
                _row(f"{name}, true mask given", held, made[0], None, made[1] / _megapixels(held))
            )
    missed = sum(not f.mask.any() for f in found)
    header = [
        "method",
        "PSNR whole",
        "inside the mark",
        *(f"{k}" for k in KINDS),
        "mask IoU",
        "CPU-s / MP",
    ]
    return markdown(rows, header) + (
        f"\n\n{len(held)} pictures; the columns of kinds are PSNR inside. On {missed} marked pictures "
        "no mark was found; they count as left alone."
    )


def _row(
    name: str, held: list[Marked], made: list[Array], masks: list[Array] | None, cost: float
) -> list[str]:
    inside = [psnr(p.clean, m, p.mask) for p, m in zip(held, made, strict=True)]
    whole = [psnr(p.clean, m) for p, m in zip(held, made, strict=True)]
    kinds = [
        f"{np.mean([v for v, p in zip(inside, held, strict=True) if p.kind == k]):.1f}"
        for k in range(len(KINDS))
    ]
    iou = ""
    if masks is not None:
        iou = f"{np.mean([(p.mask & m).sum() / (p.mask | m).sum() for p, m in zip(held, masks, strict=True)]):.2f}"
    return [
        name,
        f"{np.mean(whole):.2f}",
        f"{np.mean(inside):.2f}",
        *kinds,
        iou,
        f"{cost:.2g}" if cost else "",
    ]


def clean(model: Model) -> str:
    """How many pictures without a mark come back bit for bit."""
    held = pictures()
    found = [_ours(model, p) for p in held]
    same = [bool((f.pixels == p).all()) for f, p in zip(found, held, strict=True)]
    worst = sorted((round(float(f.mask.mean()), 4) for f in found), reverse=True)[:5]
    return (
        f"{sum(same)} of {len(same)} unmarked photographs ({100 * np.mean(same):.0f} %) come back bit for bit; "
        f"the largest changed shares are {', '.join(f'{w:.2%}' for w in worst)}."
    )


def same(_: Model | None = None) -> str:
    """One mark on several pictures: closed form, without any network."""
    squares = [p[:256, :256] for p in pictures(7)]
    rows = [_shared(squares[:n], q) for n, q in ((20, None), (20, 90), (10, None), (5, None))]
    header = [
        "",
        "marked",
        "Isthmus",
        *KINDS,
        "OpenCV Telea, true mask",
        "mask IoU",
        "CPU-s for all",
    ]
    unmarked = shared.find(np.stack(squares[:20]))
    return markdown(rows, header) + (
        "\n\nPSNR inside the mark in dB, mean over 8 marks and all pictures; squares of 256 pixels. "
        f"Twenty pictures without a mark: {'none found' if unmarked is None else 'a mark was found'}."
    )


def _shared(squares: list[Array], quality: int | None) -> list[str]:
    """A row of the table: eight marks, each on all the squares, through JPEG or not."""
    told: list[list[float]] = []
    for number in range(2 * len(KINDS)):
        kind = number % len(KINDS)
        layers = mark_on(256, 256, kind, 100 + number)
        held = [marked(p, layers, kind) for p in squares]
        seen = [_coded(p.seen, quality) for p in held]
        began = time.process_time()
        mark = shared.find(np.stack(seen))
        made = seen if mark is None else [removal.take_shared(s, mark).pixels for s in seen]
        cost = time.process_time() - began
        truth = held[0].mask
        mask = np.zeros(truth.shape, bool) if mark is None else mark.mask
        telea = _peer("telea", seen, [truth] * len(seen))
        told.append([
            kind, _inside(held, seen), _inside(held, made),
            _inside(held, telea[0]) if telea else math.nan,
            float((mask & truth).sum() / (mask | truth).sum()), cost,
        ])  # fmt: skip
    values = np.array(told)
    _, before, after, peer, iou, cost = values.mean(0)
    kinds = [f"{values[values[:, 0] == k, 2].mean():.1f}" for k in range(len(KINDS))]
    name = f"{len(squares)} pictures" + (f", JPEG {quality}" if quality else "")
    figures = [
        f"{before:.1f}",
        f"**{after:.1f}**",
        *kinds,
        f"{peer:.1f}",
        f"{iou:.2f}",
        f"{cost:.1f}",
    ]
    return [name, *figures]


def _inside(held: list[Marked], made: list[Array]) -> float:
    return float(np.mean([psnr(p.clean, m, p.mask) for p, m in zip(held, made, strict=True)]))


def _coded(picture: Array, quality: int | None) -> Array:
    from isthmus.media import images

    if quality is None:
        return picture
    return images.jpeg(picture.transpose(2, 0, 1), quality).transpose(1, 2, 0)


def psnr(truth: Array, made: Array, mask: Array | None = None) -> float:
    """In dB for a peak of 255, at most 60; inside ``mask`` if given."""
    square = np.square(truth.astype(np.float64) - made).mean(2)
    error = float(square.mean() if mask is None else square[mask].mean())
    return min(10 * math.log10(255**2 / max(error, 1e-9)), 60.0)


def _ours(model: Model, picture: Array, mask: Array | None = None) -> removal.Removed:
    return remove(model.autoencoder, model.recipe.encoder, picture, mask)


def _megapixels(held: Iterable[Marked]) -> float:
    return sum(p.clean.shape[0] * p.clean.shape[1] for p in held) / 1e6


def _peer(method: str, seen: list[Array], masks: list[Array]) -> tuple[list[Array], float] | None:
    """(pictures, CPU-seconds) of OpenCV in its own environment; None where it is not installed."""
    if not PEERS_PYTHON.is_file():
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(
            source,
            **{f"p{i}": v for i, v in enumerate(seen)},
            **{f"m{i}": v for i, v in enumerate(masks)},
        )  # type: ignore[arg-type]
        run = subprocess.run(
            [PEERS_PYTHON, ROOT / "benchmarks/watermark_peers.py", method, source, target],
            env={**os.environ, **THREADS}, capture_output=True, text=True,
        )  # fmt: skip
        if run.returncode:
            _say(f"  {method}: {run.stderr.strip().splitlines()[-1] if run.stderr else 'failed'}")
            return None
        with np.load(target) as made:
            return [made[f"p{i}"] for i in range(len(seen))], float(made["seconds"])


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    wanted = sys.argv[2:]
    parts: dict[str, Callable[[Any], str]] = {"blind": blind, "clean": clean, "same": same}
    names = [w for w in wanted if w not in parts]
    chosen = [p for p in parts if p in wanted] or list(parts)
    torch.set_num_threads(1)
    model = None if chosen == ["same"] else isthmus.load(names[0] if names else "photo-unwatermark")
    for name in chosen:
        text = parts[name](model)
        print(f"{name}\n\n{text}\n", flush=True)
        if not names:
            write_between(MANUAL, name, text)
