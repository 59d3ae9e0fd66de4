"""Running contenders in turns, each in its own process, and the table of what came out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from isthmus.errors import IsthmusError

Command = Callable[[str, str], list[str]]


@dataclass(frozen=True)
class Speed:
    """What one contender reached on one net, in samples per CPU-second of one thread."""

    name: str
    net: str
    samples: float


def own_command(name: str, net: str) -> list[str]:
    """The command that measures a contender of this package."""
    return [sys.executable, "-m", "isthmus.bench", name, net]


def measure(
    contenders: Sequence[tuple[str, Command]],
    nets: Sequence[str],
    rounds: int,
    say: Callable[[str], object],
) -> tuple[list[Speed], float]:
    """Best of ``rounds`` for every contender and net, and the matrix-multiply peak in GFLOP/s.

    A contender that fails is named through ``say`` and left out.
    """
    best: dict[tuple[str, str], float] = {}
    peak = 0.0
    for number in range(rounds):
        peak = max(peak, _one(own_command("peak", "dense")))
        for net in nets:
            for name, command in contenders:
                say(f"round {number + 1} of {rounds}: {name}, {net}")
                try:
                    reached = _one(command(name, net))
                except IsthmusError as error:
                    # One contender that does not run here must not cost the others' figures.
                    say(str(error))
                    continue
                best[name, net] = max(best.get((name, net), 0.0), reached)
    return [Speed(name, net, samples) for (name, net), samples in best.items()], peak


def _one(command: list[str]) -> float:
    alone = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **alone}
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise IsthmusError(f"{' '.join(command[-3:])} failed: {last}")
    return float(done.stdout.strip().splitlines()[-1])
