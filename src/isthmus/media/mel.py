"""Sound as a small picture: log-mel spectrograms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_FLOOR_DB = -80.0


def log_mel(pieces: Array, sample_rate: int, bands: int = 32, hop: float = 0.016) -> Array:
    """Pieces (N, samples) in -1..1 -> (N, bands, frames) in 0..1, high notes in the first row.

    Frames of two hops under a Hann window; triangles even on the mel scale (Stevens, Volkmann & Newman
    1937) from 60 Hz to half the sample rate; 0 is -80 dB, 1 is a full-scale sine.
    """
    step = max(round(hop * sample_rate), 1)
    size = 2 * step
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    wide = np.pad(pieces, ((0, 0), (step // 2, size)))
    count = -(-pieces.shape[1] // step)
    filters = mel_filters(sample_rate, size, bands)
    made = np.empty((len(pieces), bands, count), np.float32)
    for frame in range(count):
        part = wide[:, frame * step : frame * step + size] * window
        power = np.square(np.abs(np.fft.rfft(part)) / (window.sum() / 2))
        made[:, :, frame] = power @ filters.T
    decibels = 10 * np.log10(np.maximum(made, 1e-12))
    scaled: Array = np.clip(1 - decibels[:, ::-1] / _FLOOR_DB, 0, 1)
    return scaled


def timbre(spectrograms: Array) -> Array:
    """Log-mel spectrograms (N, bands, frames) -> (N, 2 x bands): what sounds, whatever it says.

    For each band, from low to high: its mean over time, then its spread over time. When something was
    said is gone; the voice, the instrument, the machine remain.
    """
    rising = spectrograms[:, ::-1]
    made: Array = np.concatenate([rising.mean(2), rising.std(2)], 1).astype(np.float32)
    return made


def timbre_names(sample_rate: int, bands: int) -> tuple[str, ...]:
    """What the numbers of ``timbre`` are called, by the middle of their band in hertz."""
    middles = _hertz(np.linspace(_mel(60.0), _mel(sample_rate / 2), bands + 2))[1:-1]
    named = [f"{hertz:.0f} Hz" for hertz in middles]
    return (*(f"level {n}" for n in named), *(f"movement {n}" for n in named))


def mel_filters(sample_rate: int, size: int, bands: int, low: float = 60.0) -> Array:
    """Triangular filters (bands, size // 2 + 1), each with its peak at 1."""
    edges = _hertz(np.linspace(_mel(low), _mel(sample_rate / 2), bands + 2))
    places = np.arange(size // 2 + 1) * sample_rate / size
    # A filter narrower than a bin still hears the bin it lies in.
    width = sample_rate / size
    up = (places - edges[:-2, None]) / np.maximum(np.diff(edges)[:-1, None], width)
    down = (edges[2:, None] - places) / np.maximum(np.diff(edges)[1:, None], width)
    made: Array = np.clip(np.minimum(up, down), 0, 1).astype(np.float32)
    return made


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


def _hertz(mel: Array) -> Array:
    made: Array = 700 * (10 ** (mel / 2595) - 1)
    return made
