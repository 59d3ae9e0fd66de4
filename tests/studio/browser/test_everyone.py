"""For everyone: axe-core finds nothing on any screen, in both themes, at three widths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import isthmus
import isthmus.studio
from tests.studio.browser import hands
from tests.studio.server import Server, small, wait

AXE = Path(isthmus.studio.__file__).parent / "web/node_modules/axe-core/axe.min.js"
needs_axe = pytest.mark.skipif(
    not AXE.is_file(), reason="no axe-core (npm ci in src/isthmus/studio/web)"
)
DOCKS = ("Curves", "Latent plane", "Rate–distortion", "Layers", "Numbers", "Recipe", "All settings")


# Colours on their way to another are no colours of the page; what turns for ever never arrives.
_SETTLED = """() => Promise.all(document.getAnimations()
  .filter((moving) => moving.effect.getComputedTiming().endTime < Infinity)
  .map((moving) => moving.finished.catch(() => null)))"""


def violations(page: Any) -> list[str]:
    """What axe-core says is wrong, a line each."""
    page.evaluate(_SETTLED)
    if not page.evaluate("() => 'axe' in window"):
        page.add_script_tag(path=str(AXE))
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{v['id']}: {node['target']} {node['failureSummary'][:200]}"
        for v in found["violations"]
        for node in v["nodes"]
    ]


@needs_axe
def test_the_lab_as_it_opens(open_studio: Any, studio: Server) -> None:
    assert violations(open_studio(studio, bypass_csp=True)) == []


@needs_axe
@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1440, 768, 360])
def test_every_screen(open_studio: Any, studio: Server, width: int, dark: bool) -> None:
    page = open_studio(studio, width=width, dark=dark, bypass_csp=True)
    assert violations(page) == []
    for name in DOCKS:
        hands.dock(page, name)
        page.wait_for_timeout(400)
        assert violations(page) == [], name
    page.locator(".band").nth(1).focus()
    page.keyboard.press("Enter")
    page.locator(".inspector").wait_for()
    assert violations(page) == [], "inspector"
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Latent").first.click()
    page.get_by_test_id("figures").wait_for(timeout=120_000)
    assert violations(page) == [], "latent"
    page.get_by_test_id("walk").click()
    hands.drag(page, "[data-testid=scatter]", [(0.3, 0.5), (0.3, 0.5)])
    hands.drag(page, "[data-testid=scatter]", [(0.6, 0.5), (0.6, 0.5)])
    page.get_by_role("button", name="Show as table").click()
    assert violations(page) == [], "walk and table"
    page.get_by_role("link", name="Runs").click()
    page.get_by_role("heading", name="Runs").wait_for()
    assert violations(page) == [], "runs"
    page.get_by_role("button", name="Keys").click()
    page.get_by_role("dialog").wait_for()
    assert violations(page) == [], "keys"


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A Studio with two runs of its own, and the address at which they are compared."""
    folder = tmp_path_factory.mktemp("compared")
    isthmus.train(small(2), folder / "runs/one")
    isthmus.train(small(3).set("bottleneck.size=8"), folder / "runs/two")
    with Server(folder) as server:
        server.log_in()
        runs = wait(lambda: server.call("GET", "/runs")["runs"], lambda r: len(r) == 2, "runs")
        yield server, f"#/compare?ids={','.join(run['id'] for run in runs)}"


@needs_axe
@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1440, 768, 360])
def test_runs_and_their_comparison(
    open_studio: Any, compared: tuple[Server, str], width: int, dark: bool
) -> None:
    server, address = compared
    page = open_studio(server, path="#/runs", width=width, dark=dark, bypass_csp=True)
    page.locator("tbody tr[data-run]").nth(1).wait_for()
    page.locator("tbody input[type=checkbox]").first.check()
    assert violations(page) == [], "runs"
    page.get_by_role("button", name="Rename").first.click()
    page.locator("tbody input.field").wait_for()
    assert violations(page) == [], "rename"
    page.keyboard.press("Escape")
    page.goto(server.link.partition("#")[0] + address)
    page.get_by_test_id("compare-items").wait_for(timeout=120_000)
    page.locator(".u-over").wait_for()
    assert violations(page) == [], "compare"
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1440, 1024, 768, 360, 320])
def test_nothing_is_wider_than_the_page(open_studio: Any, studio: Server, width: int) -> None:
    page = open_studio(studio, width=width, height=740)
    for screen in ("lab", "latent", "apply", "runs"):
        page.goto(f"{studio.link.partition('#')[0]}#/{screen}")
        page.wait_for_timeout(150)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, screen


def test_keys_alone_reach_and_move_everything(open_studio: Any, studio: Server) -> None:
    page = open_studio(studio)
    seen = set()
    for _ in range(70):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate(
                """() => { const e = document.activeElement, r = getComputedStyle(e);
                return (e.dataset.testid || e.dataset.band || e.getAttribute('role') || e.tagName) }"""
            )
        )
    assert {"pad", "code", "train", "width", "tab", "separator"} <= seen
    page.get_by_test_id("pad").focus()
    before = hands.picture(page, "[data-testid=pad]")
    for key in ("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    assert hands.picture(page, "[data-testid=pad]") != before


def test_german_and_dark_are_kept(open_studio: Any, studio: Server) -> None:
    page = open_studio(studio)
    page.get_by_label("Language").select_option("de")
    page.get_by_role("button", name="Trainieren").wait_for()
    page.get_by_role("button", name="Hell oder dunkel").click()
    page.reload()
    page.get_by_role("button", name="Trainieren").wait_for()
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("() => document.documentElement.lang") == "de"
    page.get_by_label("Sprache").select_option("en")
    page.get_by_role("button", name="Train").wait_for()


def test_nothing_moves_for_those_who_asked_for_stillness(open_studio: Any, studio: Server) -> None:
    page = open_studio(studio, reduced_motion="reduce")
    spans = page.evaluate(
        """() => [...document.querySelectorAll('button, a')].map(e => getComputedStyle(e).transitionDuration)"""
    )
    assert all(float(s.rstrip("s")) == 0 for span in spans for s in span.split(", "))
    assert page.locator(".pulse").count() == 0
