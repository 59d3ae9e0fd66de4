"""A large Parquet file scored in constant memory: rows per second of one core, and the peak of memory.

    python -m benchmarks scale [ROWS] [KEY=VALUE…]

The default is ten million rows of fifteen columns; settings (``task.width=32``) make smaller networks.
The verb runs in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from isthmus.media import tables

PART = 100_000


def main() -> None:
    """Make the file, score it, print what it took."""
    given = sys.argv[2:]
    rows = int(given[0]) if given and given[0].isdigit() else 10_000_000
    settings = [part for text in given if "=" in text for part in ("--set", text)]
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "large.parquet", Path(folder) / "scored.parquet"
        tables.write_frames(path, parts(rows))
        size = path.stat().st_size / 1e6
        command = [sys.executable, "-m", "isthmus", "detect", str(path), "-o", str(out)]
        began = time.perf_counter()
        done = subprocess.run(
            [*command, "--contamination", "0.0001", "--json", *settings],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        wall = time.perf_counter() - began
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = used.ru_utime + used.ru_stime
        told = json.loads(done.stdout.splitlines()[0])
        held = pl.scan_parquet(out).select(pl.len()).collect().item()
    assert held == rows
    print(
        f"{rows:,} rows ({size:,.0f} MB of Parquet), {told['alerts']:,} alerts: {rows / cpu:,.0f} rows per "
        f"CPU-second, {wall:,.0f} s by the clock, peak memory {used.ru_maxrss / 1000:,.0f} MB"
    )


def parts(rows: int) -> Iterator[pl.DataFrame]:
    """Fifteen columns: related numbers, two categories, a date, gaps; a strange row in ten thousand."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(4, 12)).astype(np.float32)
    for start in range(0, rows, PART):
        count = min(PART, rows - start)
        numbers = rng.normal(size=(count, 4)).astype(np.float32) @ mixing
        numbers += 0.1 * rng.normal(size=numbers.shape).astype(np.float32)
        strange = rng.random(count) < 1e-4
        numbers[strange, rng.integers(0, 12, int(strange.sum()))] += 8
        numbers[rng.random(numbers.shape) < 0.001] = np.nan
        minutes = (start + np.arange(count)).astype("timedelta64[s]")
        yield pl.DataFrame(numbers, schema=[f"n{i}" for i in range(12)], orient="row").with_columns(
            country=pl.Series(rng.choice(["DE", "FR", "IT", "US"], count)),
            channel=pl.Series(rng.choice(["web", "shop"], count, p=[0.9, 0.1])),
            when=pl.Series((np.datetime64("2026-01-01") + minutes).astype("datetime64[ms]")),
        )
