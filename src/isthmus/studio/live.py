"""A look into a training: its weights and its codes as they are between two steps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from isthmus.maps import project
from isthmus.studio import graph, packs
from isthmus.studio.packs import Array
from isthmus.training.writer import data_card

if TYPE_CHECKING:
    from isthmus.training.fitting import Fit

_MOST_POINTS = 2_000
_BATCH = 500


class Live:
    """Writes what a page looks at. ``files``: where the weights and the codes are left."""

    def __init__(self, fitting: Fit, files: dict[str, Path]) -> None:
        self.trainer = fitting.trainer
        self.files = files
        self.card = data_card(fitting.dataset)
        self.labels = self._labels(fitting)
        self._axes: Array | None = None

    def _labels(self, fitting: Fit) -> Array:
        """The classes of the held-out items, in the trainer's order."""
        recipe, dataset = self.trainer.recipe, fitting.dataset
        count = min(len(self.trainer.held), _MOST_POINTS)
        if dataset.train.labels is None:
            return np.full(count, -1, np.int16)
        _, held = dataset.train.split(
            recipe.data.validation, recipe.training.seed, 1, dataset.groups
        )
        labels: Array = dataset.train.labels[held[:count]].astype(np.int16)
        return labels

    def leave(self, what: str) -> int:
        """Write the weights or the codes of now; returns the step they are of."""
        (self._weights if what == "weights" else self._codes)(self.files[what])
        return int(self.trainer.state.step)

    def _weights(self, path: Path) -> None:
        trainer = self.trainer
        state = trainer.state.average or trainer.model.state_dict()
        tensors = {name: value.detach().cpu().numpy() for name, value in state.items()}
        described = graph.describe(trainer.recipe, trainer.model.plan, self.card, **self._place())
        packs.write(path, graph.shown(tensors, "f2"), described, "graph")

    @torch.no_grad()
    def _codes(self, path: Path) -> None:
        trainer, model = self.trainer, self.trainer.model
        training = model.training
        model.eval()
        codes, errors = [], []
        for batch in trainer.held.slices(_BATCH):
            made = model(trainer.task.look(batch))
            codes.append(made.code.values.flatten(1).float().cpu().numpy())
            gap = (made.output - batch).square().flatten(1).mean(1)
            errors.append(gap.float().cpu().numpy())
            if sum(map(len, codes)) >= _MOST_POINTS:
                break
        model.train(training)
        flat = np.concatenate(codes)[:_MOST_POINTS] if codes else np.zeros((0, 2), np.float32)
        arrays = {
            "labels": self.labels[: len(flat)],
            "errors": np.concatenate(errors)[:_MOST_POINTS] if errors else np.zeros(0, np.float32),
            "part": np.zeros(len(flat), np.uint8),
            "places": np.arange(len(flat), dtype=np.int32),
        }
        meta: dict[str, Any] = {
            **self._place(), "how": "pca", "decodable": False, "axes": ["", ""], "total": len(flat),
            "shown": len(flat), "classes": self.card["classes"], "figures": {}, "pca_figures": {},
            "code": list(model.plan.bottleneck.code), "held_out": len(flat),
        }  # fmt: skip
        if len(flat) >= 3 and np.isfinite(flat).all():
            mean, axes = self._plane(flat)
            arrays |= {"mean": mean, "axes": axes, "points": ((flat - mean) @ axes.T)}
            direct = flat.shape[1] == 2
            meta |= {
                "decodable": True,
                "how": "direct" if direct else "pca",
                "axes": ["code 1", "code 2"] if direct else ["PCA 1", "PCA 2"],
            }
        else:
            arrays["points"] = np.zeros((len(flat), 2), np.float32)
        floats = {n: v.astype(np.float32) if v.dtype.kind == "f" else v for n, v in arrays.items()}
        packs.write(path, floats, meta)

    def _plane(self, flat: Array) -> tuple[Array, Array]:
        """(mean, two axes); the axes keep their direction from one look to the next."""
        mean, axes = plane(project(flat), flat)
        if self._axes is not None and self._axes.shape == axes.shape:
            axes = axes * np.where((axes * self._axes).sum(1, keepdims=True) < 0, -1, 1)
        self._axes = axes
        return mean, axes

    def _place(self) -> dict[str, Any]:
        state = self.trainer.state
        return {"run": self.files["weights"].stem, "epoch": state.epoch, "step": state.step}


def plane(made: Any, flat: Array) -> tuple[Array, Array]:
    """A linear projection of codes (N, numbers) as mean (numbers,) and axes (2, numbers)."""
    corners = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
    back = made.inverse(corners).reshape(3, -1).astype(np.float32)
    return back[0], back[1:] - back[0]
