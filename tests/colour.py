"""A small colour model for many tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from isthmus.autoencoder import Autoencoder
from isthmus.files import write_json, write_text
from isthmus.recipe import Colorize, Plain, Recipe, UShape

SMALL = Recipe(
    name="small-colour",
    task=Colorize(),
    encoder=UShape(channels=(12, 16, 24), fold=4, residual=False, bias=True, attention=1),
    bottleneck=Plain(size=16, spatial=True),
)


def gray_of(picture: Any) -> Any:
    """A uint8 picture (h, w, 3) in black and white: (h, w, 1)."""
    return np.rint(picture @ np.array([0.299, 0.587, 0.114]))[..., None].astype(np.uint8)


def random_model() -> Autoencoder:
    """An untrained but busy model: its colours are wild."""
    model = Autoencoder.from_recipe(SMALL, (3, 64, 64), seed=0).eval()
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        for parameter in model.parameters():
            parameter.normal_(0, 0.12, generator=generator)
    return model


def small_run(folder: Path) -> Path:
    """The same as a run directory."""
    from safetensors.torch import save_file

    from isthmus.training.checkpoint import pack

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
    tensors = {n: v.contiguous().clone() for n, v in random_model().state_dict().items()}
    save_file(tensors, folder / "weights.safetensors", header)
    return folder
