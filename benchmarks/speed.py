"""Training speed: ours, a plain torch loop, peers, and the limit, from one run, as ratios.

Peers live in .bench/venv, which this script makes (torch first, so that the build at hand is used).
Takes about fifteen minutes on two cores the first time.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.marked import markdown, write_between
from isthmus.bench.run import measure, own_command
from isthmus.cli.bench import table_rows
from isthmus.cli.common import table

ROOT = Path(__file__).parents[1]
PEERS_PYTHON = ROOT / ".bench/venv/bin/python"
PEERS = ("pythae", "scikit-learn", "pyod", "jax")
ROUNDS = 2


def main() -> None:
    """Measure, print the table, and write it into the manual."""
    missing = install_peers()
    contenders = [("isthmus", own_command), ("plain torch", own_command)]
    contenders += [(name, peer_command) for name in PEERS if name not in missing]
    speeds, peak = measure(contenders, ["dense"], ROUNDS, _say)
    conv, more = measure(contenders[:2], ["conv"], ROUNDS, _say)
    peak = max(peak, more)
    rows = table_rows([*speeds, *conv], peak)
    header = ["net", "loop", "samples / CPU-s", "beside plain torch", "of the peak"]
    print(table(rows, header))
    print(f"matrix-multiply peak: {peak:.0f} GFLOP/s of one thread")
    when = datetime.now(UTC).date()
    note = f"\n\nMeasured {when}; peak {peak:.0f} GFLOP/s of one thread."
    if missing:
        note += f" Could not be installed: {', '.join(missing)}."
    write_between(ROOT / "docs/speed.md", "speed", markdown(rows, header) + note)


def peer_command(name: str, net: str) -> list[str]:
    """The command that measures a peer in its own environment."""
    return [str(PEERS_PYTHON), str(ROOT / "benchmarks/peers.py"), name, net]


def install_peers() -> list[str]:
    """Make the peers' environment if it is not there; returns the names that could not be had."""
    if not PEERS_PYTHON.exists():
        _say("making .bench/venv for the peers")
        subprocess.run([sys.executable, "-m", "venv", ROOT / ".bench/venv"], check=True)
    pip = [str(PEERS_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "torch==2.13.0", "numpy"], check=True)
    wanted = {
        "pythae": ["--no-deps", "pythae==0.1.2"],
        "scikit-learn": ["scikit-learn"],
        "pyod": ["pyod"],
        "jax": ["jax", "jaxlib"],
    }
    subprocess.run(
        [*pip, "pydantic", "tqdm", "typing_extensions", "cloudpickle", "imageio"], check=True
    )
    failed = [
        n
        for n, packages in wanted.items()
        if subprocess.run([*pip, *packages], check=False).returncode
    ]
    return failed


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
