"""Before and after for the ear: spectrograms, waveforms and players in step, in one page."""

from __future__ import annotations

import base64
from array import array
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus import page as html
from isthmus.files import write_text

Array = NDArray[Any]
_SECONDS = 60.0
_WIDTH, _HEIGHT, _WAVE = 1200, 220, 60
_FLOOR, _CEILING = -95.0, -25.0
# Magma of matplotlib (van der Walt & Smith 2015) at nine points: even steps of lightness.
_MAGMA = np.array(
    [
        (0, 0, 4), (28, 16, 68), (79, 18, 123), (129, 37, 129), (181, 54, 122),
        (229, 80, 100), (251, 135, 97), (254, 194, 135), (252, 253, 191),
    ],
    np.float64,
)  # fmt: skip


@dataclass(frozen=True)
class Take:
    """One version of a recording: what it is called, how it looks, and what it sounds like."""

    name: str
    spectrogram: str
    wave: str
    sound: str


@dataclass(frozen=True)
class Recording:
    """One input: its name, what is said of it, seconds that are shown, and its versions."""

    name: str
    text: str
    seconds: float
    top: float
    takes: list[Take]


class Heard:
    """Listens to a cleaning: levels of all of it, and if it ``keeps``, its first minute.

    ``note`` takes the samples that go in and those that come out, which may lag behind.
    """

    def __init__(self, rate: int, channels: int, noise_only: bool, keeps: bool) -> None:
        self.rate, self.noise_only = rate, noise_only
        self.waiting = np.zeros((0, channels))
        self.short = np.zeros((0, 2))
        self.size = max(rate // 50, 1)
        # One growing piece of memory: many small ones between large blocks would scatter them.
        self.levels = array("f")
        self.left = round(_SECONDS * rate) if keeps else 0
        self.held: list[Array] = []

    def note(self, block: Array | None, made: Array) -> Array:
        """Remember, and give ``made`` back."""
        if block is not None:
            self.waiting = np.concatenate([self.waiting, block])
        before, self.waiting = self.waiting[: len(made)], self.waiting[len(made) :]
        after = before - made if self.noise_only else made
        pair = np.stack([before.mean(1), after.mean(1)], 1)
        if self.left:
            self.held.append(pair[: self.left].astype(np.float32))
            self.left -= len(self.held[-1])
        whole = np.concatenate([self.short, pair])
        count = len(whole) // self.size
        frames = whole[: count * self.size].reshape(count, self.size, 2)
        self.short = whole[count * self.size :]
        removed = np.square(frames[..., 0] - frames[..., 1]).mean(1)
        told = np.column_stack([np.square(frames).mean(1), removed])
        self.levels.frombytes(told.astype(np.float32).tobytes())
        return made

    def figures(self) -> dict[str, Any]:
        """``snr`` in dB: what was kept above what was taken away, an estimate of the input's.

        ``lowered`` in dB: by how much the quietest fifth of the recording became quieter. None
        where there is nothing to compare.
        """
        levels = np.array(self.levels, np.float64).reshape(-1, 3)
        before, after, removed = levels[levels[:, 0] > 1e-14].reshape(-1, 3).T
        snr = lowered = None
        if len(before):
            quiet = before <= np.quantile(before, 0.2)
            change = 10 * np.log10(np.maximum(after[quiet], 1e-16) / before[quiet])
            lowered = round(float(-np.median(change)), 1) + 0.0
            if removed.sum() > 1e-7 * before.sum():
                snr = round(float(10 * np.log10(max(after.sum(), 1e-16) / removed.sum())), 1)
        return {
            "seconds": round(len(levels) * self.size / self.rate, 2),
            "snr": snr,
            "lowered": lowered,
        }

    def shown(self, name: str, text: str) -> Recording:
        """The kept minute as a page shows it."""
        pair = np.concatenate(self.held)
        seconds = len(pair) / self.rate
        takes = {"before": pair[:, 0], "after": pair[:, 1], "taken away": pair[:, 0] - pair[:, 1]}
        if len(pair) + 1 < len(self.levels) // 3 * self.size:
            text = f"{text}; the first {seconds:.0f} s"
        top = min(self.rate / 2, 12_000)
        return Recording(
            name, text, round(seconds, 3), top / 1000,
            [
                Take(n, html.png_uri(spectrogram(x, self.rate, top)), waveform(x), _encoded(x, self.rate))
                for n, x in takes.items()
            ],
        )  # fmt: skip


def write(path: Path, title: str, recordings: list[Recording]) -> None:
    """The page: one file, no network."""
    write_text(
        path,
        html.render(
            "listen.html",
            [html.text("listen.css")],
            [html.text("listen.js")],
            title=title,
            recordings=recordings,
        ),
    )


def spectrogram(samples: Array, rate: int, top: float) -> Array:
    """Samples (N,) as a picture (H, W, 3) of uint8: time to the right, pitch upwards to ``top`` Hz, light is loud."""
    window = 2 ** round(np.log2(max(rate * 0.032, 16)))
    padded = np.pad(samples, (window // 2, window))
    count = min(_WIDTH, max(len(samples) // 64, 1))
    starts = np.linspace(0, max(len(samples) - 1, 0), count).astype(int)
    taper = np.hanning(window + 1)[:-1]
    bins = max(round(top / rate * window), 2)
    power = np.empty((bins, count))
    for column, start in enumerate(starts):
        spectrum = np.fft.rfft(padded[start : start + window] * taper)[:bins]
        power[:, column] = np.square(np.abs(spectrum) / (taper.sum() / 2))
    decibels = 10 * np.log10(np.maximum(power, 1e-12))
    rows = np.linspace(bins - 1, 0, _HEIGHT)
    sized = np.stack([np.interp(rows, np.arange(bins), c) for c in decibels.T], 1)
    light = np.clip((sized - _FLOOR) / (_CEILING - _FLOOR), 0, 1) * (len(_MAGMA) - 1)
    picture = np.stack(
        [np.interp(light, np.arange(len(_MAGMA)), _MAGMA[:, c]) for c in range(3)], 2
    )
    return picture.round().astype(np.uint8)


def waveform(samples: Array) -> str:
    """Samples (N,) as the path of a drawing 1200 x 60: highest and lowest value at each place."""
    columns = min(600, max(len(samples), 1))
    edges = np.linspace(0, len(samples), columns + 1).astype(int)
    parts = [samples[a : max(b, a + 1)] for a, b in zip(edges, edges[1:], strict=False)]
    across = np.linspace(0, _WIDTH, columns)

    def points(values: list[float]) -> list[str]:
        middle = _WAVE / 2
        return [f"{x:.0f} {middle * (1 - v):.1f}" for x, v in zip(across, values, strict=True)]

    upper = points([float(np.clip(p.max(), -1, 1)) for p in parts])
    lower = points([float(np.clip(p.min(), -1, 1)) for p in parts])
    return "M" + " L".join([*upper, *reversed(lower)]) + " Z"


def _encoded(samples: Array, rate: int) -> str:
    """MP3 as base64: what every browser decodes."""
    import soundfile

    from isthmus.media.sound import resampled

    usual = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
    wanted = next((r for r in usual if r >= rate), usual[-1])
    held = BytesIO()
    sound = np.clip(resampled(samples, rate, wanted), -1, 1)
    soundfile.write(held, sound, wanted, "MPEG_LAYER_III", format="MP3", compression_level=0.3)
    return base64.b64encode(held.getvalue()).decode()
