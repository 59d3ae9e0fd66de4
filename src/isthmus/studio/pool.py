"""Worker processes: one kept warm so that a training starts at once, one for what takes thought."""

from __future__ import annotations

import asyncio
import itertools
import time
from pathlib import Path
from typing import Any

from isthmus.studio.hub import Hub
from isthmus.studio.process import Process
from isthmus.studio.refusals import Refusal

_IDLE_SECONDS = 90.0
_MOST_CACHED = 500_000_000


class Pool:
    """Takes and gives processes; runs jobs whose answers are files in ``cache``."""

    def __init__(self, hub: Hub, cache: Path) -> None:
        self.hub = hub
        self.cache = cache
        self._spare: Process | None = None
        self._warming = asyncio.Lock()
        self._helper: Process | None = None
        self._helping = asyncio.Lock()
        self._last_job = 0.0
        self._numbers = itertools.count(1)
        self._jobs: dict[str, dict[str, Any]] = {}
        """Under way, by id."""
        self._failed: dict[str, Refusal] = {}

    async def warm(self) -> None:
        """Have one worker ready that has loaded torch."""
        async with self._warming:
            if self._spare is None or self._spare.code is not None:
                self._spare = await Process.start()

    async def take(self) -> Process:
        """A worker of one's own, warm if there is one."""
        async with self._warming:
            spare, self._spare = self._spare, None
        if spare is not None and spare.code is None:
            return spare
        return await Process.start()

    async def rest(self) -> None:
        """Let go of what nobody uses."""
        if self._helper and not self._jobs and time.monotonic() - self._last_job > _IDLE_SECONDS:
            helper, self._helper = self._helper, None
            await helper.end()

    async def cool(self) -> None:
        """No page is open: nothing needs to be warm."""
        spare, self._spare = self._spare, None
        if spare is not None:
            await spare.end()

    async def close(self) -> None:
        """The Studio ends."""
        ending = [p.end() for p in (self._spare, self._helper) if p is not None]
        self._spare = self._helper = None
        await asyncio.gather(*ending)

    # --- jobs -------------------------------------------------------------------------------------

    async def ask(self, key: str, run: str, **order: Any) -> Path | str:
        """The file that answers ``key``, or the id of the job that makes it. Raises Refusal once it failed.

        ``order`` is what the worker is told; it writes the answer to ``out``.
        """
        out = self.cache / f"{key}.pack"
        if out.is_file():
            out.touch()
            return out
        for id, job in self._jobs.items():
            if job["key"] == key:
                return id
        failed = self._failed.pop(key, None)
        if failed is not None:
            raise failed
        id = f"j{next(self._numbers)}"
        self._jobs[id] = {"key": key, "run": run}
        try:
            helper = await self._help()
        except OSError as error:
            del self._jobs[id]
            raise Refusal(503, "worker", f"no process could be started ({error})") from None
        self.cache.mkdir(parents=True, exist_ok=True)
        self._last_job = time.monotonic()
        helper.order(do="job", job=id, out=str(out), **order)
        return id

    async def _help(self) -> Process:
        async with self._helping:
            if self._helper is None or self._helper.code is not None:
                self._helper = await self.take()
                self._helper.attend(self._heard, self._ended)
            return self._helper

    def _heard(self, _: Process, message: dict[str, Any]) -> None:
        job = self._jobs.get(str(message.get("job")))
        if job is None or message.get("kind") != "job":
            return
        self._last_job = time.monotonic()
        state = str(message.get("state"))
        text = str(message.get("message", ""))
        if state != "working":
            del self._jobs[str(message["job"])]
            self._sweep()
        if state == "failed":
            self._failed[job["key"]] = Refusal(503, str(message.get("code", "worker")), text)
        self.hub.say(
            "job", job["run"], job=message["job"], state=state, share=message.get("share", 1.0),
            message=text,
        )  # fmt: skip

    async def _ended(self, process: Process) -> None:
        if process is not self._helper:
            return
        self._helper = None
        for id in list(self._jobs):
            reason = process.last_words()
            self._heard(process, {"kind": "job", "job": id, "state": "failed", "message": reason})

    def _sweep(self) -> None:
        """Keep the newest answers, up to half a gigabyte."""
        files = sorted(self.cache.glob("*"), key=lambda p: -p.stat().st_mtime)
        total = 0
        for path in files:
            total += path.stat().st_size
            if total > _MOST_CACHED:
                path.unlink(missing_ok=True)
