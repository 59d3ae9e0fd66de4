"""Requests that a page of another site, another program or a forged link could send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from isthmus.studio import security
from isthmus.studio.refusals import Refusal
from tests.studio.server import API, Server, apart, small

DEEP = b'{"recipe": ' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "secret").write_text("not for you")
    with Server(folder) as running:
        yield running.log_in()


def request(
    server: Server, method: str, path: str, body: bytes = b"", drop: str = "", **more: str
) -> bytes:
    """A good request, but for what the test changes; ``drop`` leaves headers out."""
    headers = {
        "Host": f"127.0.0.1:{server.port}", "Cookie": server.cookie, "X-Isthmus": "1",
        "Connection": "close",
    }  # fmt: skip
    if body:
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    headers |= {k.replace("_", "-"): v.replace("PORT", str(server.port)) for k, v in more.items()}
    kept = {k: v for k, v in headers.items() if k not in drop.split()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in kept.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def js(**tree: Any) -> bytes:
    return json.dumps(tree).encode()


RUNS = f"{API}/runs"
RECIPE = small().model_dump(mode="json")
TABLE: list[tuple[str, str, str, bytes, dict[str, str], set[int]]] = [
    ("a foreign host", "GET", "/", b"", {"Host": "evil.example"}, {403}),
    ("a rebound name", "GET", RUNS, b"", {"Host": "127.0.0.1.evil.example:PORT"}, {403}),
    ("another port", "GET", RUNS, b"", {"Host": "127.0.0.1:1"}, {403}),
    ("a host with a user", "GET", RUNS, b"", {"Host": "127.0.0.1:PORT@evil.example"}, {400, 403}),
    ("no host", "GET", RUNS, b"", {"drop": "Host"}, {400, 403}),
    ("a foreign host for events", "GET", f"{API}/events", b"", {"Host": "evil.example"}, {403}),
    ("the null origin", "GET", RUNS, b"", {"Origin": "null"}, {403}),
    ("a foreign origin", "POST", RUNS, js(recipe=RECIPE), {"Origin": "http://evil.example"}, {403}),
    ("another port's origin", "GET", RUNS, b"", {"Origin": "http://127.0.0.1:1"}, {403}),
    ("a secure twin's origin", "GET", RUNS, b"", {"Origin": "https://127.0.0.1:PORT"}, {403}),
    ("a cross-site fetch", "GET", RUNS, b"", {"Sec_Fetch_Site": "cross-site"}, {403}),
    ("a same-site fetch", "GET", "/", b"", {"Sec_Fetch_Site": "same-site"}, {403}),
    ("no cookie", "GET", RUNS, b"", {"drop": "Cookie"}, {401}),
    ("no cookie for events", "GET", f"{API}/events", b"", {"drop": "Cookie"}, {401}),
    ("a guessed cookie", "GET", RUNS, b"", {"Cookie": "isthmus_PORT=guess"}, {401}),
    ("another server's cookie", "GET", RUNS, b"", {"Cookie": "isthmus_1=x"}, {401}),
    ("an empty cookie", "GET", RUNS, b"", {"Cookie": "isthmus_PORT="}, {401}),
    ("a guessed token", "POST", f"{API}/session", js(token="guess"), {"drop": "Cookie"}, {401}),
    ("a token that is no text", "POST", f"{API}/session", js(token=[1]), {"drop": "Cookie"}, {400}),
    ("no header", "POST", RUNS, js(recipe=RECIPE), {"drop": "X-Isthmus"}, {403}),
    ("a preflight", "OPTIONS", RUNS, b"", {"drop": "X-Isthmus", "Origin": "http://a.b"}, {403}),
    ("a form", "POST", RUNS, b"recipe=1", {"Content_Type": "application/x-www-form-urlencoded"}, {415}),
    ("a multipart form", "POST", RUNS, b"--x\r\n", {"Content_Type": "multipart/form-data; boundary=x"}, {415}),
    ("plain text", "POST", RUNS, js(recipe=RECIPE), {"Content_Type": "text/plain"}, {415}),
    ("dots, encoded", "GET", "/..%2f..%2fsecret", b"", {}, {404}),
    ("encoded dots", "GET", "/%2e%2e/%2e%2e/secret", b"", {}, {404}),
    ("plain dots", "GET", "/../../secret", b"", {}, {404}),
    ("backslashes", "GET", "/..%5c..%5csecret", b"", {}, {404}),
    ("an absolute path", "GET", "//etc/passwd", b"", {}, {404}),
    ("an absolute address", "GET", "http://evil.example/secret", b"", {}, {400, 404}),
    ("dots for an id", "GET", f"{RUNS}/..%2f..%2fsecret", b"", {}, {404}),
    ("a zero byte", "GET", f"{RUNS}/%00", b"", {}, {404}),
    ("a fragment for an id", "GET", f"{RUNS}/x%23/../../../secret", b"", {}, {404}),
    ("deleting by path", "DELETE", f"{RUNS}/..%2fsecret", b"", {}, {404}),
    ("deleting what ships", "DELETE", f"{RUNS}/digits-64", b"", {}, {409}),
    ("dots for a snapshot", "GET", f"{RUNS}/digits-64/snapshots/..%2frecipe.toml", b"", {}, {404}),
    ("dots in the bin", "POST", f"{API}/bin/..%2f..%2fsecret/restore", b"", {}, {404}),
    ("a path for a data set", "GET", f"{API}/data/..%2fsecret/items", b"", {}, {404}),
    ("paths to compare", "GET", f"{API}/compare?ids=../secret,/etc/passwd", b"", {}, {404}),
    ("an unknown number type", "GET", f"{RUNS}/digits-64/weights?dtype=pickle", b"", {}, {400}),
    ("a count beyond bounds", "GET", f"{API}/data/digits/items?count=999999999", b"", {}, {400}),
    ("ten gigabytes", "POST", RUNS, b"", {"Content_Length": "10000000000"}, {413}),
    ("a negative length", "POST", RUNS, b"", {"Content_Length": "-1"}, {400, 413}),
    ("two lengths", "POST", RUNS, b"{}", {"Content_Length": "2, 3"}, {400}),
    ("a body beyond bounds", "POST", RUNS, b'"' + b"a" * 1_100_000 + b'"', {}, {413}),
    ("deep JSON", "POST", RUNS, DEEP, {}, {400}),
    ("JSON without end", "POST", RUNS, b"[" * 100_000, {}, {400}),
    ("no JSON", "POST", RUNS, b"\xff\xfe", {}, {400}),
    ("NaN", "POST", RUNS, b'{"recipe": NaN}', {}, {400}),
    ("a list", "POST", RUNS, b"[1]", {}, {400}),
    ("another method", "PUT", RUNS, js(recipe=RECIPE), {}, {404}),
    ("a head without end", "HEAD", f"{API}/events", b"", {}, {405}),
    ("TRACE", "TRACE", "/", b"", {}, {405}),
    ("a web socket", "GET", f"{API}/events", b"",
     {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13",
      "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Origin": "http://evil.example"}, {400, 403}),
    ("own files by path", "POST", RUNS,
     js(recipe={**RECIPE, "data": {"kind": "arrays", "path": "/etc/passwd"}}), {}, {403}),
    ("a name that is a path", "POST", RUNS, js(recipe={**RECIPE, "name": "../../x"}), {}, {422}),
    ("code as a layer", "POST", RUNS,
     js(recipe={**RECIPE, "encoder": {"kind": "dense", "layers": ["__import__('os')"]}}), {}, {422}),
    ("an unknown kind", "POST", RUNS, js(recipe={**RECIPE, "encoder": {"kind": "module:os"}}), {}, {422}),
    ("a thousand runs at once", "POST", f"{API}/sweeps",
     js(recipe=RECIPE, key="bottleneck.size", values=list(range(1, 1000))), {}, {400}),
    ("a sweep over paths", "POST", f"{API}/sweeps",
     js(recipe=RECIPE, key="name", values=["../x"]), {}, {422}),
]  # fmt: skip


def tree(folder: Path) -> dict[str, int]:
    """Every file below a folder and its size, but for what the index writes by itself."""
    return {
        str(p.relative_to(folder)): p.stat().st_size
        for p in folder.rglob("*")
        if p.is_file() and not p.name.startswith("index.sqlite")
    }


@pytest.mark.parametrize(
    ("name", "method", "path", "body", "more", "wanted"), TABLE, ids=[row[0] for row in TABLE]
)
def test_it_is_refused_and_changes_nothing(
    server: Server, name: str, method: str, path: str, body: bytes, more: dict[str, str], wanted: set[int]
) -> None:  # fmt: skip
    before = tree(server.folder)
    status, answer = server.raw(request(server, method, path, body, **more))
    assert status in wanted, answer[:400]
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert b"access-control" not in head
    assert b"not for you" not in answer
    if status != 400:  # some of these never reach the application
        assert b"content-security-policy: default-src 'none'" in head
        assert b"x-content-type-options: nosniff" in head
    assert tree(server.folder) == before


def test_a_python_pickle_cannot_be_sent(server: Server) -> None:
    status, _ = server.raw(
        request(server, "POST", RUNS, b"\x80\x04", Content_Type="application/octet-stream")
    )
    assert status == 415


def test_good_requests_are_answered(server: Server) -> None:
    """The table would prove nothing if everything was refused."""
    for more in ({}, {"Origin": f"http://127.0.0.1:{server.port}", "Sec_Fetch_Site": "same-origin"},
                 {"Host": f"localhost:{server.port}"}, {"Host": f"[::1]:{server.port}"}):  # fmt: skip
        status, _ = server.raw(request(server, "GET", RUNS, **more))
        assert status == 200, more


def test_the_cookie_is_for_this_page_alone(server: Server) -> None:
    _, _, headers = server.ask("POST", "/session", {"token": server.token})
    cookie = headers["set-cookie"]
    assert cookie.startswith(f"isthmus_{server.port}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


def test_keys_and_link_are_readable_by_their_owner_only(server: Server) -> None:
    for name in ("keys.json", "open.json"):
        assert (server.runs / ".studio" / name).stat().st_mode & 0o077 == 0


def test_a_slow_body_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "_BODY_SECONDS", 0.05)

    async def never() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    scope = {"method": "POST", "headers": [(b"content-length", b"10")]}
    with pytest.raises(Refusal) as refusal:
        apart(security._bounded(scope, never))
    assert refusal.value.status == 408


def test_a_body_in_pieces_is_bounded_too() -> None:
    async def pieces() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x" * 100_000, "more_body": True}

    with pytest.raises(Refusal) as refusal:
        apart(security._bounded({"method": "POST", "headers": []}, pieces))
    assert refusal.value.status == 413


def test_the_server_listens_on_this_machine_only(server: Server) -> None:
    wanted = f"{server.port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    listening = [
        f.split()[1] for f in lines if f.split()[3] == "0A" and f.split()[1].endswith(wanted)
    ]
    assert listening == [f"0100007F:{wanted}"]
