"""Everything that is known about the machine: threads, allocator, matmul route, precision, processes.

What each setting is worth was measured (``docs/decisions/engine.md``); what pays differs between
machines, so the engine tries and keeps the faster, and says what it chose in the ``started`` event.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import torch

from isthmus.recipe import Training
from isthmus.training import machine

_PROBE_SECONDS = 0.12


@dataclass(frozen=True)
class Engine:
    """The choices for one training; a resumed training takes them from its checkpoint."""

    device: str
    threads: int
    matmul: str
    """torch's float32 matmul precision: "highest", or "medium" where that route is exact and faster."""
    bfloat16: bool
    channels_last: bool
    rank: int = 0
    world: int = 1

    def to_json(self) -> dict[str, Any]:
        """The choices, for events and checkpoints."""
        return asdict(self)

    @contextmanager
    def session(self) -> Iterator[None]:
        """Apply the process-wide choices, and put back what was there before."""
        threads, matmul = torch.get_num_threads(), torch.get_float32_matmul_precision()
        torch.set_num_threads(self.threads)
        torch.set_float32_matmul_precision(self.matmul)
        # Momentum without gradients halves until it is denormal: matrices of such numbers take 240 times as long.
        flushed = torch.set_flush_denormal(True)
        try:
            yield
        finally:
            if flushed:
                torch.set_flush_denormal(False)
            torch.set_num_threads(threads)
            torch.set_float32_matmul_precision(matmul)

    def precision(self) -> Any:
        """The context a forward pass runs in."""
        if not self.bfloat16:
            return nullcontext()
        return torch.autocast(self.device.partition(":")[0], torch.bfloat16)

    @property
    def memory_format(self) -> torch.memory_format:
        """How 4-D weights and pictures lie in memory."""
        return torch.channels_last if self.channels_last else torch.contiguous_format


@contextmanager
def working() -> Iterator[None]:
    """Use a trained model at this machine's full speed: every core, the probed matmul route."""
    keep_freed_memory()
    threads, matmul = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(usable_cores())
    torch.set_float32_matmul_precision(str(machine.probe()["matmul"]))
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(matmul)


@contextmanager
def halved() -> Iterator[None]:
    """Convolutions in bfloat16 where this machine gains by it (see ``machine.probe``).

    For networks that correct what they are given: the photo denoiser takes half the time with AMX and loses
    .01 dB (.04 in the lightest noise); single pixels move by two levels of 255 in the strongest.
    """
    with torch.autocast("cpu", torch.bfloat16, enabled=bool(machine.probe()["bfloat16"])):
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """Use a network of many small steps: threads would only wait for each other."""
    keep_freed_memory()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def first_choice(training: Training) -> Engine:
    """What can be chosen before any step was tried."""
    keep_freed_memory()
    rank, world = own_rank(), join_processes()
    cuda = torch.cuda.is_available()
    probed = machine.probe() if not cuda else {"matmul": "high", "channels_last": True}
    return Engine(
        device=_device(),
        threads=1 if training.threads == "auto" else training.threads,
        matmul=str(probed["matmul"]),
        bfloat16=training.precision == "bfloat16",
        channels_last=bool(probed["channels_last"]),
        rank=rank,
        world=world,
    )


def taken_up(choices: dict[str, Any]) -> Engine:
    """The engine of a checkpoint, in this process of this machine.

    What decides the last bits (threads, matmul route, precision) is as it was; which device and
    which of how many processes this is, is as it is now.
    """
    keep_freed_memory()
    here = {"rank": own_rank(), "world": join_processes(), "device": _device()}
    return Engine(**{**choices, **here})


def _device() -> str:
    if torch.cuda.is_available():
        return f"cuda:{int(os.environ.get('LOCAL_RANK', '0'))}"
    return "cpu"


def candidate_threads(training: Training) -> list[int]:
    """Thread counts worth trying: one, and all this process may use."""
    if training.threads != "auto":
        return [training.threads]
    return sorted({1, usable_cores()})


def usable_cores() -> int:
    """Cores this process may run on (a container or ``taskset`` may allow fewer than there are)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def seconds_per_call(call: Callable[[], object]) -> float:
    """Best wall seconds of one call over a short trial."""
    call()
    best, began = float("inf"), time.perf_counter()
    while time.perf_counter() - began < _PROBE_SECONDS:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


@cache
def keep_freed_memory() -> bool:
    """Tell glibc to keep freed activations for the next step instead of returning them to the kernel.

    Returning and faulting them in again cost a third of a convolutional step. True if it was set;
    elsewhere than on glibc nothing happens.
    """
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    m_trim_threshold, m_top_pad, m_mmap_threshold = -1, -2, -3
    settings = {m_mmap_threshold: 1 << 30, m_trim_threshold: 2**31 - 1, m_top_pad: 64 << 20}
    set_one_by_one = [mallopt(name, value) == 1 for name, value in settings.items()]
    return all(set_one_by_one)


def give_freed_memory() -> None:
    """Return what ``keep_freed_memory`` kept to the kernel: for between two kinds of work."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)


def own_rank() -> int:
    """This process's number under ``torchrun``; 0 alone. Only process 0 writes."""
    return int(os.environ.get("RANK", "0"))


def join_processes() -> int:
    """Meet the other processes of a ``torchrun``, and say how many there are; 1 alone."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1 and not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return world
