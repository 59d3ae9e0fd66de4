"""One level of noise for a whole picture, where it has one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import isthmus
from isthmus.autoencoder import Autoencoder
from isthmus.tasks import even_noise
from isthmus.tasks import noise as N
from isthmus.tasks.denoise_photo import clean
from tests.photos import noisy, photograph


@pytest.fixture(scope="module")
def networks() -> dict[int, Autoencoder]:
    """Channels -> the network that the verb takes for them."""
    return {
        3: isthmus.load("photo-denoise").autoencoder,
        1: isthmus.load("photo-denoise-gray").autoencoder,
    }


def soft(name: str = "flower.jpg") -> NDArray[np.uint8]:
    """A photograph without black and white, which cut noise off."""
    return np.rint(photograph(name) * 0.5 + 64).astype(np.uint8)


@pytest.mark.parametrize("sigma", [8, 20, 40])
@pytest.mark.parametrize("channels", [1, 3])
def test_even_noise_is_found(networks: dict[int, Autoencoder], sigma: int, channels: int) -> None:
    pixels = noisy(soft()[..., :channels], sigma)
    found = even_noise.level(networks[channels], pixels)
    assert found == pytest.approx(sigma, rel=0.1)
    # The same picture in other kinds of numbers.
    for like in (pixels.astype(np.uint16) * 257, pixels.astype(np.float32) / 255):
        assert even_noise.level(networks[channels], like) == pytest.approx(found, rel=1e-3)
    assert even_noise.level(networks[channels], pixels[:300, :200]) == pytest.approx(
        sigma, rel=0.15
    )


def test_noise_that_is_not_even_has_no_level(networks: dict[int, Autoencoder]) -> None:
    picture = soft()
    ramp = np.linspace(4, 40, picture.shape[1])[None, :, None]
    made = picture + np.random.default_rng(0).normal(size=picture.shape) * ramp
    assert even_noise.level(networks[3], np.clip(np.rint(made), 0, 255).astype(np.uint8)) is None
    x = torch.from_numpy(photograph().copy()).permute(2, 0, 1)[None].float() / 255
    shot = N.camera(x, torch.Generator().manual_seed(1))
    shot = N.coded(shot, torch.ones(1, dtype=torch.bool), torch.Generator().manual_seed(1))
    assert even_noise.level(networks[3], (shot[0] * 255).byte().permute(1, 2, 0).numpy()) is None


def test_little_noise_and_little_pictures_have_no_level(networks: dict[int, Autoencoder]) -> None:
    for channels, network in networks.items():
        picture = photograph()[..., :channels]
        assert even_noise.level(network, picture) is None
        for height, width in ((1, 1), (15, 400), (48, 48), (400, 1)):
            assert even_noise.level(network, noisy(picture[:height, :width], 30)) is None


def test_a_network_that_does_not_look_for_noise_has_no_level() -> None:
    network = isthmus.load("photo-unwatermark").autoencoder
    assert even_noise.level(network, noisy(photograph(), 30)) is None


def test_untold_even_noise_is_removed_as_if_it_were_told(networks: dict[int, Autoencoder]) -> None:
    recipe = isthmus.load("photo-denoise-gray").recipe
    picture = soft()[:256, :256, :1]
    dirty = noisy(picture, 15)
    told = clean(networks[1], recipe.encoder, dirty, 15.0).pixels
    blind = clean(networks[1], recipe.encoder, dirty).pixels
    error = [np.square(made.astype(float) - picture).mean() for made in (told, blind)]
    assert error[1] < 1.03 * error[0]  # .13 dB
