"""Make the pictures of the README and the manual from real runs. About three minutes on two cores.

Run: make pictures. Needs chromium for the pictures of pages, and shared/data for the scene and the voices.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from isthmus import Recipe, Run, maps, train
from isthmus.datasets import open_dataset

TARGET = Path(__file__).parents[1] / "docs/pictures"
DATA = Path(__file__).parents[2] / "shared/data"
VOICES = {"en": "English voice", "es": "Spanish voice", "fr": "French voice"}


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run = train(Recipe.load("digits"), Path(folder) / "digits")
        report_picture(run)
        plain = Recipe.load("digits").set("encoder.start=random", "training.learning_rate=5e-4")
        learning_picture(train(plain, Path(folder) / "random"))
        map_picture(train(Recipe.load("digits-variational"), Path(folder) / "variational"))
        if DATA.is_dir():
            scene_pictures(Path(folder))
            voices_picture(Path(folder))
        else:
            print("no shared/data: the pictures of scene and voices are left as they were")


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


def scene_pictures(folder: Path) -> None:
    """Jasper Ridge: the page of the map, and the map of its materials' shares."""
    cube = str(DATA / "spectra/jasper_ridge.npz")
    names = 'data.classes=["tree", "water", "dirt", "road"]'
    for recipe, more in (("spectra", []), ("spectra-unmix", ["--set", "bottleneck.size=4"])):
        run = str(folder / recipe)
        isthmus("train", recipe, "--data", cube, "--set", names, *more, "-o", run)
        isthmus("explore", run, "-o", str(folder / f"{recipe}.html"))
    screenshot(folder / "spectra.html", "scene.png", 1400, 900)


def voices_picture(folder: Path) -> None:
    """Seconds of telephone prompts by their timbre, coloured by who speaks."""
    for file in sorted((DATA / "audio/speech_by_sa/asterisk").iterdir()):
        if file.name[:2] in VOICES:
            place = folder / "recordings" / VOICES[file.name[:2]]
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)
    run = str(folder / "voices")
    isthmus("train", "voices", "--data", str(folder / "recordings"), "-o", run)
    isthmus("explore", run, "--how", "umap", "-o", str(TARGET / "voices.png"))


def isthmus(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "isthmus", *words], check=True)


def report_picture(run: Run) -> None:
    """The top of a report, as a browser shows it."""
    screenshot(run.path / "report.html", "report.png", 1100, 1560)


def screenshot(page: Path, name: str, width: int, height: int) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print(f"no chromium: docs/pictures/{name} is left as it was")
        return
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
             "--disable-background-networking", f"--user-data-dir={profile}", "--virtual-time-budget=4000",
             f"--window-size={width},{height}", f"--screenshot={TARGET / name}", page.absolute().as_uri()],
            check=True, capture_output=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
