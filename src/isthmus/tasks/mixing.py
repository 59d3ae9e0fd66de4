"""Speech and noise as recordings mix them, made on batches (N, samples) with values in -1..1."""

from __future__ import annotations

import math

import torch
from torch import Tensor

ECHO_SECONDS = 0.5
_EARLY_SECONDS = 0.05
_ROOMS = 96


def uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """(count, 1) numbers between ``low`` and ``high``."""
    draws = torch.rand(count, 1, generator=generator, device=generator.device)
    return low + (high - low) * draws


def coin(count: int, share: float, generator: torch.Generator) -> Tensor:
    """(count, 1) booleans, true for about ``share`` of them."""
    return uniform(count, 0, 1, generator) < share


def level(x: Tensor) -> Tensor:
    """Root mean square of the parts of each row that are not pauses: (N, samples) -> (N, 1).

    Pieces of 20 ms within 30 dB of the loudest count (after ITU-T P.56, simplified).
    """
    size = min(320, x.shape[1])
    whole = x.shape[1] // size * size
    power = x[:, :whole].reshape(len(x), -1, size).square().mean(2)
    loud = power > power.max(1, keepdim=True).values * 1e-3
    mean = (power * loud).sum(1, keepdim=True) / loud.sum(1, keepdim=True).clamp_min(1)
    return mean.sqrt()


def rooms(rate: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Impulse responses of made-up rooms: whole (rooms, taps), and their first 50 ms.

    The voice itself, a dozen first echoes, then noise that decays by 60 dB in 0.15 to 0.8 s, high
    notes sooner (Polack's model, 1988).
    """
    taps = round(ECHO_SECONDS * rate)
    times = torch.arange(taps, device=generator.device) / rate
    decay = uniform(_ROOMS, 0.15, 0.8, generator)
    tail = torch.randn(_ROOMS, taps, generator=generator, device=generator.device)
    dull = tail.roll(1, 1) + 2 * tail + tail.roll(-1, 1)
    tail = torch.where(times < 0.08, tail, dull / 2.45)
    start = uniform(_ROOMS, 0.004, 0.02, generator)
    tail = tail * torch.exp(-6.9 * times / decay) * (times > start)
    ratio = 10 ** (uniform(_ROOMS, -2, 14, generator) / 20)  # direct to reverberant
    tail = tail / tail.square().sum(1, keepdim=True).sqrt() / ratio
    echoes = torch.randint(
        1, max(round(0.03 * rate), 2), (_ROOMS, 12), generator=generator, device=generator.device
    )
    sizes = torch.randn(_ROOMS, 12, generator=generator, device=generator.device)
    first = torch.zeros(_ROOMS, taps, device=generator.device)
    first.scatter_add_(1, echoes, sizes * 0.25 / ratio)
    whole = tail + first
    whole[:, 0] = 1.0
    return whole, whole * (times < _EARLY_SECONDS)


def colours(count: int, bins: int, rate: int, generator: torch.Generator) -> Tensor:
    """Gains (count, bins) of random tone controls: a tilt, and a hill or a dip."""
    hertz = torch.linspace(0, rate / 2, bins, device=generator.device).clamp_min(20)
    octaves = torch.log2(hertz / 1000)
    tilt = uniform(count, -2, 2, generator) * octaves.clamp(-5, 4)
    centre = uniform(count, -4, 2.8, generator)
    height = uniform(count, -8, 8, generator)
    hill = height * torch.exp(-((octaves - centre) ** 2) / 2)
    decibels = torch.where(coin(count, 0.7, generator), tilt + hill, 0.0)
    return 10 ** (decibels.clamp(-15, 15) / 20)


def limits(count: int, bins: int, rate: int, share: float, generator: torch.Generator) -> Tensor:
    """Gains (count, bins) that take away what lies above 3.4 to 6 kHz, for ``share`` of the rows."""
    hertz = torch.linspace(0, rate / 2, bins, device=generator.device)
    edges = torch.tensor([3400.0, 4000.0, 5000.0, 6000.0], device=generator.device)
    chosen = torch.randint(4, (count, 1), generator=generator, device=generator.device)
    slope = torch.sigmoid((edges[chosen] - hertz) / 60)
    return torch.where(coin(count, share, generator), slope, 1.0)


def computed(count: int, samples: int, rate: int, generator: torch.Generator) -> Tensor:
    """Noise that no one recorded: coloured by a random curve, with hum of the mains and clicks."""
    white = torch.randn(count, samples, generator=generator, device=generator.device)
    spectrum = torch.fft.rfft(white)
    hertz = torch.linspace(0, rate / 2, spectrum.shape[1], device=generator.device).clamp_min(20)
    slope = uniform(count, -2.0, 0.3, generator)  # of power, as 1/f^2 to slightly blue
    noise = torch.fft.irfft(spectrum * (hertz / 1000) ** (slope / 2), samples)
    # Slow swelling, as wind and traffic have it.
    times = torch.arange(samples, device=generator.device) / rate
    pace = uniform(count, 0.2, 4, generator)
    phase = uniform(count, 0, 2 * math.pi, generator)
    depth = uniform(count, 0, 0.8, generator)
    noise = noise * (1 + depth * torch.sin(2 * math.pi * pace * times + phase))
    noise = noise / level(noise).clamp_min(1e-6)
    mains = torch.where(coin(count, 0.5, generator), 50.0, 60.0)
    hum = torch.zeros_like(noise)
    for harmonic in (1, 2, 3, 4, 5, 7):
        size = uniform(count, 0, 1, generator) / harmonic**0.5
        hum = hum + size * torch.sin(2 * math.pi * mains * harmonic * times + phase * harmonic)
    noise = torch.where(coin(count, 0.4, generator), noise * 0.3 + hum, noise)
    rare = torch.rand(count, samples, generator=generator, device=generator.device) < 8 / rate
    clicks = rare * torch.randn(count, samples, generator=generator, device=generator.device) * 20
    return torch.where(coin(count, 0.25, generator), noise + clicks, noise)


def babble(speech: Tensor, generator: torch.Generator) -> Tensor:
    """Four to seven voices of the batch at once, none of them a row's own where there are enough."""
    count = len(speech)
    even = speech / level(speech).clamp_min(1e-4)
    made = torch.zeros_like(speech)
    voices = 4 + int(torch.randint(4, (), generator=generator, device=generator.device))
    for voice in range(voices):
        moved = int(torch.randint(speech.shape[1], (), generator=generator, device=speech.device))
        made = made + even.roll(1 + voice % max(count - 1, 1), 0).roll(moved, 1)
    together: Tensor = made / voices**0.5
    return together
