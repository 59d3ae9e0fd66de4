"""Start at the best linear code: principal components in the line, zeros in the network beside it.

The idea of the whole project in small: begin at what a closed form gives, and let the network add
what a straight line cannot say. Training then never has to find the linear part, and the error
starts at that of PCA with the same number of code numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from isthmus.autoencoder import Autoencoder
from isthmus.training.batches import Resident

_MOST_ITEMS = 20_000


@torch.no_grad()
def start_at_pca(model: Autoencoder, items: Resident, generator: torch.Generator) -> None:
    """Fit the lines of a model that has them (``start = "pca"``); leave other models alone.

    The encoder's line whitens: code numbers start with mean 0 and spread 1. The decoder's line is
    its inverse. The last layers of the networks beside the lines are set to zero.
    """
    into, out = model.encoder.line, model.decoder.line
    if into is None and out is None:
        return
    mean, axes, spread, total = _principal(items, model.plan.bottleneck.numbers, generator)
    numbers = axes.shape[0]
    if into is not None:
        into.weight.zero_()
        into.bias.zero_()
        into.weight[:numbers] = axes / spread[:, None]
        into.bias[:numbers] = -(axes @ mean) / spread
        _zero(model.encoder.weighted()[-1])
        model.encoder.center.copy_(mean.view_as(model.encoder.center))
        model.encoder.spread.copy_(total)
    if out is not None:
        out.weight.zero_()
        out.bias.zero_()
        values = mean.numel()
        out.weight[:values, :numbers] = (axes * spread[:, None]).t() if into is not None else 0.0
        out.bias[:values] = mean
        _zero(model.decoder.weighted()[-1])


def _zero(layer: nn.Module) -> None:
    nn.init.zeros_(layer.weight)  # type: ignore[arg-type]
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]


def _principal(
    items: Resident, numbers: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Mean (F,), up to ``numbers`` principal axes (k, F), the spread along each (k,) and of a value ()."""
    count = min(len(items), _MOST_ITEMS)
    index = torch.randperm(len(items), generator=generator, device=generator.device)[:count]
    flat = items.gather(index).flatten(1).double()
    mean = flat.mean(0)
    values, vectors = torch.linalg.eigh((flat - mean).t() @ (flat - mean) / count)
    keep = min(numbers, flat.shape[1])
    axes = vectors.flip(1)[:, :keep].t()
    # Directions the data hardly uses are not blown up to spread 1: that would amplify noise.
    spread = values.flip(0)[:keep].clamp_min(0).sqrt().clamp_min(1e-3)
    total = (values.clamp_min(0).mean().sqrt()).clamp_min(1e-3)
    return mean.float(), axes.float().contiguous(), spread.float(), total.float()
