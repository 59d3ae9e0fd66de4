"""What a person at the Studio's page waits for, measured in headless Chromium without a GPU.

    python -m benchmarks.studio_page

Times are of a busy machine and come with the budget of the design; frames are counted in CPU time.
"""

from __future__ import annotations

import gzip
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from tests.studio.browser.conftest import CHROMIUM
from tests.studio.server import Server

import isthmus.studio
from isthmus import train
from isthmus.recipe import Arrays, Dense, Plain, Recipe, Training

STATIC = Path(isthmus.studio.__file__).parent / "static"
ALIVE = """() => {
  window.longTasks = 0;
  new PerformanceObserver((list) => window.longTasks += list.getEntries().length)
    .observe({ type: 'longtask', buffered: true });
  const look = () => document.querySelector('[data-testid=psnr]')
    ? (window.aliveAt = performance.now()) : requestAnimationFrame(look);
  look();
}"""
# Each move of the pointer goes through the network and onto the canvas before its microtasks end.
DRAW = """async () => {
  const pad = document.querySelector('[data-testid=pad]'), box = pad.getBoundingClientRect();
  pad.setPointerCapture = () => {};
  const say = (kind, k) => pad.dispatchEvent(new PointerEvent(kind, { bubbles: true, pointerId: 1,
    clientX: box.left + box.width * (0.5 + 0.3 * Math.sin(k / 9)), clientY: box.top + box.height * (0.5 + 0.3 * Math.cos(k / 7)) }));
  const spans = [];
  say('pointerdown', 0);
  for (let k = 1; k <= 200; k++) {
    const begun = performance.now();
    say('pointermove', k);
    await new Promise((done) => queueMicrotask(() => queueMicrotask(done)));
    spans.push(performance.now() - begun);
    await new Promise(requestAnimationFrame);
  }
  say('pointerup', 200);
  return spans;
}"""
PAN = """async () => {
  const map = document.querySelector('[data-testid=scatter]');
  const drawn = () => Number(map.dataset.drawn), before = drawn();
  for (let k = 0; k < 120; k++) {
    map.dispatchEvent(new KeyboardEvent('keydown', { key: ['+', '-', '+', '-'][k % 4], bubbles: true }));
    await new Promise(requestAnimationFrame);
  }
  return drawn() - before;
}"""


def rows() -> list[list[str]]:
    """[what, measured, budget] of page weight, opening, drawing and frames."""
    from playwright.sync_api import sync_playwright

    made: list[list[str]] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(Path(folder)) as server,
        sync_playwright() as driver,
    ):
        many_points(server.runs / "many", Path(folder))
        chromium = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        made += weight(chromium, server)
        made += opening(chromium, server)
        page = alive(chromium, server)
        made.append(["draw to picture, p95, idle", f"{p95(page.evaluate(DRAW)):.1f} ms", "16 ms"])
        page.get_by_test_id("train").click()
        page.wait_for_selector("[data-testid=state][data-state=running]", timeout=120_000)
        page.wait_for_selector("[data-testid=psnr]", timeout=120_000)
        made.append(["the same while training", f"{p95(page.evaluate(DRAW)):.1f} ms", "33 ms"])
        page.get_by_test_id("stop").click()
        made += frames(chromium, server)
        chromium.close()
    return made


def alive(chromium: Any, server: Server) -> Any:
    page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.add_init_script(f"({ALIVE})()")
    page.goto(server.link)
    page.wait_for_selector("[data-testid=psnr]", timeout=120_000)
    return page


def p95(values: list[float]) -> float:
    return float(np.percentile(values, 95))


def weight(chromium: Any, server: Server) -> list[list[str]]:
    """Sizes as a server that compresses would send them."""
    page = alive(chromium, server)
    page.wait_for_timeout(500)
    names = page.evaluate("() => performance.getEntriesByType('resource').map((e) => e.name)")
    own = [STATIC / n.partition("/assets/")[2] for n in names if "/assets/" in n]
    size = {
        kind: sum(
            len(gzip.compress((STATIC / "assets" / p.name).read_bytes()))
            for p in set(own)
            if p.suffix == kind
        )
        for kind in (".js", ".css")
    }
    whole = sum(p.stat().st_size for p in STATIC.rglob("*") if p.is_file())
    page.context.close()
    return [
        ["JavaScript of the Lab, compressed", f"{size['.js'] / 1000:.1f} kB", "90 kB"],
        ["styles of the Lab, compressed", f"{size['.css'] / 1000:.1f} kB", "15 kB"],
        ["all files of the page", f"{whole / 1000:.0f} kB", "900 kB"],
    ]


def opening(chromium: Any, server: Server) -> list[list[str]]:
    paints, lives, tasks = [], [], []
    for _ in range(5):
        page = alive(chromium, server)
        page.wait_for_timeout(1500)
        paints.append(
            page.evaluate(
                "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
            )
        )
        lives.append(page.evaluate("() => window.aliveAt"))
        tasks.append(page.evaluate("() => window.longTasks"))
        page.context.close()
    return [
        [
            "first contentful paint, median of 5",
            f"{statistics.median(paints) / 1000:.2f} s",
            "0.8 s",
        ],
        ["usable, median of 5", f"{statistics.median(lives) / 1000:.2f} s", "2.0 s"],
        ["long tasks while opening, median", f"{statistics.median(tasks):.0f}", "3"],
    ]


def many_points(path: Path, folder: Path) -> None:
    """A run with 60,000 items of four clouds."""
    rng = np.random.default_rng(0)
    labels = np.arange(60_000) % 4
    x = (rng.normal(size=(60_000, 8)) + 3 * np.eye(8)[labels]).astype(np.float32)
    np.savez(folder / "many.npz", x=x, y=labels)
    recipe = Recipe(
        name="many",
        data=Arrays(path=str(folder / "many.npz")),
        encoder=Dense(layers=(16,)),
        bottleneck=Plain(size=2),
        training=Training(epochs=1, batch_size=1024, threads=1),
    )
    train(recipe, path)


def frames(chromium: Any, server: Server) -> list[list[str]]:
    page = alive(chromium, server)
    run = next(r for r in server.call("GET", "/runs")["runs"] if r["name"] == "many")
    page.goto(f"{server.link.partition('#')[0]}#/latent?run={run['id']}")
    page.wait_for_selector("[data-testid=scatter]", timeout=300_000)
    page.wait_for_timeout(1000)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(m["value"] for m in metrics if m["name"] == "TaskDuration")

    before = spent()
    drawn = page.evaluate(PAN)
    return [
        [
            "60,000 points, CPU of the page a frame",
            f"{(spent() - before) / drawn * 1000:.1f} ms",
            "25 ms",
        ]
    ]


if __name__ == "__main__":
    for row in rows():
        print(" | ".join(row))
