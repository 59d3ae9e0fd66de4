"""Tiles cover everything once, and what is made of them equals what is made of the whole."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter

from isthmus.media.tiles import padded, tiles


@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(1, 40),
    st.integers(0, 30),
    st.sampled_from([1, 4, 8]),
)
def test_tiles_cover_every_pixel_once(
    height: int, width: int, side: int, margin: int, step: int
) -> None:
    count = np.zeros((height, width), int)
    for tile in tiles(height, width, side, margin, step):
        top, bottom, left, right = tile.outer
        assert 0 <= top < bottom <= height
        assert 0 <= left < right <= width
        assert top % step == left % step == 0
        count[tile.inner[0] : tile.inner[1], tile.inner[2] : tile.inner[3]] += 1
    assert (count == 1).all()


@given(st.integers(1, 80), st.integers(1, 80), st.integers(8, 40))
def test_a_filter_run_over_tiles_equals_the_whole(height: int, width: int, side: int) -> None:
    whole = np.random.default_rng(height * 100 + width).random((height, width))
    wanted = uniform_filter(whole, 7, mode="constant")
    made = np.empty_like(whole)
    for tile in tiles(height, width, side, 3, 1):
        tile.write(made, uniform_filter(tile.read(whole), 7, mode="constant"))
    assert np.allclose(made, wanted, atol=1e-12)


@given(st.integers(1, 30), st.integers(1, 30), st.sampled_from([1, 2, 8, 16]))
def test_padding_reaches_the_step_and_keeps_the_rest(height: int, width: int, step: int) -> None:
    piece = np.random.default_rng(1).random((height, width, 3))
    made = padded(piece, step)
    assert made.shape[0] % step == made.shape[1] % step == 0
    assert made.shape[0] - height < step
    assert np.array_equal(made[:height, :width], piece)
