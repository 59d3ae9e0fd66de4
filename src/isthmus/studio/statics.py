"""The page's own files: read from ``static/``, found by name in a table and never by a path."""

from __future__ import annotations

import hashlib
import mimetypes
import time
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from isthmus.studio.refusals import not_found

STATIC = Path(__file__).parent / "static"
_TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8", ".json": "application/json", ".svg": "image/svg+xml",
    ".png": "image/png", ".webp": "image/webp", ".ico": "image/x-icon", ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8", ".map": "application/json",
}  # fmt: skip
_NO_PAGE = b"""<!doctype html><meta charset="utf-8"><title>Isthmus Studio</title>
<p>The Studio's page has not been built. In a checkout: <code>npm ci &amp;&amp; npm run build</code> in
<code>src/isthmus/studio/web</code>."""


@dataclass(frozen=True)
class _File:
    path: Path
    changed: int
    content: bytes
    etag: str
    type: str


class Statics:
    """``/`` and everything below it that is not the interface."""

    def __init__(self, folder: Path = STATIC) -> None:
        self.folder = folder
        self._files: dict[str, _File] = {}
        self._listed: dict[str, Path] = {}
        self._looked = 0.0

    async def answer(self, request: Request) -> Response:
        """The file of that name, or 304 where the page has it."""
        # What was asked for is only compared with names that are there.
        name = str(request.scope["path"]).removeprefix("/") or "index.html"
        path = self._paths().get(name)
        if path is None:
            if name == "index.html":
                return Response(_NO_PAGE, 503, media_type="text/html; charset=utf-8")
            raise not_found("such file")
        file = self._file(path)
        headers = {"etag": file.etag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == file.etag:
            return Response(status_code=304, headers=headers)
        return Response(file.content, headers={**headers, "content-type": file.type})

    def _paths(self) -> dict[str, Path]:
        """Name -> path of every file; looked up again after a second, as a rebuild may add some."""
        if time.monotonic() - self._looked > 1.0:
            self._looked = time.monotonic()
            self._listed = {
                path.relative_to(self.folder).as_posix(): path
                for path in self.folder.rglob("*")
                if path.is_file() and not path.is_symlink()
            }
        return self._listed

    def _file(self, path: Path) -> _File:
        changed = path.stat().st_mtime_ns
        held = self._files.get(str(path))
        if held is None or held.changed != changed:
            content = path.read_bytes()
            kind = _TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0]
            tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
            held = _File(path, changed, content, tag, kind or "application/octet-stream")
            self._files[str(path)] = held
        return held
