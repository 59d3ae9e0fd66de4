"""A million points in a real browser: layout, page, memory, and the CPU time of a frame."""

from __future__ import annotations

import os
import queue
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from benchmarks.marked import markdown
from isthmus import maps

COUNT = 1_000_000
FRAMES = 60
_HANDS = """
setTimeout(() => {
  const canvas = document.querySelector('.stage canvas');
  const times = [];
  const frame = (left) => {
    if (!left) {
      times.sort((a, b) => a - b);
      const memory = performance.memory ? performance.memory.usedJSHeapSize / 1e6 : 0;
      const said = [times[times.length >> 1], times[times.length - 3], memory].map((v) => v.toFixed(1)).join();
      fetch('http://127.0.0.1:%d', { method: 'POST', mode: 'no-cors', body: said });
      return;
    }
    canvas.dispatchEvent(new KeyboardEvent('keydown', { key: left %% 20 < 10 ? 'ArrowLeft' : 'ArrowRight' }));
    requestAnimationFrame(() => {
      // Its own frame is queued before ours and so has been drawn when ours begins.
      const began = performance.now();
      window.isthmusDraw();
      times.push(performance.now() - began);
      setTimeout(() => frame(left - 1), 0);
    });
  };
  frame(%d);
}, 3000);
"""


def million() -> str:
    """Lay out and open a million codes of ten classes; CPU-ms per frame while panning."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, COUNT)
    codes = (rng.normal(size=(10, 8))[labels] * 3 + rng.normal(size=(COUNT, 8))).astype(np.float32)
    rows = []
    for how in ("pca", "umap"):
        began = time.process_time()
        projection = maps.project(codes, how, 0)
        rows.append([f"layout by {how}", f"{time.process_time() - began:.0f} CPU-s"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    rows.append(["memory of the layout, at most", f"{peak:.1f} GB"])
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "map.html"
        names = tuple(f"class {i}" for i in range(10))
        maps.write_page(page, "a million", maps.MapData(projection.points, labels, names), {})
        rows.append(["page", f"{page.stat().st_size / 1e6:.1f} MB"])
        median, slow, heap = _panned(page)
    rows += [
        ["a frame while panning, median", f"{median:.0f} ms of one core"],
        ["a frame while panning, slowest but two of sixty", f"{slow:.0f} ms"],
        ["memory of the page's scripts", f"{heap:.0f} MB"],
    ]
    return markdown(rows, ["one million points", "measured"])


def _panned(page: Path) -> tuple[float, float, float]:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("the table of a million points needs chromium (apt-get install chromium)")
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text("utf-8"))
    # The page's own drawing, called and timed from outside: a frame without waiting for the screen.
    text = text.replace(
        "function redraw() {", "window.isthmusDraw = draw;\n  function redraw() {", 1
    )
    told: queue.Queue[str] = queue.Queue()

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Ear) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        script = _HANDS % (server.server_port, FRAMES)
        page.write_text(text.replace("</body>", f"<script>{script}</script></body>"), "utf-8")
        profile = page.parent / "profile"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,900"]
        shown = subprocess.Popen(
            [browser, *options, f"--user-data-dir={profile}", "--remote-debugging-port=0", page.as_uri()],
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            median, slow, heap = (float(v) for v in told.get(timeout=300).split(","))
        except queue.Empty:
            raise SystemExit("the page of a million points did not draw") from None
        finally:
            os.killpg(shown.pid, signal.SIGKILL)
            shown.wait()
            server.shutdown()
    return median, slow, heap
