"""Trainings under way and waiting: who trains, in which state, and what comes next."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from isthmus.files import write_text
from isthmus.studio.entry import Entry, read
from isthmus.studio.hub import Hub
from isthmus.studio.index import Index
from isthmus.studio.pool import Pool
from isthmus.studio.process import Process
from isthmus.studio.refusals import Refusal
from isthmus.studio.shelf import Shelf
from isthmus.studio.story import Story

_LEASE_SECONDS = 3.0
_BETWEEN = {"weights": 0.5, "codes": 1.0}
_TERMINATE_SECONDS = 5.0
_REPORT_SECONDS = 120.0
_WARM_SECONDS = 3.0
_FIRST_LOOK_SECONDS = 1.0
Changed = Callable[[Entry], None]


class Training:
    """One run that is being trained by a worker of this server."""

    def __init__(self, entry: Entry, live: Path) -> None:
        self.entry = entry
        self.live = live
        self.state = "starting"
        self.process: Process | None = None
        self.fault = ""
        self.ending = False
        self.stopping: asyncio.Task[None] | None = None
        self.leases: dict[str, float] = {}
        self.written: dict[str, asyncio.Event] = {k: asyncio.Event() for k in _BETWEEN}
        self.steps: dict[str, int] = {}

    def file(self, what: str) -> Path:
        """Where the worker leaves the present weights or codes."""
        return self.live / f"{self.entry.id}.{what}"

    def order(self, **message: Any) -> None:
        if self.process is not None:
            self.process.order(**message)


def at_once() -> int:
    """How many trainings go on at a time: one on two cores, more on larger machines."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max((cores or 1) // 2, 1)


class Trainer:
    """Starts what waits, forwards what is said, and knows how each ended."""

    def __init__(self, shelf: Shelf, index: Index, hub: Hub, pool: Pool, changed: Changed) -> None:
        self.shelf = shelf
        self.index = index
        self.hub = hub
        self.pool = pool
        self.changed = changed
        self.live: dict[str, Training] = {}
        self.closing = False
        self._later: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    # --- orders -----------------------------------------------------------------------------------

    def queue(self, entry: Entry) -> None:
        """Put a run at the end of the queue; it starts when it is its turn."""
        last = max((self.index.get(p).queued for p in self.index.queue()), default=0.0)
        queued = max(time.time(), last + 1e-3)
        self.index.set(entry.relative, queued=queued, ended="", reason="")
        self.changed(entry)

    async def start_next(self) -> None:
        """Start as many of those that wait as there is room for."""
        async with self._starting:
            while not self.closing and len(self.live) < at_once():
                entry = self._next()
                if entry is None:
                    break
                await self._start(entry)
        self._renumber()

    def _next(self) -> Entry | None:
        by_path = {entry.relative: entry for entry in self.shelf.entries.values()}
        for path in self.index.queue():
            entry = by_path.get(path)
            if entry is None:
                self.index.forget(path)
            elif entry.id not in self.live:
                return entry
        return None

    async def _start(self, entry: Entry) -> None:
        training = Training(entry, self.shelf.own / "live")
        self.live[entry.id] = training
        self.index.set(entry.relative, queued=0.0, ended="", reason="")
        self.changed(entry)
        try:
            training.process = await self.pool.take()
        except OSError as error:
            self._over(training, "failed", f"no process could be started ({error.strerror})")
            return
        resume = entry.has_checkpoint
        training.order(
            do="train", folder=str(entry.path), resume=resume, weights=str(training.file("weights")),
            codes=str(training.file("codes")),
        )  # fmt: skip
        training.process.attend(
            lambda _, message: self._heard(training, message), lambda _: self._ended(training)
        )

    async def command(self, entry: Entry, what: str) -> None:
        """Pause, resume, step or stop. Raises Refusal where that cannot be."""
        training = self.live.get(entry.id)
        state = training.state if training else ""
        match what, state:
            case "pause", "running" | "starting":
                self._turn(training, "pausing")
                training.order(do="pause")  # type: ignore[union-attr]
            case "resume", "paused":
                self._turn(training, "running")
                training.order(do="go")  # type: ignore[union-attr]
            case "step", "paused":
                training.order(do="step")  # type: ignore[union-attr]
            case "stop", "running" | "starting" | "paused" | "pausing":
                assert training is not None
                self._turn(training, "stopping")
                training.order(do="stop")
                training.stopping = asyncio.create_task(self._insist(training))
            case "stop", "" if self.index.get(entry.relative).queued:
                self.index.set(
                    entry.relative, queued=0.0, ended="stopped", reason="taken out of the queue"
                )
                self.changed(entry)
                self._renumber()
            case "resume", "" if not entry.held and not self.index.get(entry.relative).queued:
                if entry.story.end == "finished" and entry.story.reason != "stopped":
                    raise Refusal(
                        409, "state", "this run is finished; there is nothing to go on with"
                    )
                if entry.recipe is None:
                    raise Refusal(409, "damaged", entry.error)
                self.queue(entry)
                await self.start_next()
            case _:
                now = state or ("running elsewhere" if entry.held else "not being trained")
                raise Refusal(409, "state", f"this run is {now}: it cannot {what} now")

    def _turn(self, training: Training | None, state: str) -> None:
        assert training is not None
        if training.state != state:
            training.state = state
            self.changed(training.entry)

    async def _insist(self, training: Training) -> None:
        """A training that does not stop is made to."""
        await asyncio.sleep(_TERMINATE_SECONDS)
        if training.ending:
            # It has stopped, and writes figures and a report: that may take its time, but not for ever.
            await asyncio.sleep(_REPORT_SECONDS)
        for force in (signal.SIGTERM, signal.SIGKILL):
            if training.process is not None:
                training.process.force(force)
            await asyncio.sleep(_TERMINATE_SECONDS)

    async def discard(self, entry: Entry) -> None:
        """End whatever is done with a run, so that it can be moved."""
        self.index.set(entry.relative, queued=0.0)
        training = self.live.get(entry.id)
        if training is not None and training.process is not None:
            training.state = "stopping"
            training.process.force(signal.SIGKILL)
            while entry.id in self.live:
                await asyncio.sleep(0.02)
        if entry.recipe is not None and not (entry.path / "recipe.toml").is_file():
            # It was just making room for itself.
            write_text(entry.path / "recipe.toml", entry.recipe.to_toml())
            self.shelf.renew(entry.relative)

    # --- what workers say -------------------------------------------------------------------------

    def _heard(self, training: Training, message: dict[str, Any]) -> None:
        entry = training.entry
        match message.get("kind"):
            case "event":
                event = message["event"]
                if event["kind"] == "started":
                    step = int(event.get("resumed_at") or 0)
                    entry.story = Story(count=int(message["n"]) - 1, step=step)
                    self._refresh(entry)
                    if training.state == "starting":
                        training.state = "running"
                    for what in training.leases:
                        training.order(do=what)  # asked for before there was anything to see
                    # The next start should not wait either.
                    self._later = asyncio.get_running_loop().create_task(self._warm_soon())
                entry.story.hear(event)
                entry.updated = time.time()
                self.hub.say(**{**event, "run": entry.id, "n": entry.story.count})
                if event["kind"] in {"started", "evaluated"}:
                    self.changed(entry)
            case "ending":
                training.ending = True
            case "paused":
                self._turn(training, "paused")
            case "weights" | "codes" as what:
                training.steps[what] = int(message["step"])
                training.written[what].set()
                self.hub.say(what, entry.id, step=message["step"])
                asyncio.get_running_loop().call_later(_BETWEEN[what], self._again, training, what)
            case "fault":
                training.fault = str(message["message"])

    async def _warm_soon(self) -> None:
        await asyncio.sleep(_WARM_SECONDS)
        if self.hub.listening and not self.closing:
            await self.pool.warm()

    def _refresh(self, entry: Entry) -> None:
        """The data card and the plan exist from the start of a training on."""
        fresh = read(entry.relative, entry.path)
        entry.card, entry.plan, entry.recipe = fresh.card, fresh.plan, fresh.recipe
        entry.metrics, entry.error, entry.created = {}, "", fresh.created

    async def _ended(self, training: Training) -> None:
        process = training.process
        assert process is not None
        fresh = await asyncio.to_thread(self.shelf.renew, training.entry.relative)
        training.entry = fresh
        if training.fault:
            self._over(training, "failed", training.fault)
        elif fresh.story.end or fresh.error:
            self._over(training, "", "")
        elif self.closing or process.asked_to_end:
            self._over(training, "interrupted", "the Studio was closed")
        elif training.state == "stopping":
            self._over(training, "stopped", "stopped")
        else:
            self._over(training, "interrupted", process.last_words())
        if not self.closing:
            await self.start_next()
            if self.hub.listening and not self.live:
                await self.pool.warm()

    def _over(self, training: Training, ended: str, reason: str) -> None:
        entry = training.entry
        self.live.pop(entry.id, None)
        for what in _BETWEEN:
            training.file(what).unlink(missing_ok=True)
            training.written[what].set()
        if training.stopping is not None:
            training.stopping.cancel()
        if entry.path.is_dir():
            self.index.set(entry.relative, ended=ended, reason=reason)
            self.changed(entry)

    def _renumber(self) -> None:
        """Places in the queue changed: tell them."""
        waiting = set(self.index.queue())
        for entry in list(self.shelf.entries.values()):
            if entry.relative in waiting:
                self.changed(entry)

    # --- what pages look at -----------------------------------------------------------------------

    async def present(self, training: Training, what: str) -> tuple[bytes, int] | None:
        """The weights or codes of now, and their step; asks for the next ones too."""
        training.leases[what] = time.monotonic() + _LEASE_SECONDS
        if what not in training.steps:
            training.order(do=what)
            try:
                async with asyncio.timeout(_FIRST_LOOK_SECONDS):
                    await training.written[what].wait()
            except TimeoutError:
                return None
        try:
            return training.file(what).read_bytes(), training.steps.get(what, 0)
        except OSError:
            return None

    def _again(self, training: Training, what: str) -> None:
        if training.leases.get(what, 0.0) > time.monotonic() and training.state == "running":
            training.order(do=what)
        else:
            # Nobody looked: the next who does is given fresh ones.
            training.steps.pop(what, None)
            training.written[what].clear()

    async def close(self) -> None:
        """The Studio ends: every training keeps what it has learnt."""
        self.closing = True
        ending = [t.process.end(8.0) for t in list(self.live.values()) if t.process is not None]
        await asyncio.gather(*ending)
