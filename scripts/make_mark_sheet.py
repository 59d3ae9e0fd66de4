"""The contact sheet of docs/watermarks.md: the benchmark's pairs as the network and a true mask leave them.

    .venv/bin/python scripts/make_mark_sheet.py [NAME|RUN]

A row a picture: marked, blind, the mask found, with the true mask given. Rows are in the benchmark's
order, good ones and failures alike: every fifth picture, nothing chosen.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.watermark import pairs

import isthmus
from isthmus.files import replacing
from isthmus.tasks.unwatermark import remove

TARGET = Path(__file__).parents[1] / "docs/pictures/watermarks.jpg"
EVERY, WIDTH, HEIGHT = 5, 300, 200


def small(picture: np.ndarray) -> Image.Image:
    """A picture as a tile of the sheet, as large a middle part of it as fits."""
    image = Image.fromarray(picture)
    scale = max(WIDTH / image.width, HEIGHT / image.height)
    image = image.resize((round(image.width * scale), round(image.height * scale)))
    left, top = (image.width - WIDTH) // 2, (image.height - HEIGHT) // 2
    return image.crop((left, top, left + WIDTH, top + HEIGHT))


def main() -> None:
    model = isthmus.load(sys.argv[1] if len(sys.argv) > 1 else "photo-unwatermark")
    rows = pairs()[::EVERY]
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
