"""The newcomer's first sixty seconds, up to the map."""

from __future__ import annotations

from typing import Any

from tests.studio.browser import hands
from tests.studio.server import Server, wait


def test_first_minute(own_studio: Server, open_studio: Any) -> None:
    page = open_studio(own_studio)
    # At once: a trained model lives in the hourglass, a real seven in and out.
    assert hands.width(page) == 64
    page.get_by_text("784 numbers").first.wait_for()
    before = hands.picture(page, "[data-testid=output]")
    assert hands.decibels(page) > 18

    # A drawing passes through at once.
    hands.draw(page)
    after = hands.picture(page, "[data-testid=output]")
    assert after != before
    assert max(after[::4]) > 120

    # A narrower waist: another shipped model, a worse picture.
    wide = hands.decibels(page)
    hands.waist(page).focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    hands.shown_numbers(page, 2)
    page.wait_for_function(
        "wide => parseFloat(document.querySelector('[data-testid=psnr]')?.textContent) < wide - 2",
        arg=wide,
    )
    assert hands.width(page) == 2

    # Training: a fresh network, the same drawing through it while it learns.
    page.get_by_test_id("train").click()
    hands.wait_state(page, "running", "done")
    page.wait_for_function(
        "() => document.querySelector('.from')?.textContent.match(/step [1-9]/) !== null"
    )
    page.get_by_test_id("pause").click()
    hands.wait_state(page, "paused", "done")
    assert page.get_by_test_id("loss").inner_text() != "–"

    # The map: the probe's picture follows.
    page.get_by_role("link", name="Latent").first.click()
    page.wait_for_selector("[data-testid=probe] canvas")
    first = hands.picture(page, "[data-testid=probe]")
    hands.drag(page, "[data-testid=scatter]", [(0.5, 0.5), (0.35, 0.3)])
    assert hands.picture(page, "[data-testid=probe]") != first


def test_an_answer_that_comes_late_takes_nothing_back(own_studio: Server, open_studio: Any) -> None:
    page = open_studio(own_studio)

    def late(route: Any) -> None:
        """ "pausing" is answered at once, and arrives when "paused" has been told."""
        answer = route.fetch()
        wait(lambda: own_studio.call("GET", "/runs")["runs"], lambda r: r[0]["state"] == "paused", "the pause")  # fmt: skip
        page.wait_for_timeout(500)
        route.fulfill(response=answer)

    page.route("**/api/v1/runs/*/pause", late)
    page.get_by_test_id("train").click()
    hands.wait_state(page, "running")
    page.get_by_test_id("pause").click()
    hands.wait_state(page, "paused")
    page.wait_for_timeout(1_500)
    hands.wait_state(page, "paused")
    page.get_by_test_id("stop").click()
    hands.wait_state(page, "stopped")
