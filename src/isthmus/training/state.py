"""All that changes while training, so that it can be written down and taken up again exactly."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from isthmus.autoencoder import Autoencoder
from isthmus.recipe import Training
from isthmus.training.muon import Muon

Tensors = dict[str, Tensor]


@dataclass
class State:
    """Weights, optimisers, moving average, best weights so far, randomness, and where we are.

    ``batch`` counts the steps of the current epoch, so a training can go on in its middle.
    """

    model: Autoencoder
    optimizer: torch.optim.Optimizer
    critic: torch.optim.Optimizer | None
    generator: torch.Generator
    average: Tensors = field(default_factory=dict)
    best: Tensors = field(default_factory=dict)
    best_loss: float = float("inf")
    epochs_without_gain: int = 0
    step: int = 0
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0

    @classmethod
    def begin(cls, model: Autoencoder, training: Training, device: str) -> State:
        """A fresh state; the noise generator is seeded from the recipe's seed."""
        own = model.bottleneck.critic_parameters()
        apart = {id(p) for p in own}
        shared = [p for p in model.parameters() if id(p) not in apart]
        generator = torch.Generator(device).manual_seed(training.seed)
        model.use_generator(generator)
        critic_rate = getattr(model.bottleneck.spec, "critic_learning_rate", training.learning_rate)
        state = cls(
            model,
            make_optimizer(shared, training, hidden_weights(model)),
            torch.optim.AdamW(own, lr=critic_rate, betas=(0.5, 0.999), weight_decay=0.0, fused=True)
            if own
            else None,
            generator,
        )
        if training.ema > 0:
            state.average = clone(model)
        return state

    def follow(self, decay: float) -> None:
        """Move the average a little towards the weights; young averages forget faster."""
        if not self.average:
            return
        decay = min(decay, (1 + self.step) / (10 + self.step))
        weights = self.model.state_dict()
        names = [n for n, v in self.average.items() if v.is_floating_point()]
        torch._foreach_lerp_(
            [self.average[n] for n in names], [weights[n] for n in names], 1 - decay
        )
        for name in self.average.keys() - set(names):
            self.average[name].copy_(weights[name])

    def kept(self, patience: int) -> Tensors:
        """The weights that are the result now: the best, the average, or the last."""
        if patience and self.best:
            return self.best
        return self.average or self.model.state_dict()

    def tensors(self) -> Tensors:
        """Everything as named tensors."""
        out = {f"model.{n}": v for n, v in self.model.state_dict().items()}
        out |= {f"average.{n}": v for n, v in self.average.items()}
        out |= {f"best.{n}": v for n, v in self.best.items()}
        out |= _optimizer_tensors("optimizer", self.optimizer)
        if self.critic is not None:
            out |= _optimizer_tensors("critic", self.critic)
        out["generator"] = self.generator.get_state()
        return out

    def numbers(self) -> dict[str, Any]:
        """Everything that is not a tensor."""
        names = ("best_loss", "epochs_without_gain", "step", "epoch", "batch", "seconds")
        return {name: getattr(self, name) for name in names}

    def restore(self, tensors: Tensors, numbers: dict[str, Any]) -> None:
        """The inverse of ``tensors`` and ``numbers``. Raises KeyError or RuntimeError if they do not fit."""
        self.model.load_state_dict(under("model", tensors))
        self.average = under("average", tensors)
        self.best = under("best", tensors)
        _restore_optimizer("optimizer", self.optimizer, tensors)
        if self.critic is not None:
            _restore_optimizer("critic", self.critic, tensors)
        self.generator.set_state(tensors["generator"])
        for name, value in numbers.items():
            setattr(self, name, value)


def hidden_weights(model: Autoencoder) -> set[int]:
    """The ids of the weights between the first and the last layer: what Muon is for."""
    weights = [
        m.weight for net in (model.encoder, model.decoder) for m in net.modules() if _weighted(m)
    ]
    return {id(w) for w in weights[1:-1]}


def _weighted(module: torch.nn.Module) -> bool:
    weight = getattr(module, "weight", None)
    return isinstance(weight, torch.nn.Parameter) and weight.dim() > 1


def make_optimizer(
    parameters: list[torch.nn.Parameter], training: Training, hidden: Container[int] = ()
) -> torch.optim.Optimizer:
    """The recipe's optimiser in torch's fused form, which makes one pass over the weights."""
    if training.optimizer == "muon":
        return Muon(
            [p for p in parameters if id(p) in hidden],
            [p for p in parameters if id(p) not in hidden],
            training.learning_rate,
            training.weight_decay,
        )
    if training.optimizer == "sgd":
        return torch.optim.SGD(
            parameters,
            training.learning_rate,
            0.9,
            weight_decay=training.weight_decay,
            nesterov=True,
            fused=True,
        )
    return torch.optim.AdamW(
        parameters,
        training.learning_rate,
        (0.9, training.beta2),
        weight_decay=training.weight_decay,
        fused=True,
    )


def clone(model: torch.nn.Module) -> Tensors:
    """A copy of a model's weights and buffers."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def under(prefix: str, tensors: Tensors) -> Tensors:
    """The tensors named ``prefix.…``, without the prefix."""
    return {
        n.removeprefix(f"{prefix}."): v for n, v in tensors.items() if n.startswith(f"{prefix}.")
    }


def _optimizer_tensors(prefix: str, optimizer: torch.optim.Optimizer) -> Tensors:
    state = optimizer.state_dict()["state"]
    return {
        f"{prefix}.{index}.{name}": value
        for index, entry in state.items()
        for name, value in entry.items()
        if isinstance(value, Tensor)
    }


def _restore_optimizer(prefix: str, optimizer: torch.optim.Optimizer, tensors: Tensors) -> None:
    tree = optimizer.state_dict()
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in under(prefix, tensors).items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": tree["param_groups"]})
