"""Who may speak to the Studio: this machine's own page, and nobody else's.

A page of another site that is open in the same browser can reach 127.0.0.1 as well. So every request
is checked: Host (DNS rebinding), Origin and Sec-Fetch-Site (foreign pages), a cookie that only the link
in the terminal gives, and a header that no form can send. ``docs/decisions/studio-api.md`` has the rules.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any

from isthmus.studio.refusals import Refusal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

API = "/api/v1"
UPLOADS = f"{API}/apply/files"
LARGEST_BODY = 1_048_576
LARGEST_UPLOAD = 1_000_000_000
_BODY_SECONDS = 15.0
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "geolocation=(), camera=(), payment=(), usb=()",
}


@dataclass(frozen=True)
class Keys:
    """``token`` stands in the link, ``session`` in the cookie: 128 and 256 random bits."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32))


class Guard:
    """The outermost layer: refuses what is foreign, bounds what is read, marks what is answered."""

    def __init__(self, app: App, port: int, keys: Keys) -> None:
        self.app = app
        self.keys = keys
        self.cookie = f"isthmus_{port}"
        names = ("127.0.0.1", "localhost", "[::1]")
        self.hosts = {f"{name}:{port}" for name in names}
        if port == 80:
            self.hosts |= set(names)
        self.origins = {f"http://{host}" for host in self.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        marked = _marked(send)
        try:
            self._check(scope)
            bounded = await _bounded(scope, receive)
        except Refusal as refusal:
            await refuse(refusal, marked)
            return
        await self.app(scope, bounded, marked)

    def _check(self, scope: Scope) -> None:
        headers = _headers(scope["headers"])
        hosts = headers.get("host", [])
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            raise _foreign("the address in this request is not the Studio's")
        # A navigation of the person's own (a typed address, a bookmark) carries "none".
        site = headers.get("sec-fetch-site", ["none"])
        if any(value not in {"same-origin", "none"} for value in site):
            raise _foreign("another site's page asked")
        origin = headers.get("origin", [])
        if any(value.lower() not in self.origins for value in origin):
            raise _foreign("another site's page asked")
        path = str(scope["path"])
        if scope["method"] not in {"GET", "HEAD"} and headers.get("x-isthmus") != ["1"]:
            raise Refusal(403, "no_header", "the header X-Isthmus: 1 is missing")
        if not (path == API or path.startswith(f"{API}/")) or path == f"{API}/session":
            return
        if not self._known(headers.get("cookie", [])):
            raise Refusal(
                401, "no_session", "this browser has not been let in",
                "open the link that `isthmus studio` printed",
            )  # fmt: skip

    def _known(self, cookies: Iterable[str]) -> bool:
        for text in cookies:
            try:
                held = SimpleCookie(text).get(self.cookie)
            except CookieError:
                continue
            if held is not None and same(held.value, self.keys.session):
                return True
        return False

    def set_cookie(self) -> str:
        """The header that lets a browser in."""
        return f"{self.cookie}={self.keys.session}; Path=/; HttpOnly; SameSite=Strict"


def same(given: str, wanted: str) -> bool:
    """Equality that takes as long for a near miss as for a far one."""
    return hmac.compare_digest(given.encode(), wanted.encode())


def _foreign(message: str) -> Refusal:
    return Refusal(403, "foreign", message, "open the Studio by the link in the terminal")


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


async def _bounded(scope: Scope, receive: Receive) -> Receive:
    """The body, read whole before anything acts on it: at most a megabyte, in at most 15 seconds."""
    headers = _headers(scope["headers"])
    length = headers.get("content-length", ["0"])[0]
    if scope["method"] == "PUT" and scope["path"] == UPLOADS:
        # A file goes to disk piece by piece; who writes it counts the bytes and the seconds.
        if not length.isdecimal() or int(length) > LARGEST_UPLOAD:
            raise Refusal(413, "too_large", f"a file may hold {LARGEST_UPLOAD:,} bytes at most")
        return receive
    if not length.isdecimal() or int(length) > LARGEST_BODY:
        raise Refusal(413, "too_large", f"a request may hold {LARGEST_BODY:,} bytes at most")
    if scope["method"] in {"GET", "HEAD"} and length == "0":
        return receive
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Refusal(400, "bad_request", "the request broke off")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > LARGEST_BODY:
                    raise Refusal(
                        413, "too_large", f"a request may hold {LARGEST_BODY:,} bytes at most"
                    )
                more = message.get("more_body", False)
    except TimeoutError:
        raise Refusal(408, "bad_request", "the request came too slowly") from None
    body, given = b"".join(parts), False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _marked(send: Send) -> Send:
    """Every answer carries the policy, whoever made it."""

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [(k.encode(), v.encode()) for k, v in HEADERS.items()]
            message["headers"] = [*message.get("headers", []), *own]
        await send(message)

    return wrapped


async def refuse(refusal: Refusal, send: Send) -> None:
    """Answer with a refusal, below any framework."""
    body = refusal.body()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if refusal.status in {408, 413}:
        headers.append((b"connection", b"close"))  # what was not read is not wanted
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
