"""The real Studio in a process of its own, and hands to speak to it."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

from isthmus.recipe import Dense, Named, Plain, Recipe, Training

API = "/api/v1"
PATIENCE = 240.0
"""Seconds that anything may take on a busy machine; nothing is judged by it."""


def small(epochs: int = 3, **training: Any) -> Recipe:
    """A recipe that trains in moments on real digits."""
    return Recipe(
        name="small",
        data=Named(name="digits", limit=300),
        encoder=Dense(layers=(16,)),
        bottleneck=Plain(size=4),
        training=Training(epochs=epochs, threads=1, checkpoint_minutes=0, **training),
    )


def endless() -> Recipe:
    """One that trains until it is told otherwise."""
    return small(1_000_000, snapshots=0)


class Server:
    """``isthmus studio`` on the runs in ``folder/runs``."""

    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        self.folder = folder
        self.runs = folder / "runs"
        self.options = options or ("--port", "0")
        self.environment = {
            **os.environ, "ISTHMUS_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1", **environment,
        }  # fmt: skip
        self.cookie = ""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "isthmus", "studio", "--json", "--no-browser",
             "--runs", str(self.runs), *self.options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment,
            cwd=self.folder,
        )  # fmt: skip
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            raise TimeoutError("the Studio did not start")
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.communicate()[1])
        told = json.loads(line)
        self.link, self.port, self.started = told["link"], told["port"], told["started"]
        self.token = self.link.partition("token=")[2]
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def log_in(self) -> Self:
        """Get the cookie as the page does."""
        status, _, headers = self.ask("POST", "/session", {"token": self.token})
        assert status == 204
        self.cookie = headers["set-cookie"].partition(";")[0]
        return self

    def ask(
        self, method: str, path: str, body: Any = None, **more: str
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        """One request to the interface: (status, body, headers)."""
        return self.fetch(path if path.startswith("/api") else API + path, method, body, **more)

    def fetch(
        self, path: str, method: str = "GET", body: Any = None, **more: str
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        """One request of the page: (status, body, headers)."""
        headers = {"X-Isthmus": "1", **{k.replace("_", "-"): v for k, v in more.items()}}
        if self.cookie:
            headers["Cookie"] = self.cookie
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body), "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of a request that must succeed."""
        if not self.cookie:
            self.log_in()
        status, content, _ = self.ask(method, path, body)
        assert status < 400, (method, path, status, content)
        return json.loads(content) if content else None

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """(status, refusal) of a request that must not succeed."""
        if not self.cookie:
            self.log_in()
        status, content, _ = self.ask(method, path, body)
        assert status >= 400, (method, path, content)
        tree = json.loads(content)
        assert {"code", "message", "hint"} <= tree.keys()
        return status, tree

    def train(self, recipe: Recipe, **more: Any) -> str:
        """Begin a run; its id."""
        made = self.call("POST", "/runs", {"recipe": recipe.model_dump(mode="json"), **more})
        return str(made["id"])

    def until(self, id: str, *states: str) -> dict[str, Any]:
        """Wait for a run to be in one of ``states``."""
        return wait(lambda: self._run(id), lambda run: run["state"] in states, f"{id} {states}")

    def _run(self, id: str) -> dict[str, Any]:
        return dict(self.call("GET", f"/runs/{id}"))

    def reaches(self, id: str, epoch: float) -> dict[str, Any]:
        """Wait for a training to come so far."""
        return wait(lambda: self._run(id), lambda run: run["epoch"] >= epoch, f"{id} epoch {epoch}")

    def workers(self) -> list[int]:
        """Process ids of the workers of this server."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def raw(self, request: bytes, wait: float = PATIENCE) -> tuple[int, bytes]:
        """Bytes as they are to the server: (status, whole answer); status 0 if it just hung up."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as connection:
            connection.sendall(request)
            answer = b""
            try:
                while b"\r\n\r\n" not in answer and (part := connection.recv(65536)):
                    answer += part
            except (ConnectionError, TimeoutError):
                pass
        status = answer.split(b" ", 2)[1] if answer.startswith(b"HTTP/") else b"0"
        return int(status), answer


def wait(look: Callable[[], Any], good: Callable[[Any], bool], what: str) -> Any:
    """Look again until it is good."""
    end = time.monotonic() + PATIENCE
    while True:
        seen = look()
        if good(seen):
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen; last seen: {seen}")
        time.sleep(0.05)


class Listener:
    """A page's event stream, read by a thread."""

    def __init__(self, server: Server, last: str = "") -> None:
        self.messages: list[dict[str, Any]] = []
        self.ids: list[str] = []
        headers = {"Cookie": server.cookie, "Accept": "text/event-stream"}
        if last:
            headers["Last-Event-ID"] = last
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        self.connection.request("GET", f"{API}/events", headers=headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        try:
            for line in self.answer:
                if line.startswith(b"id: "):
                    self.ids.append(line[4:].decode().strip())
                elif line.startswith(b"data: "):
                    self.messages.append(json.loads(line[6:]))
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            return

    def until(self, good: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for a message."""
        found = wait(
            lambda: next((m for m in list(self.messages) if good(m)), None), bool, "a message"
        )
        return dict(found)

    def close(self) -> None:
        """The tab is closed."""
        if self.connection.sock is not None:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.connection.close()
        self.thread.join(PATIENCE)


def apart(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a thread of its own: a browser's loop may be running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
