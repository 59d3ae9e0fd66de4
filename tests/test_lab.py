"""Colour spaces there and back, the lattice of colours, and the colour difference against its authors' table."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isthmus import lab, metrics
from isthmus.recipe import Colors

# Sharma, Wu & Dalal 2005, table 1: two colours, and how far apart they are. The pairs with hues on
# both sides of zero and with grey are where implementations go wrong.
SHARMA = [
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, 2.8361, -74.0200), (50.0, 0.0, -82.7485), 3.4412),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0011), 7.2195),
    ((50.0, -0.001, 2.49), (50.0, 0.0009, -2.49), 4.8045),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((50.0, 2.5, 0.0), (58.0, 24.0, 15.0), 19.4535),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((63.0109, -31.0961, -5.8663), (62.8187, -29.7946, -4.0864), 1.2630),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("first", "second", "apart"), SHARMA)
def test_the_colour_difference_is_that_of_the_paper(
    first: tuple[float, ...], second: tuple[float, ...], apart: float
) -> None:
    x, y = (torch.tensor(c, dtype=torch.float64).view(1, 3, 1, 1) for c in (first, second))
    assert float(metrics.ciede2000(x, y)) == pytest.approx(apart, abs=2e-4)
    assert float(metrics.ciede2000(y, x)) == pytest.approx(apart, abs=2e-4)


def test_colourfulness_knows_grey_from_red_and_green() -> None:
    gray = torch.full((1, 3, 8, 8), 0.4)
    assert float(metrics.colorfulness(gray)) == pytest.approx(0, abs=1e-4)
    half = torch.zeros(1, 3, 8, 8)
    half[:, 0, :, :4], half[:, 1, :, 4:] = 1.0, 1.0
    assert float(metrics.colorfulness(half)) > 100


@given(st.lists(st.integers(0, 255), min_size=3, max_size=3))
def test_there_and_back_is_the_identity(values: list[int]) -> None:
    rgb = torch.tensor(values, dtype=torch.float32).view(1, 3, 1, 1) / 255
    assert torch.allclose(lab.to_rgb(lab.to_lab(rgb)), rgb, atol=1e-4)
    ab = lab.to_lab(rgb)[:, 1:]
    assert torch.allclose(lab.expanded(lab.compressed(ab)), ab, atol=1e-3)


def test_known_colours() -> None:
    corners = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [0, 0, 0]])
    made = lab.to_lab(corners.view(5, 3, 1, 1)).flatten(1)
    known = torch.tensor(
        [[53.24, 80.09, 67.20], [87.73, -86.18, 83.18], [32.30, 79.19, -107.86], [100, 0, 0], [0, 0, 0]]
    )  # fmt: skip
    assert torch.allclose(made, known, atol=0.02)


def test_the_lattice_is_as_large_as_the_schema_says_and_near_every_colour() -> None:
    assert len(lab.lattice()) == Colors.classes
    rgb = torch.rand(500, 3, 1, 1, generator=torch.Generator().manual_seed(0))
    plane = lab.compressed(lab.to_lab(rgb)[:, 1:, 0, 0])
    # No colour is farther from the lattice than the middle of a triangle of neighbours.
    assert float(torch.cdist(plane, lab.lattice()).amin(1).max()) < 0.62 * lab.SPACING
