"""Lightness as old photographs have it, made on batches of colour pictures (N, 3, H, W)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus import lab
from isthmus.tasks.noise import coin, normal, uniform


def aged(x: Tensor, generator: torch.Generator) -> Tensor:
    """sRGB (N, 3, H, W) to L* (N, 1, H, W) of an old print: each fault on a share of the pictures."""
    light = _printed(lab.lightness(_exposed(x, generator)) / 100, generator)
    light = torch.where(coin(len(x), 0.4, generator), _soft(light, generator), light)
    light = torch.where(coin(len(x), 0.3, generator), light + _stains(light, generator), light)
    grain = light + _grain(light, generator)
    light = torch.where(coin(len(x), 0.7, generator), grain, light)
    light = torch.where(coin(len(x), 0.3, generator), _scratched(light, generator), light)
    return 100 * light.clamp(0, 1)


def _exposed(x: Tensor, generator: torch.Generator) -> Tensor:
    """Luminance on the film: half of them hardly see red, or have a taste of their own."""
    count = len(x)
    taste = torch.rand(count, 3, 1, 1, generator=generator, device=x.device)
    taste = taste * x.new_tensor((0.7, 1.2, 1.0)).view(1, 3, 1, 1) + 0.02
    taste = taste / taste.sum(1, keepdim=True)
    usual = x.new_tensor(lab.LUMINANCE).view(1, 3, 1, 1)
    weights = torch.where(coin(count, 0.5, generator), taste, usual)
    return (lab.to_linear(x) * weights).sum(1, keepdim=True)


def _printed(light: Tensor, generator: torch.Generator) -> Tensor:
    """Another tone curve, blacks and whites faded."""
    count = len(light)
    power = torch.exp(uniform(count, -0.5, 0.5, generator))
    black, white = uniform(count, 0.0, 0.35, generator), uniform(count, 0.65, 1.0, generator)
    faded = black + (white - black) * light.clamp(1e-4, 1) ** power
    return torch.where(coin(count, 0.7, generator), faded, light)


def _soft(light: Tensor, generator: torch.Generator) -> Tensor:
    """Out of focus, by once or twice a 3x3 mean."""
    once = F.avg_pool2d(F.pad(light, (1, 1, 1, 1), mode="replicate"), 3, 1)
    twice = F.avg_pool2d(F.pad(once, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return torch.where(coin(len(light), 0.5, generator), once, twice)


def _stains(light: Tensor, generator: torch.Generator) -> Tensor:
    """Slow changes over the picture."""
    count, _, height, width = light.shape
    coarse = torch.randn(count, 1, 4, 4, generator=generator, device=light.device)
    spread = F.interpolate(coarse, (height, width), mode="bicubic")
    return spread * uniform(count, 0.02, 0.12, generator)


def _grain(light: Tensor, generator: torch.Generator) -> Tensor:
    """Noise as fine as the pixels, or coarser."""
    fine = normal(light, generator)
    coarse = 2 * F.avg_pool2d(F.pad(normal(light, generator), (1, 0, 1, 0), mode="replicate"), 2, 1)
    made = torch.where(coin(len(light), 0.5, generator), fine, coarse)
    return made * 10 ** uniform(len(light), -2.3, -1.2, generator)


def _scratched(light: Tensor, generator: torch.Generator) -> Tensor:
    """Up to five thin lines nearly along the height, and specks, bright or dark."""
    count, _, height, width = light.shape
    rows = torch.arange(height, device=light.device).view(1, 1, height, 1)
    columns = torch.arange(width, device=light.device).view(1, 1, 1, width)
    marks = torch.rand(light.shape, generator=generator, device=light.device) < 0.0015
    marks = F.max_pool2d(marks.float(), 3, 1, 1) > 0
    for _ in range(5):
        start, lean = uniform(count, 0, width, generator), uniform(count, -0.2, 0.2, generator)
        line = (columns - start - lean * rows).abs() < uniform(count, 0.3, 1.0, generator)
        marks = marks | (line & coin(count, 0.5, generator))
    return torch.where(marks, torch.where(coin(count, 0.6, generator), 0.95, 0.05), light)
