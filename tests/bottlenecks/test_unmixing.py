"""Unmixing finds the materials that were mixed, and the shares they were mixed by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from isthmus import maps
from isthmus.datasets import open_dataset
from isthmus.model import Model
from isthmus.recipe import Dense, Recipe, Simplex, Spectra, Training
from isthmus.training import train
from isthmus.training.linear_start import purest

MATERIALS, BANDS, SIDE = 3, 24, 24


def scene(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(pixels, materials, shares): three smooth spectra, one of them dark, mixed with noise."""
    rng = np.random.default_rng(seed)
    at = np.linspace(0, 1, BANDS)
    bright = np.stack([0.5 + 0.4 * np.sin(6 * at), 0.2 + 0.7 * at, 0.03 + 0.05 * (1 - at)])
    shares = rng.dirichlet(np.full(MATERIALS, 0.35), SIDE * SIDE)
    mixed = shares @ bright + rng.normal(scale=0.01, size=(SIDE * SIDE, BANDS))
    return mixed.astype(np.float32), bright, shares


def trained(folder: Path, hold: float) -> tuple[Model, np.ndarray]:
    mixed, bright, shares = scene(0)
    cube = mixed.reshape(SIDE, SIDE, BANDS)
    np.savez(
        folder / "scene.npz", cube=cube, endmembers=bright.T.astype(np.float32),
        abundance=shares.reshape(SIDE, SIDE, MATERIALS).astype(np.float32),
    )  # fmt: skip
    recipe = Recipe(
        data=Spectra(path=str(folder / "scene.npz"), test=0.1),
        encoder=Dense(layers=(32,)),
        bottleneck=Simplex(size=MATERIALS, hold=hold),
        decoder=Dense(layers=()),
        training=Training(epochs=60, batch_size=32, learning_rate=3e-3, threads=1, snapshots=0),
    )
    dataset = open_dataset(recipe.data, 0)
    return train(recipe, folder / f"run{hold}", dataset).model, dataset.train.positions


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_purest_pixels_do_not_hang_on_random_directions(seed: int) -> None:
    mixed, bright, shares = scene(5)
    found = purest(torch.from_numpy(mixed), MATERIALS, torch.Generator().manual_seed(seed))
    told = maps.unmixing(found.numpy(), shares, bright, shares)
    assert told["endmember_angle"] < 0.05
    again = purest(torch.from_numpy(mixed), MATERIALS, torch.Generator().manual_seed(seed + 9))
    found, again = found.numpy(), again.numpy()
    key = np.argsort(found.sum(1)), np.argsort(again.sum(1))
    np.testing.assert_allclose(found[key[0]], again[key[1]], atol=1e-6)


def test_a_dark_material_is_the_mean_of_pixels_not_one_noisy_pixel() -> None:
    """One pixel of the dark material is off by its noise; the mean of the purest is not."""
    mixed, bright, shares = scene(1)
    dark = mixed[shares[:, 2].argmax()]

    def angle(a: np.ndarray) -> float:
        return float(np.arccos(a @ bright[2] / np.linalg.norm(a) / np.linalg.norm(bright[2])))

    found = purest(torch.from_numpy(mixed), MATERIALS, torch.Generator().manual_seed(0)).numpy()
    assert min(angle(f) for f in found) < 0.6 * angle(dark)


def test_shares_and_materials_are_found_and_never_negative(tmp_path: Path) -> None:
    model, at = trained(tmp_path, 0.03)
    mixed, bright, shares = scene(0)
    where = at[:, 0] * SIDE + at[:, 1]
    codes = model.encode(mixed[where])
    found = model.decode(np.eye(MATERIALS, dtype=np.float32))
    told = maps.unmixing(found, codes, bright, shares[where])
    assert told["endmember_angle"] < 0.1
    assert told["abundance_rmse"] < 0.08
    assert codes.min() >= 0
    np.testing.assert_allclose(codes.sum(1), 1, atol=1e-5)
    assert found.min() >= 0


def test_held_fast_materials_stay_where_they_were_found(tmp_path: Path) -> None:
    model, _ = trained(tmp_path, 1.0)
    weight = next(m for m in model.autoencoder.decoder.modules() if isinstance(m, torch.nn.Linear))
    torch.testing.assert_close(weight.weight, model.autoencoder.bottleneck.materials)
    assert not weight.bias.any()
