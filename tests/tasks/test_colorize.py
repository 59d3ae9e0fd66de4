"""Colour: what the network is shown, and what a person gets back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from isthmus import lab, metrics
from isthmus.autoencoder import Autoencoder
from isthmus.errors import DataError, PlanError
from isthmus.plan import plan
from isthmus.recipe import Colorize, Photos
from isthmus.tasks import build_task, coloring, joining, kriging
from isthmus.tasks.hints import Hint, obeyed
from isthmus.training.batches import augment
from tests.colour import SMALL, gray_of, random_model
from tests.photos import photograph

MODEL = random_model()
SPEC = SMALL.encoder


@pytest.fixture(scope="module", autouse=True)
def _small_views() -> Iterator[None]:
    """What holds at the usual size of the network's view holds at a smaller one, sooner."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coloring, "SIDE", 96)
        yield


def _batch(count: int = 4, side: int = 64) -> torch.Tensor:
    picture = torch.from_numpy(photograph().copy()).permute(2, 0, 1).float() / 255
    return torch.stack([picture[:, 40 * i : 40 * i + side, 60 : 60 + side] for i in range(count)])


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_hints_are_true_colours_and_their_absence_is_silence() -> None:
    batch = _batch()
    ab = lab.to_lab(batch)[:, 1:]
    never = build_task(Colorize(hinted=0, old=0)).pair(batch, _generator())
    assert not never.input[:, 1:].any()
    assert torch.allclose(never.input[:, 0], lab.to_lab(batch)[:, 0] / 50 - 1, atol=1e-5)
    always = build_task(Colorize(hinted=1, hints=30, old=0, recolored=0))
    made = always.pair(batch, _generator())
    told = made.input[:, 3] > 0
    assert all(0 < float(t.float().mean()) < 1 for t in told)
    assert torch.equal(made.target, batch)
    # A hint is the mean of what it covers: near the truth, and exactly it on a single pixel.
    off = (50 * made.input[:, 1:3] - ab).abs().sum(1)
    assert float(off[told].mean()) < float(ab.abs().sum(1).mean())
    assert not made.input[:, 1:3][(~told)[:, None].expand(-1, 2, -1, -1)].any()


def test_old_photographs_differ_in_lightness_alone() -> None:
    batch = _batch(8)
    old = build_task(Colorize(hinted=0, old=1)).pair(batch, _generator())
    new = build_task(Colorize(hinted=0, old=0)).pair(batch, _generator())
    assert torch.equal(old.target, batch)
    assert float((old.input[:, 0] - new.input[:, 0]).abs().mean()) > 0.05
    assert float(old.input[:, 0].abs().max()) <= 1 + 1e-5


def test_recoloured_pictures_keep_their_lightness() -> None:
    batch = 0.3 + 0.4 * _batch(8)
    task = build_task(Colorize(hinted=1, hints=40, old=0, recolored=1))
    made = task.pair(batch, _generator())
    changed = (made.target - batch).abs().amax((1, 2, 3)) > 0.02
    assert changed.any()
    before, after = lab.to_lab(batch)[:, 0], lab.to_lab(made.target)[:, 0]
    assert float((before - after).abs().mean()) < 1.0


def test_windows_stay_upright_and_show_things_at_many_sizes() -> None:
    down = torch.linspace(0, 1, 96).view(1, 1, 96, 1).expand(6, 3, 96, 96)
    data = Photos(path="x", window=32, upright=True, zoom=3.0)
    made = augment(down, data, _generator(), 0.0)
    assert made.shape == (6, 3, 32, 32)
    slopes = (made[:, 0, -1] - made[:, 0, 0]).mean(1)
    assert bool((slopes > 0.2).all()), "upside down"
    assert float(slopes.max() / slopes.min()) > 1.3, "all of one size"


def test_an_output_coarser_than_the_input_cannot_correct_it() -> None:
    broken = SMALL.set("encoder.residual=true")
    with pytest.raises(PlanError, match="residual = false"):
        plan(broken, (3, 64, 64))


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    kind=st.sampled_from(["uint8", "uint16", "float32"]),
    saturation=st.sampled_from([1.0, 4.0]),
    seed=st.integers(0, 5),
)
def test_lightness_stays_whatever_the_network_says(
    height: int, width: int, kind: str, saturation: float, seed: int
) -> None:
    levels = np.random.default_rng(seed).random((height, width, 1))
    white = {"uint8": 255, "uint16": 65535, "float32": 1}[kind]
    gray = (levels * white).astype(kind)
    made = coloring.colorized(MODEL, SPEC, gray, saturation=saturation)
    assert made.shape == (height, width, 3)
    assert made.dtype == gray.dtype
    off = joining.lightness_of(made) - joining.lightness_of(gray)
    # Half a level of 8 bits is at most 0.3 of L*.
    assert float(off.abs().max()) < {"uint8": 0.3, "uint16": 0.02, "float32": 0.05}[kind]


@settings(max_examples=10, deadline=None)
@given(
    x=st.integers(0, 319),
    y=st.integers(0, 199),
    color=st.integers(0, 0xFFFFFF),
)
# Half-way between two columns of the small picture.
@example(x=262, y=198, color=0x00003F)
def test_a_hint_is_obeyed(x: int, y: int, color: int) -> None:
    gray = gray_of(photograph()[:200, :320])
    hint = Hint.of(x, y, f"#{color:06x}")
    made = coloring.colorized(MODEL, SPEC, gray, [hint])
    light = joining.lightness_of(gray)[:, :, y : y + 1, x : x + 1]
    ab = torch.tensor([hint.a, hint.b]).view(1, 2, 1, 1)
    wanted = lab.to_lab(joining.shown(torch.cat([light, ab], 1)))
    came = lab.to_lab(
        torch.from_numpy(made[y : y + 1, x : x + 1].copy()).permute(2, 0, 1)[None] / 255
    )
    assert float(metrics.ciede2000(came, wanted)) < 2


def test_a_hint_reaches_its_object_and_no_other() -> None:
    light = torch.full((1, 1, 40, 60), 40.0)
    light[..., 30:] = 75.0
    hint = Hint(5, 20, 40.0, 20.0)
    made = obeyed(light, torch.zeros(1, 2, 40, 60), [hint], (40, 60))
    assert torch.allclose(made[0, :, 20, 5], torch.tensor([40.0, 20.0]))
    assert float(made[0, 0, 5, 27]) > 25, "the far corner of the same thing"
    assert float(made[0, 0, 20, 33]) < 4, "the other thing"


def test_a_hint_is_news_of_what_is_like_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    light = torch.full((1, 1, 40, 60), 80.0)
    light[..., 10:30, 5:15] = 30.0
    light[..., 10:30, 40:50] = 30.0
    hint = Hint(10, 20, 40.0, -20.0)
    said = torch.zeros(1, 2, 40, 60)
    same = torch.zeros(1, 95, 10, 15)
    made = kriging.corrected(light, said, same, [hint], (40, 60))
    assert 0.25 * 40 < float(made[0, 0, 20, 45]) < 40, (
        "a second thing as dark, apart from the first"
    )
    assert float(made[0, 0, 20, 10]) > 0.9 * 40
    assert abs(float(made[0, 0, 20, 30])) < 0.1 * 40, "the light ground between them"
    other = same.clone()
    other[:, 7, :, :8], other[:, 50, :, 8:] = 9.0, 9.0
    told_apart = kriging.corrected(light, said, other, [hint], (40, 60))
    assert float(told_apart[0, 0, 20, 45]) < 0.8 * float(made[0, 0, 20, 45]), (
        "as dark, but the network holds it for another thing"
    )
    assert torch.allclose(told_apart[0, 0, 20, 10], made[0, 0, 20, 10], atol=0.5)
    both = [hint, Hint(50, 5, 0.0, 30.0)]
    whole = kriging.corrected(light, said, other, both, (40, 60))
    monkeypatch.setattr(kriging, "_AT_ONCE", 7)
    assert torch.allclose(kriging.corrected(light, said, other, both, (40, 60)), whole, atol=1e-4)
    assert torch.equal(kriging.corrected(light, said, same, [], (40, 60)), said)


def test_hints_that_cannot_be() -> None:
    gray = gray_of(photograph()[:30, :40])
    with pytest.raises(DataError, match="outside the picture"):
        coloring.colorized(MODEL, SPEC, gray, [Hint(40, 0, 0, 0)])
    for text in ("1,2", "1,2,red", "-1,2,#112233", "1;2;#112233", "1,2,#12345", ""):
        with pytest.raises(DataError, match="is no hint"):
            Hint.parse(text)
    assert Hint.parse(" 3, 4, #ff0000 ").x == 3
    assert Hint.parse("3,4,ff0000").a == pytest.approx(80.09, abs=0.1)


def test_saturation_zero_is_the_picture_as_it_was() -> None:
    gray = gray_of(photograph()[:50, :70])
    made = coloring.colorized(MODEL, SPEC, gray, saturation=0)
    assert np.abs(made.astype(int) - gray).max() <= 1


def test_strips_equal_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    gray = gray_of(photograph())
    whole = coloring.colorized(MODEL, SPEC, gray)
    monkeypatch.setattr(joining, "_PIXELS", 640 * 37)
    assert np.array_equal(coloring.colorized(MODEL, SPEC, gray), whole)


def test_colours_do_not_leave_their_side_of_an_edge() -> None:
    light = torch.full((1, 1, 200, 300), 30.0)
    light[..., 150:] = 80.0
    small = torch.nn.functional.interpolate(light, (20, 30), mode="area")
    ab = torch.zeros(1, 2, 20, 30)
    ab[:, 0, :, 15:] = 60.0
    made = joining.upsampled(light, small, ab)
    assert float(made[0, 0, :, :147].max()) < 2
    assert float(made[0, 0, :, 153:].min()) > 58


def test_a_reference_lends_its_palette() -> None:
    gray = gray_of(photograph()[:120, :160])

    def mean_b(reference: Any) -> float:
        return float(coloring.colors(MODEL, SPEC, gray, reference=reference).ab[0, 1].mean())

    blue = np.zeros((50, 60, 3), np.uint8)
    blue[..., 2] = np.arange(60, dtype=np.uint8) * 4
    yellow = np.stack([blue[..., 2], blue[..., 2], 0 * blue[..., 2]], 2)
    with torch.inference_mode():
        assert mean_b(blue) + 10 < mean_b(yellow)


def test_variants_differ_and_repeat() -> None:
    gray = gray_of(photograph()[:120, :160])
    made = [coloring.colorized(MODEL, SPEC, gray, variant=v) for v in (0, 1, 2, 1)]
    assert np.array_equal(made[1], made[3])
    assert not np.array_equal(made[0], made[1])
    assert not np.array_equal(made[1], made[2])


def test_colour_is_told_from_tint() -> None:
    picture = photograph()
    gray = gray_of(picture)
    sepia = (gray * np.array([1.0, 0.9, 0.7])).astype(np.uint8)
    assert joining.is_colored(picture)
    assert not joining.is_colored(gray)
    assert not joining.is_colored(np.repeat(gray, 3, 2))
    assert not joining.is_colored(sepia)


def test_a_small_network_learns_what_has_which_colour() -> None:
    """Dark discs are red and bright squares blue: seconds of training must tell them apart."""
    draws = np.random.default_rng(0)
    items = torch.full((24, 3, 64, 64), 0.5)
    masks = torch.zeros(24, 2, 64, 64, dtype=torch.bool)
    rows, columns = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    for item, mask in zip(items, masks, strict=True):
        y, x = draws.integers(14, 50, 2)
        mask[0] = (rows - int(y)) ** 2 + (columns - int(x)) ** 2 < 120
        top = int(draws.integers(0, 44))
        mask[1, top : top + 20, top : top + 20] = True
        mask[1] &= ~mask[0]
        item[:, mask[0]] = torch.tensor([0.55, 0.1, 0.1]).view(3, 1)
        item[:, mask[1]] = torch.tensor([0.6, 0.75, 1.0]).view(3, 1)
    model = Autoencoder.from_recipe(SMALL, (3, 64, 64)).train()
    task = build_task(SMALL.task.model_copy(update={"old": 0.0}))
    optimizer = torch.optim.AdamW(model.parameters(), 4e-3)
    generator, losses = _generator(), []
    for step in range(60):
        part = items[(step % 3) * 8 :][:8]
        loss = task.objective(model, task.pair(part, generator))[0]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
    gray = gray_of((items[3] * 255).byte().permute(1, 2, 0).numpy())
    made = coloring.colorized(model.eval(), SPEC, gray)
    whole = lab.to_lab(torch.from_numpy(made.copy()).permute(2, 0, 1)[None] / 255)[0]
    assert float(whole[1][masks[3, 0]].mean()) > 15, "the disc is not red"
    assert float(whole[2][masks[3, 1]].mean()) < -8, "the square is not blue"
    assert float(whole[1:][:, ~masks[3].any(0)].abs().mean()) < 6, "the ground is not grey"
