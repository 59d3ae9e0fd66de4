"""Integration, filling, one layer on one picture, drawing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from isthmus.errors import DataError
from isthmus.marks import drawing, edges, integrate, labels, layers, removal, shadow, single
from isthmus.marks.fill import fill
from tests.marked import case


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 12), st.integers(2, 12))
def test_steps_sum_up_to_the_picture_they_are_of(seed: int, height: int, width: int) -> None:
    truth = np.random.default_rng(seed).normal(size=(height, width))
    across, down = np.diff(truth, axis=1), np.diff(truth, axis=0)
    made = integrate.freely(across, down)
    assert np.allclose(made - made.mean(), truth - truth.mean(), atol=1e-8)
    region = np.zeros((height, width), bool)
    region[1:, :-1] = True
    trust = np.ones_like(across), np.ones_like(down)
    inner = integrate.within(region, across, down, trust, np.zeros_like(truth), truth, 1000)
    assert np.allclose(inner, truth, atol=0.02)


def test_a_hole_in_a_slope_is_filled_as_a_slope() -> None:
    rows, columns = np.mgrid[:20, :30]
    truth = np.stack([rows / 30, columns / 30, (rows + columns) / 60], -1).astype(np.float32)
    holes = np.zeros((20, 30), bool)
    holes[5:12, 8:25] = True
    broken = np.where(holes[..., None], 0, truth).astype(np.float32)
    assert np.abs(fill(broken, holes) - truth).max() < 0.01
    assert (fill(broken, np.zeros_like(holes)) == broken).all()
    assert (fill(broken, np.ones_like(holes)) == broken).all(), "nothing is around to fill from"


@pytest.mark.parametrize(("opacity", "shade"), [(0.3, 1.0), (0.6, 1.0), (0.5, 0.0)])
def test_edges_tell_opacity_and_colour(opacity: float, shade: float) -> None:
    held = case(1, 192, opacity, (shade, shade, shade), "HI")
    layer = single.layer(held.seen[0].astype(np.float32) / 255, held.mask)
    assert layer is not None
    assert abs(layer.opacity - opacity) < 0.06
    assert np.abs(layer.color - shade).max() < 0.1
    made = removal.by_mask(held.seen[0], held.mask)
    assert made is not None
    assert held.psnr(made.pixels[None]) > held.psnr(held.seen) + 8
    assert (made.pixels == held.seen[0])[~held.mask].all()


def test_a_mask_far_from_any_edge_says_nothing() -> None:
    held = case(1, 96)
    assert removal.by_mask(held.clean[0], np.zeros((96, 96), bool)) is None


def test_spots_are_no_marks() -> None:
    mask = np.zeros((40, 40), bool)
    mask[3:5, 3:5] = True
    mask[10:20, 10:20] = True
    kept = removal.without_specks(mask)
    assert kept.sum() == 100
    assert not kept[3, 3]


def test_the_surest_pixels_say_whether_there_is_a_mark() -> None:
    sure = np.full((100, 100), 0.4, np.float32)
    hardly = removal.surest(sure)
    assert hardly == pytest.approx(0.4)
    sure[:5, :4] = 0.99  # twenty of ten thousand
    likely = removal.surest(sure)
    assert likely == pytest.approx(0.99)
    assert removal.surest(np.zeros((0,), np.float32)) == 0
    assert removal.surest(np.tile(sure, (2, 3))) == pytest.approx(likely)
    layer = layers.Found(sure, np.ones(3), 0.5, gain=1.8, overlap=0.5)
    assert removal.chance_of_mark(hardly, layer) < removal.chance_of_mark(likely, layer)
    astray = layers.Found(sure, np.ones(3), 0.5, gain=1.8, overlap=0.05)
    assert removal.chance_of_mark(likely, astray) < removal.chance_of_mark(likely, layer)


@pytest.mark.parametrize(("opacity", "shade"), [(0.4, 1.0), (0.6, 0.0)])
def test_a_rough_idea_of_a_mark_becomes_its_layer(opacity: float, shade: float) -> None:
    held = case(1, 192, opacity, (shade, shade, shade), "HI")
    rough = ndimage.gaussian_filter(ndimage.binary_dilation(held.mask, iterations=2) * 0.9, 1.5)
    values = held.seen[0].astype(np.float32) / 255
    told = rough.astype(np.float32)
    tint = np.full(values.shape, round(255 * (0.15 + 0.7 * shade)), np.uint8)
    found = layers.find(values, told, np.full(told.shape, 0.5, np.float32), tint)
    assert found is not None
    assert abs(found.opacity - opacity) < 0.12
    assert np.abs(found.color - shade).max() < 0.1
    cover, added = found.mixed()
    both, either = held.mask & (cover > 0), held.mask | (cover > 0)
    assert both.sum() > 0.5 * either.sum()
    under, _ = removal.unmixed(values, cover, added, cover > 0)
    assert held.psnr((under[None] * 255).round().astype(np.uint8)) > held.psnr(held.seen) + 4


def test_edges_get_the_share_of_the_layer_that_they_hold() -> None:
    held = case(1, 128, 0.5, (1.0, 0.9, 0.2), "HI")
    values = held.seen[0].astype(np.float32) / 255
    # The truth between nothing and all of it, in thirds.
    truth = (held.opacity / held.opacity.max()).astype(np.float32)
    rough = np.round(truth * 3) / 3
    made = edges.sharpened(values, rough, 0.5, np.array([1.0, 0.9, 0.2]))
    partly = (truth > 0.02) & (truth < 0.98)
    assert partly.sum() > 50
    assert np.abs(made - truth)[partly].mean() < 0.75 * np.abs(rough - truth)[partly].mean()
    far = ~ndimage.binary_dilation(rough > 0)
    assert (made[far] == 0).all()


def test_edges_are_the_same_in_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    held = case(1, 128, 0.5, (1.0, 1.0, 1.0), "HI")
    values, rough = held.seen[0].astype(np.float32) / 255, held.mask.astype(np.float32)
    whole = edges.sharpened(values, rough, 0.5, np.ones(3))
    monkeypatch.setattr(edges, "_TILE", 48)
    assert (np.abs(edges.sharpened(values, rough, 0.5, np.ones(3)) - whole) < 1e-6).mean() > 0.99


@pytest.mark.parametrize("shade", [0.0, 1.0])
def test_a_shadow_is_found_and_taken_off(shade: float) -> None:
    held = case(1, 192, 0.5, (1 - shade,) * 3, "HI")
    share = (held.opacity / held.opacity.max()).astype(np.float32)
    real = shadow.Shadow(0.4, 3.0, -2.0, 2.5, shade)
    clean = held.clean[0].astype(np.float32) / 255
    found = layers.Found(share, np.full(3, 1 - shade, np.float32), 0.5, 1.0, 1.0, real)
    cover, added = found.mixed()
    seen = (1 - cover)[..., None] * clean + added
    told = shadow.find(seen.astype(np.float32), share, 0.55, found.color)
    assert told is not None
    near, opacity, color = told
    assert abs(near.strength - 0.4) < 0.12
    assert abs(near.down - 3) < 1.2
    assert abs(near.across + 2) < 1.2
    assert abs(opacity - 0.5) < 0.05
    assert np.abs(color - (1 - shade)).max() < 0.1
    twice = near.enlarged(2)
    assert (twice.down, twice.spread) == (2 * near.down, 2 * near.spread)


def test_thick_strokes_throw_wide_shadows() -> None:
    chance = np.random.default_rng(3)
    clean = ndimage.gaussian_filter(chance.random((400, 640, 1), np.float32), (40, 40, 0))
    clean = 0.5 + 8 * (clean - clean.mean()) * np.array([1, 0.9, 0.8], np.float32)
    share = np.zeros((400, 640), np.float32)
    share[80:320, 100:160] = share[80:320, 340:400] = share[170:230, 160:340] = 1
    assert 10 < shadow.stroke(share) < 15
    real = shadow.Shadow(0.3, 0.0, 0.0, 40.0, 0.0)
    cover, added = layers.Found(share, np.ones(3, np.float32), 0.6, 1.0, 1.0, real).mixed()
    seen = (1 - cover)[..., None] * clean + added
    told = shadow.find(seen.astype(np.float32), share, 0.55, np.ones(3, np.float32))
    assert told is not None
    near, opacity, _ = told
    assert abs(near.strength - 0.3) < 0.1
    assert abs(near.spread - 40) < 10
    assert abs(opacity - 0.6) < 0.05


def test_one_word_of_the_network_on_thick_strokes_counts_once() -> None:
    values = np.full((60, 60, 3), 0.6, np.float32)
    values[20:40] = 0.8
    sure = np.full((60, 60), 0.97, np.float32)
    # All is said to be covered; the edges say that only the bar is.
    believed = labels.labelled(values, sure, 0.5, np.ones(3))
    doubted = labels.labelled(values, sure, 0.5, np.ones(3), stroke=10)
    assert (believed == 3).mean() > 0.9
    assert (doubted[22:38] == 3).all()
    assert (doubted[:18] == 0).all()


def test_a_layer_without_a_shadow_has_none() -> None:
    held = case(1, 192, 0.5, (1.0, 1.0, 1.0), "HI")
    share = (held.opacity / held.opacity.max()).astype(np.float32)
    assert shadow.find(held.seen[0].astype(np.float32) / 255, share, 0.5, np.ones(3)) is None


def test_nothing_found_gives_the_picture_back() -> None:
    held = case(1, 48)
    none = np.zeros((48, 48), np.float32)
    made = removal.take_off(held.seen[0], none, none, np.zeros((48, 48, 3), np.uint8))
    assert not made.mask.any()
    assert np.array_equal(made.pixels, held.seen[0])


@pytest.mark.parametrize("masked", [False, True])
def test_a_layer_too_faint_to_be_seen_is_none(
    monkeypatch: pytest.MonkeyPatch, masked: bool
) -> None:
    held = case(1, 48)
    sure = np.full((48, 48), 0.99, np.float32)
    faint = layers.Found(np.full((48, 48), 0.01, np.float32), np.ones(3), 0.5, 9.0, 0.99)
    monkeypatch.setattr(layers, "find", lambda *_: faint)
    mask = np.ones((48, 48), bool) if masked else None
    tint = np.full((48, 48, 3), 255, np.uint8)
    made = removal.take_off(held.seen[0], sure, np.full_like(sure, 0.5), tint, mask)
    assert made.pixels.shape == held.seen[0].shape
    if not masked:
        assert not made.mask.any()
        assert np.array_equal(made.pixels, held.seen[0])


def test_a_layer_that_covers_everything_has_no_edges_to_explain() -> None:
    values, sure = np.full((32, 32, 3), 0.5, np.float32), np.full((32, 32), 0.9, np.float32)
    word = layers._Word.of(sure)
    found = layers._judged(values, word, np.ones((32, 32), np.float32), 0.5, np.ones(3))
    assert found.gain == 0


def test_an_opaque_mask_that_no_network_sees_is_filled() -> None:
    held = case(1, 96, 1.0)
    none = np.zeros((96, 96), np.float32)
    made = removal.take_off(held.seen[0], none, none, np.zeros((96, 96, 3), np.uint8), held.mask)
    assert made.filled == held.mask.sum()
    assert held.psnr(made.pixels[None]) > held.psnr(held.seen)


def test_text_is_cut_to_what_is_covered() -> None:
    made = drawing.text("Ag", drawing.font(None, 40))
    assert made.dtype == np.uint8
    assert made.max() == 255
    assert made[0].any()
    assert made[:, 0].any()
    hollow = drawing.text("Ag", drawing.font(None, 40), 3, hollow=True)
    assert hollow.mean() < drawing.text("Ag", drawing.font(None, 40), 3).mean()


def test_a_bank_is_the_same_for_the_same_seed_and_leaves_out_what_is_apart(tmp_path: Path) -> None:
    for name in ("one", "two"):
        coverage = np.zeros((20, 20, 4), np.uint8)
        coverage[5:15, 5:15] = 255
        Image.fromarray(coverage).save(tmp_path / f"{name}.png")
    first = list(drawing.bank(8, 3, tmp_path))
    assert [k for k, _ in first].count("logo") == 2 + 2
    assert first[0][1].shape == (10, 10)
    again = list(drawing.bank(8, 3, tmp_path))
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(first, again, strict=True))
    assert len(list(drawing.bank(8, 3, tmp_path, ("tw",)))) == 9
    with pytest.raises(DataError, match="holds no logos"):
        drawing.logos(tmp_path / "nowhere")
