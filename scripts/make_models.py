"""Train the small digit models that ship with the Studio, one for each width of the bottleneck.

    OMP_NUM_THREADS=1 nice -n 19 .venv/bin/python scripts/make_models.py [WIDTH…]

Each is a run directory of the recipe ``digits-small`` with another ``bottleneck.size``, without what
only a training needs, and with its weights in half precision. A minute or two a width on one core.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file

import isthmus
from isthmus.files import replacing, write_json, write_text
from isthmus.training import checkpoint as ck
from isthmus.training.finish import card, figures

WIDTHS = (2, 4, 8, 16, 32, 64, 128)
MODELS = Path(__file__).parents[1] / "src/isthmus/models"


def make(width: int) -> None:
    """Train one width and write what ships of it."""
    recipe = isthmus.Recipe.load("digits-small").set(
        f"bottleneck.size={width}", f"name=digits-{width}"
    )
    with tempfile.TemporaryDirectory() as folder:
        fitting = isthmus.fit(recipe, output=Path(folder) / "run")
        for event in fitting:
            if event.kind == "evaluated":
                print(f"{width:4} {event.to_json()}", flush=True)
        run = isthmus.Run(Path(folder) / "run")
        _ship(run, fitting, MODELS / f"digits-{width}")


def _ship(run: isthmus.Run, fitting: isthmus.training.Fit, target: Path) -> None:
    """The weights halved, and every figure measured again with the halved weights."""
    tensors, header = ck.read_tensors(run.path / "weights.safetensors")
    halved = {n: v.half() if v.is_floating_point() else v for n, v in tensors.items()}
    with replacing(target / "weights.safetensors") as temporary:
        save_file(halved, temporary, ck.pack(header))
    model = fitting.trainer.model
    model.load_state_dict({n: v.to(tensors[n].dtype) for n, v in halved.items()})
    metrics, _, _ = figures(model, fitting.trainer.task, run.recipe, fitting.dataset)
    metrics = {**metrics, "recipe": run.recipe.hash}
    write_json(target / "metrics.json", metrics)
    write_json(target / "data.json", json.loads((run.path / "data.json").read_text("utf-8")))
    write_text(target / "recipe.toml", (run.path / "recipe.toml").read_text("utf-8"))
    text = card(run.recipe, fitting.dataset, metrics)
    write_text(
        target / "CARD.md", f"{text}- Weights: half precision, CC BY-SA 4.0; digits of MNIST.\n"
    )
    print(f"{target.name}: mse {metrics['mse']:.5f}, PCA {metrics['pca_mse']:.5f}", flush=True)


def main() -> None:
    torch.set_num_threads(1)
    for width in [int(w) for w in sys.argv[1:]] or WIDTHS:
        make(width)


if __name__ == "__main__":
    main()
