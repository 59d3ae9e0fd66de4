"""Texture that was taken for noise is given back; noise is not."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.tasks import texture
from tests.photos import photograph


def calm_and_busy() -> np.ndarray:
    """A calm left half and a busy right half."""
    picture = np.full((128, 192, 3), 120.0, np.float32)
    picture[:, 96:] += 40 * np.sin(np.arange(96) * 2.0)[None, :, None]
    return picture


def test_noise_that_is_everywhere_stays_removed() -> None:
    clean = calm_and_busy()
    noisy = clean + np.random.default_rng(0).normal(0, 10, clean.shape).astype(np.float32)
    assert texture.kept(noisy, clean).min() > 0.95


def test_what_only_the_busy_half_lost_is_given_back() -> None:
    before = calm_and_busy()
    after = before.copy()
    after[:, 96:] = 120
    factors = texture.kept(before, after)
    assert factors[:, 7:].max() < 0.01, "the calm half lost nothing: nothing may go here"


def test_light_makes_shot_noise_and_that_is_no_texture() -> None:
    """Noise grows with brightness, as a camera's does: bright blocks lose more, rightly."""
    clean = np.broadcast_to(
        np.linspace(20, 235, 256, dtype=np.float32)[None, :, None], (256, 256, 3)
    )
    made = np.random.default_rng(1).normal(size=clean.shape) * np.sqrt(clean)
    assert np.median(texture.kept((clean + made).astype(np.float32), clean)) > 0.95


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (16, 16), (33, 47)])
def test_any_size(size: tuple[int, int]) -> None:
    before = photograph()[: size[0], : size[1]]
    after = np.full_like(before, 128)
    factors = texture.kept(before, after)
    assert np.isfinite(factors).all()
    assert factors.max() <= 1
    whole = texture.over(slice(0, size[0]), factors, *before.shape[:2])
    assert whole.shape == before.shape[:2]
    lower = slice(size[0] // 2, size[0])
    some = texture.over(lower, factors, *before.shape[:2])
    np.testing.assert_array_equal(some, whole[lower])
