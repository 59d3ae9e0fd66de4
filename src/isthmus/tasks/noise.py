"""Noise as photographs have it, made on batches (N, 3, H, W) with values in 0..1."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus.media import images


def uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """(count, 1, 1, 1) numbers between ``low`` and ``high``."""
    draws = torch.rand(count, 1, 1, 1, generator=generator, device=generator.device)
    return low + (high - low) * draws


def coin(count: int, share: float, generator: torch.Generator) -> Tensor:
    """(count, 1, 1, 1) booleans, true for about ``share`` of them."""
    return uniform(count, 0, 1, generator) < share


def normal(like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers of the shape of ``like``."""
    return torch.randn(like.shape, generator=generator, device=like.device)


def camera(x: Tensor, generator: torch.Generator) -> Tensor:
    """What a small sensor makes of clean pictures.

    In linear light, shot noise grows with brightness and read noise does not (Foi et al. 2008); the
    colours of a Bayer pattern are interpolated, so noise spreads over neighbours; white balance
    amplifies red and blue; half of the cameras smooth; the tone curve lifts what is dark.
    """
    count = len(x)
    light = to_linear(x)
    shot = 10 ** uniform(count, -4.0, -1.8, generator)
    read = 10 ** uniform(count, -3.5, -1.8, generator)
    noise = normal(x, generator) * (shot * light + read.square()).sqrt()
    noise = _demosaicked(noise, generator)
    gains = 1 + 1.2 * torch.rand(count, 3, 1, 1, generator=generator, device=x.device)
    gains[:, 1] = 1
    smooth = coin(count, 0.5, generator)
    noise = torch.where(smooth, _blurred(noise, generator), noise * gains)
    return to_display((light + noise).clamp(0, 1))


def impulses(x: Tensor, generator: torch.Generator) -> Tensor:
    """Black and white dots on up to a tenth of the pixels, the same for all channels or not."""
    count, channels = x.shape[:2]
    share = uniform(count, 0.005, 0.1, generator)
    together = coin(count, 0.5, generator)
    draws = torch.rand(x.shape, generator=generator, device=x.device)
    draws = torch.where(together, draws[:, :1].expand(-1, channels, -1, -1), draws)
    x = torch.where(draws < share / 2, 0.0, x)
    return torch.where(draws > 1 - share / 2, 1.0, x)


def coded(x: Tensor, chosen: Tensor, generator: torch.Generator) -> Tensor:
    """The ``chosen`` pictures (N,) through JPEG at qualities 55..97; the grid of blocks lies anywhere."""
    out = x.clone()
    draws = torch.rand(3, len(x), generator=generator, device=x.device).cpu()
    for index in torch.nonzero(chosen.reshape(-1)).reshape(-1).tolist():
        quality = 55 + int(draws[0, index] * 43)
        moves = (int(draws[1, index] * 8), int(draws[2, index] * 8))
        moved = torch.roll(x[index], moves, (1, 2)).clamp(0, 1)
        made = images.jpeg((moved * 255).round().to(torch.uint8).cpu().numpy(), quality)
        back = torch.roll(torch.from_numpy(made.copy()), (-moves[0], -moves[1]), (1, 2))
        out[index] = back.to(x.device).float() / 255
    return out


def to_linear(x: Tensor) -> Tensor:
    """sRGB values to linear light (IEC 61966-2-1)."""
    return torch.where(x <= 0.04045, x / 12.92, ((x.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4)


def to_display(x: Tensor) -> Tensor:
    """Linear light to sRGB values: the inverse of ``to_linear``."""
    bent = 1.055 * x.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(x <= 0.0031308, x * 12.92, bent)


def _demosaicked(noise: Tensor, generator: torch.Generator) -> Tensor:
    """Keep each pixel's Bayer colour and fill the others in between (bilinear), as cameras do."""
    height, width = noise.shape[2:]
    rows = torch.arange(height, device=noise.device)[:, None] % 2
    columns = torch.arange(width, device=noise.device)[None] % 2
    if torch.rand((), generator=generator, device=noise.device) < 0.5:
        rows = 1 - rows
    if torch.rand((), generator=generator, device=noise.device) < 0.5:
        columns = 1 - columns
    red, blue = (rows + columns == 0), (rows + columns == 2)
    masks = torch.stack([red, rows + columns == 1, blue]).to(noise.dtype)
    wide = noise.new_tensor([[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]])
    cross = noise.new_tensor([[0.0, 0.25, 0.0], [0.25, 1.0, 0.25], [0.0, 0.25, 0.0]])
    taps = torch.stack([wide, cross, wide])[:, None]
    return F.conv2d(F.pad(noise * masks, (1, 1, 1, 1), mode="reflect"), taps, groups=3)


def _blurred(noise: Tensor, generator: torch.Generator) -> Tensor:
    """Each picture's noise smoothed by a Gaussian of its own width, 0.4 to 1.2 pixels."""
    count, channels, height, width = noise.shape
    spread = uniform(count, 0.4, 1.2, generator).reshape(count, 1)
    line = torch.exp(-(torch.arange(-3, 4, device=noise.device)[None] ** 2) / (2 * spread**2))
    line = (line / line.sum(1, keepdim=True)).repeat_interleave(channels, 0)
    flat = F.pad(noise.reshape(1, count * channels, height, width), (3, 3, 3, 3), mode="reflect")
    flat = F.conv2d(flat, line[:, None, :, None], groups=count * channels)
    flat = F.conv2d(flat, line[:, None, None, :], groups=count * channels)
    return flat.reshape(noise.shape)
