"""Training while one watches: start, pause, step, resume, stop; nothing is lost by a reload."""

from __future__ import annotations

from typing import Any

import pytest

from isthmus.recipe import EntropyCoded
from tests.studio.browser import hands
from tests.studio.server import Server, small

pytestmark = pytest.mark.slow


def step_of(page: Any) -> int:
    """The step of the weights that the picture was made with."""
    text = page.locator(".from").inner_text()
    return int(text.rpartition("step ")[2].replace(",", ""))


def test_the_whole_transport(own_studio: Server, open_studio: Any) -> None:
    page = open_studio(own_studio)
    hands.draw(page)
    drawing = hands.picture(page, "[data-testid=pad]")
    page.keyboard.press("Escape")
    page.get_by_test_id("train").click()
    hands.wait_state(page, "running")
    page.wait_for_function("() => document.querySelector('.from')?.textContent.includes('step')")
    first = step_of(page)
    page.wait_for_function(
        "first => Number(document.querySelector('.from').textContent.split('step ')[1]?.replace(',', '')) > first + 20",
        arg=first,
    )
    # The map and the curve move while it learns; the own drawing is still the input.
    page.wait_for_selector(".plane canvas")
    assert hands.picture(page, "[data-testid=pad]") == drawing

    page.get_by_test_id("pause").click()
    hands.wait_state(page, "paused")
    page.wait_for_timeout(700)
    run = own_studio.call("GET", "/runs")["runs"][0]
    page.get_by_test_id("step").click()
    for _ in range(100):
        if own_studio.call("GET", f"/runs/{run['id']}")["step"] == run["step"] + 1:
            break
        page.wait_for_timeout(100)
    assert own_studio.call("GET", f"/runs/{run['id']}")["step"] == run["step"] + 1

    # A reload loses nothing.
    page.reload()
    page.wait_for_selector("[data-testid=psnr]")
    page.get_by_role("link", name="Runs").click()
    page.get_by_test_id("runs-resume").click()
    page.get_by_role("link", name="Lab").click()
    hands.wait_state(page, "running")
    page.get_by_test_id("stop").click()
    hands.wait_state(page, "stopped")

    # The curve remembers: its beginning and its end are different pictures.
    hands.dock(page, "Curves")
    page.wait_for_selector(".u-over")
    over = page.locator(".u-over")
    box = over.bounding_box()
    over.hover(position={"x": 4, "y": 60})
    page.wait_for_function(
        "() => document.querySelector('[data-testid=strip]')?.dataset.moment === '0'"
    )
    early = hands.picture(page, "[data-testid=strip]")
    over.hover(position={"x": box["width"] - 4, "y": 60})
    page.wait_for_function(
        "() => Number(document.querySelector('[data-testid=strip]')?.dataset.moment) > 0"
    )
    assert hands.picture(page, "[data-testid=strip]") != early


def test_a_killed_server_is_told_and_comes_back(own_studio: Server, open_studio: Any) -> None:
    page = open_studio(own_studio, watched=False)
    page.get_by_test_id("train").click()
    hands.wait_state(page, "running")
    own_studio.kill()
    page.get_by_text("The Studio's program does not answer").wait_for()
    # Still alive: the model is in the page.
    before = (
        hands.picture(page, "[data-testid=output]") if page.get_by_test_id("output").count() else []
    )
    hands.draw(page, [(0.2, 0.2), (0.8, 0.8)])
    if before:
        assert hands.picture(page, "[data-testid=output]") != before
    with Server(own_studio.folder, "--port", str(own_studio.port)) as again:
        page.goto("about:blank")
        page.goto(again.link)
        page.wait_for_selector("[data-testid=psnr]")
        page.get_by_role("link", name="Runs").click()
        page.get_by_text("interrupted").first.wait_for()
        page.get_by_test_id("runs-resume").click()
        page.get_by_text("running").first.wait_for()


def test_a_sweep_grows_the_curve(own_studio: Server, open_studio: Any) -> None:
    page = open_studio(own_studio)
    hands.dock(page, "Recipe")
    page.wait_for_function(
        "() => document.querySelector('[data-testid=recipe]')?.value.includes('[data]')"
    )
    page.get_by_test_id("recipe").fill(small(2).to_toml())
    hands.shown_numbers(page, 4)
    hands.dock(page, "Rate–distortion")
    page.wait_for_selector("[data-testid=rate]")
    dots = int(page.get_by_test_id("rate").first.get_attribute("data-dots"))
    page.get_by_test_id("sweep-values").fill("2, 3, 5")
    page.get_by_test_id("sweep").click()
    page.wait_for_function(
        "() => document.querySelector('[data-testid=sweep-state]')?.textContent.includes('3 of 3')",
        timeout=300_000,
    )
    assert int(page.get_by_test_id("rate").first.get_attribute("data-dots")) == dots + 3


def test_rates_are_counted_in_bytes(own_studio: Server, open_studio: Any) -> None:
    coded = small(2).model_copy(update={"bottleneck": EntropyCoded(size=8)})
    run = own_studio.train(coded)
    done = own_studio.until(run, "done")
    spent = done["metrics_full"]["diagnostics"]["bits_per_item"]
    assert done["bits"] == spent > 0
    page = open_studio(own_studio)
    hands.dock(page, "Rate–distortion")
    page.get_by_test_id("rate-bytes").click()
    page.wait_for_selector("[data-testid=rate][data-unit=bytes]")
    told = page.locator("[data-testid=rate] circle title").all_text_contents()
    assert any(title.startswith(f"small: {spent / 8:.1f} bytes") for title in told)
    assert any("64: 256 bytes" in title for title in told)
    page.locator("[data-testid=rate] text", has_text="PNG").wait_for()
