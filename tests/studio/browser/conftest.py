"""A real Studio, a real headless Chromium. Every page is watched: no foreign request, no complaint."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.studio.server import Server

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser every test here is skipped, and says so."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and CHROMIUM is None:
            item.add_marker(pytest.mark.skip(reason="no chromium (apt-get install chromium)"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for all tests; each page has a profile of its own."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright (make setup)")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One Studio for all tests that leave it as it was."""
    with Server(tmp_path_factory.mktemp("studio")) as server:
        yield server.log_in()


@pytest.fixture
def own_studio(tmp_path: Path) -> Iterator[Server]:
    """A Studio of this test alone. Ask for it before ``open_studio``: pages close first."""
    with Server(tmp_path) as server:
        yield server.log_in()


# These tests read pixels back themselves; and a screen that is left while its figures still come says
# that it is gone (rare, on a crowded machine).
_NO_FAULT = ("willReadFrequently", "derived_inert")


class Watch:
    """What a page asked for and complained about."""

    def __init__(self, page: Any, origin: str) -> None:
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda r: self._asked(r.url, origin))
        page.on("console", lambda m: self._said(m))
        page.on("pageerror", lambda e: self.complaints.append(str(e)))

    def _asked(self, url: str, origin: str) -> None:
        if not url.startswith((origin, "data:", "blob:")):
            self.foreign.append(url)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning") and not any(t in message.text for t in _NO_FAULT):
            self.complaints.append(message.text)


@pytest.fixture
def open_studio(browser: Any) -> Iterator[Any]:
    """``open_studio(server, width=…, dark=…)`` -> a page that has come alive."""
    contexts = []
    watches = []

    def opened(
        server: Server, path: str = "", width: int = 1440, height: int = 900, dark: bool = False,
        alive: bool = True, watched: bool = True, **more: Any,
    ) -> Any:  # fmt: skip
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            **{"locale": "en-US", **more},
        )
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        if watched:
            watches.append(Watch(page, f"http://127.0.0.1:{server.port}"))
        page.goto(server.link)
        if alive:
            page.wait_for_selector("[data-testid=psnr]")
        if path:
            page.goto(server.link.partition("#")[0] + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    for watch in watches:
        assert watch.foreign == []
        assert watch.complaints == []
