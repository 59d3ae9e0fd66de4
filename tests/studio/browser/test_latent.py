"""The map of codes: probe, walk, sheet, pictures, lasso, filter, figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.studio.browser import hands
from tests.studio.server import Server

pytestmark = pytest.mark.slow


@pytest.fixture
def page(open_studio: Any, studio: Server) -> Any:
    opened = open_studio(studio, "#/latent?run=digits-2")
    opened.get_by_test_id("figures").wait_for(timeout=120_000)
    return opened


def painted(page: Any) -> int:
    """How often the points were drawn."""
    return int(page.locator("[data-testid=scatter]").get_attribute("data-drawn"))


def test_probe_by_hand_and_by_keys(page: Any) -> None:
    first = hands.picture(page, "[data-testid=probe]")
    hands.drag(page, "[data-testid=scatter]", [(0.5, 0.5), (0.7, 0.35)])
    second = hands.picture(page, "[data-testid=probe]")
    page.get_by_test_id("scatter").focus()
    for _ in range(3):
        page.keyboard.press("Shift+ArrowLeft")
    third = hands.picture(page, "[data-testid=probe]")
    assert len({tuple(first), tuple(second), tuple(third)}) == 3


def test_pan_zoom_hover_and_filter(page: Any) -> None:
    points = hands.picture(page, "[data-testid=scatter]")
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_timeout(200)
    assert hands.picture(page, "[data-testid=scatter]") != points
    page.get_by_role("button", name="Show everything").click()
    page.get_by_role("button", name="Move").click()
    hands.drag(page, "[data-testid=scatter]", [(0.3, 0.3), (0.5, 0.4)])
    page.wait_for_timeout(200)
    assert hands.picture(page, "[data-testid=scatter]") != points
    page.get_by_role("button", name="Show everything").click()
    page.get_by_test_id("scatter").focus()
    page.keyboard.press("n")
    page.get_by_test_id("hovered").wait_for()
    legend = page.get_by_role("group", name="Classes")
    legend.get_by_role("button", name="3").click()
    assert legend.get_by_role("button", name="4").get_attribute("aria-pressed") == "false"
    legend.get_by_role("button", name="4").click(modifiers=["Shift"])
    assert legend.get_by_role("button", name="4").get_attribute("aria-pressed") == "true"
    legend.get_by_role("button", name="3").click()
    legend.get_by_role("button", name="3").click()
    assert legend.get_by_role("button", name="9").get_attribute("aria-pressed") == "true"


def test_lasso_selects_and_shows_shares(page: Any) -> None:
    page.get_by_test_id("lasso").click()
    hands.drag(page, "[data-testid=scatter]", [(0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6)])
    page.get_by_test_id("selected").wait_for()
    assert int(page.get_by_test_id("selected").inner_text().split()[0].replace(",", "")) > 10
    page.get_by_role("button", name="Select all").click()
    assert page.get_by_test_id("selected").count() == 0


def test_walk_sheet_and_pictures(page: Any) -> None:
    before = painted(page)
    page.get_by_test_id("sheet").click()
    page.wait_for_function(
        "n => Number(document.querySelector('[data-testid=scatter]').dataset.drawn) > n", arg=before
    )
    page.get_by_test_id("sheet").click()
    page.get_by_test_id("walk").click()
    for place in ((0.35, 0.4), (0.65, 0.6)):
        hands.drag(page, "[data-testid=scatter]", [place, place])
    page.get_by_test_id("walk-strip").wait_for()
    strip = np.array(hands.picture(page, "[data-testid=walk-strip]")).reshape(56, 168, 4)[..., 0]
    tiles = [strip[r : r + 28, c : c + 28] for r in (0, 28) for c in range(0, 168, 28)]
    # Each step is a small one: neighbours are nearer than the ends.
    ends = np.abs(tiles[0] - tiles[-1]).mean()
    assert all(np.abs(a - b).mean() < ends for a, b in zip(tiles, tiles[1:], strict=False))
    page.get_by_test_id("sprites").click()
    page.wait_for_timeout(400)


def test_a_map_that_cannot_be_turned_round_says_so(page: Any) -> None:
    assert page.get_by_test_id("undecodable").count() == 0
    page.get_by_test_id("how").select_option("tsne")
    page.get_by_test_id("undecodable").wait_for(timeout=180_000)
    page.get_by_text("The nearest real code.", exact=True).wait_for()
