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


@torch.no_grad()
def start_at_materials(model: Autoencoder, items: Resident, generator: torch.Generator) -> None:
    """Put the purest spectra of the data into the straight decoder of a simplex code (VCA)."""
    spec = model.bottleneck.spec
    if getattr(spec, "kind", "") != "simplex" or spec.start != "vca":
        return
    layers = model.decoder.weighted()
    if len(layers) != 1 or not isinstance(layers[0], nn.Linear) or model.decoder.line is not None:
        return
    count = min(len(items), _MOST_ITEMS)
    index = torch.randperm(len(items), generator=generator, device=generator.device)[:count]
    pure = purest(items.gather(index).flatten(1), spec.size, generator)
    layers[0].weight.copy_(pure.t())
    layers[0].bias.zero_()


def purest(spectra: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Vertex component analysis (Nascimento & Dias 2005): (N, bands) -> ``count`` of the rows.

    In the space of the first components every pixel is projected onto one plane (its scale is light,
    not material); the corners of the simplex found there are pixels of one material.
    """
    values = spectra.double()
    count = min(count, len(values), values.shape[1])
    vectors = torch.linalg.svd(values.t() @ values / len(values))[0][:, :count]
    flat = values @ vectors
    middle = flat.mean(0)
    plane = flat / (flat @ middle).clamp_min(1e-12)[:, None]
    found = torch.zeros(count, count, dtype=torch.double)
    found[-1, 0] = 1
    chosen: list[int] = []
    for index in range(count):
        way = torch.randn(count, generator=generator, dtype=torch.double, device=generator.device)
        away = way.cpu() - found @ torch.linalg.pinv(found) @ way.cpu()
        away = away / away.norm().clamp_min(1e-12)
        best = int((plane.cpu() @ away).abs().argmax())
        found[:, index] = plane[best].cpu()
        chosen.append(best)
    return spectra[chosen]


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
