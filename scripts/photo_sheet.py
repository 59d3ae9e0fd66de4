"""Pieces of photographs without their noise, and through the codec, for the manual and the README.

    .venv/bin/python scripts/photo_sheet.py PHOTOS

PHOTOS is a folder of photographs without noise that no model trained on and that may be shown; the first
of them by name are taken, and of each the middle, so that nobody picks the good ones.
Writes docs/pictures/denoise.jpg and codec.jpg.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from colour_sheet import PICTURES, sheet
from PIL import Image

import isthmus
import isthmus.pillow  # .isth for Image.save and Image.open
from isthmus.media import images
from isthmus.report.coding import jpeg_of, psnr

SHOWN = 4
SIDE = 160
"""Of the piece that is shown, larger than it is."""
SIGMAS = (15, 25, 50, 75)
BITS = 0.35
"""A pixel, of the codec's pictures."""


def middle(pixels: Any) -> Any:
    top, left = (pixels.shape[0] - SIDE) // 2, (pixels.shape[1] - SIDE) // 2
    piece = Image.fromarray(pixels[top : top + SIDE, left : left + SIDE])
    return np.asarray(piece.resize((200, 200), Image.Resampling.NEAREST))


def cleaned(model: Any, truth: Any, sigma: float, seed: int) -> tuple[str, list[Any]]:
    noise = np.random.default_rng(seed).normal(0, sigma, truth.shape)
    noisy = np.clip(np.rint(truth + noise), 0, 255).astype(np.uint8)
    made = model.apply(noisy)
    word = f"noise {sigma:.0f}\n{psnr(truth, noisy):.1f} dB\n-> {psnr(truth, made):.1f}"
    return word, [middle(p) for p in (noisy, made, truth)]


def coded(truth: Any) -> tuple[str, list[Any]]:
    """The photograph as .isth, and as a JPEG of at most as many bytes."""
    file = io.BytesIO()
    wanted = int(BITS * truth.shape[0] * truth.shape[1] / 8)
    Image.fromarray(truth).save(file, "ISTH", size=wanted, effort=2)
    size = len(file.getvalue())
    ours = np.asarray(Image.open(file))
    theirs, _ = jpeg_of(truth, size)
    word = f"{size / 1000:.1f} kB\nJPEG {psnr(truth, theirs):.1f}\n.isth {psnr(truth, ours):.1f}"
    return word, [middle(p) for p in (theirs, ours, truth)]


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    torch.set_num_threads(1)
    found = list(images.find(Path(sys.argv[1])))[:SHOWN]
    truths = [images.read(path, "rgb").transpose(1, 2, 0) for path in found]
    model = isthmus.load("photo-denoise")
    rows = [
        cleaned(model, truth, sigma, seed)
        for seed, (truth, sigma) in enumerate(zip(truths, SIGMAS, strict=True))
    ]
    sheet(rows, ["with noise", "denoised", "truth"]).save(PICTURES / "denoise.jpg", quality=90)
    rows = [coded(truth) for truth in truths]
    sheet(rows, ["JPEG, as many bytes", "compressed", "truth"]).save(
        PICTURES / "codec.jpg", quality=92
    )


if __name__ == "__main__":
    main()
