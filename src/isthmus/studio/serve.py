"""From a folder of runs to an open page: the lock, the port, the link, the server."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from isthmus.errors import IsthmusError
from isthmus.files import hold
from isthmus.studio.app import build
from isthmus.studio.security import App, Keys
from isthmus.studio.shelf import OWN
from isthmus.studio.studio import Studio

PORT = 8765
_TRIES = 20


class StudioError(IsthmusError, RuntimeError):
    """The Studio cannot be opened; the message says why and what to do."""


@dataclass(frozen=True)
class Open:
    """A Studio that is open: where, and by which link."""

    port: int
    link: str
    ours: bool
    """False if another process had these runs open already."""


def serve(folder: Path, port: int | None, ready: Callable[[Open], None]) -> None:
    """Open the Studio on a folder of runs and stay until it is closed (Ctrl-C).

    ``port`` None is 8765 or the next free one; 0 is any free one. ``ready`` hears the link. Where the
    runs are open in another Studio already, its link is given and nothing is started. Raises
    StudioError.
    """
    own = folder / OWN
    try:
        own.mkdir(parents=True, exist_ok=True)
        lock = (own / "lock").open("a+b")
    except OSError as error:
        raise StudioError(f"{folder}: cannot hold runs ({error.strerror})") from None
    with lock:
        if not hold(lock):
            ready(_other(own, folder))
            return
        keys = _keys(own / "keys.json")
        with _listen(port) as listener:
            number = int(listener.getsockname()[1])
            link = f"http://127.0.0.1:{number}/#token={keys.token}"
            _private(own / "open.json", {"port": number, "link": link, "pid": os.getpid()})
            opened = Open(number, link, ours=True)
            try:
                studio = Studio(folder)
            except OSError as error:
                raise StudioError(f"{folder}: {error.strerror or error}") from None
            _run(build(studio, number, keys), studio, listener, lambda: ready(opened))
            (own / "open.json").unlink(missing_ok=True)


def _other(own: Path, folder: Path) -> Open:
    """The Studio that has these runs open."""
    try:
        held = json.loads((own / "open.json").read_text("utf-8"))
        return Open(int(held["port"]), str(held["link"]), ours=False)
    except (OSError, ValueError, KeyError):
        raise StudioError(
            f"{folder}: is open in another Studio that is just starting or ending; try again"
        ) from None


def _keys(path: Path) -> Keys:
    """The same link and cookie as the last time: a restarted server finds its tabs again."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        held = json.loads(path.read_text("utf-8"))
        keys = Keys(str(held["token"]), str(held["session"]))
        if len(keys.token) >= 20 and len(keys.session) >= 40:
            return keys
    keys = Keys()
    _private(path, {"token": keys.token, "session": keys.session})
    return keys


def _private(path: Path, tree: dict[str, Any]) -> None:
    """A file that only this user can read."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(tree, file)
        temporary.replace(path)
    except OSError as error:
        raise StudioError(f"{path}: cannot be written ({error.strerror})") from None


def _listen(port: int | None) -> socket.socket:
    """A socket on this machine's own address. Raises StudioError where the port is taken."""
    tries = [port] if port is not None else [*range(PORT, PORT + _TRIES), 0]
    for number in tries:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", number))
            listener.listen(128)
        except OSError as error:
            listener.close()
            reason = error.strerror or str(error)
            continue
        return listener
    raise StudioError(f"port {port}: {reason}; choose another with --port, or leave it out")


class _Server(uvicorn.Server):
    """Says when it answers, and ends the event streams before it waits for connections to end."""

    def __init__(self, config: uvicorn.Config, studio: Studio, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.studio = studio
        self.ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.studio.hub.close()
        await super().shutdown(sockets)


def _run(app: App, studio: Studio, listener: socket.socket, ready: Callable[[], None]) -> None:
    logging.getLogger("isthmus.studio").addHandler(logging.StreamHandler(sys.stderr))
    config = uvicorn.Config(
        app,
        http="h11", ws="none", lifespan="on", log_level="error", access_log=False,
        server_header=False, proxy_headers=False, timeout_keep_alive=30,
        timeout_graceful_shutdown=3,
    )  # fmt: skip
    with suppress(KeyboardInterrupt):
        _Server(config, studio, ready).run([listener])


def open_browser(link: str) -> bool:
    """Show the link in the person's browser; False where there is none to be seen."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    threading.Thread(target=browser.open, args=(link,), daemon=True).start()
    return True
