"""A mark looked for from several distances: what each view says becomes one word."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.media.tiles import Array
from isthmus.tasks import distances
from isthmus.tasks.distances import seen
from isthmus.tasks.restore import Progress


def _look(chances: dict[int, int], asked: list[tuple[int, int]] | None = None):  # type: ignore[no-untyped-def]
    """A network that is as sure as ``chances`` says of a picture so many columns wide."""

    def look(pixels: Array, progress: Progress | None) -> Array:
        made = np.zeros((*pixels.shape[:2], 5), np.uint8)
        made[..., 0] = chances.get(pixels.shape[1], 128)
        made[..., 1:] = pixels.shape[1] % 251
        if asked is not None:
            asked.append(pixels.shape[:2])
        if progress is not None:
            progress(1.0)
        return made

    return look


@pytest.mark.parametrize(
    ("longest", "scales"),
    [
        (30, [1]),
        (599, [1]),
        (768, [1, 2]),
        (1600, [1, 2, 4]),
        (3000, [2, 4, 8]),
        (6000, [4, 8, 16]),
    ],
)
def test_so_many_views_as_say_something_new(longest: int, scales: list[int]) -> None:
    assert distances._scales(longest) == scales


def test_views_say_together_what_they_say_on_average() -> None:
    told: list[float] = []
    maps = seen(np.zeros((4, 800, 3), np.uint8), _look({800: 26, 400: 204}), told.append)
    # Odds of 26 : 229 and 204 : 51 are, in the middle, 0.34 : 0.66 by their logs.
    odds = np.sqrt(26 / 229 * 204 / 51)
    assert np.abs(maps[..., 0] - 255 * odds / (1 + odds)).max() < 1
    # The surer one says most of the rest.
    rest = (26 * (800 % 251) + 204 * (400 % 251)) / 230
    assert np.abs(maps[..., 1:] - rest).max() < 1
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)


def test_what_is_seen_closely_counts_only_where_it_is_seen_from_afar() -> None:
    pixels = np.zeros((8, 2000, 3), np.uint8)
    doubted = seen(pixels, _look({2000: 255, 1000: 20, 500: 20}))
    assert doubted[..., 0].max() < 30
    agreed = seen(pixels, _look({2000: 250, 1000: 200, 500: 200}))
    assert (agreed[..., 0] == 250).all()


@pytest.mark.parametrize("shape", [(1, 20_000), (20_000, 1), (3, 1601), (1603, 5)])
def test_thin_pictures_keep_their_shape(shape: tuple[int, int]) -> None:
    asked: list[tuple[int, int]] = []
    assert seen(np.zeros((*shape, 1), np.uint8), _look({}, asked)).shape == (*shape, 5)
    assert asked[-1] == shape
