"""Start at the best linear code: principal components in the line, zeros in the network beside it.

The idea of the whole project in small: begin at what a closed form gives, and let the network add
what a straight line cannot say. Training then never has to find the linear part, and the error
starts at that of PCA with the same number of code numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from isthmus.autoencoder import Autoencoder
from isthmus.bottlenecks import simplex
from isthmus.training.batches import Resident

_MOST_ITEMS = 20_000
# Of all pixels, how many a pure spectrum is the mean of; and how often corners are exchanged.
_PURE_SHARE = 0.01
_ROUNDS = 20


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
    """Put the purest spectra of the data into the straight decoder of a simplex code."""
    bottleneck = model.bottleneck
    if not isinstance(bottleneck, simplex.Module) or not hasattr(bottleneck, "materials"):
        return
    count = min(len(items), _MOST_ITEMS)
    index = torch.randperm(len(items), generator=generator, device=generator.device)[:count]
    bottleneck.begin(
        model.decoder, purest(items.gather(index).flatten(1), bottleneck.spec.size, generator)
    )


def purest(spectra: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """(N, bands) -> ``count`` spectra of pure materials: the corners of the cloud of pixels.

    Vertex component analysis (Nascimento & Dias 2005) finds first corners in the space of the
    principal components; exchanging them one by one for pixels that span a larger simplex (N-FINDR:
    Winter 1999) makes them the same whatever the random directions were. A single pixel carries its
    noise, and a dark material hardly anything else: each corner becomes the mean of the pixels that
    hold most of it.
    """
    values = spectra.double()
    count = min(count, len(values), values.shape[1])
    mean = values.mean(0)
    axes = torch.linalg.eigh((values - mean).t() @ (values - mean))[1].flip(1)
    flat = ((values - mean) @ axes[:, : max(count - 1, 1)]).cpu()
    # One constant beside the components: mixtures with shares that sum to one stay mixtures.
    placed = torch.cat([flat, flat.norm(dim=1).amax().clamp_min(1e-12).expand(len(flat), 1)], 1)
    placed = placed[:, -count:]
    chosen = _largest_simplex(placed, _corners(placed, generator))
    shares = placed @ torch.linalg.pinv(placed[chosen])
    most = max(round(len(values) * _PURE_SHARE), 1)
    return torch.stack([spectra[pick].mean(0) for pick in shares.topk(most, dim=0).indices.t()])


def _corners(placed: Tensor, generator: torch.Generator) -> list[int]:
    """Pixels (N, k) that lie farthest along directions away from the corners found before."""
    count = placed.shape[1]
    found = torch.zeros(count, count, dtype=placed.dtype)
    found[-1, 0] = 1
    chosen: list[int] = []
    for index in range(count):
        way = torch.randn(count, generator=generator, dtype=placed.dtype, device=generator.device)
        away = way.cpu() - found @ torch.linalg.pinv(found) @ way.cpu()
        best = int((placed @ away).abs().argmax())
        found[:, index] = placed[best]
        chosen.append(best)
    return chosen


def _largest_simplex(placed: Tensor, chosen: list[int]) -> list[int]:
    """Exchange corners while that makes the simplex larger."""
    chosen = list(chosen)
    for _ in range(_ROUNDS):
        before = list(chosen)
        for index in range(len(chosen)):
            others = [c for i, c in enumerate(chosen) if i != index]
            # The volume is how far a pixel lies from the plane through the other corners.
            away = torch.linalg.qr(placed[others].t(), mode="complete")[0][:, -1]
            far = (placed @ away).abs()
            best = int(far.argmax())
            if far[best] > far[chosen[index]]:
                chosen[index] = best
        if chosen == before:
            break
    return chosen


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
