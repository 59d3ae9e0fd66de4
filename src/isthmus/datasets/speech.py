"""Clean speech and noises for mixing: items of two rows, cut from reels of recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from isthmus.datasets.base import Array, Items
from isthmus.datasets.own import Parts, each_file
from isthmus.errors import DataError
from isthmus.media import sound
from isthmus.recipe import Speech

_REEL = 10
"""Recordings in a row on one reel, cut without regard to where one ends; they stay on one side of a split."""


def read_speech(spec: Speech) -> Parts:
    """Speech at each of the recipe's speeds, beside noises; what is kept apart is the test part."""
    root = Path(spec.path)
    if not root.is_dir():
        raise DataError(f"{spec.path}: no such folder")
    voices, voice_names, notes = _recordings(root, spec.speech, spec)
    noises, noise_names, more = _recordings(root, spec.noise, spec)
    known = {Path(n).with_suffix("").name for n in (*voice_names, *noise_names)}
    absent = sorted(set(spec.apart) - known)
    if absent:
        # One's own recordings under the shipped recipe: nothing of the list can leak from them.
        more = (
            *more,
            f"{len(absent)} recordings of data.apart are not here, the first: {absent[0]}",
        )
    parts: list[tuple[Items, Array] | None] = []
    for apart in (False, True):
        said = [v for v, n in zip(voices, voice_names, strict=True) if _apart(n, spec) == apart]
        heard = [v for v, n in zip(noises, noise_names, strict=True) if _apart(n, spec) == apart]
        if not said and not heard and apart:
            parts.append(None)
            continue
        if not said or not heard:
            what = "speech" if not said else "noise"
            where = "is kept apart" if apart else "is left to train on"
            raise DataError(f"{spec.path}: no {what} {where} (data.apart)")
        parts.append(_paired(said, heard, spec, (1.0,) if apart else spec.speeds))
    train, test = parts
    assert train is not None
    return Parts(
        train[0], None if test is None else test[0], notes=(*notes, *more), groups=train[1]
    )


def _apart(name: str, spec: Speech) -> bool:
    return Path(name).with_suffix("").name in spec.apart


def _recordings(
    root: Path, folders: tuple[str, ...], spec: Speech
) -> tuple[list[Array], list[str], tuple[str, ...]]:
    """Every recording of the folders as int16 samples at the recipe's rate, and its name."""
    files = [path for folder in folders for path in sound.find(root / folder)]
    if not files:
        raise DataError(f"{spec.path}: holds no recordings in {', '.join(folders)}")
    read, kept, notes = each_file(files, lambda path: _sixteen(sound.read(path, spec.sample_rate)))
    return read, [str(path.relative_to(root)) for path in kept], notes


def _sixteen(samples: Array) -> Array:
    made: Array = np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)
    return made


def _paired(
    voices: list[Array], noises: list[Array], spec: Speech, speeds: tuple[float, ...]
) -> tuple[Items, Array]:
    """Pieces (N, 2, samples) of one and a half windows, and the reel of each."""
    size = spec.window * 3 // 2
    rng = np.random.default_rng(0)
    mixed = rng.permutation(len(voices))
    reels = [mixed[i : i + _REEL] for i in range(0, len(mixed), _REEL)]
    pieces, groups = [], []
    for speed in speeds:
        for number, reel in enumerate(reels):
            cut = _cut(np.concatenate([_sped(voices[i], speed) for i in reel]), size)
            pieces.append(cut)
            groups += [number] * len(cut)
    speech = np.concatenate(pieces)
    behind = np.concatenate([_cut(_sped(n, speed), size) for n in noises for speed in speeds])
    order = np.resize(rng.permutation(len(behind)), len(speech))
    values = np.empty((len(speech), 2, size), np.int16)
    values[:, 0] = speech
    for row, index in enumerate(order):
        values[row, 1] = behind[index]
    return Items(values), np.array(groups)


def _sped(samples: Array, speed: float) -> Array:
    """As a tape at another speed: shorter and higher, or longer and lower."""
    if speed == 1:
        return samples
    return _sixteen(sound.resampled(samples.astype(np.float32) / 32768, speed, 1.0))


def _cut(samples: Array, size: int) -> Array:
    """(pieces, size); what is shorter than a piece is repeated to fill one."""
    if len(samples) < size:
        return np.resize(samples, (1, size))
    return samples[: len(samples) // size * size].reshape(-1, size)
