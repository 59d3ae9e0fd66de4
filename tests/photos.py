"""Real photographs and a small model for them, for many tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isthmus.autoencoder import Autoencoder
from isthmus.files import write_json, write_text
from isthmus.recipe import DenoisePhoto, Plain, Recipe, UShape


def photograph(name: str = "china.jpg") -> NDArray[np.uint8]:
    """One of the two photographs (427, 640, 3) that scikit-learn brings."""
    from sklearn.datasets import load_sample_image

    picture: NDArray[np.uint8] = np.asarray(load_sample_image(name))
    return picture


def noisy(picture: NDArray[np.uint8], sigma: float, seed: int = 0) -> NDArray[np.uint8]:
    """With normal noise, rounded and cut off as a file is."""
    made = picture + np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(np.rint(made), 0, 255).astype(np.uint8)


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    error = np.square(a.astype(np.float64) - b).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


SMALL = Recipe(
    name="small-photo",
    task=DenoisePhoto(),
    encoder=UShape(channels=(8, 12, 16), opponent=True, level=True),
    bottleneck=Plain(size=16, spatial=True),
)


def small_run(folder: Path) -> Path:
    """An untrained but busy model as a run directory: fast, and far from doing nothing."""
    import torch
    from safetensors.torch import save_file

    from isthmus.training.checkpoint import pack

    model = Autoencoder.from_recipe(SMALL, (3, 64, 64), seed=0)
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        for parameter in model.parameters():
            parameter.normal_(0, 0.08, generator=generator)
    folder.mkdir(parents=True)
    write_text(folder / "recipe.toml", SMALL.to_toml())
    write_json(
        folder / "data.json",
        {
            "name": "none", "modality": "image", "shape": [3, 64, 64], "classes": [], "columns": [],
            "scaling": {"shift": [0.0], "factor": [1.0]}, "range": [0, 1], "items": 0,
            "test_items": 0, "notes": [],
        },
    )  # fmt: skip
    header = pack({"format": "isthmus-weights-1", "recipe": SMALL.hash, "version": "0"})
    tensors = {n: v.contiguous().clone() for n, v in model.state_dict().items()}
    save_file(tensors, folder / "weights.safetensors", header)
    return folder


def copy(source: Path, folder: Path) -> Path:
    return Path(shutil.copytree(source, folder))
