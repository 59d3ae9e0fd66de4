"""What this machine does fastest, found once by trying and then remembered.

The result of a training must not depend on a stopwatch: two trainings of one recipe on one machine
give the same bits. So the choices that change rounding (which library multiplies matrices, how
pictures lie in memory) are made once a machine and kept in ``engine.json`` in the cache folder.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from isthmus.datasets.download import home
from isthmus.files import write_json

_EXACT = 1e-5
_CLEARLY_FASTER = 0.93


def probe() -> dict[str, Any]:
    """{"matmul": "highest" or "medium", "channels_last": bool, "bfloat16": bool} for this CPU and this torch."""
    return _probe(str(home() / "engine.json"))


@cache
def _probe(path: str) -> dict[str, Any]:
    key = f"{_cpu()}, torch {torch.__version__}"
    with suppress(OSError, ValueError):
        held = json.loads(Path(path).read_text("utf-8"))
        if isinstance(held, dict) and held.get("machine") == key and "bfloat16" in held:
            return {
                "matmul": str(held["matmul"]),
                "channels_last": bool(held["channels_last"]),
                "bfloat16": bool(held["bfloat16"]),
            }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = {
            "matmul": _matmul_route(),
            "channels_last": _channels_last(),
            "bfloat16": _bfloat16(),
        }
    finally:
        torch.set_num_threads(threads)
    with suppress(OSError):
        write_json(Path(path), {"machine": key, **found})
    return found


def _cpu() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _matmul_route() -> str:
    """ "medium" if that route is exact to 1e-5 and clearly faster, else "highest".

    On some CPUs torch's default library takes an old code path, and "medium" reaches another one
    (2.3 times faster on AMD with AVX-512). Where "medium" means bfloat16, the error check refuses it.
    """
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(256, 784, generator=generator)
    b = torch.randn(784, 512, generator=generator)
    exact = a.double() @ b.double()
    before = torch.get_float32_matmul_precision()

    def through(route: str) -> float:
        torch.set_float32_matmul_precision(route)
        return _best(lambda: torch.mm(a, b), 12)

    try:
        torch.set_float32_matmul_precision("medium")
        error = float(((a @ b).double() - exact).abs().max() / exact.abs().max())
        if error > _EXACT:
            return "highest"
        # In turns, so that a busy moment hurts both alike.
        times = [(through("highest"), through("medium")) for _ in range(3)]
    finally:
        torch.set_float32_matmul_precision(before)
    plain, other = (min(column) for column in zip(*times, strict=True))
    return "medium" if other < _CLEARLY_FASTER * plain else "highest"


def _channels_last() -> bool:
    """Whether a small convolutional step runs clearly faster with the channels innermost."""
    torch_state = torch.random.get_rng_state()
    net = nn.Sequential(
        nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 16, 3, 2, 1, 1)
    )
    torch.random.set_rng_state(torch_state)
    x = torch.ones(32, 16, 28, 28)

    def step(layout: torch.memory_format) -> float:
        net.to(memory_format=layout)  # type: ignore[call-overload]
        laid = x.contiguous(memory_format=layout)
        return _best(lambda: net(laid).sum().backward(), 4)

    times = [(step(torch.contiguous_format), step(torch.channels_last)) for _ in range(3)]
    plain, other = (min(column) for column in zip(*times, strict=True))
    return bool(other < _CLEARLY_FASTER * plain)


def _bfloat16() -> bool:
    """Whether convolutions learn clearly faster in bfloat16.

    Three times with AMX; on a CPU that has only the older instructions it was 1.7 times slower.
    """
    torch_state = torch.random.get_rng_state()
    net = nn.Sequential(nn.Conv2d(32, 64, 3, 1, 1), nn.ReLU(), nn.Conv2d(64, 64, 3, 1, 1))
    torch.random.set_rng_state(torch_state)
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.ones(8, 32, 32, 32).contiguous(memory_format=torch.channels_last)

    def step(half: bool) -> float:
        def once() -> None:
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                made = net(x).float().sum()
            made.backward()

        return _best(once, 4)

    times = [(step(False), step(True)) for _ in range(3)]
    plain, other = (min(column) for column in zip(*times, strict=True))
    return bool(other < _CLEARLY_FASTER * plain)


def _best(call: Callable[[], object], times: int) -> float:
    """Least CPU seconds of one call: what other programs do meanwhile does not count."""
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
    return best
