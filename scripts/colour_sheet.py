"""Sheets of what the colour model makes, best and worst, for docs/colour.md.

    .venv/bin/python scripts/colour_sheet.py PHOTOS [MODEL]

PHOTOS is a folder of colour photographs that the model did not train on and that may be shown. All of
them are coloured from their black-and-white versions and sorted by how far the automatic colours are
off (CIEDE2000); the sheet shows the first and the last, so that nobody picks the good ones.
Writes docs/pictures/colour.jpg and colour-versions.jpg.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

import isthmus
from isthmus import lab, metrics
from isthmus.media import images
from isthmus.tasks import joining
from isthmus.tasks.hints import Hint

PICTURES = Path(__file__).parents[1] / "docs/pictures"
SIDE = 200
GAP = 6
EACH = 4
"""Rows of the best and of the worst."""
PLACES = ((0.5, 0.5), (0.2, 0.25), (0.8, 0.25), (0.2, 0.8), (0.8, 0.8))
"""Where hints are given: the same in every picture, as (share of width, share of height)."""


@dataclass(frozen=True)
class Shown:
    """One photograph: its name, versions of it (h, w, 3), and how far the automatic one is off."""

    name: str
    columns: list[Any]
    apart: float


def colored(model: Any, path: Path) -> Shown:
    truth = Image.fromarray(images.read(path, "rgb").transpose(1, 2, 0))
    truth.thumbnail((480, 480))
    pixels = np.asarray(truth)
    light = joining.lightness_of(pixels)
    plain = joining.shown(torch.cat([light, torch.zeros_like(light), torch.zeros_like(light)], 1))
    gray = (plain[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    whole = lab.to_lab(torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None])
    height, width = gray.shape[:2]
    hints = []
    for across, down in PLACES:
        x, y = int(across * width), int(down * height)
        a, b = whole[0, 1:, y - 2 : y + 3, x - 2 : x + 3].mean((1, 2)).tolist()
        hints.append(Hint(x, y, a, b))
    alone = model.apply(gray)
    made = lab.to_lab(torch.from_numpy(alone.astype(np.float32) / 255).permute(2, 0, 1)[None])
    apart = float(metrics.ciede2000(made, whole).mean())
    return Shown(path.stem, [gray, alone, model.apply(gray, hints=hints), pixels], apart)


def sheet(
    rows: list[tuple[str, list[Any]]], titles: list[str], size: tuple[int, int] = (SIDE, SIDE)
) -> Image.Image:
    """Pictures in rows under titles, each row with a word beside it."""
    wide, tall = size
    head, left = 20, 96
    width = left + len(titles) * (wide + GAP)
    page = Image.new("RGB", (width, head + len(rows) * (tall + GAP)), "white")
    pen = ImageDraw.Draw(page)
    for column, title in enumerate(titles):
        pen.text((left + column * (wide + GAP), 4), title, "black")
    for row, (word, pictures) in enumerate(rows):
        top = head + row * (tall + GAP)
        pen.multiline_text((4, top + tall // 2 - 12), word, "black")
        for column, picture in enumerate(pictures):
            image = Image.fromarray(picture)
            image.thumbnail(size)
            page.paste(image, (left + column * (wide + GAP), top))
    return page


def main() -> None:
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    torch.set_num_threads(1)
    model = isthmus.load(sys.argv[2] if len(sys.argv) == 3 else "photo-colorize")
    shown = sorted(
        (colored(model, path) for path in images.find(Path(sys.argv[1]))), key=lambda s: s.apart
    )
    best, worst = shown[:EACH], shown[EACH:][-EACH:]
    rows = [(f"{s.name}\noff by {s.apart:.1f}", s.columns) for s in (*best, *worst)]
    titles = ["black and white", "by itself", "five hints", "truth"]
    sheet(rows, titles).save(PICTURES / "colour.jpg", quality=88)
    versions = []
    for index, one in enumerate((*best[:2], *worst[-1:])):
        gray = one.columns[0]
        other = shown[(index + len(shown) // 2) % len(shown)].columns[3]
        made = [model.apply(gray, variant=v) for v in range(3)]
        versions.append((one.name, [*made, model.apply(gray, reference=other), other]))
    titles = ["likeliest", "second version", "third version", "with this palette:", "the reference"]
    sheet(versions, titles).save(PICTURES / "colour-versions.jpg", quality=88)
    print(f"{PICTURES / 'colour.jpg'}: {len(rows)} of {len(shown)} photographs")


if __name__ == "__main__":
    main()
