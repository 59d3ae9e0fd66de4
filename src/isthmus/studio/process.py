"""A worker process as the server sees it: orders in, messages out, both lines of JSON."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

Heard = Callable[["Process", dict[str, Any]], None]
Ended = Callable[["Process"], Awaitable[None]]
_LONGEST_LINE = 8 * 1024 * 1024
_STOP_SECONDS = 5.0


class Process:
    """One worker. ``ready`` once it has loaded what it needs; ``said`` is the end of its stderr."""

    def __init__(self) -> None:
        self.ready = False
        self.said = ""
        self.asked_to_end = False
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._heard: Heard | None = None
        self._ended: Ended | None = None
        self._early: list[dict[str, Any]] = []

    @classmethod
    async def start(cls) -> Process:
        """Start a worker; it loads torch while nobody waits for it."""
        made = cls()
        made._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "isthmus.studio.worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, start_new_session=True, limit=_LONGEST_LINE,
        )  # fmt: skip
        made._tasks = [
            asyncio.create_task(made._listen()),
            asyncio.create_task(made._keep_stderr()),
        ]
        return made

    def attend(self, heard: Heard, ended: Ended) -> None:
        """Who hears its messages from now on, and its end."""
        self._heard, self._ended = heard, ended
        early, self._early = self._early, []
        for message in early:
            heard(self, message)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit status, negative for a signal; None while it lives."""
        return self._process.returncode if self._process else None

    def order(self, **message: Any) -> None:
        """Tell it something; silently nothing if it has died (its end is told elsewhere)."""
        assert self._process is not None
        if self._process.stdin is None or self._process.stdin.is_closing():
            return
        with suppress(ConnectionError, RuntimeError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")

    def hang_up(self) -> None:
        """Close its stdin: it keeps what it has learnt and ends by itself."""
        self.asked_to_end = True
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    async def end(self, patience: float = _STOP_SECONDS) -> None:
        """Hang up; terminate and then kill what does not answer."""
        self.hang_up()
        assert self._process is not None
        for force in (None, signal.SIGTERM, signal.SIGKILL):
            if force is not None and self.code is None:
                with suppress(ProcessLookupError):
                    self._process.send_signal(force)
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await asyncio.gather(*self._tasks, return_exceptions=True)
                    return

    def force(self, how: signal.Signals) -> None:
        """Send a signal to it and to what it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, how)

    async def _listen(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        while True:
            try:
                line = await self._process.stdout.readline()
            except ValueError:
                continue  # a line beyond all bounds: not one of ours
            if not line:
                break
            with suppress(ValueError):
                message = json.loads(line)
                if isinstance(message, dict):
                    self._hear(message)
        await self._process.wait()
        if self._ended is not None:
            await self._ended(self)

    def _hear(self, message: dict[str, Any]) -> None:
        if message.get("kind") == "ready":
            self.ready = True
        elif self._heard is None:
            self._early.append(message)
        else:
            self._heard(self, message)

    async def _keep_stderr(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        while part := await self._process.stderr.read(4096):
            self.said = (self.said + part.decode("utf-8", "replace"))[-8000:]

    def last_words(self) -> str:
        """Why it ended, in words, where it could not say so itself."""
        code = self.code or 0
        if "MemoryError" in self.said or "can't allocate memory" in self.said:
            return "the process ran out of memory; use a smaller batch or a smaller network"
        if code == -signal.SIGKILL:
            return (
                "the process was killed from outside (where memory is short, the system does that)"
            )
        if code < 0:
            name = signal.Signals(-code).name
            return f"the process was ended by {name}"
        lines = [line for line in self.said.strip().splitlines() if line.strip()]
        return lines[-1][:300] if lines else f"the process ended with status {code}"
