"""Sound files -> mono float32 samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import DataError

SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff")


def find(folder: Path) -> list[Path]:
    """Every recording under a folder, in a stable order."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())


def read(path: Path, sample_rate: int) -> NDArray[np.float32]:
    """A recording as samples (N,) in -1..1 at ``sample_rate`` hertz, channels averaged. Raises DataError."""
    import soundfile

    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, RuntimeError, TypeError) as error:
        raise DataError(f"{path}: cannot be read as sound ({str(error).splitlines()[0]})") from None
    mono: NDArray[Any] = samples.mean(1)
    if not np.isfinite(mono).all():
        raise DataError(f"{path}: holds samples that are not numbers")
    return resampled(mono, rate, sample_rate).astype(np.float32)


def resampled(samples: NDArray[Any], rate: float, wanted: float) -> NDArray[Any]:
    """Samples (N,) or (N, channels) at another rate: the same time, ``round(N x wanted / rate)`` of them."""
    if rate == wanted:
        return samples
    import soxr

    made: NDArray[Any] = soxr.resample(samples, rate, wanted)
    return made
