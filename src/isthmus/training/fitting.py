"""The two ways to train from Python: ``fit`` yields events, ``train`` returns the run."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Self

from isthmus.datasets import open_dataset
from isthmus.datasets.base import Dataset
from isthmus.errors import TrainingError
from isthmus.model import Model
from isthmus.recipe import Recipe
from isthmus.training import checkpoint as ck
from isthmus.training import events as E
from isthmus.training.engine import own_rank
from isthmus.training.loop import Control, Trainer
from isthmus.training.run import Run
from isthmus.training.writer import RunWriter, check_place


class Fit(Iterator[E.Event]):
    """A training as an iterator of events. Ceasing to iterate stops it; ``model`` is what it made.

    With ``folder`` everything is kept there as a run directory; without, nothing is written.
    """

    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset | None = None,
        folder: Path | None = None,
        resume: bool = False,
        force: bool = False,
        start: Model | None = None,
    ) -> None:
        dataset = dataset or open_dataset(recipe.data, recipe.training.seed)
        taken_up = None
        if folder is not None and resume and (folder / "checkpoint.safetensors").exists():
            taken_up = ck.load(folder / "checkpoint.safetensors")
        elif folder is not None and own_rank() == 0:
            # An earlier run stays until the new one can really begin.
            check_place(folder, force or resume)
        weights = None if start is None else start.autoencoder.state_dict()
        self.trainer = Trainer(recipe, dataset, folder, taken_up, weights)
        self.control: Control = self.trainer.control
        self.dataset = dataset
        self.folder = folder
        self._writer: RunWriter | None = None
        if folder is not None and self.trainer.engine.rank == 0:
            self._writer = RunWriter(folder, recipe, dataset, self.trainer.engine.to_json())
            self._writer.start(taken_up.events if taken_up else 0)
        self._events = self._run()

    def __next__(self) -> E.Event:
        return next(self._events)

    def close(self) -> None:
        """Stop where it is; what was checkpointed stays."""
        self._events.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def model(self) -> Model:
        """The model as it is now (after the last event: the result)."""
        from isthmus.training.writer import data_card

        return Model(self.trainer.recipe, self.trainer.model.to("cpu"), data_card(self.dataset))

    def _run(self) -> Generator[E.Event, None, None]:
        trainer, writer = self.trainer, self._writer
        try:
            for event in trainer.run():
                if writer is not None:
                    writer.keep(event, trainer.state)
                    if isinstance(event, E.Finished):
                        self._finish(writer, event)
                yield event
        except TrainingError as error:
            state = trainer.state
            failed = E.Failed(round(state.seconds, 3), state.epoch, state.step, str(error))
            if writer is not None:
                writer.weights(trainer.last_good)
                writer.keep(failed, state)
            yield failed
        finally:
            if writer is not None:
                writer.close()

    def _finish(self, writer: RunWriter, event: E.Finished) -> None:
        trainer = self.trainer
        writer.result(trainer.model, trainer.task, trainer.state.seconds)
        if event.reason != "stopped":
            writer.checkpoint.unlink(missing_ok=True)


def fit(
    recipe: Recipe,
    data: Dataset | None = None,
    output: str | Path | None = None,
    resume: bool = False,
    force: bool = False,
    start: Model | None = None,
) -> Fit:
    """Train ``recipe``; iterate the result for events, then read its ``model``.

    ``data`` replaces the recipe's own data set. With ``output`` the run is kept there, and
    ``resume`` goes on from its checkpoint and ``force`` replaces an earlier run. ``start``
    is a model whose weights the training begins with. Raises RecipeError, DataError, RunError.

    >>> fitting = fit(Recipe.load("digits"))
    >>> for event in fitting: print(event)
    >>> code = fitting.model.encode(images)
    """
    return Fit(recipe, data, None if output is None else Path(output), resume, force, start)


def train(
    recipe: Recipe,
    output: str | Path | None = None,
    data: Dataset | None = None,
    on_event: Callable[[E.Event], object] | None = None,
    resume: bool = False,
    force: bool = False,
    start: Model | None = None,
) -> Run:
    """Train to the end and return the run. ``output`` defaults to ``runs/NAME`` (then NAME-2, …).

    Raises TrainingError if the training fails; the last good weights are kept in the run.
    """
    folder = Path(output) if output is not None else free_folder(Path("runs"), recipe.name)
    with fit(recipe, data, folder, resume, force, start) as fitting:
        for event in fitting:
            if on_event is not None:
                on_event(event)
            if isinstance(event, E.Failed):
                raise TrainingError(event.reason)
    return Run(folder)


def free_folder(parent: Path, name: str) -> Path:
    """``parent/name``, or with the first number from 2 that is not taken."""
    folder = parent / name
    number = 2
    while folder.exists():
        folder = parent / f"{name}-{number}"
        number += 1
    return folder
