"""A detector on disk: a folder with a recipe, numbers in JSON and tensors in safetensors. No pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from isthmus.detection.calibrate import Reference
from isthmus.detection.detector import Detector
from isthmus.detection.labels import Head
from isthmus.detection.net import Ensemble
from isthmus.errors import RecipeError, RunError
from isthmus.files import replacing, write_json, write_text
from isthmus.media.tables import Schema
from isthmus.recipe import Detect, Recipe
from isthmus.training.checkpoint import pack, read_tensors

_FORMAT = "isthmus-detector-1"


def save(folder: Path, detector: Detector, recipe: Recipe) -> None:
    """Write ``recipe.toml``, ``detector.json`` and ``weights.safetensors`` into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    tree, tensors = parts_of(detector)
    with replacing(folder / "weights.safetensors") as temporary:
        save_file(tensors, temporary, pack({"format": _FORMAT, "recipe": recipe.hash}))
    write_json(folder / "detector.json", tree)
    write_text(folder / "recipe.toml", recipe.to_toml())


def load(folder: Path) -> tuple[Detector, Recipe]:
    """The detector and its recipe. Raises RunError that names the damaged file."""
    place = folder / "detector.json"
    if not place.is_file():
        raise RunError(
            f"{folder}: is no saved detector (no detector.json); isthmus detect … --save {folder} makes one"
        )
    try:
        recipe = Recipe.load(folder / "recipe.toml")
    except RecipeError as error:
        raise RunError(f"{error}; the detector is damaged") from None
    spec = recipe.task
    if not isinstance(spec, Detect):
        raise RunError(
            f"{folder / 'recipe.toml'}: is for the task {spec.kind!r}, not for detection"
        )
    tensors, header = read_tensors(folder / "weights.safetensors")
    if header.get("recipe") != recipe.hash:
        raise RunError(f"{folder}: recipe.toml and weights.safetensors do not belong together")
    try:
        tree = json.loads(place.read_text("utf-8"))
        if tree["format"] != _FORMAT:
            raise RunError(f"{place}: is {tree['format']!r}; this version reads {_FORMAT!r}")
        return from_parts(tree, tensors, spec), recipe
    except (KeyError, TypeError, ValueError, RuntimeError, OSError) as error:
        if isinstance(error, RunError):
            raise
        raise RunError(f"{place}: is damaged ({error})") from None


def parts_of(detector: Detector) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """A detector as plain values and tensors."""
    tensors = {f"net.{n}": v.contiguous() for n, v in detector.net.state_dict().items()}
    tensors["prototypes"] = detector.prototypes.contiguous()
    tensors["reference"] = torch.from_numpy(detector.reference.kept)
    for name, held in detector.references.items():
        tensors[f"reference.{name}"] = torch.from_numpy(held.kept)
    head = detector.head
    if head is not None:
        tensors |= {
            f"head.{n}": torch.from_numpy(np.asarray(getattr(head, n)))
            for n in ("weights", "mean", "spread")
        }
    tree = {
        "format": _FORMAT,
        "schema": detector.schema.to_json(),
        "mixed": detector.mixed,
        "rows": detector.reference.rows,
        "fast": detector.fast,
        "losses": list(detector.losses),
        "facts": detector.facts,
        "head": None if head is None else {"bias": head.bias, "bad": head.bad, "good": head.good},
    }
    return tree, tensors


def from_parts(tree: dict[str, Any], tensors: dict[str, torch.Tensor], spec: Detect) -> Detector:
    """The inverse of ``parts_of``."""
    schema = Schema.from_json(tree["schema"])
    net = Ensemble(spec.members, schema.width, spec.width, spec.blocks, torch.Generator())
    net.load_state_dict({n[4:]: v for n, v in tensors.items() if n.startswith("net.")})
    rows = int(tree["rows"])
    references = {
        n.removeprefix("reference."): Reference(v.numpy(), rows)
        for n, v in tensors.items()
        if n.startswith("reference.")
    }
    head = None
    if tree["head"] is not None:
        held = tree["head"]
        head = Head(
            tensors["head.weights"].numpy(), float(held["bias"]), tensors["head.mean"].numpy(),
            tensors["head.spread"].numpy(), int(held["bad"]), int(held["good"]),
        )  # fmt: skip
    return Detector(
        schema, spec, bool(tree["mixed"]), net.requires_grad_(False).eval(), tensors["prototypes"],
        references, Reference(tensors["reference"].numpy(), rows), head, bool(tree["fast"]),
        tuple(tree["losses"]), tree["facts"],
    )  # fmt: skip
