"""One mark on several pictures, in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import DataError
from isthmus.marks import shared
from isthmus.marks.removal import take_shared
from tests.marked import case, squares


@pytest.mark.parametrize(
    ("opacity", "color"),
    [(0.35, (1, 1, 1)), (0.7, (0, 0, 0)), (0.55, (0.9, 0.2, 0.1))],
    ids=["faint white", "black", "red"],
)
def test_a_shared_mark_is_computed_away(opacity: float, color: tuple[float, float, float]) -> None:
    held = case(14, opacity=opacity, color=color)
    mark = shared.find(held.seen)
    assert mark is not None
    assert np.abs(np.array(mark.colors[0]) - color).max() < 0.05
    both = (mark.mask & held.mask).sum() / (mark.mask | held.mask).sum()
    assert both > 0.8
    made = np.stack([take_shared(p, mark).pixels for p in held.seen])
    assert held.psnr(held.seen) < 20
    assert held.psnr(made) > 32
    assert (made == held.seen)[:, ~mark.mask].all(), "outside of the mask not one bit changes"


def test_pictures_without_a_common_mark_have_none() -> None:
    assert shared.find(squares(12, 96)) is None


def test_what_is_too_opaque_is_filled_from_around() -> None:
    held = case(14, opacity=1.0, color=(1, 0, 1))
    mark = shared.find(held.seen)
    assert mark is not None
    made = take_shared(held.seen[0], mark)
    assert made.filled > 100
    assert held.psnr(np.stack([take_shared(p, mark).pixels for p in held.seen])) > 15


def test_sixteen_bits_and_gray_pictures_take_the_same_mark() -> None:
    held = case(14)
    mark = shared.find(held.seen)
    assert mark is not None
    deep = held.seen[0].astype(np.uint16) * 257
    made = take_shared(deep, mark).pixels
    assert made.dtype == np.uint16
    assert np.abs(made / 257 - take_shared(held.seen[0], mark).pixels).max() <= 0.51
    gray = held.seen[0].mean(2, keepdims=True).astype(np.uint8)
    assert take_shared(gray, mark).pixels.shape == (96, 96, 1)


def test_two_pictures_are_too_few_and_one_picture_many_times_too() -> None:
    with pytest.raises(DataError, match="at least 3"):
        shared.find(squares(2, 48))
    same = np.repeat(squares(1, 48), 6, 0)
    try:
        assert shared.find(same) is None
    except DataError as error:
        assert "show the same" in str(error)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**31))
def test_noise_holds_no_mark(seed: int) -> None:
    pictures = np.random.default_rng(seed).integers(0, 256, (5, 24, 24, 3), np.uint8)
    assert shared.find(pictures) is None
