"""Noise as it is made for training, and pictures of any size through the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import isthmus
from isthmus.errors import DataError
from isthmus.networks.modules import NoiseLevel, Opponent
from isthmus.plan import colors as C
from isthmus.recipe import DenoisePhoto
from isthmus.tasks import build_task
from isthmus.tasks import noise as N
from isthmus.tasks.denoise_photo import as_gray, clean
from isthmus.tasks.restore import blend, difference, from_all_sides
from tests.photos import SMALL, noisy, photograph, small_run


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> isthmus.Model:
    return isthmus.load(small_run(tmp_path_factory.mktemp("photo") / "run"))


def _batch(count: int = 64) -> torch.Tensor:
    squares = photograph()[:256, :512].reshape(4, 64, 8, 64, 3).transpose(0, 2, 4, 1, 3)
    return torch.from_numpy(squares.reshape(-1, 3, 64, 64)[:count].copy()).float() / 255


def test_gaussian_noise_is_as_strong_as_the_channel_says() -> None:
    spec = DenoisePhoto(known=1, gray=0.5, camera=0, impulses=0, clean=0.1)
    pair = build_task(spec).pair(_batch() * 0.2 + 0.4, torch.Generator().manual_seed(0))
    level = pair.input[:, 3, 0, 0]
    found = (pair.input[:, :3] - pair.target).flatten(1).std(1)
    plain = (level > 0) & (level < 40 / 255)  # stronger noise is cut off at black and white
    assert plain.sum() > 10
    ratio = found[plain] / level[plain]
    assert float(ratio.min()) > 0.8
    assert float(ratio.max()) < 1.2


def test_gray_pictures_have_gray_noise() -> None:
    pair = build_task(DenoisePhoto(gray=1)).pair(_batch(), torch.Generator().manual_seed(0))
    for x in (pair.input[:, :3], pair.target):
        assert torch.allclose(x[:, 0], x[:, 1], atol=1e-5)
        assert torch.allclose(x[:, 0], x[:, 2], atol=1e-5)


def test_an_unknown_level_is_zero_and_a_clean_picture_is_untouched() -> None:
    spec = DenoisePhoto(known=0, clean=1, camera=0, impulses=0, gray=0)
    x = _batch(32)
    pair = build_task(spec).pair(x, torch.Generator().manual_seed(0))
    assert (pair.input[:, 3] == 0).all()
    same = (pair.input[:, :3] == x).flatten(1).all(1)
    assert same.sum() >= 28, "all but the few that went through JPEG"


def test_camera_noise_grows_with_light_and_spreads_over_neighbours() -> None:
    generator = torch.Generator().manual_seed(1)
    dark, light = torch.full((64, 3, 32, 32), 0.25), torch.full((64, 3, 32, 32), 0.7)
    in_linear = [(N.to_linear(N.camera(x, generator)) - N.to_linear(x)) for x in (dark, light)]
    assert float(in_linear[1].std()) > 1.3 * float(in_linear[0].std())
    noise = in_linear[1]
    beside = (noise[..., 1:] * noise[..., :-1]).mean() / noise.square().mean()
    assert float(beside) > 0.2


def test_the_tone_curve_and_its_inverse() -> None:
    x = torch.linspace(0, 1, 1001)
    assert torch.allclose(N.to_display(N.to_linear(x)), x, atol=1e-5)


def test_jpeg_hits_only_the_chosen() -> None:
    x = _batch(4)
    made = N.coded(x, torch.tensor([True, False, True, False]), torch.Generator().manual_seed(0))
    assert torch.equal(made[1::2], x[1::2])
    assert 0 < float((made[0] - x[0]).abs().mean()) < 0.1


@pytest.mark.parametrize("tile", [64, 120, 200])
def test_the_result_does_not_depend_on_tiles(model: isthmus.Model, tile: int) -> None:
    picture = photograph()[:213, :251]
    whole = clean(model.autoencoder, SMALL.encoder, picture, tile=4096).pixels
    cut = clean(model.autoencoder, SMALL.encoder, picture, tile=tile).pixels
    assert np.abs(whole.astype(int) - cut).max() <= 1
    assert (whole != picture).mean() > 0.5, "a network that does nothing proves nothing"


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 1, 1), (1, 2000, 3), (7, 5, 1), (64, 65, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_any_size_and_depth(model: isthmus.Model, shape: tuple[int, ...], dtype: type) -> None:
    top = 1 if dtype is np.float32 else np.iinfo(dtype).max
    picture = (np.random.default_rng(0).random(shape) * top).astype(dtype)
    before = picture.copy()
    made = model.apply(picture)
    assert made.shape == shape
    assert made.dtype == dtype
    assert np.isfinite(made.astype(float)).all()
    assert np.array_equal(picture, before)


def test_depth_is_not_lost(model: isthmus.Model) -> None:
    picture = photograph()[:64, :64].astype(np.uint16) * 257
    made = model.apply(picture, sigma=10.0)
    inside = made[(made > 0) & (made < 65535)]
    assert len(inside) > 1000
    assert (inside % 257 != 0).mean() > 0.9, "the low byte says nothing of its own"


def test_strength_blends_and_zero_changes_nothing(model: isthmus.Model) -> None:
    picture = photograph()[:80, :90]
    full = model.apply(picture, sigma=20.0).astype(float)
    half = model.apply(picture, sigma=20.0, strength=0.5).astype(float)
    assert np.abs(half - (picture + full) / 2).max() <= 1
    assert np.array_equal(model.apply(picture, strength=0.0), picture)


def test_what_changed_is_measured_on_one_scale() -> None:
    before = np.zeros((300, 4, 3), np.uint8)
    assert difference(before, before + 3) == pytest.approx(3)
    assert difference(before.astype(np.uint16), before.astype(np.uint16) + 257) == pytest.approx(1)
    assert difference(before / np.float32(1), before + np.float32(1 / 255)) == pytest.approx(1)
    after = before + 100
    blend(after, before, 0.25)
    assert (after == 25).all()


def test_a_wrong_shape_is_said(model: isthmus.Model) -> None:
    with pytest.raises(DataError, match="height, width"):
        model.apply(np.zeros((3, 4, 5, 6), np.uint8))


def test_brighter_with_more_noise_is_the_same_picture(model: isthmus.Model) -> None:
    """No biases: twice the light and twice the noise give twice the output (Mohan et al. 2020)."""
    picture = np.random.default_rng(0).random((40, 40, 3)).astype(np.float32)
    once = model.apply(picture, sigma=20.0)
    twice = model.apply(picture * 2, sigma=40.0)
    assert np.allclose(twice, once * 2, atol=1e-4)


def test_luma_weights() -> None:
    assert as_gray(torch.ones(1, 3, 2, 2)).allclose(torch.ones(1, 3, 2, 2))


def test_a_run_made_from_photographs_trains_and_resumes(tmp_path: Path) -> None:
    from PIL import Image

    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(6):
        Image.fromarray(photograph()[:, number * 90 :][:150, :150]).save(folder / f"{number}.png")
    recipe = SMALL.replace(
        data={
            "kind": "photos",
            "path": str(folder),
            "window": 32,
            "last_window": 48,
            "scales": [1.0, 0.5],
        },
        training={
            "epochs": 3,
            "batch_size": 8,
            "optimizer": "muon",
            "ema": 0.9,
            "checkpoint_minutes": 0,
            "snapshots": 2,
        },
    )
    losses = [e.loss for e in isthmus.fit(recipe) if e.kind == "progress"]
    run = isthmus.train(recipe, tmp_path / "run")
    assert losses
    assert np.isfinite(losses).all()
    assert (tmp_path / "run/report.html").is_file()
    made = run.model.apply(photograph()[:100, :100])
    assert made.shape == (100, 100, 3)


def test_gray_in_three_channels_is_gray(model: isthmus.Model) -> None:
    gray = photograph()[:64, :80, :1].astype(np.float32) / 255
    once = model.apply(gray, sigma=20.0)[..., 0]
    three = model.apply(np.repeat(gray, 3, 2), sigma=20.0)
    assert np.allclose(three.mean(2), once, atol=1e-4)


def test_turned_colours_turn_back_and_gray_is_one_axis() -> None:
    turn, x = Opponent(), _batch(4)
    assert torch.allclose(turn(turn(x)), x, atol=1e-6)
    gray = x[:, :1].expand(-1, 3, -1, -1)
    turned = turn(torch.cat([gray, x[:, :1]], 1))
    assert torch.allclose(turned[:, 0], gray[:, 0] * 3**0.5, atol=1e-6)
    assert float(turned[:, 1:3].abs().max()) < 1e-6
    assert torch.equal(turned[:, 3], x[:, 0])
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(turn(torch.cat([gray, x[:, :1]], 1)), turned)


@torch.no_grad()
def test_what_is_told_of_the_noise_counts_and_the_rest_is_estimated() -> None:
    layer = NoiseLevel(C.NoiseLevel(), 3)
    noise = torch.randn(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    told = layer(torch.cat([noise, torch.full((1, 1, 32, 48), 0.1)], 1))
    assert torch.equal(told[:, 3], torch.full((1, 32, 48), 0.1))
    gray = torch.cat([noise[:, :1], torch.zeros(1, 2, 32, 48), torch.full((1, 1, 32, 48), 0.1)], 1)
    assert torch.allclose(layer(gray)[:, 3], torch.full((1, 32, 48), 0.1 * 3**0.5))
    unknown = torch.zeros(1, 1, 32, 48)
    once, twice = (layer(torch.cat([noise * k, unknown], 1))[:, 3] for k in (1, 2))
    assert float(once.min()) >= 0
    assert float(once.max()) > 0
    assert torch.allclose(twice, once * 2, atol=1e-5)


def test_from_all_sides_a_push_to_one_side_becomes_one_to_all() -> None:
    """Turned one way and back another, pictures would come out wrong: what does nothing must do nothing."""
    x = torch.rand(1, 3, 16, 32, generator=torch.Generator().manual_seed(0))
    shares: list[float] = []
    assert torch.allclose(from_all_sides(lambda seen: seen)(x, shares.append), x, atol=1e-6)
    assert shares == [k / 8 for k in range(1, 9)]
    pushed = from_all_sides(lambda seen: seen.roll(1, 3))(x, shares.append)
    around = [x.roll(by, axis) for axis in (2, 3) for by in (-1, 1)]
    assert torch.allclose(pushed, torch.stack(around).mean(0), atol=1e-6)


def test_best_tells_how_far_it_is_within_a_tile() -> None:
    shares: list[float] = []
    shipped = isthmus.load("photo-denoise-fast")
    shipped.apply(photograph()[:64, :40], best=True, tile=32, progress=shares.append)
    assert len(shares) > 8 * 2
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(shares[1] / 2)
    assert shares[-1] == 1


def test_best_is_nearer_to_the_truth() -> None:
    shipped = isthmus.load("photo-denoise")
    truth = photograph()[100:228, 300:428]
    seen = noisy(truth, 25)
    once, best = (shipped.apply(seen, sigma=25, best=best) for best in (False, True))
    assert difference(truth, best) < difference(truth, once)
