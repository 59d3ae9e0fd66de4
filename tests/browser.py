"""A real, headless Chromium, driven by its own options: no driver, no download."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium (apt-get install chromium)"
)
_QUIET = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--v=0", "--virtual-time-budget=5000",
]  # fmt: skip


def open_page(page: Path, profile: Path, *options: str, script: str = "") -> tuple[str, list[str]]:
    """The page's DOM after its scripts have run, and what it wrote to the console.

    ``script`` is put at the end of a copy of the page that admits it: a test's hands and eyes.
    """
    assert CHROMIUM is not None
    if script:
        text = page.read_text("utf-8")
        text = re.sub(r"script-src [^;]+;", "script-src 'unsafe-inline';", text)
        page = page.with_suffix(".tested.html")
        page.write_text(text.replace("</body>", f"<script>{script}</script></body>"), "utf-8")
    done = subprocess.run(
        [CHROMIUM, *_QUIET, f"--user-data-dir={profile}", *options, "--dump-dom", page.as_uri()],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
