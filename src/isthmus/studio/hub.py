"""What happens, as numbered messages to everybody who listens, with the recent past for late comers."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

_KEPT = 20_000
_WAITING = 5_000
_BEAT = 15.0


class Hub:
    """Server-sent events. Ids are ``BOOT-SEQ``: after a restart old ones are known to be old."""

    def __init__(self) -> None:
        self.boot = secrets.token_hex(4)
        self._seq = 0
        self._past: deque[tuple[int, str]] = deque(maxlen=_KEPT)
        self._listeners: set[asyncio.Queue[tuple[int, str] | None]] = set()
        self.closed = False

    @property
    def last(self) -> str:
        """The id of the newest message."""
        return f"{self.boot}-{self._seq}"

    @property
    def listening(self) -> bool:
        """Whether any page is open."""
        return bool(self._listeners)

    def say(self, kind: str, run: str = "", **fields: Any) -> None:
        """One message to all. Fields hold what JSON can."""
        self._seq += 1
        text = json.dumps({"seq": self.last, "run": run, "kind": kind, **fields})
        self._past.append((self._seq, text))
        for queue in list(self._listeners):
            try:
                queue.put_nowait((self._seq, text))
            except asyncio.QueueFull:
                # Too slow to follow: cut off, to come back with its last id.
                self._drop(queue)

    def _drop(self, queue: asyncio.Queue[tuple[int, str] | None]) -> None:
        self._listeners.discard(queue)
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)

    def close(self) -> None:
        """End every stream; the pages come back by themselves when there is a server again."""
        self.closed = True
        for queue in list(self._listeners):
            self._drop(queue)

    async def stream(self, last: str) -> AsyncIterator[bytes]:
        """The messages after ``last``, then those to come, until the listener is cut off."""
        queue: asyncio.Queue[tuple[int, str] | None] = asyncio.Queue(_WAITING)
        missed = self._after(last)
        self._listeners.add(queue)
        try:
            yield b"retry: 1000\n\n"
            if missed is None:
                yield self._frame(
                    self._seq, json.dumps({"seq": self.last, "run": "", "kind": "reset"})
                )
            for seq, text in missed or ():
                yield self._frame(seq, text)
            while not self.closed:
                try:
                    async with asyncio.timeout(_BEAT):
                        message = await queue.get()
                except TimeoutError:
                    yield b": beat\n\n"
                    continue
                if message is None:
                    return
                yield self._frame(*message)
        finally:
            self._listeners.discard(queue)

    def _frame(self, seq: int, text: str) -> bytes:
        return f"id: {self.boot}-{seq}\ndata: {text}\n\n".encode()

    def _after(self, last: str) -> list[tuple[int, str]] | None:
        """What came after an id; None where that cannot be told."""
        if not last:
            return []
        boot, _, number = last.partition("-")
        if boot != self.boot or not number.isdecimal() or int(number) > self._seq:
            return None
        known = int(number)
        if self._past and known < self._past[0][0] - 1:
            return None
        return [message for message in self._past if message[0] > known]
