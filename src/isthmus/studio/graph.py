"""A model as the browser's runtime reads it: its plan as JSON, its state as half floats. No torch."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from isthmus.errors import RunError
from isthmus.plan import NetworkPlan, Plan
from isthmus.plan.attention import Attention
from isthmus.plan.layers import PlainBlock
from isthmus.recipe import Recipe
from isthmus.studio.packs import Array

_MOST_WEIGHTS = 3_000_000
_LARGEST_SIDE = 64
_HALF = float(np.finfo(np.float16).max)


def fits(plan: Plan) -> bool:
    """Whether the browser's runtime should run this: small enough to be drawn through at 60 a second,
    and of layers that it knows."""
    large = any(side > _LARGEST_SIDE for side in plan.item[1:]) or math.prod(plan.item) > 65_536
    layers = (*plan.encoder.layers, *plan.decoder.layers)
    known = not any(
        isinstance(layer, Attention) or (isinstance(layer, PlainBlock) and layer.bias)
        for layer in layers
    )
    same_grid = plan.decoder.shapes[-1][1:] == plan.item[1:]
    return plan.parameters <= _MOST_WEIGHTS and not large and known and same_grid


def describe(recipe: Recipe, plan: Plan, card: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The plan as it is: layers with their fields, the shapes between them, the ends."""
    return {
        **more,
        "item": list(plan.item),
        "view": list(plan.encoder.shapes[0]),
        "latent": list(plan.bottleneck.latent),
        "code": list(plan.bottleneck.code),
        "modality": card.get("modality", "image"),
        "classes": list(card.get("classes", ())),
        "range": card.get("range"),
        "scaling": card.get("scaling"),
        "encoder": _network(plan.encoder),
        "bottleneck": recipe.bottleneck.model_dump(mode="json"),
        "decoder": _network(plan.decoder),
        "loss": recipe.task.loss.model_dump(mode="json"),
        "recipe": recipe.model_dump(mode="json"),
    }


def _network(plan: NetworkPlan) -> dict[str, Any]:
    layers = [{"kind": type(layer).__name__, **dataclasses.asdict(layer)} for layer in plan.layers]
    return {
        "layers": layers,
        "shapes": [list(shape) for shape in plan.shapes],
        "line": plan.linear_start is not None,
    }


def shown(tensors: dict[str, Array], dtype: str) -> dict[str, Array]:
    """What a decoder and an encoder need of a state: floats, without what only training uses."""
    kind: Any = {"f2": np.float16, "f4": np.float32}[dtype]
    unused = ("bottleneck.critic.", "bottleneck.counts", "bottleneck.sums", "bottleneck.matrices.",
              "bottleneck.biases.", "bottleneck.gates.")  # fmt: skip
    return {
        name: (np.clip(v, -_HALF, _HALF) if kind is np.float16 else v).astype(kind)
        for name, v in tensors.items()
        if v.dtype.kind == "f" and not name.startswith(unused)
    }


def read(path: Path, recipe: Recipe) -> dict[str, Array]:
    """The state of a run from its weights file. Raises RunError that names the file and the fault."""
    try:
        with safe_open(path, framework="np") as file:
            held = json.loads((file.metadata() or {}).get("isthmus", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise RunError(f"{path}: is damaged ({error})") from None
    if held.get("recipe") != recipe.hash:
        raise RunError(f"{path}: belongs to another recipe than recipe.toml")
    return tensors
