"""The contact sheet of docs/watermarks.md: marked photographs as the network and a true mask leave them.

    .venv/bin/python scripts/make_mark_sheet.py FOLDER [NAME|RUN]

A row a picture of the folder (which must be free to publish), in the order of names, good ones and failures
alike: marked with the benchmark's words, single or tiled; blind; the mask found; with the true mask given.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.watermark import mark_on, marked

import isthmus
from isthmus.files import replacing
from isthmus.tasks.unwatermark import remove

TARGET = Path(__file__).parents[1] / "docs/pictures/watermarks.jpg"
WIDTH, HEIGHT = 300, 200
_TEXT, _TILED = 0, 2


def small(picture: np.ndarray) -> Image.Image:
    """A picture as a tile of the sheet, as large a middle part of it as fits."""
    image = Image.fromarray(picture)
    scale = max(WIDTH / image.width, HEIGHT / image.height)
    image = image.resize((round(image.width * scale), round(image.height * scale)))
    left, top = (image.width - WIDTH) // 2, (image.height - HEIGHT) // 2
    return image.crop((left, top, left + WIDTH, top + HEIGHT))


def _found(folder: Path) -> list[Path]:
    """The photographs of a folder, by name."""
    return sorted(p for p in folder.iterdir() if p.suffix in (".jpg", ".png"))


def main() -> None:
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    model = isthmus.load(sys.argv[2] if len(sys.argv) > 2 else "photo-unwatermark")
    photographs = [np.asarray(Image.open(p).convert("RGB")) for p in _found(Path(sys.argv[1]))]
    rows = [
        marked(p, mark_on(*p.shape[:2], (_TEXT, _TILED)[i % 2], 900 + i), 0)
        for i, p in enumerate(photographs)
    ]
    sheet = Image.new("RGB", (4 * WIDTH, len(rows) * HEIGHT))
    for number, held in enumerate(rows):
        blind = remove(model.autoencoder, model.recipe.encoder, held.seen)
        told = remove(model.autoencoder, model.recipe.encoder, held.seen, held.mask)
        found = np.repeat(blind.mask[..., None] * np.uint8(255), 3, 2)
        for column, picture in enumerate((held.seen, blind.pixels, found, told.pixels)):
            sheet.paste(small(picture), (column * WIDTH, number * HEIGHT))
    TARGET.parent.mkdir(exist_ok=True)
    with replacing(TARGET) as temporary:
        sheet.save(temporary, "JPEG", quality=82)
    print(TARGET)


main()
