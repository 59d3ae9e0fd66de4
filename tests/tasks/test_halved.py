"""Half precision where a machine gains by it: nearly the same picture, whole or in tiles."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import isthmus
from isthmus.tasks.denoise_photo import clean
from isthmus.training import machine
from isthmus.training.engine import halved
from tests.photos import noisy, photograph, psnr


@pytest.mark.parametrize("name", ["photo-denoise", "photo-denoise-gray"])
@pytest.mark.parametrize("sigma", [None, 5.0, 40.0])
def test_half_precision_makes_nearly_the_same_picture(
    name: str, sigma: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = machine.probe()
    monkeypatch.setattr(machine, "probe", lambda: {**known, "bfloat16": True})
    model = isthmus.load(name)
    picture = photograph()[:176, :256, : 1 if name.endswith("gray") else 3]
    dirty = noisy(picture, sigma or 20)

    def cleaned(tile: int) -> NDArray[np.int64]:
        made = clean(model.autoencoder, model.recipe.encoder, dirty, sigma, tile=tile).pixels
        return made.astype(np.int64)

    plain = cleaned(512)
    with halved():
        half, tiled = cleaned(512), cleaned(96)
    assert not np.array_equal(half, plain), "it was not used"
    assert np.abs(half - plain).max() <= 4
    assert psnr(picture, half) > psnr(picture, plain) - 0.06
    assert np.abs(half - tiled).max() <= 3
    assert (np.abs(half - tiled) > 1).mean() < 1e-3


def test_half_precision_is_not_used_where_nothing_is_gained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = machine.probe()
    for gains in (True, False):
        monkeypatch.setattr(machine, "probe", lambda gains=gains: {**known, "bfloat16": gains})
        with halved():
            assert torch.is_autocast_enabled("cpu") is gains
