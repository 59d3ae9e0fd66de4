"""Small recordings and a small model of sound, made on the spot."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from safetensors.torch import save_file

from isthmus.autoencoder import Autoencoder
from isthmus.recipe import Recipe
from isthmus.training.checkpoint import pack


def recipe() -> Recipe:
    """The shipped recipe with a network that takes a moment."""
    return Recipe.load("sound-denoise").set(
        "encoder.bands=8", "encoder.width=8", "encoder.hidden=8", "bottleneck.size=6"
    )


@cache
def model() -> Autoencoder:
    """Untrained: it takes something away of everything."""
    return Autoencoder.from_recipe(recipe(), (2, 32_000), seed=1).eval()


def run(folder: Path) -> Path:
    """A run directory that holds the small model."""
    folder.mkdir(parents=True)
    (folder / "recipe.toml").write_text(recipe().to_toml())
    card = {
        "shape": [2, 32_000],
        "scaling": {"shift": [0.0], "factor": [1.0]},
        "range": None,
    }
    (folder / "data.json").write_text(json.dumps(card))
    save_file(model().state_dict(), folder / "weights.safetensors", pack({"recipe": recipe().hash}))
    return folder


def voice(seconds: float, rate: int, channels: int = 1, seed: int = 0) -> NDArray[np.float64]:
    """Syllables of a humming voice in hiss: (samples, channels)."""
    rng = np.random.default_rng(seed)
    times = np.arange(max(round(seconds * rate), 1)) / rate
    pitch = 140 + 20 * np.sin(2 * np.pi * 0.7 * times)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    hum = sum(np.sin(k * phase) / k for k in range(1, 6) if k * 160 < rate / 2)
    said = 0.15 * hum * (np.sin(2 * np.pi * 2.3 * times) > -0.2)
    hiss = 0.02 * rng.standard_normal((len(times), channels))
    return said[:, None] * np.linspace(1, 0.5, channels) + hiss


def write(path: Path, samples: NDArray[np.float64], rate: int, subtype: str = "PCM_16") -> Path:
    """A recording in a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype)
    return path


def corpus(folder: Path) -> Path:
    """Speech of four and noises of three, in folders as the recipe wants them."""
    for index, name in enumerate(("anna", "ben", "cleo", "dan")):
        write(folder / "speech" / f"{name}.wav", voice(3, 16_000, seed=index), 16_000)
    rng = np.random.default_rng(5)
    for name in ("fan", "rain", "street"):
        write(folder / "noise" / f"{name}.flac", 0.1 * rng.standard_normal((40_000, 1)), 16_000)
    return folder
