"""Recordings in and out: every format, to the sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests import sounds

from isthmus.errors import DataError
from isthmus.media import sound

EXACT = [
    (".wav", "PCM_U8", 11_025), (".wav", "PCM_16", 7_000), (".wav", "PCM_24", 48_000),
    (".wav", "PCM_32", 192_000), (".wav", "FLOAT", 96_000), (".wav", "DOUBLE", 8_000),
    (".flac", "PCM_24", 44_100), (".aiff", "PCM_16", 22_050), (".caf", "PCM_24", 44_100),
    (".au", "PCM_16", 8_000), (".w64", "PCM_16", 16_000),
]  # fmt: skip
CODED = [
    (".ogg", "VORBIS", 44_100), (".opus", "OPUS", 48_000), (".opus", "OPUS", 16_000),
    (".mp3", "MPEG_LAYER_III", 44_100), (".mp3", "MPEG_LAYER_III", 16_000),
]  # fmt: skip


def make(path: Path, subtype: str, rate: int, samples) -> Path:
    container = sound._FORMATS[path.suffix]
    with soundfile.SoundFile(path, "w", rate, samples.shape[1], subtype, format=container) as file:
        if path.suffix in {".wav", ".flac", ".ogg", ".opus"}:
            file.title, file.artist = "Ein Gespräch", "Anna"
        file.write(samples)
    return path


def copy(source: Path, target: Path, size: int = 1000) -> sound.Source:
    with sound.Source(source) as held, sound.Sink(target, held) as sink:
        none = np.zeros((0, held.channels))
        sound.through(held, sink, lambda block: block, lambda: none, lambda share: None, size)
    return held


@pytest.mark.parametrize(("suffix", "subtype", "rate"), EXACT)
@pytest.mark.parametrize("count", [1, 4321])
def test_exact_formats_come_back_to_the_bit(
    suffix: str, subtype: str, rate: int, count: int, tmp_path: Path
) -> None:
    first = make(tmp_path / f"a{suffix}", subtype, rate, sounds.voice(1, rate, 2)[:count])
    source = copy(first, tmp_path / f"b{suffix}")
    before, after = soundfile.SoundFile(first), soundfile.SoundFile(tmp_path / f"b{suffix}")
    assert (after.samplerate, after.channels, after.subtype, after.format) == (
        before.samplerate, before.channels, before.subtype, before.format,
    )  # fmt: skip
    assert after.copy_metadata() == before.copy_metadata()
    assert np.array_equal(before.read(dtype="float64"), after.read(dtype="float64"))
    assert source.notes == []


@pytest.mark.parametrize(("suffix", "subtype", "rate"), CODED)
@pytest.mark.parametrize("count", [1, 5000, 30_001])
def test_coded_formats_keep_length_and_place(
    suffix: str, subtype: str, rate: int, count: int, tmp_path: Path
) -> None:
    first = make(tmp_path / f"a{suffix}", subtype, rate, sounds.voice(4, rate, 1)[:count])
    copy(first, tmp_path / f"b{suffix}")
    before, after = (soundfile.read(tmp_path / f"{name}{suffix}")[0] for name in "ab")
    assert soundfile.info(tmp_path / f"b{suffix}").subtype == subtype
    assert len(after) == len(before) == count
    if count > 10_000:
        lags = range(-60, 61)
        alike = [np.dot(before[2000:-2000], after[2000 + lag : count - 2000 + lag]) for lag in lags]
        assert lags[int(np.argmax(alike))] == 0


def test_another_container_gets_a_format_as_fine(tmp_path: Path) -> None:
    for subtype, suffix, wanted in (
        ("FLOAT", ".flac", "PCM_24"), ("PCM_U8", ".flac", "PCM_16"), ("PCM_16", ".mp3", "MPEG_LAYER_III"),
        ("PCM_24", ".aiff", "PCM_24"), ("PCM_16", ".opus", "OPUS"), ("PCM_16", ".ogg", "VORBIS"),
    ):  # fmt: skip
        first = make(tmp_path / "a.wav", subtype, 48_000, sounds.voice(0.2, 48_000))
        copy(first, tmp_path / f"b{suffix}")
        assert soundfile.info(tmp_path / f"b{suffix}").subtype == wanted


def test_what_a_container_cannot_hold_is_named(tmp_path: Path) -> None:
    first = make(tmp_path / "a.wav", "PCM_16", 16_000, sounds.voice(0.2, 16_000, 12))
    with pytest.raises(
        DataError, match=r"a\.wav: 12 channel\(s\) of 16000 Hz cannot be written as"
    ):
        copy(first, tmp_path / "b.mp3")


def test_damage_is_named_or_noted(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("not a sound at all\n" * 9)
    make(tmp_path / "header.wav", "PCM_16", 16_000, np.zeros((0, 1)))
    for name, cause in (
        ("empty", "is empty"), ("text", "cannot be read as sound"), ("header", "holds no sound"), ("none", "cannot be read"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=f"{name}.wav: {cause}"):
            sound.Source(tmp_path / f"{name}.wav")
    whole = make(tmp_path / "whole.flac", "PCM_16", 16_000, sounds.voice(4, 16_000, 2))
    (tmp_path / "cut.flac").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    samples = soundfile.read(whole)[0]
    for size in (1000, sound.BLOCK):
        with sound.Source(tmp_path / "cut.flac") as source:
            held = np.concatenate(list(source.blocks(size)))
        assert 0.3 < len(held) / len(samples) < 0.7
        assert np.array_equal(held, samples[: len(held)])
        assert len(source.notes) == 1
        assert source.notes[0].startswith("is cut short: holds")
    plain = make(tmp_path / "plain.wav", "PCM_16", 16_000, sounds.voice(1, 16_000))
    (tmp_path / "cut.wav").write_bytes(plain.read_bytes()[:20_000])
    source = sound.Source(tmp_path / "cut.wav")
    assert source.notes == ["is cut short: holds 0.62 of 1.00 s"]


def test_clipped_recordings_are_noted(tmp_path: Path) -> None:
    loud = np.clip(sounds.voice(0.5, 16_000) * 20, -1, 1)
    source = copy(make(tmp_path / "a.wav", "PCM_16", 16_000, loud), tmp_path / "b.wav")
    assert "at full scale: clipped" in source.notes[0]


def test_sound_is_told_by_what_a_file_holds(tmp_path: Path) -> None:
    for suffix, subtype, rate in [*EXACT[1:], *CODED]:
        path = make(tmp_path / f"a{suffix}", subtype, rate, sounds.voice(0.1, rate))
        assert sound.is_sound(path.rename(tmp_path / "nameless")), suffix
    (tmp_path / "a.webp").write_bytes(b"RIFF\x10\0\0\0WEBPVP8 ")
    (tmp_path / "picture.wav").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "text.wav").write_text("words")
    assert not sound.is_sound(tmp_path / "a.webp")
    assert not sound.is_sound(tmp_path / "picture.wav")
    assert sound.is_sound(tmp_path / "text.wav")
    assert not sound.is_sound(tmp_path / "none.png")


def test_resampling_keeps_time() -> None:
    for rate in (7_000, 44_100, 192_000):
        x = sounds.voice(1, rate)[:, 0]
        there = sound.resampled(x, rate, 16_000)
        assert abs(len(there) - 16_000) <= 1
        expected = sounds.voice(1, 16_000)[:, 0]
        assert np.corrcoef(there[200:-200], expected[200 : len(there) - 200])[0, 1] > 0.9


def test_covers_and_markers_are_carried(tmp_path: Path) -> None:
    plain = make(tmp_path / "plain.mp3", "MPEG_LAYER_III", 44_100, sounds.voice(0.5, 44_100))
    text = b"\x03Ein Gespr\xc3\xa4ch"
    frame = b"TIT2" + len(text).to_bytes(4, "big") + b"\0\0" + text
    frame += b"APIC" + (30).to_bytes(4, "big") + b"\0\0" + b"\0image/png\0\x03\0" + bytes(17)
    size = bytes([0, 0, len(frame) >> 7, len(frame) & 127])
    block = b"ID3\x03\0\0" + size + frame
    (tmp_path / "a.mp3").write_bytes(block + plain.read_bytes())
    source = copy(tmp_path / "a.mp3", tmp_path / "b.mp3")
    assert (tmp_path / "b.mp3").read_bytes().startswith(block)
    assert len(soundfile.read(tmp_path / "b.mp3")[0]) == len(soundfile.read(plain)[0])
    assert source.notes == []

    path = make(tmp_path / "a.wav", "PCM_16", 16_000, sounds.voice(0.1, 16_000)[:999])
    cue = b"cue " + (28).to_bytes(4, "little") + bytes(28)
    bext = b"bext" + (5).to_bytes(4, "little") + b"notes\0"
    whole = path.read_bytes() + cue + bext
    path.write_bytes(whole[:4] + (len(whole) - 8).to_bytes(4, "little") + whole[8:])
    copy(path, tmp_path / "b.wav")
    held = (tmp_path / "b.wav").read_bytes()
    assert held.endswith(cue + bext)
    assert int.from_bytes(held[4:8], "little") == len(held) - 8
    assert np.array_equal(soundfile.read(path)[0], soundfile.read(tmp_path / "b.wav")[0])
    assert soundfile.SoundFile(tmp_path / "b.wav").title == "Ein Gespräch"
