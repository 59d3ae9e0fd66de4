"""A table's rows as they stream: with the past of their keys, sampled evenly, judged on every core."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from isthmus.errors import DataError
from isthmus.media import tables
from isthmus.media.tables import Source, history
from isthmus.recipe import Table
from isthmus.training.engine import give_freed_memory, keep_freed_memory, usable_cores

BATCH = 20_000


def batches(source: Source, data: Table, before: Source | None) -> Iterator[Any]:
    """A table's frames, with the past of its keys if the recipe names keys."""
    keys = keys_of(data)
    frames = source.batches(BATCH)
    if keys is None:
        return frames
    earlier = before.batches(BATCH) if before is not None else None
    return history.history(keys, frames, source.name, earlier)


def keys_of(data: Table) -> history.Keys | None:
    """The recipe's keys for the tables' room; None if there are none. Raises DataError."""
    keys = data.keys
    if not keys.columns:
        return None
    if not keys.time:
        raise DataError('[data.keys] names keys but no time; add time = "COLUMN"')
    return history.Keys(keys.columns, keys.time, keys.amount, keys.windows, keys.delay, data.label)


def added(data: Table) -> list[str]:
    """The columns that the keys' past adds; they are not written out."""
    keys = keys_of(data)
    return [] if keys is None else keys.names


def sampled(frames: Iterator[Any], rows: int, seed: int) -> tuple[Any, int]:
    """(frame of at most ``rows`` rows drawn evenly, in order; how many there are)."""
    package = tables.polars("sampling")
    rng = np.random.default_rng(seed)
    kept, total = None, 0
    for frame in frames:
        drawn = frame.with_columns(
            package.Series("__draw", rng.random(len(frame))),
            package.Series("__row", np.arange(total, total + len(frame))),
        )
        total += len(frame)
        kept = drawn if kept is None else package.concat([kept, drawn], how="vertical_relaxed")
        kept = kept.bottom_k(rows, by="__draw") if len(kept) > rows else kept
    assert kept is not None
    return kept.sort("__row").drop("__draw", "__row"), total


def in_order(judge: Callable[[Any], Any], frames: Iterator[Any]) -> Iterator[Any]:
    """``judge`` of every frame, in order, on every core; few frames are held at a time."""
    cores = usable_cores()
    with one_thread(), ThreadPoolExecutor(cores) as pool:
        waiting: deque[Future[Any]] = deque()
        for frame in frames:
            waiting.append(pool.submit(judge, frame))
            if len(waiting) > cores:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def one_thread() -> Iterator[None]:
    """Small networks run fastest on one thread each, and give the same bits every time."""
    keep_freed_memory()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        give_freed_memory()
