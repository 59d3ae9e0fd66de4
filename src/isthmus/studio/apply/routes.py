"""The Apply page's requests: what can be done, files in, orders, results out."""

from __future__ import annotations

import asyncio
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from isthmus.studio.apply import describe, uploads
from isthmus.studio.apply.describe import Arguments, Task
from isthmus.studio.apply.job import ENDED, Job
from isthmus.studio.apply.uploads import Held
from isthmus.studio.refusals import Refusal, not_found
from isthmus.studio.web_tools import Answer, body_of, one_of, text_of

if TYPE_CHECKING:
    from isthmus.studio.studio import Studio

_MOST_FILES = 1_000
_ROLES = ("input", "part")


class Applying:
    """Handlers over one Studio."""

    def __init__(self, studio: Studio) -> None:
        self.uploads = studio.uploads
        self.queue = studio.applying
        self._tasks: dict[str, Task] | None = None

    def table(self) -> list[tuple[str, str, Callable[[Request], Any]]]:
        """(method, path, handler) of every address."""
        return [
            ("GET", "/apply", self.everything),
            ("PUT", "/apply/files", self.upload),
            ("GET", "/apply/files/{id}", self.content),
            ("DELETE", "/apply/files/{id}", self.remove),
            ("POST", "/apply/jobs", self.order),
            ("GET", "/apply/jobs/{id}", self.job),
            ("DELETE", "/apply/jobs/{id}", self.cancel),
            ("GET", "/apply/zip", self.all),
        ]

    def _known(self) -> dict[str, Task]:
        if self._tasks is None:
            self._tasks = {task.name: task for task in describe.tasks()}
        return self._tasks

    async def everything(self, request: Request) -> Response:
        """Tasks, files and jobs as they are: what a page that opens needs."""
        known = await asyncio.to_thread(self._known)
        files = [held.to_json() for held in self.uploads.files.values() if held.role != "view"]
        return Answer(
            {
                "tasks": [task.to_json() for task in known.values()],
                "files": files,
                "jobs": [job.to_json() for job in self.queue.jobs.values()],
                "limits": {**uploads.LARGEST, "files": uploads.MOST_FILES},
            }
        )

    async def upload(self, request: Request) -> Response:
        label = request.query_params.get("name", "")
        if not 0 < len(label) <= 1_000:
            raise Refusal(400, "bad_request", "name must be a text of 1 to 1,000 characters")
        role = one_of(request, "role", _ROLES)
        held = await self.uploads.take(label, role, request.stream())
        if role == "input":
            self.queue.look(held)
        return Answer(held.to_json(), 201)

    async def content(self, request: Request) -> Response:
        """A file: to be shown if a browser can and nothing else is asked for, else to be kept."""
        held = self.uploads.get(str(request.path_params["id"]))
        if not held.path.is_file():
            raise not_found("such file any more", "drop it again")
        shown = bool(held.type) and "download" not in request.query_params
        how = "inline" if shown else "attachment"
        headers = {
            "content-disposition": f"{how}; filename*=utf-8''{quote(held.label, safe='')}",
            "cache-control": "private, no-cache",
        }
        return FileResponse(
            held.path, media_type=held.type or "application/octet-stream", headers=headers
        )

    async def remove(self, request: Request) -> Response:
        """A file with everything that was made of it."""
        held = self.uploads.get(str(request.path_params["id"]))
        if held.role not in _ROLES:
            raise Refusal(409, "state", "results go with their job")
        for job in [j for j in self.queue.jobs.values() if held.id in j.sources]:
            self.queue.cancel(job)
            others = [id for id in job.sources if id != held.id and id in self.uploads.files]
            if job.state in ENDED and job.id in self.queue.jobs and not others:
                self.queue.forget(job)
        if self.queue.uses(held.id):
            raise Refusal(409, "state", f"{held.label}: is being worked on; cancel that first")
        self.uploads.drop(held)
        return Response(status_code=204)

    async def order(self, request: Request) -> Response:
        tree = await body_of(request)
        known = await asyncio.to_thread(self._known)
        name = text_of(tree, "task", 40)
        if name not in known:
            raise not_found(f"task {name!r}")
        task = known[name]
        sources = self._sources(task, tree.get("files"))
        values = tree.get("values", {})
        if not isinstance(values, dict):
            raise Refusal(400, "bad_request", "values must be a JSON object")
        made = describe.arguments(task, values)
        self._parts(task, values, made)
        job = self.queue.add(task, sources, values, made)
        return Answer(job.to_json(), 201)

    def _sources(self, task: Task, ids: Any) -> list[Held]:
        if not isinstance(ids, list) or not 1 <= len(ids) <= _MOST_FILES:
            raise Refusal(400, "bad_request", f"files must be a list of 1 to {_MOST_FILES:,} ids")
        if not all(isinstance(id, str) for id in ids) or len(set(ids)) < len(ids):
            raise Refusal(400, "bad_request", "files must be ids, each once")
        sources = [self.uploads.get(id) for id in ids]
        for held in sources:
            if held.kind not in task.takes or held.role not in _ROLES:
                text = f"{held.label}: {task.title} takes {' and '.join(task.takes)} files"
                raise Refusal(400, "bad_request", text)
        return sources

    def _parts(self, task: Task, values: dict[str, Any], made: Arguments) -> None:
        """Files that options name must be there and be of the right kind."""
        for option, _ in task.fields():
            if option.control in {"file", "mask"} and values.get(option.name):
                held = self.uploads.get(str(values[option.name]))
                if held.kind != option.takes:
                    raise Refusal(
                        400, "bad_request", f"{held.label}: {option.title} takes a {option.takes}"
                    )

    async def job(self, request: Request) -> Response:
        return Answer(self.queue.get(str(request.path_params["id"])).to_json())

    async def cancel(self, request: Request) -> Response:
        """Stop a job; one that has ended goes with its results."""
        job = self.queue.get(str(request.path_params["id"]))
        if job.state in ENDED:
            self.queue.forget(job)
            return Response(status_code=204)
        self.queue.cancel(job)
        return Answer(job.to_json(), 202)

    async def all(self, request: Request) -> Response:
        """The results of several jobs as one ZIP."""
        ids = [id for id in request.query_params.get("jobs", "").split(",") if id][:_MOST_FILES]
        jobs = [self.queue.get(id) for id in ids]
        files = [held for job in jobs for held in self._results(job)]
        if not files:
            raise not_found("result to download")
        self.uploads.room()
        file, size = await asyncio.to_thread(_zip, self.uploads.folder, files)
        headers = {
            "content-disposition": 'attachment; filename="isthmus.zip"',
            "content-length": str(size), "cache-control": "no-store",
        }  # fmt: skip
        return StreamingResponse(_pieces(file), media_type="application/zip", headers=headers)

    def _results(self, job: Job) -> list[Held]:
        ids = [id for o in job.outcomes for id in (o.result, *o.extra) if id]
        return [self.uploads.files[id] for id in ids if id in self.uploads.files]


def _zip(folder: Path, files: list[Held]) -> tuple[IO[bytes], int]:
    """Stored, not squeezed: pictures and sound are small already. Same names get a number.

    (A file without a name, which goes when nobody reads it any more; its size.)
    """
    taken: set[str] = set()
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for held in files:
            stem, dot, suffix = held.label.rpartition(".")
            name, number = held.label, 2
            while name.lower() in taken:
                name = f"{stem} ({number}){dot}{suffix}" if dot else f"{held.label} ({number})"
                number += 1
            taken.add(name.lower())
            archive.write(held.path, name)
    size = file.tell()
    file.seek(0)
    return file, size


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(1 << 18):
            yield piece
