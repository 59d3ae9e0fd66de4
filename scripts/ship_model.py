"""Make a shipped model of a run: what a use needs and nothing more, weights in half precision.

    .venv/bin/python scripts/ship_model.py RUN NAME

Writes recipe.toml, data.json and weights.safetensors to src/isthmus/models/NAME; CARD.md is written
by hand. A run may be unfinished: the average of its last checkpoint is taken then.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from isthmus.files import replacing, write_json, write_text
from isthmus.training import checkpoint as ck
from isthmus.training.run import Run
from isthmus.training.state import under

MODELS = Path(__file__).parents[1] / "src/isthmus/models"


def ship(run: Run, name: str) -> Path:
    """The folder of the shipped model. Where the data lay on this machine stays behind."""
    target = MODELS / name
    path = getattr(run.recipe.data, "path", None)
    recipe = run.recipe if path is None else run.recipe.set(f"data.path={Path(path).name}")
    if getattr(recipe.task, "marks", ""):
        recipe = recipe.set(f"task.marks={Path(recipe.task.marks).name}")
    with replacing(target / "weights.safetensors") as temporary:
        halved = {n: v.half() if v.is_floating_point() else v for n, v in _weights(run).items()}
        save_file(halved, temporary, ck.pack({"recipe": recipe.hash}))
    write_text(target / "recipe.toml", recipe.to_toml())
    write_json(target / "data.json", run.data)
    return target


def _weights(run: Run) -> dict[str, torch.Tensor]:
    finished = run.path / "weights.safetensors"
    if finished.is_file():
        return ck.read_tensors(finished)[0]
    held = ck.load(run.path / "checkpoint.safetensors").tensors
    return under("average", held) or under("model", held)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    print(ship(Run(sys.argv[1]), sys.argv[2]))
