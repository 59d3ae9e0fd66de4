"""Isthmus, the autoencoder workbench.

    import isthmus
    run = isthmus.train(isthmus.Recipe.load("digits"), on_event=print)
    code = run.model.encode(images)

Names are loaded on first use, so that ``import isthmus`` does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from isthmus.autoencoder import Autoencoder as Autoencoder
    from isthmus.autoencoder import Code as Code
    from isthmus.autoencoder import Reconstruction as Reconstruction
    from isthmus.errors import IsthmusError as IsthmusError
    from isthmus.model import Model as Model
    from isthmus.model import load as load
    from isthmus.plan import plan as plan
    from isthmus.recipe import Recipe as Recipe
    from isthmus.training import Run as Run
    from isthmus.training import fit as fit
    from isthmus.training import train as train

_HOMES = {
    "Autoencoder": "isthmus.autoencoder",
    "Code": "isthmus.autoencoder",
    "IsthmusError": "isthmus.errors",
    "Model": "isthmus.model",
    "Recipe": "isthmus.recipe",
    "Reconstruction": "isthmus.autoencoder",
    "Run": "isthmus.training",
    "fit": "isthmus.training",
    "load": "isthmus.model",
    "plan": "isthmus.plan",
    "train": "isthmus.training",
}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'isthmus' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
