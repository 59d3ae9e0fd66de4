"""Figures of a model on items it did not train on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isthmus.autoencoder import Autoencoder
from isthmus.bottlenecks import Code
from isthmus.datasets.base import Array, Modality
from isthmus.recipe import Recipe
from isthmus.tasks import Task
from isthmus.training.batches import Resident

_BATCH = 512
_MOST_VALUES = 1 << 21
"""Of a batch of large items: seconds of sound would else need gigabytes."""
_MOST_DIAGNOSED = 10_000


@dataclass(frozen=True)
class Evaluation:
    """Means over the items, the bottleneck's diagnostics, and what each item got."""

    metrics: dict[str, float]
    diagnostics: dict[str, float]
    codes: Array
    """(N, *code) float32."""
    errors: Array
    """(N,) mean squared error of each item."""


@torch.no_grad()
def evaluate(
    model: Autoencoder, task: Task, recipe: Recipe, items: Resident, modality: Modality
) -> Evaluation:
    """Run all ``items`` through the model in evaluation mode; the noise of a task is always the same.

    Pictures are clipped to 0..1 before they are compared, as they would be when shown. ``psnr`` is
    that of the mean squared error over all items, for values of range 1.
    """
    training = model.training
    model.eval()
    generator = torch.Generator(items.values.device).manual_seed(recipe.training.seed)
    sums: dict[str, float] = {}
    codes: list[Code] = []
    errors: list[Tensor] = []
    numbers = math.prod(model.plan.item)
    size = _BATCH if numbers <= 1 << 15 else max(_MOST_VALUES // numbers, 1)
    for batch in items.slices(size):
        pair = task.pair(batch, generator)
        loss, cost, made = task.objective(model, pair)
        output = made.output.clamp(0, 1) if modality == "image" else made.output
        figures = task.metrics(output, pair.target)
        errors.append((output - pair.target).square().flatten(1).mean(1))
        for name, value in {"loss": loss, "cost": cost}.items():
            sums[name] = sums.get(name, 0.0) + float(value) * len(batch)
        for name, value in figures.items():
            sums[name] = sums.get(name, 0.0) + float(value.sum())
        codes.append(made.code)
    model.train(training)
    metrics = {name: total / len(items) for name, total in sums.items()}
    metrics["psnr"] = psnr(metrics["mse"])
    diagnosed = _join(codes, _MOST_DIAGNOSED)
    return Evaluation(
        metrics,
        model.bottleneck.diagnostics(diagnosed),
        torch.cat([c.values for c in codes]).float().cpu().numpy(),
        torch.cat(errors).cpu().numpy(),
    )


def psnr(mse: float) -> float:
    """Peak signal-to-noise ratio in dB of values of range 1; 100 for a perfect copy."""
    return 100.0 if mse <= 1e-10 else -10 * math.log10(mse)


def _join(codes: list[Code], most: int) -> Code:
    extras = {
        name: torch.cat([c.extras[name] for c in codes])[:most]
        for name in codes[0].extras
        if all(len(c.extras[name]) == len(c.values) for c in codes)
    }
    return Code(
        torch.cat([c.values for c in codes])[:most],
        torch.cat([c.cost for c in codes])[:most],
        extras,
    )


def pca_mse(train: Array, test: Array, numbers: int, modality: Modality) -> float | None:
    """The honest baseline: test error of as many principal components as the code has numbers.

    ``train`` and ``test`` are network inputs (N, *shape). None where it would say nothing (a code
    as large as the item or the training set) or cost more than the training (very wide items).
    """
    flat = train.reshape(len(train), -1)
    if numbers >= min(flat.shape) or flat.shape[1] > 4096 or not len(test):
        return None
    mean = flat.mean(0, dtype=np.float64)
    covariance = _covariance(flat, mean)
    _, vectors = np.linalg.eigh(covariance)
    basis = vectors[:, ::-1][:, :numbers]
    total = 0.0
    for start in range(0, len(test), 4096):
        part = test[start : start + 4096].reshape(-1, flat.shape[1]) - mean
        rebuilt = part @ basis @ basis.T
        if modality == "image":
            rebuilt = np.clip(rebuilt + mean, 0, 1) - mean
        total += float(np.square(rebuilt - part).sum())
    return total / test.size


def _covariance(flat: Array, mean: Array) -> Array:
    """(features, features) in float64, a block of rows at a time."""
    total = np.zeros((flat.shape[1], flat.shape[1]))
    for start in range(0, len(flat), 8192):
        part = flat[start : start + 8192] - mean
        total += part.T @ part
    return total / len(flat)
