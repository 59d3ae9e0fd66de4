"""Marks laid on batches, what is asked of the network, and pictures of any size through it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from isthmus.autoencoder import Autoencoder
from isthmus.errors import DataError
from isthmus.recipe import Plain, Recipe, Unwatermark, UShape
from isthmus.tasks import build_task
from isthmus.tasks.marking import Chance, Layers, Mark, Place, laid
from isthmus.tasks.unwatermark import Said, look, overlap, remove
from tests.marked import squares
from tests.photos import photograph

SPEC = Unwatermark(texts=8, coded=0, clean=0.3)
RECIPE = Recipe(
    name="small-marks",
    task=SPEC,
    encoder=UShape(channels=(6, 8), residual=False, bias=True, norm="batch"),
    bottleneck=Plain(size=8, spatial=True),
)


def _batch(count: int = 12) -> torch.Tensor:
    return torch.from_numpy(squares(count, 48)).permute(0, 3, 1, 2) / 255


def _model(logit: float) -> Autoencoder:
    """Untrained, but for how sure it is of a mark everywhere."""
    model = Autoencoder.from_recipe(RECIPE, (3, 48, 48), seed=0).eval()
    with torch.no_grad():
        last = model.decoder.weighted()[-1]
        last.bias[:4] = logit  # type: ignore[index, operator]
    return model


def test_a_marked_picture_is_what_shines_through_and_what_is_added() -> None:
    pair = build_task(SPEC).pair(_batch(), torch.Generator().manual_seed(3))
    clean, opacity, added = pair.target.split((3, 1, 3), 1)
    assert 0.5 < float((opacity.amax((1, 2, 3)) > 0).float().mean()) < 1
    # A mark of .9 on its own shadow, of .9 of that; which marks are drawn depends on the fonts at hand.
    assert float(opacity.max()) <= 1 - (1 - 0.9) * (1 - 0.9 * 0.9) + 1e-3
    gray = (pair.input - ((1 - opacity) * clean + added)).abs().mean(1)
    assert float(gray.mean()) < 0.01, "blend modes of one colour have this form"
    untouched = (opacity == 0).expand_as(clean)
    assert torch.equal(clean[untouched], pair.input[untouched])


def test_the_same_generator_lays_the_same_marks() -> None:
    made = [build_task(SPEC).pair(_batch(4), torch.Generator().manual_seed(7)) for _ in range(2)]
    assert torch.equal(made[0].input, made[1].input)
    assert torch.equal(made[0].target, made[1].target)
    other = build_task(SPEC).pair(_batch(4), torch.Generator().manual_seed(8))
    assert not torch.equal(made[0].input, other.input)


def test_a_mark_is_laid_where_it_is_told_to_be() -> None:
    square = Mark.of("logo", np.full((40, 40), 255, np.uint8))
    cover = laid(square, Place(20, 30, 10), 50, 60)[0, 0]
    rows, columns = torch.nonzero(cover > 0.5, as_tuple=True)
    assert (int(rows.min()), int(rows.max())) in {(15, 24), (15, 25), (16, 24), (16, 25)}
    assert abs(float(columns.float().mean()) - 30) < 0.6
    many = laid(square, Place(20, 30, 10, gap=(1.0, 1.0)), 50, 60)[0, 0]
    assert float(many.mean()) == pytest.approx(0.25, abs=0.08)


def test_layers_on_each_other_multiply() -> None:
    layers = Layers.none(4, 4)
    half = torch.full((1, 4, 4), 0.5)
    layers.cover(half, torch.zeros(3, 1, 1))
    layers.cover(half, torch.ones(3, 1, 1))
    assert torch.allclose(layers.on(torch.ones(3, 4, 4)), torch.full((3, 4, 4), 0.75))
    multiplied = Layers.none(4, 4)
    multiplied.cover(half, torch.zeros(3, 1, 1), "multiply")
    assert torch.allclose(multiplied.through, torch.full((3, 4, 4), 0.5))


def test_chance_stays_within_its_bounds() -> None:
    chance = Chance(torch.Generator().manual_seed(0))
    values = [chance.log(2, 8) for _ in range(300)]
    assert 2 <= min(values) < 2.3
    assert 7 < max(values) <= 8
    assert {chance.one("ab") for _ in range(40)} == {"a", "b"}


def test_a_few_steps_lower_the_loss() -> None:
    task, model = build_task(SPEC), Autoencoder.from_recipe(RECIPE, (3, 48, 48), seed=0).train()
    pair = task.pair(_batch(), torch.Generator().manual_seed(3))
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    losses = []
    for _ in range(14):
        optimizer.zero_grad()
        loss, _, made = task.objective(model, pair)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    figures = task.metrics(made.output, pair.target)
    assert set(figures) == {"mse", "iou"}


def test_overlap_of_masks() -> None:
    left = torch.zeros(2, 1, 4, 4, dtype=torch.bool)
    left[0, :, :2] = True
    right = left.clone()
    right[0, :, 1:3] = True
    assert overlap(left, right).tolist() == [pytest.approx(2 / 3), 1.0]


def test_no_mark_found_is_the_picture_itself() -> None:
    pixels = photograph()[:100, :130]
    made = remove(_model(-9), RECIPE.encoder, pixels)
    assert not made.mask.any()
    assert np.array_equal(made.pixels, pixels)


def test_outside_of_a_mask_nothing_changes_whatever_the_network_says() -> None:
    pixels = photograph()[:100, :130].astype(np.uint16) * 257
    mask = np.zeros((100, 130), bool)
    mask[20:60, 30:90] = True
    made = remove(_model(9), RECIPE.encoder, pixels, mask)
    assert made.pixels.dtype == np.uint16
    assert np.array_equal(made.pixels[~mask], pixels[~mask])
    assert not (made.mask & ~mask).any()
    assert (made.pixels != pixels).any()


def test_tiles_say_what_the_whole_says() -> None:
    pixels = photograph()[:150, :170]
    model = _model(0)
    whole = look(model, RECIPE.encoder, pixels, 1024).astype(int)
    tiled = look(model, RECIPE.encoder, pixels, 64).astype(int)
    assert np.abs(whole - tiled).max() <= 1


def test_large_pictures_are_looked_at_from_afar_first() -> None:
    pixels = np.tile(photograph()[:300, :340], (1, 5, 1))
    shares: list[float] = []
    made = remove(_model(-9), RECIPE.encoder, pixels, progress=shares.append)
    assert np.array_equal(made.pixels, pixels)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_apply_takes_gray_and_floats_and_refuses_stacks() -> None:
    task, model = build_task(SPEC), _model(-9)
    assert task.apply(model, RECIPE, photograph()[:32, :40, 0]).shape == (32, 40)
    assert task.apply(model, RECIPE, np.zeros((32, 40, 3))).dtype == np.float32
    with pytest.raises(DataError, match="a photograph has shape"):
        task.apply(model, RECIPE, np.zeros((2, 32, 40, 3)))


def test_what_the_decoder_leaves_has_names() -> None:
    said = Said.of(torch.zeros(1, 8, 2, 2))
    assert float(said.opacity[0, 0, 0, 0]) == pytest.approx(0.46)
    assert float(said.color.mean()) == 0.5
    white = said.unmixed(torch.full((1, 3, 2, 2), 0.5))
    assert torch.allclose(white, torch.full((1, 3, 2, 2), 0.5)), "the mark's own colour stays"
