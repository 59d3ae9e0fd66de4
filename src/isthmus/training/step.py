"""One step: a batch in, every weight moved a little."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from isthmus.autoencoder import Autoencoder
from isthmus.recipe import Recipe
from isthmus.tasks import Task
from isthmus.tasks.base import Pair
from isthmus.training.batches import Resident, augment
from isthmus.training.engine import Engine
from isthmus.training.state import State


class Stepper:
    """Owns what one step needs, so that the loop reads as a loop."""

    def __init__(
        self, model: Autoencoder, task: Task, recipe: Recipe, engine: Engine, state: State
    ) -> None:
        self.model = model
        self.task = task
        self.recipe = recipe
        self.engine = engine
        self.state = state
        self.numbers = math.prod(model.plan.item)
        self.objective: nn.Module = _Objective(model, task)
        self.trained = [p for group in state.optimizer.param_groups for p in group["params"]]
        if recipe.training.compile:
            self.objective = torch.compile(self.objective)  # type: ignore[assignment]
        if engine.world > 1:
            # A critic gets no gradient from the main loss, which torch must be told.
            self.objective = nn.parallel.DistributedDataParallel(
                self.objective, find_unused_parameters=state.critic is not None
            )
        self.sums = torch.zeros(2, device=engine.device)
        self.count = 0

    def step(self, items: Resident, index: Tensor, rate: float, progress: float) -> None:
        """Move the weights once, by the items at ``index`` (batch_size x accumulate of them)."""
        training, state = self.recipe.training, self.state
        self.model.set_progress(progress)
        state.optimizer.zero_grad(set_to_none=True)
        parts = torch.split(index, training.batch_size)
        for part in parts:
            batch = augment(items.gather(part), self.recipe.data, state.generator, progress)
            if self.engine.channels_last and batch.dim() == 4:
                batch = batch.contiguous(memory_format=torch.channels_last)
            pair, share = self._share(self.task.pair(batch, state.generator))
            share *= len(part) / len(index)
            with self.engine.precision():
                loss, cost, values = self.objective(pair.input, pair.target, pair.weight)
            total = loss + cost * (self.model.bottleneck.weight / self.numbers)
            (total * share if share != 1 else total).backward()
            self.sums += torch.stack((loss.detach(), cost.detach())) * share
            if state.critic is not None:
                self._critic_step(state.critic, values.detach())
        if training.clip:
            nn.utils.clip_grad_norm_(self.trained, training.clip)
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        state.optimizer.step()
        self.model.bottleneck.project(self.model.decoder)
        state.follow(training.ema)
        self.count += 1

    def means(self) -> tuple[float, float]:
        """Mean loss and cost since the last call. The only place that waits for the device."""
        loss, cost = (self.sums / max(self.count, 1)).tolist()
        self.sums.zero_()
        self.count = 0
        return loss, cost

    def _critic_step(self, critic: torch.optim.Optimizer, values: Tensor) -> None:
        critic.zero_grad(set_to_none=True)
        with self.engine.precision():
            loss = self.model.bottleneck.critic_loss(values)
        loss.backward()  # type: ignore[no-untyped-call]
        critic.step()

    def _share(self, pair: Pair) -> tuple[Pair, float]:
        """This process's part of a batch under ``torchrun``, and what its mean counts.

        Noise was drawn for the whole batch, so that the processes together see what one would.
        Gradients are averaged over processes: a larger part than the others' counts for more.
        """
        count, world = len(pair.input), self.engine.world
        if world == 1 or count < world:
            return pair, 1.0
        mine = slice(self.engine.rank, None, world)
        weight = None if pair.weight is None else pair.weight[mine]
        part = Pair(pair.input[mine], pair.target[mine], weight)
        return part, len(part.input) * world / count


class _Objective(nn.Module):
    """The task's objective as a module, which is what torch compiles and distributes."""

    def __init__(self, model: Autoencoder, task: Task) -> None:
        super().__init__()
        self.model = model
        self.task = task

    def forward(
        self, x: Tensor, target: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(loss, cost, code values)."""
        loss, cost, made = self.task.objective(self.model, Pair(x, target, weight))
        return loss, cost, made.code.values
