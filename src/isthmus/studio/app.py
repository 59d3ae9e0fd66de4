"""The server as one ASGI application: routes, the page's files, refusals as JSON, the guard around."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from isthmus.studio.refusals import Refusal, not_found, refusal_of
from isthmus.studio.routes import Routes
from isthmus.studio.security import App, Guard, Keys
from isthmus.studio.statics import Statics
from isthmus.studio.studio import Studio

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_log = logging.getLogger("isthmus.studio")


def build(studio: Studio, port: int, keys: Keys) -> App:
    """The application; the Studio opens and closes with it."""
    app = Starlette(lifespan=_lifespan(studio))
    guard = Guard(app, port, keys)
    for route in Routes(studio, guard).table():
        app.router.routes.append(route)
    app.router.routes.append(Route("/api/{rest:path}", _nothing, methods=_METHODS))
    app.router.routes.append(Route("/{rest:path}", Statics().answer, methods=["GET"]))
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _any)
    for kind in (Refusal, ValueError, OSError, RuntimeError, ImportError):
        app.add_exception_handler(kind, _any)
    return guard


def _lifespan(studio: Studio):  # type: ignore[no-untyped-def]
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await studio.open()
        try:
            yield
        finally:
            await studio.close()

    return lifespan


async def _nothing(_: Request) -> Response:
    raise not_found("such address")


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return _answer(Refusal(405, "method", "this address does not do that"), error.headers)
    if error.status_code == 404:
        return _answer(not_found("such address"))
    return _answer(Refusal(error.status_code, "bad_request", error.detail))


async def _any(_: Request, error: Exception) -> Response:
    refusal = refusal_of(error)
    if refusal is None:
        _log.error("a fault of the Studio", exc_info=error)
        text = f"a fault of the Studio itself ({type(error).__name__}: {error})"
        refusal = Refusal(500, "internal", text, "the terminal says more")
    return _answer(refusal)


def _answer(refusal: Refusal, headers: object = None) -> Response:
    extra = dict(headers) if isinstance(headers, dict) else {}
    return Response(
        refusal.body(), refusal.status, {**extra, "cache-control": "no-store"}, "application/json"
    )
