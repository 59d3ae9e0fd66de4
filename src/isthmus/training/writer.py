"""Keeping a training on disk while it runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from safetensors import SafetensorError
from safetensors.torch import save_file

import isthmus
from isthmus.autoencoder import Autoencoder
from isthmus.datasets.base import Dataset
from isthmus.errors import RunError
from isthmus.files import hold, is_held, replacing, write_json, write_text
from isthmus.recipe import Recipe
from isthmus.tasks import Task
from isthmus.training import checkpoint as ck
from isthmus.training import events as E
from isthmus.training.finish import finish
from isthmus.training.state import State, Tensors


class _Busy(RunError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: is being trained by another process")


class RunWriter:
    """Writes a run directory: starts it, appends events, checkpoints, and the result."""

    def __init__(
        self, path: Path, recipe: Recipe, dataset: Dataset, engine: dict[str, Any]
    ) -> None:
        self.path = path
        self.recipe = recipe
        self.dataset = dataset
        self.engine = engine
        self._events: BinaryIO | None = None

    @property
    def checkpoint(self) -> Path:
        """Where the way to go on is kept."""
        return self.path / "checkpoint.safetensors"

    def start(self, events_to_keep: int = 0) -> None:
        """Open the directory; events after the checkpoint that is taken up are dropped."""
        with self._writing():
            if not events_to_keep and self.path.is_dir():
                shutil.rmtree(self.path)  # an earlier run: ``check_place`` has allowed it
            self.path.mkdir(parents=True, exist_ok=True)
            if not events_to_keep:
                write_text(self.path / "recipe.toml", self.recipe.to_toml())
                write_json(self.path / "data.json", data_card(self.dataset))
            # A kill in the middle of a write left them; safetensors has temporary files of its own.
            for stale in (*self.path.glob(".*.safetensors"), *self.path.glob(".tmp??????")):
                stale.unlink()
            # Without a buffer: a full disk shows at the write, not when the file is closed.
            self._events = (self.path / "events.jsonl").open("ab", buffering=0)
            if not hold(self._events):
                self._events.close()
                raise _Busy(self.path)
            self._events.truncate(events_to_keep)

    def keep(self, event: E.Event, state: State) -> None:
        """Append an event; write the checkpoint when it is one."""
        assert self._events is not None
        with self._writing():
            self._events.write(event.to_json().encode() + b"\n")
            if isinstance(event, E.Checkpointed):
                ck.save(self.checkpoint, state, self.engine, self.recipe.hash, self._events.tell())

    def weights(self, weights: Tensors) -> None:
        """Write the result."""
        header = {
            "format": "isthmus-weights-1",
            "recipe": self.recipe.hash,
            "version": isthmus.__version__,
        }
        tensors = {n: v.detach().cpu().contiguous().clone() for n, v in weights.items()}
        with self._writing(), replacing(self.path / "weights.safetensors") as temporary:
            save_file(tensors, temporary, ck.pack(header))

    def result(self, model: Autoencoder, task: Task, seconds: float) -> None:
        """Write the weights, the figures, the card and the report."""
        self.weights(model.state_dict())
        with self._writing():
            finish(self.path, model, task, self.recipe, self.dataset, seconds)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, SafetensorError) as error:
            reason = getattr(error, "strerror", None) or error
            raise RunError(
                f"{self.path}: cannot be written ({reason}); what was kept before is whole, "
                "and --resume goes on from the last checkpoint"
            ) from None

    def close(self) -> None:
        """Nothing more will be said."""
        if self._events is not None:
            self._events.close()


def data_card(dataset: Dataset) -> dict[str, Any]:
    """What a model trained on this data needs to know to be used on other data."""
    return {
        "name": dataset.name,
        "modality": dataset.modality,
        "shape": list(dataset.shape),
        "classes": list(dataset.classes),
        "columns": list(dataset.columns),
        "scaling": dataset.scaling.to_json(),
        "range": [0, 1] if dataset.modality == "image" else None,
        "items": len(dataset.train),
        "test_items": len(dataset.test),
        "notes": list(dataset.notes),
    }


def check_place(path: Path, replace: bool) -> None:
    """Whether a run may be kept at ``path``: where an earlier run lies only if ``replace``, and never
    over anything else. Raises RunError.
    """
    if not path.exists():
        return
    if path.is_dir() and not any(path.iterdir()):
        return
    if not (path / "recipe.toml").is_file():
        raise RunError(f"{path}: exists and is not a run; choose another -o")
    if not replace:
        raise RunError(f"{path}: is a run already; resume it, or replace it by force")
    if is_held(path / "events.jsonl"):
        raise _Busy(path)
