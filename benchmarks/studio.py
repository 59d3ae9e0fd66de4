"""The Studio's server: first byte, answers, events, memory, and what an open page costs a training.

    python -m benchmarks studio

What a page sees (paint, frames, drawing) is measured in a real browser by ``benchmarks/studio_page.py``
where that is present. Figures that another program's load would change are given as CPU-seconds or as
a ratio of two things in one run; the others are worth what the machine was worth at the time.
"""

from __future__ import annotations

import contextlib
import http.client
import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from tests.studio.server import API, Listener, Server, wait

from benchmarks.marked import markdown, write_between
from isthmus.cli.common import table
from isthmus.recipe import Recipe
from isthmus.studio.presets import presets

ROOT = Path(__file__).parents[1]
_CHECKS = 200
_EVENTS = 60
_STEPS = 1_000
_ROUNDS = 3
_PAIRS = 3


def main() -> None:
    """Measure, print the table, write it into the manual."""
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        for measure in (_beginning, _serving, _speed):
            rows += measure(Path(folder))
            _say("\n".join(" | ".join(row) for row in rows))
    _write(rows)
    # In a browser: after the rest, so that a browser that cannot be started costs nothing else.
    with contextlib.suppress(ImportError):
        _write(rows + importlib.import_module("benchmarks.studio_page").rows())


def _write(rows: list[list[str]]) -> None:
    header = ["what", "measured", "budget"]
    print(table(rows, header))
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    note = (
        f"\n\nMeasured {datetime.now(UTC).date()} on {os.cpu_count()} cores under a load of {load}."
    )
    write_between(ROOT / "docs/studio.md", "studio", markdown(rows, header) + note)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _cpu(pid: int) -> float:
    """CPU-seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> float:
    """Megabytes of memory that a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


# --- the server -----------------------------------------------------------------------------------


def _beginning(folder: Path) -> list[list[str]]:
    """From the command to the first byte of the page, and the CPU that takes."""
    _say("first byte")
    walls, cpus = [], []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        with Server(folder) as server:
            status, _, _ = server.fetch("/")
            walls.append(time.perf_counter() - began)
            cpus.append(_cpu(server.process.pid))
            assert status == 200
    return [
        [f"`isthmus studio` to first byte, best of {_ROUNDS}", f"{min(walls):.2f} s", "1.5 s"],
        ["the same in CPU-seconds", f"{min(cpus):.2f}", "-"],
    ]


def _serving(folder: Path) -> list[list[str]]:
    """Checks, memory at rest, and how long an event takes to the page."""
    with Server(folder) as server:
        server.log_in()
        server.call("GET", "/meta")
        server.call("GET", "/runs")
        before = _cpu(server.process.pid)
        times = _checks(server)
        cpu = (_cpu(server.process.pid) - before) / len(times)
        memory = _memory(server.process.pid)
        quiet = _quiet(server)
        latencies = _latencies(server)
    worst = np.quantile(times, 0.95) * 1e3
    return [
        ["POST /check, 95 of 100", f"{worst:.1f} ms", "30 ms"],
        ["the same in CPU-milliseconds each", f"{cpu * 1e3:.1f}", "-"],
        ["server's memory, a page open", f"{memory:.0f} MB", "120 MB"],
        ["server's CPU at rest, a page open", f"{quiet * 100:.1f} %", "-"],
        ["event written to event at the page, 95 of 100",
         f"{np.quantile(latencies, 0.95) * 1e3:.0f} ms", "250 ms on screen"],
    ]  # fmt: skip


def _checks(server: Server) -> list[float]:
    """Seconds of each of many edits, over one connection as a browser keeps it."""
    _say("checks")
    recipes = [recipe for _, recipe in presets()]
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    headers = {"X-Isthmus": "1", "Cookie": server.cookie, "Content-Type": "application/json"}
    times = []
    for number in range(_CHECKS):
        recipe = recipes[number % len(recipes)]
        body = json.dumps({"recipe": recipe.model_dump(mode="json")})
        began = time.perf_counter()
        connection.request("POST", f"{API}/check", body, headers)
        assert json.loads(connection.getresponse().read())["ok"]
        times.append(time.perf_counter() - began)
    connection.close()
    return times


def _quiet(server: Server) -> float:
    """Share of a core that the server uses while a page is open and nothing happens."""
    page = Listener(server)
    before = _cpu(server.process.pid)
    time.sleep(10)
    used = (_cpu(server.process.pid) - before) / 10
    page.close()
    return used


def _latencies(server: Server) -> list[float]:
    """Seconds from a line in events.jsonl to the same event in the page."""
    _say("events")
    arrived: dict[int, float] = {}
    written: dict[int, float] = {}
    page = Listener(server)
    id = server.train(_endless())
    folder = server.runs / server.until(id, "running")["folder"]
    ended = threading.Event()

    def watch() -> None:
        lines = 0
        while not ended.is_set():
            text = (folder / "events.jsonl").read_bytes()
            for number in range(lines + 1, text.count(b"\n") + 1):
                written[number] = time.perf_counter()
                lines = number
            time.sleep(0.0005)

    def listen() -> None:
        seen = 0
        while not ended.is_set():
            messages = page.messages
            for message in messages[seen : len(messages)]:
                if message["run"] == id and "n" in message:
                    arrived.setdefault(message["n"], time.perf_counter())
                seen += 1
            time.sleep(0.0005)

    threads = [threading.Thread(target=work) for work in (watch, listen)]
    for thread in threads:
        thread.start()
    wait(lambda: len(arrived), lambda count: count >= _EVENTS, "events")
    ended.set()
    for thread in threads:
        thread.join()
    server.call("DELETE", f"/runs/{id}")
    page.close()
    both = sorted(arrived.keys() & written.keys())[5:]
    return [max(arrived[n] - written[n], 0.0) for n in both]


# --- training with and without the Studio ----------------------------------------------------------


def _endless() -> Recipe:
    return dict(presets())["squeeze"].set("training.epochs=100000", "training.snapshots=0")


def _speed(folder: Path) -> list[list[str]]:
    """CPU-seconds a step in the training process: alone, and with a page that looks at everything."""
    _say("training, alone and with a page open")
    ratios = []
    for _ in range(_PAIRS):
        alone = _alone(folder)
        ratios.append(_watched(folder) / alone - 1)
    slower = float(np.median(ratios)) * 100
    what = "training with the Studio open beside `isthmus train`"
    return [[what, f"{slower:+.1f} % CPU a step", "+5 %"]]


def _alone(folder: Path) -> float:
    (folder / "recipe.toml").write_text(_endless().to_toml())
    command = [
        sys.executable,
        "-m",
        "isthmus",
        "train",
        "recipe.toml",
        "-o",
        "alone",
        "--force",
        "--json",
    ]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, env=Server(folder).environment
    ) as process:
        assert process.stdout is not None
        events = (json.loads(line) for line in process.stdout)
        took = _per_step(process.pid, (e for e in events if e["kind"] == "progress"))
        process.kill()
    return took


def _watched(folder: Path) -> float:
    with Server(folder) as server:
        server.log_in()
        page = Listener(server)
        id = server.train(_endless())
        server.until(id, "running")
        ended = threading.Event()

        def look() -> None:
            while not ended.is_set():
                for what in ("weights", "codes"):
                    server.ask("GET", f"/runs/{id}/{what}")
                ended.wait(0.5)

        looker = threading.Thread(target=look)
        looker.start()
        worker = max(server.workers(), key=_cpu)

        def progress() -> Any:
            seen = 0
            while True:
                found = wait(lambda start=seen: page.messages[start:], bool, "progress")
                seen += len(found)
                yield from (m for m in found if m["kind"] == "progress")

        took = _per_step(worker, progress())
        ended.set()
        looker.join()
        server.call("DELETE", f"/runs/{id}")
        page.close()
    return took


def _per_step(pid: int, progress: Any) -> float:
    """CPU-seconds a step over the steps after the first few."""
    first = next(event for event in progress if event["step"] > 100)
    before = _cpu(pid)
    last = next(event for event in progress if event["step"] >= first["step"] + _STEPS)
    return (_cpu(pid) - before) / float(last["step"] - first["step"])
