"""Maps: projections that can be undone, figures that mean something, colours for all eyes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from isthmus import maps
from isthmus.errors import DataError
from isthmus.maps.palette import OKABE_ITO

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 4, 400)
CODES = (np.eye(6)[LABELS] * 5 + RNG.normal(0, 1, (400, 6))).astype(np.float32)


def test_pca_can_be_undone_on_its_plane() -> None:
    made = maps.project(CODES, "pca")
    assert made.inverse is not None
    back = maps.project(CODES, "pca").inverse(made.points)  # type: ignore[misc]
    assert np.allclose(made.points, ((back - CODES.mean(0)) @ _axes(made)), atol=1e-3)
    assert (made.points == maps.project(CODES, "pca").points).all()


def _axes(made: Any) -> Any:
    origin = made.inverse(np.zeros((1, 2), np.float32))
    return (made.inverse(np.eye(2, dtype=np.float32)) - origin).T


def test_auto_shows_two_numbers_as_they_are() -> None:
    made = maps.project(CODES[:, :2])
    assert made.how == "direct"
    assert (made.points == CODES[:, :2]).all()


@pytest.mark.parametrize(
    "how",
    [
        "tsne",
        pytest.param("pacmap", marks=pytest.mark.slow),
        pytest.param("umap", marks=pytest.mark.slow),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_neighbour_maps_keep_clusters_apart(how: Any) -> None:
    if how != "tsne":
        pytest.importorskip(how)
    made = maps.project(CODES, how)
    assert made.inverse is None
    figures = maps.cluster_figures(made.points[:200], LABELS[:200], made.points[200:], LABELS[200:])
    assert figures["knn_accuracy"] > 0.9


def test_codes_that_cannot_be_laid_out() -> None:
    with pytest.raises(DataError, match="1 of 400 codes are not numbers"):
        maps.project(np.where(np.arange(400)[:, None] == 3, np.nan, CODES))
    with pytest.raises(DataError, match="at least 3 items"):
        maps.project(CODES[:2])
    with pytest.raises(DataError, match="direct needs codes of 2 numbers; these have 6"):
        maps.project(CODES, "direct")


def test_figures_tell_clusters_from_noise() -> None:
    good = maps.cluster_figures(CODES[:200], LABELS[:200], CODES[200:], LABELS[200:])
    noise = RNG.normal(0, 1, CODES.shape)
    bad = maps.cluster_figures(noise[:200], LABELS[:200], noise[200:], LABELS[200:])
    assert good["knn_accuracy"] > 0.95 > 0.5 > bad["knn_accuracy"]
    assert good["probe_accuracy"] > 0.95 > 0.5 > bad["probe_accuracy"]
    assert good["silhouette"] > 0.3 > bad["silhouette"]
    assert maps.cluster_figures(CODES, None, CODES, None) == {}
    assert maps.cluster_figures(CODES, LABELS * 0, CODES, LABELS * 0) == {}


def test_trustworthiness_falls_when_neighbours_are_torn() -> None:
    points = maps.project(CODES).points
    true = maps.trustworthiness(CODES, points)
    torn = maps.trustworthiness(CODES, RNG.permutation(points))
    assert true is not None
    assert torn is not None
    assert true > 0.7 > 0.6 > torn


def test_grid_walk_and_traverse_visit_the_right_places() -> None:
    points = RNG.uniform(-1, 1, (500, 2))
    sheet, (left, right, bottom, top) = maps.grid(lambda p: p, points, 5)
    assert sheet.shape == (25, 2)
    assert sheet[0].tolist() == pytest.approx([left, top])
    assert sheet[-1].tolist() == pytest.approx([right, bottom])
    way = maps.walk(lambda c: c, np.array([2.0, 0.0]), np.array([0.0, 2.0]), 5, spherical=True)
    assert np.linalg.norm(way, axis=1) == pytest.approx(np.full(5, 2.0))
    straight = maps.walk(lambda c: c, np.zeros(3), np.ones(3), 3)
    assert straight[1].tolist() == [0.5, 0.5, 0.5]
    moved = maps.traverse(lambda c: c, np.array([1.0, 2.0]), np.array([0.5, 1.0]), 3)
    assert moved[0].tolist() == [[0.0, 2.0], [1.0, 2.0], [2.0, 2.0]]
    assert moved[1].tolist() == [[1.0, 0.0], [1.0, 2.0], [1.0, 4.0]]


def _lab(rgb: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Linear RGB -> CIELAB (D65)."""
    xyz = rgb @ np.array(
        [[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]]
    )
    f = np.cbrt(np.clip(xyz / [0.9505, 1.0, 1.089], 1e-6, None))
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)


# Machado, Oliveira & Fernandes 2009, full severity.
_SEEN = {
    "all": np.eye(3),
    "protan": np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    "deutan": np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
}


@pytest.mark.parametrize("eyes", sorted(_SEEN))
def test_the_first_ten_colours_stay_apart(eyes: str) -> None:
    colours = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in maps.palette(10)])
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    lab = _lab(np.clip(linear @ _SEEN[eyes].T, 0, 1))
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=2) + 999 * np.eye(10)
    assert apart.min() > 15, maps.palette(10)
    assert len(OKABE_ITO) == 8


def test_a_picture_of_the_map(tmp_path: Path) -> None:
    labels = np.where(np.arange(400) < 20, -1, LABELS)
    maps.plot_png(tmp_path / "m.png", CODES[:, :2], labels, ("a", "b", "c", "d"), "title")
    maps.plot_png(tmp_path / "n.png", CODES[:, :2], None, (), "title")
    with Image.open(tmp_path / "m.png") as drawn:
        assert drawn.size[0] > 800
        assert len(drawn.convert("RGB").getcolors(1 << 20)) > 50
