"""Pairs of speech and noise: what goes in is what should come out plus what should not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import isthmus
from isthmus.errors import DataError
from isthmus.losses import build_loss
from isthmus.losses.voice import si_sdr
from isthmus.recipe import DenoiseSound, Voice
from isthmus.tasks import build_task, mixing
from tests import sounds


def batch(count: int = 24, size: int = 16_000) -> torch.Tensor:
    rng = np.random.default_rng(0)
    speech = np.stack([sounds.voice(1, 16_000, seed=i)[:size, 0] for i in range(count)])
    noise = 0.1 * rng.standard_normal((count, size))
    return torch.from_numpy(np.stack([speech, noise], 1)).float()


def pair(seed: int = 0, **fields):
    return build_task(DenoiseSound(**fields)).pair(batch(), torch.Generator().manual_seed(seed))


def test_speech_and_the_rest_sum_to_the_mixture() -> None:
    made = pair()
    assert made.input.shape == (24, 1, 16_000)
    assert torch.allclose(made.target.sum(1, keepdim=True), made.input, atol=1e-6)
    assert torch.equal(made.input, pair().input), "the same seed, the same mixtures"
    assert not torch.equal(made.input, pair(1).input)


def test_levels_are_as_the_recipe_says() -> None:
    plain = {"clean": 0, "empty": 0, "rooms": 0, "babble": 0, "made": 0, "limited": 0, "clipped": 0}
    made = pair(**plain, snr=(7.0, 7.0))
    ratio = mixing.level(made.target[:, 0]) / mixing.level(made.target[:, 1])
    assert torch.allclose(20 * ratio.log10(), torch.tensor(7.0), atol=0.3)
    loud = 10 * made.input.square().mean(2).log10()
    assert -38.1 < loud.min() < -30
    assert -22 < loud.max() < -14.9


def test_clean_and_empty_shares() -> None:
    spotless = pair(clean=1, empty=0, rooms=0, clipped=0).target
    assert float(spotless[:, 1].abs().max()) < 1e-5
    assert float(spotless[:, 0].abs().min(1).values.max()) < 1
    nobody = pair(clean=0, empty=1).target
    assert not nobody[:, 0].any()
    assert (nobody[:, 1].abs().amax(1) > 0).all()


def test_band_limits_hold_for_both() -> None:
    made = pair(limited=1, clipped=0)
    power = torch.fft.rfft(made.input[:, 0]).abs().square()
    above = power[:, int(6600 / 8000 * power.shape[1]) :].sum(1) / power.sum(1)
    assert float(above.max()) < 1e-4


def test_silent_items_make_finite_pairs() -> None:
    made = build_task(DenoiseSound()).pair(
        torch.zeros(8, 2, 8_000), torch.Generator().manual_seed(0)
    )
    assert torch.isfinite(made.input).all()
    assert torch.isfinite(made.target).all()


def test_rooms_keep_the_voice_and_its_first_echoes() -> None:
    whole, early = mixing.rooms(16_000, torch.Generator().manual_seed(1))
    assert torch.equal(whole[:, :800], early[:, :800])
    assert not early[:, 801:].any()
    assert (whole[:, 0] == 1).all()
    tail = whole[:, 800:].square().sum(1)
    assert float(tail.max()) < 4
    assert float(tail.max()) > 0.05


def test_si_sdr_is_what_its_paper_says() -> None:
    g = torch.Generator().manual_seed(0)
    wanted, noise = torch.randn(2, 5, 4_000, generator=g)
    wanted, noise = wanted - wanted.mean(1, keepdim=True), noise - noise.mean(1, keepdim=True)
    noise = (
        noise
        - (noise * wanted).sum(1, keepdim=True) / wanted.square().sum(1, keepdim=True) * wanted
    )
    made = 0.3 * (
        wanted + 0.1 * noise * wanted.norm(dim=1, keepdim=True) / noise.norm(dim=1, keepdim=True)
    )
    assert torch.allclose(si_sdr(made, wanted), torch.tensor(20.0), atol=1e-2)


def test_the_loss_is_least_where_nothing_is_wrong() -> None:
    loss = build_loss(Voice())
    wanted = batch(4)[:, :1]
    right = loss.per_item(wanted, wanted)
    for wrong in (0.5 * wanted, wanted + 0.02 * torch.randn_like(wanted), torch.zeros_like(wanted)):
        assert (loss.per_item(wrong, wanted) > right + 0.1).all()
    bent = build_loss(Voice(over=4.0))
    assert (bent.per_item(0.5 * wanted, wanted) > loss.per_item(0.5 * wanted, wanted)).all()
    weight = torch.tensor([1.0, 0.0]).reshape(1, 2, 1)
    both = torch.cat([wanted, torch.rand_like(wanted)], 1)
    other = torch.cat([wanted, torch.zeros_like(wanted)], 1)
    assert torch.allclose(loss.per_item(both, other, weight), right, atol=1e-4)


@pytest.mark.parametrize("level", [0.0, 1e-6])
def test_gradients_of_silence_are_finite(level: float) -> None:
    made = (level * torch.randn(2, 1, 4_000)).requires_grad_()
    build_loss(Voice()).per_item(made, torch.zeros(2, 1, 4_000)).sum().backward()
    assert torch.isfinite(made.grad).all()


def test_a_model_cleans_arrays_of_any_rate(tmp_path: Path) -> None:
    model = isthmus.load(sounds.run(tmp_path / "run"))
    x = sounds.voice(0.3, 44_100, 2).astype(np.float32)
    made = model.apply(x, rate=44_100)
    assert made.shape == x.shape
    assert made.dtype == np.float32
    away = model.apply(x, rate=44_100, noise_only=True)
    assert np.abs(made + away - x).max() < 1e-6
    mono = model.apply(x[:, 0], rate=44_100, strength=0.0)
    assert np.array_equal(mono, x[:, 0])
    for wrong in (x[None], (x * 99).astype(np.int16)):
        with pytest.raises(DataError, match="sound is floats of shape"):
            model.apply(wrong)
