"""The training loop: a generator of events, readable from top to bottom."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from isthmus.autoencoder import Autoencoder
from isthmus.datasets.base import Dataset
from isthmus.errors import DataError, RunError, TrainingError
from isthmus.files import replacing
from isthmus.recipe import Recipe
from isthmus.tasks import Task, build_task
from isthmus.training import events as E
from isthmus.training.batches import Resident, order
from isthmus.training.checkpoint import Checkpoint, first_difference
from isthmus.training.engine import Engine, taken_up
from isthmus.training.evaluate import Evaluation, evaluate
from isthmus.training.linear_start import start_at_materials, start_at_pca
from isthmus.training.revival import revive
from isthmus.training.schedule import learning_rate
from isthmus.training.state import State, Tensors, clone
from isthmus.training.step import Stepper
from isthmus.training.trial import choose_engine

_SECONDS_BETWEEN_EVENTS = 0.3
_SNAPSHOT_ITEMS = 16
_MOST_VALIDATION = 10_000


@dataclass
class Control:
    """How another thread or a signal handler speaks to a running training."""

    stopping: bool = False
    paused: bool = False
    """While true there is a ``progress`` event after every step (after the first a checkpoint too):
    who pauses sets it and ceases to iterate; iterating on meanwhile makes single steps."""
    rested: float = 0.0
    """Seconds that whoever iterates kept the training waiting; they do not count as training."""

    def stop(self) -> None:
        """Finish the current step, keep everything, end."""
        self.stopping = True


class Trainer:
    """One training of one recipe on one data set. Iterate ``run()``; the result is ``model``."""

    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset,
        folder: Path | None = None,
        checkpoint: Checkpoint | None = None,
        start: Tensors | None = None,
    ) -> None:
        self.recipe = recipe
        self.dataset = dataset
        self.folder = folder
        self.control = Control()
        self.task: Task = build_task(recipe.task)
        self.model = Autoencoder.from_recipe(recipe, dataset.shape)
        self.started_from = start is not None
        self.notes = list(dataset.notes)
        if start is not None:
            self._start_from(start)
        kept, held = dataset.train.split(
            recipe.data.validation, recipe.training.seed, 1, dataset.groups
        )
        if len(kept) < 2:
            raise DataError(
                f"{dataset.name}: {len(dataset.train)} item(s) leave {len(kept)} to train on; "
                "an autoencoder needs at least 2"
            )
        self.items = Resident(dataset.train.take(kept), dataset.scaling, "cpu", dataset.window)
        self.held = Resident(
            dataset.train.take(held[:_MOST_VALIDATION]), dataset.scaling, "cpu", dataset.window
        )
        self.engine = self._engine(checkpoint)
        self._to_device()
        self.model.train()
        self.state = State.begin(self.model, recipe.training, self.engine.device)
        self.resumed = checkpoint is not None
        if checkpoint is not None:
            self._restore(checkpoint)
        self.steps_per_epoch = math.ceil(
            len(self.items) / (recipe.training.batch_size * recipe.training.accumulate)
        )
        self.steps = self.steps_per_epoch * recipe.training.epochs
        self.last_good: Tensors = {}

    def _start_from(self, start: Tensors) -> None:
        fault = first_difference(self.model, start)
        if fault:
            raise RunError(f"the weights to start from do not fit this recipe: {fault}")
        self.model.load_state_dict(start)
        count = revive(self.model, torch.Generator().manual_seed(self.recipe.training.seed))
        if count:
            self.notes.append(f"{count} channels that had died were drawn anew")

    def run(self) -> Iterator[E.Event]:
        """Train to the end, saying what happens. Raises TrainingError after a ``failed`` event."""
        with self.engine.session():
            yield from self._run()

    def _run(self) -> Iterator[E.Event]:
        recipe, state = self.recipe, self.state
        self.began = time.perf_counter() - state.seconds
        self.resting = False
        if not self.resumed and not self.started_from:
            start_at_pca(self.model, self.items, state.generator)
            start_at_materials(self.model, self.items, state.generator)
        if recipe.training.ema > 0 and not self.resumed:
            state.average = clone(self.model)
        self.last_good = clone(self.model)
        yield self._started()
        stepper = Stepper(self.model, self.task, recipe, self.engine, state)
        if not self.resumed:
            yield from self._look(epoch=0)
        self.last_checkpoint = time.perf_counter()
        reason = "completed"
        while state.epoch < recipe.training.epochs and reason == "completed":
            reason = yield from self._epoch(stepper)
            if reason == "completed":
                state.epoch, state.batch = state.epoch + 1, 0
                yield from self._look(state.epoch)
                if (
                    recipe.training.patience
                    and state.epochs_without_gain >= recipe.training.patience
                ):
                    reason = "patience"
                elif self._due() or self._pauses():
                    yield self._checkpoint_event()
        if reason == "stopped":
            yield self._checkpoint_event()
        final = state.kept(recipe.training.patience)
        self.model.load_state_dict(final)
        self.model.use_generator(None)
        self.model.eval()
        last = self._evaluation()
        yield E.Finished(self._now(), state.epoch, state.step, reason, last.metrics if last else {})

    def _epoch(self, stepper: Stepper) -> Generator[E.Event, None, str]:
        """The rest of the current epoch; returns why it ended."""
        recipe, state = self.recipe, self.state
        group = recipe.training.batch_size * recipe.training.accumulate
        shuffled = order(len(self.items), recipe.training.seed, state.epoch)
        shuffled = shuffled.to(self.items.values.device)
        told, told_step = time.perf_counter(), state.step
        while state.batch < self.steps_per_epoch:
            index = shuffled[state.batch * group : (state.batch + 1) * group]
            progress = self._progress()
            rate = learning_rate(recipe.training, progress)
            stepper.step(self.items, index, rate, progress)
            state.step += 1
            state.batch += 1
            now = time.perf_counter()
            state.seconds = now - self.began - self.control.rested
            last = state.batch == self.steps_per_epoch
            if last or self.control.paused or now - told >= _SECONDS_BETWEEN_EVENTS:
                yield self._progress_event(
                    stepper, rate, (state.step - told_step) * group / (now - told)
                )
                told, told_step = time.perf_counter(), state.step
            if self.control.stopping:
                return "stopped"
            if self._progress() >= 1 and not last:
                return "budget"
            if not last and (self._due() or self._pauses()):
                yield self._checkpoint_event()
        if self._progress() >= 1 and state.step < self.steps:
            # The time is up exactly at an epoch's end: look at it as at any other.
            state.epoch, state.batch = state.epoch + 1, 0
            yield from self._look(state.epoch)
            return "budget"
        return "completed"

    def _progress_event(self, stepper: Stepper, rate: float, speed: float) -> E.Event:
        loss, cost = stepper.means()
        state = self.state
        if not (math.isfinite(loss) and math.isfinite(cost)):
            self._fail(loss, cost)
        weights = clone(self.model)
        if all(bool(torch.isfinite(v).all()) for v in weights.values() if v.is_floating_point()):
            self.last_good = weights
        progress = self._progress()
        left = state.seconds * (1 - progress) / max(progress, 1e-9)
        epoch = state.epoch + state.batch / self.steps_per_epoch
        return E.Progress(
            self._now(), round(epoch, 4), state.step, self.steps, loss, cost, rate, speed, left
        )

    def _fail(self, loss: float, cost: float) -> None:
        """Put the last good weights back and say what happened."""
        what = "loss" if not math.isfinite(loss) else "code's cost"
        self.model.load_state_dict(self.last_good)
        self.model.use_generator(None)
        self.model.eval()
        raise TrainingError(
            f"the {what} became {loss if what == 'loss' else cost} by step {self.state.step} "
            f"(epoch {self.state.epoch + 1}); the last good weights are kept. Try "
            f"--set training.learning_rate={self.recipe.training.learning_rate / 3:.2g} "
            "or --set training.clip=1"
        )

    def _look(self, epoch: int) -> Iterator[E.Event]:
        """Evaluate on held-out items, keep the best, take a picture if it is time for one."""
        state = self.state
        # What is judged and shown is what would be kept: the average if there is one.
        raw = clone(self.model) if state.average else None
        if raw is not None:
            self.model.load_state_dict(state.average)
        seen = self._evaluation()
        if seen is not None:
            yield E.Evaluated(
                self._now(), epoch, state.step, "validation", seen.metrics, seen.diagnostics
            )
            if self.recipe.training.patience:
                self._keep_best(seen)
        if self.folder is not None and self.engine.rank == 0 and epoch in self._picture_epochs():
            yield E.Snapshot(self._now(), epoch, state.step, self._picture(epoch))
        if raw is not None:
            self.model.load_state_dict(raw)

    def _keep_best(self, seen: Evaluation) -> None:
        state = self.state
        numbers = math.prod(self.dataset.shape)
        judged = (
            seen.metrics["loss"] + self.model.bottleneck.weight * seen.metrics["cost"] / numbers
        )
        if judged < state.best_loss:
            state.best_loss, state.best, state.epochs_without_gain = judged, clone(self.model), 0
        else:
            state.epochs_without_gain += 1

    def _evaluation(self) -> Evaluation | None:
        if not len(self.held):
            return None
        return evaluate(self.model, self.task, self.recipe, self.held, self.dataset.modality)

    def _picture_epochs(self) -> set[int]:
        """Few at the end, many at the start, where most changes."""
        count, epochs = self.recipe.training.snapshots, self.recipe.training.epochs
        if count == 0:
            return set()
        return {0} | {round(e) for e in np.geomspace(1, epochs, max(count - 1, 1))} | {epochs}

    @torch.no_grad()
    def _picture(self, epoch: int) -> str:
        """Pass the fixed items through the model and write what comes out."""
        assert self.folder is not None
        source = self.held if len(self.held) >= _SNAPSHOT_ITEMS else self.items
        clean = next(source.slices(_SNAPSHOT_ITEMS))
        pair = self.task.pair(
            clean, torch.Generator(clean.device).manual_seed(self.recipe.training.seed)
        )
        self.model.eval()
        output = self.task.rendered(self.model(pair.input), pair.input)
        self.model.train()
        first = self.folder / "snapshots" / "items.npz"
        if not first.exists():
            _write_arrays(first, input=self.task.shown(pair.input), target=pair.target)
        name = f"snapshots/{epoch:06d}.npz"
        _write_arrays(self.folder / name, output=output)
        return name

    def _checkpoint_event(self) -> E.Event:
        """Said before it is written: whoever keeps the events writes the checkpoint with them."""
        self.last_checkpoint = time.perf_counter()
        return E.Checkpointed(self._now(), self.state.epoch, self.state.step)

    def _due(self) -> bool:
        minutes = (time.perf_counter() - self.last_checkpoint) / 60
        return self.folder is not None and minutes >= self.recipe.training.checkpoint_minutes

    def _pauses(self) -> bool:
        """Whether a pause has just begun: then what was learnt is kept."""
        begins = self.control.paused and not self.resting
        self.resting = self.control.paused
        return begins

    def _progress(self) -> float:
        """How much of the training is done: steps, or minutes if those run out first."""
        done = self.state.step / self.steps
        if self.recipe.training.minutes is not None:
            done = max(done, self.state.seconds / (60 * self.recipe.training.minutes))
        return min(done, 1.0)

    def _now(self) -> float:
        return round(time.perf_counter() - self.began - self.control.rested, 3)

    def _started(self) -> E.Event:
        plan = self.model.plan
        return E.Started(
            self._now(), self.recipe.name, self.recipe.hash, list(plan.item), list(plan.bottleneck.code),
            plan.parameters, len(self.items), len(self.held), len(self.dataset.test),
            self.recipe.training.epochs, self.steps, self.engine.to_json(),
            [*plan.warnings, *self.notes], self.state.step,
        )  # fmt: skip

    def _engine(self, checkpoint: Checkpoint | None) -> Engine:
        if checkpoint is not None:
            return taken_up(checkpoint.engine)
        return choose_engine(self.model, self.task, self.recipe, self.items)

    def _to_device(self) -> None:
        device = self.engine.device
        self.model.to(device)
        if self.engine.channels_last:
            self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.items.values = self.items.values.to(device)
        self.held.values = self.held.values.to(device)

    def _restore(self, checkpoint: Checkpoint) -> None:
        if checkpoint.recipe_hash != self.recipe.hash:
            raise RunError(
                f"the checkpoint is of recipe {checkpoint.recipe_hash}, not {self.recipe.hash}; "
                "a training goes on only with the recipe it began with"
            )
        weights = {
            n.removeprefix("model."): v
            for n, v in checkpoint.tensors.items()
            if n.startswith("model.")
        }
        fault = first_difference(self.model, weights)
        if fault:
            raise RunError(f"the checkpoint does not fit the recipe: {fault}")
        try:
            self.state.restore(checkpoint.tensors, checkpoint.numbers)
        except (KeyError, RuntimeError, ValueError) as error:
            raise RunError(f"the checkpoint cannot be taken up: {error}") from None


def _write_arrays(path: Path, **tensors: Tensor) -> None:
    """Half floats are plenty for pictures to look at."""
    arrays = {name: value.cpu().numpy().astype(np.float16) for name, value in tensors.items()}
    with replacing(path) as temporary:
        np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]
