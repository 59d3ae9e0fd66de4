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
    tensors = {f"net.{n}": v.contiguous() for n, v in detector.net.state_dict().items()}
    tensors["prototypes"] = detector.prototypes.contiguous()
    tensors["reference"] = torch.from_numpy(detector.reference.kept)
    for name, held in detector.references.items():
        tensors[f"reference.{name}"] = torch.from_numpy(held.kept)
    tree: dict[str, Any] = {
        "format": _FORMAT,
        "schema": detector.schema.to_json(),
        "mixed": detector.mixed,
        "rows": detector.reference.rows,
        "losses": list(detector.losses),
        "facts": detector.facts,
        "head": None,
    }
    if detector.head is not None:
        head = detector.head
        tensors |= {f"head.{n}": torch.from_numpy(np.asarray(getattr(head, n))) for n in ("weights", "mean", "spread")}
        tree["head"] = {"bias": head.bias, "bad": head.bad, "good": head.good}
    with replacing(folder / "weights.safetensors") as temporary:
        save_file(tensors, temporary, pack({"format": _FORMAT, "recipe": recipe.hash}))
    write_json(folder / "detector.json", tree)
    write_text(folder / "recipe.toml", recipe.to_toml())


def load(folder: Path) -> tuple[Detector, Recipe]:
    """The detector and its recipe. Raises RunError that names the damaged file."""
    place = folder / "detector.json"
    if not place.is_file():
        raise RunError(f"{folder}: is no saved detector (it has no detector.json)")
    try:
        recipe = Recipe.load(folder / "recipe.toml")
    except RecipeError as error:
        raise RunError(f"{error}; the detector is damaged") from None
    spec = recipe.task
    if not isinstance(spec, Detect):
        raise RunError(f"{folder / 'recipe.toml'}: is for the task {spec.kind!r}, not for detection")
    tensors, header = read_tensors(folder / "weights.safetensors")
    try:
        tree = json.loads(place.read_text("utf-8"))
        if tree["format"] != _FORMAT:
            raise RunError(f"{place}: is {tree['format']!r}; this version reads {_FORMAT!r}")
        if header.get("recipe") != recipe.hash:
            raise RunError(f"{folder}: recipe.toml and weights.safetensors do not belong together")
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
            parts = {n: tensors[f"head.{n}"].numpy() for n in ("weights", "mean", "spread")}
            head = Head(**parts, **tree["head"])
        detector = Detector(
            schema, spec, bool(tree["mixed"]), net.requires_grad_(False).eval(), tensors["prototypes"],
            references, Reference(tensors["reference"].numpy(), rows), head,
            tuple(tree["losses"]), tree["facts"],
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, RuntimeError, OSError) as error:
        raise RunError(f"{place}: is damaged ({error})") from None
    return detector, recipe
