"""Log-mel spectrograms against what a tone must look like."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.media import mel


@pytest.mark.parametrize("hertz", [200.0, 1000.0, 3000.0])
def test_a_tone_lies_in_its_row(hertz: float) -> None:
    wave = np.sin(2 * np.pi * hertz * np.arange(4096) / 8000).astype(np.float32)[None]
    made = mel.log_mel(wave, 8000, 32)
    assert made.shape == (1, 32, 32)
    rows = made[0, :, 4:-4].argmax(0)
    filters = mel.mel_filters(8000, 256, 32)
    wanted = 31 - filters[:, round(hertz * 256 / 8000)].argmax()
    assert (np.abs(rows - wanted) <= 1).all()
    assert made.max() == pytest.approx(1.0, abs=0.05)


def test_half_as_loud_is_six_decibels_and_silence_is_nothing() -> None:
    wave = 0.5 * np.sin(np.arange(4096)).astype(np.float32)[None]
    loud, soft = mel.log_mel(wave, 8000), mel.log_mel(wave / 2, 8000)
    row = loud[0, :, 10].argmax()
    assert (loud - soft)[0, row, 10] * 80 == pytest.approx(6.02, abs=0.05)
    assert not mel.log_mel(np.zeros((1, 4096), np.float32), 8000).any()


def test_timbre_is_the_same_whenever_a_sound_comes() -> None:
    rng = np.random.default_rng(0)
    pieces = rng.random((3, 32, 20), dtype=np.float32)
    mixed = pieces[:, :, rng.permutation(20)]
    made = mel.timbre(pieces)
    assert made.shape == (3, 64)
    np.testing.assert_allclose(mel.timbre(mixed), made, atol=1e-6)
    assert made[0, 0] == pytest.approx(float(pieces[0, -1].mean()), abs=1e-6), "low bands first"
    names = mel.timbre_names(8000, 32)
    assert len(names) == 64
    assert names[0].startswith("level ")
    assert names[-1].startswith("movement ")
