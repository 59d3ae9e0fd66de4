"""Runs: made anywhere, seen at once, renamed, starred, deleted and brought back, compared."""

from __future__ import annotations

from typing import Any

import pytest

import isthmus
from tests.studio.browser import hands
from tests.studio.server import Server, small

pytestmark = pytest.mark.slow


def test_runs_from_elsewhere_and_all_that_is_done_with_them(
    own_studio: Server, open_studio: Any
) -> None:
    page = open_studio(own_studio)
    page.get_by_role("link", name="Runs").click()
    page.get_by_text("No runs yet").wait_for()
    # Made by the library while the page is open.
    isthmus.train(small(1), own_studio.runs / "one")
    isthmus.train(small(2).set("bottleneck.size=8"), own_studio.runs / "two")
    page.wait_for_function("() => document.querySelectorAll('tbody tr[data-run]').length === 2")

    page.get_by_role("button", name="Rename").first.click()
    page.locator("tbody input.field").fill("the better one")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="the better one", exact=True).wait_for()
    page.get_by_role("button", name="Star the better one").click()
    page.get_by_role("button", name="starred").click()
    page.wait_for_function("() => document.querySelectorAll('tbody tr[data-run]').length === 1")
    page.get_by_role("button", name="starred").click()

    # Compared: the same items through each, and only what differs.
    for box in page.locator("tbody input[type=checkbox]").all():
        box.check()
    page.get_by_test_id("compare").click()
    page.get_by_test_id("compare-items").wait_for(timeout=120_000)
    assert page.locator("[data-testid=compare-items] tr").count() == 3
    table = page.get_by_test_id("differing").inner_text()
    assert "bottleneck.size" in table
    assert "training.epochs" in table
    assert "learning_rate" not in table
    page.locator(".u-over").wait_for()

    # Deleted and brought back.
    page.get_by_role("link", name="Runs").first.click()
    page.get_by_test_id("delete").first.click()
    page.wait_for_function("() => document.querySelectorAll('tbody tr[data-run]').length === 1")
    page.get_by_test_id("restore").click()
    page.wait_for_function("() => document.querySelectorAll('tbody tr[data-run]').length === 2")

    # Opened: its recipe is on the bench again, alive with its own weights.
    page.get_by_role("button", name="the better one", exact=True).click()
    page.wait_for_function(
        "() => document.querySelector('.from')?.textContent.includes('the better one')"
    )
    assert hands.width(page) in (4, 8)


def test_a_damaged_run_is_told_in_words(own_studio: Server, open_studio: Any) -> None:
    isthmus.train(small(1), own_studio.runs / "one")
    page = open_studio(own_studio)
    page.get_by_role("link", name="Runs").click()
    page.wait_for_function("() => document.querySelectorAll('tbody tr[data-run]').length === 1")
    (own_studio.runs / "one" / "recipe.toml").write_text("[[[")
    page.get_by_text("damaged").first.wait_for()
