"""Sound in blocks is sound in one piece, at every rate, and nothing is lost, moved or delayed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import DataError, RunError
from isthmus.recipe import Recipe
from isthmus.tasks.streaming import Denoiser
from tests import sounds

RATES = (16_000, 48_000, 44_100, 8_000, 7_000, 192_000)


def clean(x, rate, size=0, **options):
    """All of ``x`` through a new denoiser in blocks of ``size``."""
    held = np.atleast_2d(x.T).T
    cleaner = Denoiser(sounds.model(), sounds.recipe(), rate, held.shape[1], **options)
    size = size or max(len(held), 1)
    made = [cleaner.push(held[i : i + size]) for i in range(0, len(held), size)]
    return np.concatenate([*made, cleaner.flush()])


@pytest.mark.parametrize("rate", RATES)
def test_blocks_give_what_the_whole_gives(rate: int) -> None:
    x = sounds.voice(0.6, rate, 2)
    whole = clean(x, rate)
    assert whole.shape == x.shape
    assert np.abs(whole - x).max() > 1e-3, "nothing was done"
    for size in (997, rate // 7):
        assert np.abs(clean(x, rate, size) - whole).max() < 1e-5


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=8), st.sampled_from(RATES))
def test_blocks_of_any_sizes(sizes: list[int], rate: int) -> None:
    x = sounds.voice(sum(sizes) / rate, rate)[: sum(sizes)]
    cleaner = Denoiser(sounds.model(), sounds.recipe(), rate)
    edges = np.cumsum([0, *sizes])
    made = [cleaner.push(x[a:b]) for a, b in zip(edges, edges[1:], strict=False)]
    made.append(cleaner.flush())
    assert np.abs(np.concatenate(made) - clean(x, rate)).max() < 1e-5


def test_the_stream_is_the_network() -> None:
    x = sounds.voice(1.0, 16_000)[:, 0].astype(np.float32)
    with torch.no_grad():
        offline = sounds.model()(torch.from_numpy(x)[None, None]).raw[0, 0].numpy()
    assert np.abs(clean(x, 16_000, 160)[:, 0] - offline[: len(x)]).max() < 1e-5


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("count", [0, 1, 2, 255, 256, 257, 513, 3001])
def test_every_length_comes_back(count: int, rate: int) -> None:
    x = sounds.voice(1.0, rate)[:count]
    assert clean(x, rate, 100).shape == x.shape


def test_what_was_taken_away_and_what_is_left_sum_to_the_input() -> None:
    for rate in (16_000, 44_100, 8_000):
        x = sounds.voice(0.5, rate, 2)
        assert np.abs(clean(x, rate) + clean(x, rate, noise_only=True) - x).max() < 1e-12


def test_strength_and_limit_only_scale_what_is_taken_away() -> None:
    x = sounds.voice(0.5, 48_000)
    away = clean(x, 48_000, noise_only=True)
    assert np.array_equal(clean(x, 48_000, strength=0.0), x)
    assert np.allclose(clean(x, 48_000, strength=0.25), x - 0.25 * away, atol=1e-12)
    assert np.allclose(clean(x, 48_000, limit=20.0), x - 0.9 * away, atol=1e-12)
    assert np.array_equal(clean(x, 48_000, limit=0.0), x)


def test_nothing_is_delayed() -> None:
    rate = 48_000
    x = sounds.voice(1.0, rate)
    y = clean(x, rate)[:, 0]
    lags = range(-300, 301, 3)
    alike = [float(np.dot(x[400:-400, 0], y[400 + lag : len(y) - 400 + lag])) for lag in lags]
    assert lags[int(np.argmax(alike))] == 0


def test_silence_stays_silent() -> None:
    for rate in RATES:
        assert not clean(np.zeros((rate // 3, 2)), rate).any()


def test_channels_are_treated_alike() -> None:
    x = sounds.voice(0.5, 16_000)
    same = clean(np.repeat(x, 3, 1), 16_000)
    assert np.abs(same - clean(x, 16_000)).max() < 1e-5
    image = clean(np.concatenate([x, 0.3 * x], 1), 16_000)
    assert np.allclose(image[:, 1], 0.3 * image[:, 0], atol=1e-6), "the stereo image moved"
    opposed = clean(np.concatenate([x, -x], 1), 16_000)
    assert np.allclose(opposed[:, 0], clean(x, 16_000)[:, 0], atol=1e-4), "opposites vanished"


def test_what_the_network_cannot_hear_is_kept_and_lowered_with_the_rest() -> None:
    rate = 48_000
    times = np.arange(rate) / rate
    high = 0.1 * np.sin(2 * np.pi * 14_000 * times)
    x = sounds.voice(1.0, rate)[:, 0] + high
    y = clean(x, rate)[:, 0]
    middle = slice(rate // 4, 3 * rate // 4)
    heard = 2 * np.dot(y[middle], np.sin(2 * np.pi * 14_000 * times[middle])) / (rate / 2)
    assert 0.02 < heard < 0.1


def test_memory_does_not_grow() -> None:
    cleaner = Denoiser(sounds.model(), sounds.recipe(), 48_000, 2)
    held = []
    for _ in range(40):
        cleaner.push(np.zeros((4800, 2)))
        held.append(
            len(cleaner.waiting) + len(cleaner.core.tops) + len(cleaner.heard) + len(cleaner.taken)
        )
    assert max(held[20:]) <= max(held[:20]) + 4800


def test_latency_is_at_most_forty_milliseconds_live() -> None:
    cleaner = Denoiser(sounds.model(), sounds.recipe(), 16_000)
    assert cleaner.latency <= 0.040
    made = 0
    for number in range(20):
        made += len(cleaner.push(np.zeros(256)))
        assert (number + 1) * 256 - made <= cleaner.latency * 16_000


def test_bad_blocks_are_named() -> None:
    cleaner = Denoiser(sounds.model(), sounds.recipe(), 16_000, 2)
    cleaner.push(np.zeros((8000, 2)))
    x = np.zeros((100, 2))
    x[50, 1] = np.nan
    with pytest.raises(DataError, match=r"not numbers, the first at 0\.503 s"):
        cleaner.push(x)
    with pytest.raises(DataError, match=r"shape \(samples, 2\)"):
        cleaner.push(np.zeros((5, 3)))
    with pytest.raises(RunError, match="not trained to take noise out of sound"):
        Denoiser(sounds.model(), Recipe.load("digits"), 16_000)
