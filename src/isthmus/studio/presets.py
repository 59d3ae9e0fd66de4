"""Places to begin in the Lab: recipes that learn something to look at in half a minute."""

from __future__ import annotations

import functools
from typing import Any

from isthmus.recipe import Recipe

# The shipped recipes aim at the best figures in ten minutes; here a person watches.
_PRESETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "squeeze": (
        "digits-small",
        ("encoder.layers=[256]", "encoder.start=random", "training.epochs=60",
         "training.snapshots=40", "name=squeeze"),
    ),
    "denoise": (
        "digits-denoise",
        ("training.epochs=30", "training.minutes=none", "training.snapshots=24"),
    ),
    "map": (
        "digits-2d",
        ("encoder.layers=[256, 64]", "training.epochs=80", "training.minutes=none",
         "training.threads=1", "training.snapshots=40"),
    ),
    "cnn": (
        "digits-small",
        ("encoder.kind=conv", "encoder.channels=[16, 32]", "encoder.start=random",
         "training.epochs=20", "training.threads=auto", "name=digits-cnn"),
    ),
    "vae": (
        "digits-variational",
        ("encoder.layers=[256, 128]", "training.epochs=60", "training.minutes=none",
         "training.threads=1", "training.snapshots=40"),
    ),
    "sparse": (
        "digits-sparse",
        ("training.minutes=none", "training.threads=1", "training.snapshots=24"),
    ),
    "words": (
        "digits-vq",
        ("encoder.layers=[256]", "training.minutes=none", "training.threads=1",
         "training.snapshots=24"),
    ),
    "spectra": ("spectra", ("training.minutes=none", "training.snapshots=24")),
    "waves": ("waves", ("training.minutes=none", "training.snapshots=24")),
}  # fmt: skip
_TEXTS = {
    "squeeze": "784 pixels of a handwritten digit to 64 numbers and back.",
    "cnn": "The same by convolutions, which know that neighbours belong together.",
}


@functools.cache
def presets() -> tuple[tuple[str, Recipe], ...]:
    """(id, recipe) in the order in which they are offered."""
    made = []
    for id, (base, changes) in _PRESETS.items():
        recipe = Recipe.load(base).set(*changes)
        if id in _TEXTS:
            recipe = recipe.replace(description=_TEXTS[id])
        made.append((id, recipe))
    return tuple(made)


def offered() -> list[dict[str, Any]]:
    """Presets as JSON."""
    return [{"id": id, "recipe": recipe.model_dump(mode="json")} for id, recipe in presets()]
