"""Spectrograms of noisy speech, cleaned, and the truth, for docs/sound.md and the README.

    .venv/bin/python scripts/sound_sheet.py AUDIO

AUDIO holds speech/librispeech and noise folders, as the recipe sound-denoise has them. Speakers and noises
are of those that are never trained on (``data.apart``); one noise is one that the network hardly removes.
Writes docs/pictures/sound.png.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from colour_sheet import PICTURES, sheet
from PIL import Image

import isthmus
from isthmus.report.listen import spectrogram

RATE = 16_000
SECONDS = 4
NOISES = (("blanket__coffee-shop", 5), ("nature__river", 0), ("things__typewriter", 0), ("animals__dog-barking", 5))  # fmt: skip
SIZE = (300, 110)


def read(folder: Path, name: str) -> Any:
    path = next(folder.rglob(f"{name}*"))
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == RATE
    return np.resize(samples, SECONDS * RATE)


def picture(samples: Any) -> Any:
    made = Image.fromarray(spectrogram(samples.astype(np.float64), RATE, RATE / 2))
    return np.asarray(made.resize(SIZE, Image.Resampling.LANCZOS))


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    model = isthmus.load("sound-denoise")
    speakers = [name for name in model.recipe.data.apart if name[0].isdigit()]
    rows = []
    for (name, decibels), speaker in zip(NOISES, speakers, strict=False):
        speech, noise = read(folder, speaker), read(folder, name)
        power = np.square(speech).mean() / np.square(noise).mean()
        noise *= np.sqrt(power) * 10 ** (-decibels / 20)
        noisy = 0.5 * (speech + noise)
        sounds = (noisy, model.apply(noisy, rate=RATE), 0.5 * speech)
        word = f"{name.partition('__')[2]}\n{decibels} dB"
        rows.append((word, [picture(sound) for sound in sounds]))
    page = sheet(rows, ["with noise", "denoised", "truth"], SIZE)
    page.quantize(128).save(PICTURES / "sound.png", optimize=True)


if __name__ == "__main__":
    main()
