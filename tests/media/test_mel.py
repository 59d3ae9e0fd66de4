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
