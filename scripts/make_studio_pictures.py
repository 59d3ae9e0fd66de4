"""Make the README's pictures of the Studio from the real thing. About a minute.

Run: python scripts/make_studio_pictures.py. Needs chromium and playwright.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.studio.browser import hands  # noqa: E402
from tests.studio.server import Server  # noqa: E402

TARGET = ROOT / "docs/pictures"
THREE: hands.Path = [
    (0.34, 0.24), (0.62, 0.24), (0.48, 0.46), (0.63, 0.6), (0.55, 0.78), (0.34, 0.76),
]  # fmt: skip


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(Path(folder)) as server,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        lab(browser, server)
        latent(browser, server)
        phone(browser, server)
        browser.close()


def opened(browser: Any, server: Server, width: int, height: int, **options: Any) -> Any:
    """A page that has come alive."""
    page = browser.new_context(
        viewport={"width": width, "height": height}, locale="en-US", **options
    ).new_page()
    page.set_default_timeout(120_000)
    page.goto(server.link)
    page.wait_for_selector("[data-testid=psnr]")
    return page


def lab(browser: Any, server: Server) -> None:
    """A drawing passes through a network that is learning; then the same by night."""
    page = opened(browser, server, 1440, 1180)
    hands.draw(page, THREE)
    page.get_by_test_id("train").click()
    hands.wait_state(page, "running")
    page.wait_for_function(
        "() => Number(document.querySelector('.from')?.textContent.split('step ')[1]?.replace(',', '')) > 330"
    )
    page.get_by_test_id("pause").click()
    hands.wait_state(page, "paused", "done")
    page.mouse.move(0, 0)
    page.wait_for_timeout(1500)
    page.screenshot(path=TARGET / "studio-lab.png")
    page.get_by_role("button", name="Light or dark").click()
    page.mouse.move(0, 0)
    page.wait_for_timeout(600)
    page.screenshot(path=TARGET / "studio-dark.png")
    page.context.close()


def latent(browser: Any, server: Server) -> None:
    """The shipped model of two numbers: the plane decoded under its points."""
    page = opened(browser, server, 1440, 900)
    page.goto(f"{server.link.partition('#')[0]}#/latent?run=digits-2")
    page.get_by_test_id("figures").wait_for()
    page.get_by_test_id("sheet").click()
    hands.drag(page, "[data-testid=scatter]", [(0.5, 0.5), (0.44, 0.4)])
    page.wait_for_timeout(1500)
    page.screenshot(path=TARGET / "studio-latent.png")
    page.context.close()


def phone(browser: Any, server: Server) -> None:
    page = opened(browser, server, 360, 740, device_scale_factor=2, has_touch=True)
    hands.draw(page, THREE)
    page.wait_for_timeout(600)
    page.screenshot(path=TARGET / "studio-phone.png")
    page.context.close()


if __name__ == "__main__":
    main()
