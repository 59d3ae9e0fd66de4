"""Try the machine's options on copies of the real model, and keep what is faster and as good."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import nn

from isthmus.autoencoder import Autoencoder
from isthmus.recipe import Recipe
from isthmus.tasks import Task
from isthmus.training import machine
from isthmus.training.batches import Resident, order
from isthmus.training.engine import Engine, candidate_threads, first_choice, seconds_per_call
from isthmus.training.state import State
from isthmus.training.step import Stepper

_GUARD_STEPS = 50


def choose_engine(model: Autoencoder, task: Task, recipe: Recipe, items: Resident) -> Engine:
    """The engine this training runs best on. The model itself is not touched."""
    engine = first_choice(recipe.training)
    if engine.device != "cpu" or engine.world > 1:
        return engine
    threads = candidate_threads(recipe.training)
    options = [replace(engine, threads=n) for n in threads]
    if len(options) > 1:
        engine = min(options, key=lambda option: _speed(option, model, task, recipe, items))
    if engine.bfloat16 and not (_faster(model) and _as_good(engine, model, task, recipe, items)):
        engine = replace(engine, bfloat16=False)
    return engine


def _faster(model: Autoencoder) -> bool:
    """Whether bfloat16 is worth a try: what is known of convolutions; of the rest who asks knows."""
    convolves = any(isinstance(module, nn.Conv2d) for module in model.modules())
    return bool(machine.probe()["bfloat16"]) or not convolves


def _speed(
    engine: Engine, model: Autoencoder, task: Task, recipe: Recipe, items: Resident
) -> float:
    """Wall seconds of one step on a copy."""
    stepper = _copy(engine, model, task, recipe)
    index = order(len(items), recipe.training.seed, 0)[: recipe.training.batch_size]
    with engine.session():
        return seconds_per_call(lambda: stepper.step(items, index, 1e-6, 0.5))


def _as_good(
    engine: Engine, model: Autoencoder, task: Task, recipe: Recipe, items: Resident
) -> bool:
    """Whether bfloat16 learns as float32 does over a few steps: the guard of an opt-in."""
    losses = []
    size = recipe.training.batch_size
    for option in (replace(engine, bfloat16=False), engine):
        stepper = _copy(option, model, task, recipe)
        with option.session():
            for number in range(_GUARD_STEPS):
                index = order(len(items), recipe.training.seed, number)[:size]
                # From nothing to the whole rate: a cold start at the whole one is chance in any precision.
                rate = recipe.training.learning_rate * (number + 1) / _GUARD_STEPS
                stepper.step(items, index, rate, 0.5)
                if number == _GUARD_STEPS - 11:
                    stepper.means()
        losses.append(stepper.means()[0])
    return bool(losses[1] <= 1.03 * losses[0] + 1e-6)


def _copy(engine: Engine, model: Autoencoder, task: Task, recipe: Recipe) -> Stepper:
    twin = copy.deepcopy(model).train()
    if engine.channels_last:
        twin = twin.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    plain = recipe.replace(training=recipe.training.model_copy(update={"compile": False}))
    return Stepper(twin, task, plain, engine, State.begin(twin, recipe.training, engine.device))
