"""What every route needs: the body as JSON, parameters with bounds, answers with an ETag."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from isthmus.studio import packs
from isthmus.studio.refusals import Refusal

_DEEPEST = 64


class Answer(Response):
    """JSON that no cache keeps."""

    media_type = "application/json"

    def __init__(self, tree: Any, status_code: int = 200) -> None:
        super().__init__(tree, status_code, {"cache-control": "no-store"})

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode()


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that was sent. Raises Refusal."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, "media_type", "send JSON, with Content-Type: application/json")
    try:
        tree = json.loads(await request.body(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "bad_json", f"not JSON: {error}") from None
    if not isinstance(tree, dict):
        raise Refusal(400, "bad_json", "send a JSON object")
    if _depth(tree) > _DEEPEST:
        raise Refusal(400, "bad_json", f"nested deeper than {_DEEPEST}")
    return tree


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _depth(tree: Any) -> int:
    """How deep a tree is nested, without recursion."""
    deepest, rest = 0, [(tree, 1)]
    while rest:
        node, depth = rest.pop()
        deepest = max(deepest, depth)
        if depth > _DEEPEST:
            return depth
        children = node.values() if isinstance(node, dict) else node
        if isinstance(node, dict | list):
            rest.extend((child, depth + 1) for child in children)
    return deepest


def whole(request: Request, name: str, otherwise: int, least: int, most: int) -> int:
    """A whole number of the query, within bounds. Raises Refusal."""
    text = request.query_params.get(name)
    if text is None:
        return otherwise
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise Refusal(400, "bad_request", f"{name} must be a whole number from {least} to {most}")
    return value


def one_of(request: Request, name: str, choices: tuple[str, ...]) -> str:
    """A word of the query; the first choice if it is not there. Raises Refusal."""
    value = request.query_params.get(name, choices[0])
    if value not in choices:
        raise Refusal(400, "bad_request", f"{name} must be one of {', '.join(choices)}")
    return value


def text_of(tree: dict[str, Any], name: str, most: int, otherwise: str | None = None) -> str:
    """A string of the body. Raises Refusal."""
    value = tree.get(name, otherwise)
    if not isinstance(value, str) or len(value) > most:
        raise Refusal(400, "bad_request", f"{name} must be a text of at most {most} characters")
    return value


def tags_of(value: Any) -> tuple[str, ...]:
    """A list of short texts. Raises Refusal."""
    good = isinstance(value, list) and len(value) <= 32
    if not good or not all(isinstance(tag, str) and 0 < len(tag) <= 40 for tag in value):
        raise Refusal(400, "bad_request", "tags must be at most 32 texts of up to 40 characters")
    return tuple(dict.fromkeys(value))


def packed(request: Request, content: bytes, tag: str | None = None) -> Response:
    """Binary content with its ETag; 304 where the page has it."""
    tag = tag or packs.etag(content)
    headers = {"etag": tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/octet-stream", headers=headers)
