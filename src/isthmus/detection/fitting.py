"""Training the ensemble: every member on its own half of the rows, all of them in one batched step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from isthmus.detection.net import Ensemble, Layout, denoised, hidden_surprise
from isthmus.recipe import Detect
from isthmus.tasks.detect import noise_levels

Told = Callable[[int, float], None]

_WARMUP = 0.1
_AVERAGED = 0.98


@dataclass(frozen=True)
class Fitted:
    """A trained ensemble. ``seen`` (members, N): which member learnt from which row."""

    net: Ensemble
    seen: Tensor
    losses: tuple[float, ...]


def fit(
    values: Tensor, given: Tensor, layout: Layout, spec: Detect, seed: int, told: Told | None = None
) -> Fitted:
    """Train on rows (N, inputs). ``told(step, loss)`` hears of progress every twentieth step.

    Steps alternate: take noise of a level drawn for each row off all numbers (Vincent et al. 2008;
    K-DSM 2026), or say what randomly hidden columns hold, with a variance or shares (masked cells,
    Yin et al. 2024). The mean of the last weights is kept.
    """
    generator = torch.Generator().manual_seed(seed)
    rows, inputs = values.shape
    half = max(2, rows // 2) if spec.members > 1 else rows
    own = torch.stack(
        [torch.randperm(rows, generator=generator)[:half] for _ in range(spec.members)]
    )
    seen = torch.zeros(spec.members, rows, dtype=torch.bool).scatter_(1, own, True)
    net = Ensemble(spec.members, inputs, spec.width, spec.blocks, generator)
    parameters: list[Tensor] = list(net.parameters())
    first, second = ([torch.zeros_like(p) for p in parameters] for _ in range(2))
    taken = [torch.zeros(()) for _ in parameters]
    mean = [p.detach().clone() for p in parameters]
    member = torch.arange(spec.members)[:, None]
    batch = min(spec.batch_size, half)
    losses: list[float] = []
    for step in range(spec.steps):
        drawn = own[member, torch.randint(0, half, (spec.members, batch), generator=generator)]
        x, known = values[drawn], given[drawn]
        lost = (_noise if step % 2 == 0 else _hiding)(net, x, known, layout, generator)
        gradients = torch.autograd.grad(lost, parameters)
        with torch.no_grad():
            # The function, not the class: torch's optimizers import its compiler, 80 MB and a second.
            adamw(
                parameters, list(gradients), first, second, [], taken, fused=True, amsgrad=False,
                beta1=0.9, beta2=0.99, lr=spec.learning_rate * _pace(step / spec.steps),
                weight_decay=0.01, eps=1e-8, maximize=False,
            )  # fmt: skip
            for kept, now in zip(mean, parameters, strict=True):
                kept.lerp_(now, 1 - _AVERAGED)
        if step % 20 == 0 or step == spec.steps - 1:
            losses.append(float(lost.detach()) / spec.members)
            if told is not None:
                told(step + 1, losses[-1])
    with torch.no_grad():
        for now, kept in zip(parameters, mean, strict=True):
            now.copy_(kept)
    net.requires_grad_(False)
    return Fitted(net.eval(), seen, tuple(losses))


def _pace(share: float) -> float:
    """A short rise, then half a cosine down."""
    if share < _WARMUP:
        return share / _WARMUP + 0.01
    return 0.5 * (1 + math.cos(math.pi * (share - _WARMUP) / (1 - _WARMUP))) + 1e-3


def _noise(
    net: Ensemble, x: Tensor, known: Tensor, layout: Layout, generator: torch.Generator
) -> Tensor:
    """Squared error of the noise that was found, on one scale for all levels of noise."""
    sigma = noise_levels((*x.shape[:-1], 1), generator)
    noisy = x + sigma * torch.randn(x.shape, generator=generator)
    found = denoised(net, noisy, known, sigma)
    error = (found - x).square() * (1 + sigma.square()) / sigma.square() * known
    return (error.sum(-1) / known.sum(-1).clamp_min(1)).mean(1).sum()


def _hiding(
    net: Ensemble, x: Tensor, known: Tensor, layout: Layout, generator: torch.Generator
) -> Tensor:
    """Surprise at what hidden columns hold; the share of hidden columns is drawn for each row."""
    share = torch.rand(*x.shape[:-1], 1, generator=generator)
    columns = torch.rand(*x.shape[:-1], layout.columns, generator=generator) >= share
    shown = layout.spread(columns.to(x.dtype))
    nats = hidden_surprise(net, x, shown * known, layout)
    asked = (1 - shown) * known
    return ((nats * asked).sum(-1) / asked.sum(-1).clamp_min(1)).mean(1).sum()
