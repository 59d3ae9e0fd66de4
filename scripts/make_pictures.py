"""Make the pictures of the README and the manual from real runs. About three minutes on two cores.

Run: make pictures. Needs chromium for the picture of the report.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from isthmus import Recipe, Run, maps, train
from isthmus.datasets import open_dataset

TARGET = Path(__file__).parents[1] / "docs/pictures"


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run = train(Recipe.load("digits"), Path(folder) / "digits")
        report_picture(run)
        plain = Recipe.load("digits").set("encoder.start=random", "training.learning_rate=5e-4")
        learning_picture(train(plain, Path(folder) / "random"))
        map_picture(train(Recipe.load("digits-variational"), Path(folder) / "variational"))


def learning_picture(run: Run) -> None:
    """The same twelve digits at every snapshot of a training that starts from nothing."""
    snapshots = run.path / "snapshots"
    files = [snapshots / "items.npz", *sorted(snapshots.glob("0*.npz"))]
    font = ImageFont.load_default(18)
    rows = []
    for path in files:
        with np.load(path) as held:
            items = held["input" if path.name == "items.npz" else "output"][:12, 0].astype(
                np.float32
            )
        label = "input" if path.name == "items.npz" else f"epoch {int(path.stem)}"
        cells = np.concatenate(list(np.pad(np.clip(items, 0, 1), ((0, 0), (0, 0), (0, 2)))), 1)
        strip = Image.fromarray((cells * 255).astype(np.uint8)).resize((cells.shape[1] * 2, 56), 0)
        row = Image.new("L", (strip.width + 110, 62), 255)
        row.paste(strip, (110, 3))
        ImageDraw.Draw(row).text((8, 20), label, 0, font)
        rows.append(np.asarray(row))
    Image.fromarray(np.concatenate(rows)).save(TARGET / "learning.png", optimize=True)


def map_picture(run: Run) -> None:
    """Codes of two numbers, coloured by class."""
    dataset = open_dataset(run.recipe.data)
    values = np.concatenate([dataset.train.values, dataset.test.values])
    labels = np.concatenate([dataset.train.labels, dataset.test.labels])
    points = run.model.encode(values)
    maps.plot_png(
        TARGET / "map.png", points, labels, dataset.classes, "5,000 digits as two numbers each"
    )


def report_picture(run: Run) -> None:
    """The top of a report, as a browser shows it."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("no chromium: docs/pictures/report.png is left as it was")
        return
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
             "--disable-background-networking", f"--user-data-dir={profile}", "--virtual-time-budget=4000",
             "--window-size=1100,1560", f"--screenshot={TARGET / 'report.png'}",
             (run.path / "report.html").absolute().as_uri()],
            check=True, capture_output=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
