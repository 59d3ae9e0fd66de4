"""A training on disk: one safetensors file, replaced whole."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from isthmus.errors import RunError
from isthmus.files import replacing
from isthmus.training.state import State, Tensors

_FORMAT = "isthmus-checkpoint-1"


@dataclass(frozen=True)
class Checkpoint:
    """What a file held: tensors and numbers of the state, and the engine's choices."""

    tensors: Tensors
    numbers: dict[str, Any]
    engine: dict[str, Any]
    recipe_hash: str
    events: int
    """Bytes of ``events.jsonl`` that were written when the checkpoint was taken."""


def save(path: Path, state: State, engine: dict[str, Any], recipe_hash: str, events: int) -> None:
    """Write a checkpoint. A kill at any moment leaves the old one or the new one, never a part."""
    numbers = state.numbers()
    if not math.isfinite(numbers["best_loss"]):
        numbers["best_loss"] = None
    header = {
        "format": _FORMAT,
        "numbers": json.dumps(numbers),
        "engine": json.dumps(engine),
        "recipe": recipe_hash,
        "events": str(events),
    }
    # contiguous copies: safetensors refuses tensors that share memory or have gaps.
    tensors = {n: v.detach().cpu().contiguous().clone() for n, v in state.tensors().items()}
    with replacing(path) as temporary:
        save_file(tensors, temporary, pack(header))


def load(path: Path) -> Checkpoint:
    """Read a checkpoint. Raises RunError that names the file and what is wrong with it."""
    tensors, header = read_tensors(path)
    try:
        if header["format"] != _FORMAT:
            raise RunError(f"{path}: is {header['format']!r}, not {_FORMAT!r}")
        numbers = json.loads(header["numbers"])
        if numbers["best_loss"] is None:
            numbers["best_loss"] = math.inf
        return Checkpoint(
            tensors, numbers, json.loads(header["engine"]), header["recipe"], int(header["events"])
        )
    except (KeyError, ValueError, TypeError) as error:
        raise RunError(f"{path}: is not a checkpoint of Isthmus ({error})") from None


def read_tensors(path: Path) -> tuple[Tensors, dict[str, str]]:
    """Tensors and header of a safetensors file. Raises RunError naming the file and the fault."""
    if not path.is_file():
        raise RunError(f"{path}: is missing")
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, unpack(file.metadata())
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise RunError(f"{path}: is damaged ({error}); restore it or train again") from None


def pack(header: dict[str, str]) -> dict[str, str]:
    """A header under one key: several would be written in a random order, and files would differ."""
    return {"isthmus": json.dumps(header)}


def unpack(metadata: dict[str, str] | None) -> dict[str, str]:
    """The inverse of ``pack``; {} for a file of another origin."""
    held = json.loads((metadata or {}).get("isthmus", "{}"))
    return held if isinstance(held, dict) else {}


def first_difference(model: torch.nn.Module, tensors: Tensors) -> str | None:
    """Why ``tensors`` cannot be this model's weights, or None if they can."""
    wanted = model.state_dict()
    for name, value in wanted.items():
        if name not in tensors:
            return f"{name} is missing"
        if tensors[name].shape != value.shape:
            return f"{name} has shape {tuple(tensors[name].shape)}, the recipe needs {tuple(value.shape)}"
    extra = sorted(tensors.keys() - wanted.keys())
    return f"{extra[0]} does not belong to the recipe" if extra else None
