"""What is to be done with files, one after the other, by a worker process that may be killed at any time."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import signal
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

from isthmus.studio.apply.describe import Arguments, Task
from isthmus.studio.apply.job import ENDED, Job, Outcome, named
from isthmus.studio.apply.uploads import Held, Uploads
from isthmus.studio.hub import Hub
from isthmus.studio.pool import Pool
from isthmus.studio.process import Process
from isthmus.studio.refusals import Refusal, not_found

MOST_WAITING = 1_000
_IDLE_SECONDS = 90.0
_CANCEL_SECONDS = 4.0
_SILENT_SECONDS = 1_800.0
_SILENT_LOOK_SECONDS = 300.0


class Queue:
    """Jobs by id, and the process that does them. Files are looked into between two jobs."""

    def __init__(self, uploads: Uploads, hub: Hub, pool: Pool) -> None:
        self.uploads = uploads
        self.hub = hub
        self.pool = pool
        self.jobs: dict[str, Job] = {}
        self._waiting: deque[Job] = deque()
        self._looks: deque[Held] = deque()
        self._now: Job | Held | None = None
        self._process: Process | None = None
        self._starting = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._heard_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    # --- orders -----------------------------------------------------------------------------------

    def add(
        self, task: Task, sources: list[Held], values: dict[str, Any], arguments: Arguments
    ) -> Job:
        """A new job at the end of the queue. Raises Refusal."""
        if len(self._waiting) >= MOST_WAITING:
            raise Refusal(
                409, "state", f"{MOST_WAITING:,} files wait already", "wait, or cancel some"
            )
        id = f"a{next(self._numbers)}"
        job = Job(
            id, task, values, arguments, [held.id for held in sources], self.uploads.folder / id
        )
        self.jobs[id] = job
        self._waiting.append(job)
        self.tell(job)
        self._soon()
        return job

    def look(self, held: Held) -> None:
        """Have a look into a file: what it is, and whether it can be read."""
        self._looks.append(held)
        self._soon()

    def get(self, id: str) -> Job:
        """A job by id. Raises Refusal."""
        found = self.jobs.get(id)
        if found is None:
            raise not_found("such job any more")
        return found

    def cancel(self, job: Job) -> None:
        """Stop it, wherever it is."""
        if job.state == "waiting":
            self._waiting.remove(job)
            self._end(job, "cancelled")
        elif job.state == "working" and not job.cancelling:
            job.cancelling = True
            self.tell(job)
            if self._process is not None:
                self._process.order(do="cancel", job=job.id)
            self._later(self._insist(job))

    def forget(self, job: Job) -> None:
        """Remove an ended job and all it made."""
        self.jobs.pop(job.id, None)
        for outcome in job.outcomes:
            for id in (outcome.result, *outcome.extra, *outcome.views.values()):
                if id in self.uploads.files and self.uploads.files[id].role != "input":
                    self.uploads.drop(self.uploads.files[id])
        shutil.rmtree(job.folder, ignore_errors=True)
        self.hub.say("apply", job=job.id, state="gone")

    def uses(self, id: str) -> bool:
        """Whether a file is needed by a job that goes on."""
        return any(
            id in (*job.sources, *job.arguments.files.values())
            for job in self.jobs.values()
            if job.state not in ENDED and not job.cancelling
        )

    def tell(self, job: Job) -> None:
        """Every page hears how far it is; when it has ended, the whole of it."""
        whole: dict[str, Any] = {"record": job.to_json()} if job.state in ENDED else {}
        self.hub.say(
            "apply", job=job.id, task=job.task.name, state=job.state, share=round(job.share, 4),
            left=job.left, cancelling=job.cancelling, **whole,
        )  # fmt: skip

    # --- the process ------------------------------------------------------------------------------

    def _soon(self) -> None:
        self._later(self._pump())

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pump(self) -> None:
        """Give the process the next thing to do if it does nothing."""
        async with self._starting:
            if self._now is not None or not (self._looks or self._waiting):
                return
            if self._process is None or self._process.code is not None:
                try:
                    process = await self.pool.take()
                except OSError as error:
                    self._fail_all(f"no process could be started ({error})")
                    return
                self._process = process
                process.attend(self._heard, self._ended)
            self._heard_at = time.monotonic()
            if self._looks:
                held = self._now = self._looks.popleft()
                _, view = self.uploads.new_path(".png")
                self._process.order(
                    do="look", job=f"look-{held.id}", path=str(held.path), kind=held.kind,
                    label=held.label, shows=bool(held.type), view=str(view),
                )  # fmt: skip
                return
            job = self._now = self._waiting.popleft()
            job.state, job.began = "working", time.monotonic()
            self.tell(job)
            files = self.uploads.files
            try:
                order = self._order(job)
            except Refusal as refusal:
                self._now = None
                self._end(job, "failed", refusal.message)
                self._soon()
                return
            for id in job.sources:
                files[id].used = time.monotonic()
            self._process.order(**order)

    def _order(self, job: Job) -> dict[str, Any]:
        held = [self.uploads.get(id) for id in job.sources]
        parts = {flag: self.uploads.get(id) for flag, id in job.arguments.files.items()}
        return {
            "do": "apply", "job": job.id, "verb": job.task.verb, "gives": job.task.gives,
            "folder": str(job.folder),
            "sources": [{"path": str(h.path), "label": h.label, "shows": bool(h.type)} for h in held],
            "words": list(job.arguments.words),
            "files": {flag: {"path": str(h.path), "label": h.label} for flag, h in parts.items()},
            "titles": job.task.titles(),
            "masks": list(job.arguments.masks), "also": list(job.arguments.also),
        }  # fmt: skip

    def _heard(self, _: Process, message: dict[str, Any]) -> None:
        self._heard_at = time.monotonic()
        now = self._now
        if now is None or message.get("kind") not in {"job", "looked", "applied"}:
            return
        if isinstance(now, Held):
            if message.get("job") == f"look-{now.id}" and message.get("state") != "working":
                self._looked(now, message)
            return
        if message.get("job") != now.id:
            return
        if message.get("state") == "working":
            now.share = min(max(float(message.get("share", 0.0)), now.share), 1.0)
            self.tell(now)
            return
        self._now = None
        if message["kind"] == "applied":
            self._applied(now, message)
        else:
            text = str(message.get("message", ""))
            self._end(now, "cancelled" if now.cancelling else "failed", text)
        self._soon()

    def _looked(self, held: Held, message: dict[str, Any]) -> None:
        self._now = None
        held.looked = True
        held.facts = dict(message.get("facts") or {})
        held.error = str(message.get("message", ""))
        view = message.get("view")
        if held.id not in self.uploads.files:  # removed meanwhile
            if view:
                Path(view).unlink(missing_ok=True)
        else:
            if view:
                held.view = self.uploads.add(Path(view), held.label, "view").id
            self.hub.say("apply_file", file=held.to_json())
        self._soon()

    def _applied(self, job: Job, message: dict[str, Any]) -> None:
        """Results and views become files with ids and labels."""
        for id, told in zip(job.sources, message["outcomes"], strict=True):
            label = self.uploads.files[id].label if id in self.uploads.files else "file"
            outcome = Outcome(
                id,
                error=told["error"],
                text=told["text"],
                figures=told["figures"],
                notes=told["notes"],
            )
            if told["output"]:
                path = Path(told["output"])
                outcome.result = self.uploads.add(
                    path, named(label, job.task.named, path), "result"
                ).id
            for more in told["extra"]:
                path = Path(more["path"])
                word = more["word"]
                if more["version"] and job.task.named:
                    word = f"{job.task.named}-{word}"
                name = named(label, word, path)
                outcome.extra.append(self.uploads.add(path, name, "extra").id)
            for name, place in told["views"].items():
                outcome.views[name] = self.uploads.add(Path(place), f"{label} {name}", "view").id
            job.outcomes.append(outcome)
        failed = [o for o in job.outcomes if o.error]
        text = failed[0].error if failed else ""
        self._end(job, "failed" if len(failed) == len(job.outcomes) else "done", text)

    def _end(self, job: Job, state: str, message: str = "") -> None:
        job.state, job.message, job.cancelling = state, message, False
        job.seconds = time.monotonic() - job.began if job.began else 0.0
        if state == "done":
            job.share = 1.0
        elif not job.outcomes:
            shutil.rmtree(job.folder, ignore_errors=True)
        self.tell(job)
        if not any(id in self.uploads.files for id in job.sources):
            self.forget(job)

    def _fail_all(self, message: str) -> None:
        for job in list(self._waiting):
            self._waiting.remove(job)
            self._end(job, "failed", message)
        self._looks.clear()

    async def _insist(self, job: Job) -> None:
        """Who does not stop when asked is killed."""
        await asyncio.sleep(_CANCEL_SECONDS)
        if self._now is job and job.cancelling and self._process is not None:
            self._process.force(signal.SIGKILL)

    async def _ended(self, process: Process) -> None:
        """The process died: what it did fails, the rest is done by another."""
        if process is not self._process:
            return
        self._process = None
        now, self._now = self._now, None
        if isinstance(now, Job):
            state = "cancelled" if now.cancelling else "failed"
            self._end(now, state, "" if now.cancelling else process.last_words())
        elif isinstance(now, Held):
            self._looked(
                now, {"message": f"{now.label}: cannot be looked into ({process.last_words()})"}
            )
        self._soon()

    async def rest(self) -> None:
        """Let go of files and of a process that nobody needs; kill one that has said nothing for very long."""
        if self.uploads.sweep({id for id in self.uploads.files if self.uses(id)}):
            for job in list(self.jobs.values()):
                if not any(id in self.uploads.files for id in job.sources):
                    self.forget(job)
        silent = time.monotonic() - self._heard_at
        if self._process is None:
            return
        if self._now is None and silent > _IDLE_SECONDS:
            process, self._process = self._process, None
            await process.end()
        elif self._now is not None:
            most = _SILENT_SECONDS if isinstance(self._now, Job) else _SILENT_LOOK_SECONDS
            if silent > most:
                self._process.force(signal.SIGKILL)

    async def close(self) -> None:
        """The Studio ends."""
        process, self._process, self._now = self._process, None, None
        for task in list(self._tasks):
            task.cancel()
        self._waiting.clear()
        self._looks.clear()
        if process is not None:
            with suppress(ProcessLookupError):
                process.force(signal.SIGKILL)
            await process.end()
