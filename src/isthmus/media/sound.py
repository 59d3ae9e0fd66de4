"""Sound files in and out: any format of libsndfile, in blocks, with their tags and sample format."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import DataError
from isthmus.media.carried import carry

Array = NDArray[Any]

SUFFIXES = (
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".caf",
    ".w64", ".rf64",
)  # fmt: skip
BLOCK = 1 << 16
"""Samples of a channel that are read at once."""
_PIECE = 1024

_FORMATS = {
    ".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG", ".oga": "OGG", ".opus": "OGG", ".mp3": "MP3",
    ".aif": "AIFF", ".aiff": "AIFF", ".aifc": "AIFF", ".au": "AU", ".caf": "CAF", ".w64": "W64",
    ".rf64": "RF64",
}  # fmt: skip
WRITABLE = tuple(_FORMATS)
_LOSSY = {"VORBIS", "OPUS", "MPEG_LAYER_III"}
_LARGEST_WAV = 4_000_000_000
# What a sample format without a twin in the new container becomes: as fine or finer.
_FINE = {"DOUBLE": "PCM_24", "FLOAT": "PCM_24", "PCM_32": "PCM_24", "PCM_24": "PCM_24"}


def find(folder: Path) -> list[Path]:
    """Every recording under a folder, in a stable order."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())


def is_sound(path: Path) -> bool:
    """Whether a file is a recording, by its first bytes; by its name where they say nothing."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        head = b""
    if head[:4] in {b"fLaC", b"OggS", b"RF64", b"caff", b".snd", b"riff"} or head[:3] == b"ID3":
        return True
    if head[:4] == b"RIFF":
        return head[8:12] == b"WAVE"
    if head[:4] == b"FORM":
        return head[8:12] in {b"AIFF", b"AIFC"}
    if head[:2] in {b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa"}:
        return True
    pictures = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*", b"BM")
    return path.suffix.lower() in SUFFIXES and not head.startswith(pictures)


def read(path: Path, sample_rate: int) -> NDArray[np.float32]:
    """A recording as samples (N,) in -1..1 at ``sample_rate`` hertz, channels averaged. Raises DataError."""
    with Source(path) as source:
        parts = [block.mean(1).astype(np.float32) for block in source.blocks()]
        rate = source.rate
    mono = np.concatenate(parts)
    if not np.isfinite(mono).all():
        raise DataError(f"{path}: holds samples that are not numbers")
    return resampled(mono, rate, sample_rate).astype(np.float32)


def resampled(samples: Array, rate: float, wanted: float) -> Array:
    """Samples (N,) or (N, channels) at another rate: the same time, ``round(N x wanted / rate)`` of them."""
    if rate == wanted:
        return samples
    import soxr

    made: Array = soxr.resample(samples, rate, wanted)
    return made


class Source:
    """A recording opened for reading: what it is, and its samples block by block. Raises DataError.

    ``rate`` in hertz, ``channels``, ``frames`` (samples of each channel, as the file says),
    ``subtype`` (its sample format, as libsndfile names it), ``tags``. ``notes`` says what a person
    should know after it was read: that it is cut short, that it was recorded too loudly.
    """

    def __init__(self, path: Path) -> None:
        import soundfile

        self.path = path
        self.notes: list[str] = []
        if path.is_file() and path.stat().st_size == 0:
            raise DataError(f"{path}: is empty (0 bytes)")
        try:
            self.file = soundfile.SoundFile(os.fspath(path))
        except (OSError, RuntimeError, TypeError) as error:
            raise DataError(f"{path}: cannot be read as sound ({_cause(error)})") from None
        self.rate, self.channels = self.file.samplerate, self.file.channels
        self.frames, self.subtype, self.format = (
            self.file.frames, self.file.subtype, self.file.format,
        )  # fmt: skip
        self.tags: dict[str, str] = self.file.copy_metadata()
        promised = _promised(path)
        if promised is not None and promised > self.frames:
            self._short(self.frames, promised)
        if not self.frames:
            self.file.close()
            raise DataError(f"{path}: holds no sound (0 samples)")

    def blocks(self, size: int = BLOCK) -> Iterator[Array]:
        """All samples, (n, channels) float64 in -1..1 each. A damaged end is left out and noted."""
        done = clipped = 0
        while len(block := self._next(done, size)):
            done += len(block)
            clipped += int((np.abs(block) >= 0.9999).sum())
            yield block
        if done < self.frames:
            self._short(done, self.frames)
        if clipped > 1e-3 * done * self.channels:
            self.notes.append(
                f"{clipped / (done * self.channels):.1%} of the samples are at full scale: clipped"
            )

    def _next(self, done: int, size: int) -> Array:
        """The block after ``done`` samples; of a damaged one what comes before the damage."""
        try:
            return self.file.read(size, dtype="float64", always_2d=True)  # type: ignore[no-any-return]
        except (OSError, RuntimeError) as error:
            whole = self._rest(done)
            if not done and not len(whole):
                raise DataError(f"{self.path}: is damaged ({_cause(error)})") from None
            return whole

    def _rest(self, done: int) -> Array:
        """What lies between ``done`` samples and damage: decoders lose the whole block that holds it."""
        import soundfile

        parts, at = [np.zeros((0, self.channels))], 0
        with suppress(OSError, RuntimeError), soundfile.SoundFile(os.fspath(self.path)) as again:
            while len(part := again.read(_PIECE, dtype="float64", always_2d=True)):
                at += len(part)
                if at > done:
                    parts.append(part[max(len(part) - (at - done), 0) :])
        return np.concatenate(parts)

    def _short(self, held: int, promised: int) -> None:
        """Remember that there is less than the file says."""
        if not any("cut short" in note for note in self.notes):
            self.notes.append(
                f"is cut short: holds {held / self.rate:.2f} of {promised / self.rate:.2f} s"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


class Sink:
    """A recording opened for writing, as its ``source`` was: rate, channels, sample format, tags.

    The suffix of ``path`` chooses the container; a sample format it cannot hold becomes one that is
    as fine. Raises DataError if the container cannot hold such sound at all.
    """

    def __init__(self, path: Path, source: Source) -> None:
        import soundfile

        container, subtype = _kind(path.suffix.lower(), source)
        more: dict[str, Any] = {}
        if subtype in _LOSSY:
            more["compression_level"] = 0.15  # 0 is best: what was heard through is not to be lost
        try:
            self.file = soundfile.SoundFile(
                os.fspath(path), "w", source.rate, source.channels, subtype,
                format=container, **more,
            )  # fmt: skip
        except (OSError, RuntimeError, ValueError, TypeError) as error:
            raise DataError(
                f"{source.path}: {source.channels} channel(s) of {source.rate} Hz cannot be written "
                f"as {path.suffix} ({_cause(error)})"
            ) from None
        self.path, self.source = path, source
        try:
            for name, value in source.tags.items():
                setattr(self.file, name, value)
        except RuntimeError:
            if not container == source.format == "MP3":
                source.notes.append(f"its tags cannot be kept in {path.suffix}")

    def write(self, block: Array) -> None:
        """Samples (n, channels); beyond full scale they are clipped where the format has no room."""
        self.file.write(block)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.file.close()
        if kind is None:
            carry(self.source.path, self.path)


def through(
    source: Source,
    sink: Sink,
    push: Callable[[Array], Array],
    flush: Callable[[], Array],
    progress: Callable[[float], None],
    size: int = BLOCK,
) -> None:
    """Every block of ``source`` through ``push``, and the rest by ``flush``, to ``sink``."""
    done = 0
    for block in source.blocks(size):
        sink.write(push(block))
        done += len(block)
        progress(min(done / source.frames, 1.0))
    sink.write(flush())


def _kind(suffix: str, source: Source) -> tuple[str, str]:
    """Container and sample format for a name."""
    import soundfile

    container = _FORMATS[suffix]
    if container == "WAV":
        if source.format in {"WAV", "WAVEX", "RF64"}:
            container = source.format
        if source.frames * source.channels * 4 > _LARGEST_WAV:
            container = "RF64"
    if container == "OGG":
        opus = suffix == ".opus" or source.subtype == "OPUS"
        return container, "OPUS" if opus else "VORBIS"
    if soundfile.check_format(container, source.subtype):
        return container, source.subtype
    fine = _FINE.get(source.subtype, "PCM_16")
    usual = soundfile.default_subtype(container)
    return container, fine if soundfile.check_format(container, fine) else usual


def _promised(path: Path) -> int | None:
    """Samples of each channel that a plain WAV file says it holds, which libsndfile corrects silently."""
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return None
        align = 0
        while len(chunk := file.read(8)) == 8:
            name, size = chunk[:4], int.from_bytes(chunk[4:], "little")
            if name == b"data":
                # Streams are written with a size of nearly nothing or everything.
                return size // align if align and 0 < size < 0x7FFFFFFF else None
            held = file.read(size + size % 2)
            if (
                name == b"fmt "
                and len(held) >= 14
                and held[:2] in {b"\x01\0", b"\x03\0", b"\xfe\xff"}
            ):
                align = int.from_bytes(held[12:14], "little")
    return None


def _cause(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    said = text[-1] if text else type(error).__name__
    return said.split(": ")[-1].rstrip(".")
