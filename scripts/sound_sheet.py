"""Spectrograms of noisy speech, cleaned, and the truth, for docs/sound.md and the README.

    .venv/bin/python scripts/sound_sheet.py AUDIO

AUDIO holds speech/librispeech and noise folders, as the recipe sound-denoise has them. Speakers and noises
are of those that are never trained on (``data.apart``); one noise is one that the network hardly removes.
Writes docs/pictures/sound.png.
"""

from __future__ import annotations

import base64
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from colour_sheet import PICTURES
from PIL import Image, ImageDraw

import isthmus
from isthmus.report.listen import spectrogram

RATE = 16_000
SECONDS = 4
NOISES = (("blanket__coffee-shop", 5), ("nature__river", 0), ("things__typewriter", 0), ("animals__dog-barking", 5))  # fmt: skip
WIDE, TALL = 300, 110


def read(folder: Path, name: str) -> Any:
    path = next(folder.rglob(f"{name}*"))
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == RATE
    return np.resize(samples, SECONDS * RATE)


def picture(samples: Any) -> Image.Image:
    uri = spectrogram(samples.astype(np.float64), RATE, RATE / 2)
    made = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    return made.convert("RGB").resize((WIDE, TALL), Image.Resampling.LANCZOS)


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    model = isthmus.load("sound-denoise")
    speakers = [name for name in model.recipe.data.apart if name[0].isdigit()]
    left, head, gap = 130, 20, 6
    page = Image.new("RGB", (left + 3 * (WIDE + gap), head + len(NOISES) * (TALL + gap)), "white")
    pen = ImageDraw.Draw(page)
    for column, title in enumerate(("with noise", "denoised", "truth")):
        pen.text((left + column * (WIDE + gap), 4), title, "black")
    for row, ((name, decibels), speaker) in enumerate(zip(NOISES, speakers, strict=False)):
        speech, noise = read(folder, speaker), read(folder, name)
        noise *= np.sqrt(np.square(speech).mean() / np.square(noise).mean()) * 10 ** (
            -decibels / 20
        )
        noisy = 0.5 * (speech + noise)
        top = head + row * (TALL + gap)
        words = f"{name.partition('__')[2]}\n{decibels} dB"
        pen.multiline_text((4, top + TALL // 2 - 12), words, "black")
        for column, sound in enumerate((noisy, model.apply(noisy, rate=RATE), 0.5 * speech)):
            page.paste(picture(sound), (left + column * (WIDE + gap), top))
    page.quantize(128).save(PICTURES / "sound.png", optimize=True)


if __name__ == "__main__":
    main()
