"""What pages look at of runs and data: histories, pictures, weights, codes, comparisons."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from isthmus.studio import graph, packs, story
from isthmus.studio.entry import Entry
from isthmus.studio.packs import Array
from isthmus.studio.refusals import Refusal, not_found
from isthmus.studio.sets import Sets, known
from isthmus.studio.studio import Studio
from isthmus.studio.web_tools import Answer, one_of, packed, whole

_HOW = ("auto", "direct", "pca", "umap", "tsne")
_MOST_EVENTS = 1 << 62


class Looking:
    """Handlers that change nothing."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.sets = Sets()

    # --- data -------------------------------------------------------------------------------------

    async def items(self, request: Request) -> Response:
        name = known(request.path_params["name"])
        part = one_of(request, "part", ("test", "train"))
        start = whole(request, "from", 0, 0, 10_000_000)
        count = whole(request, "count", 64, 1, 1024)
        content = await asyncio.to_thread(self.sets.items, name, part, start, count)
        return packed(request, content)

    async def pca(self, request: Request) -> Response:
        name = known(request.path_params["name"])
        return await self._made(request, f"components-{name}", "", what="pca", data=name)

    # --- one run ----------------------------------------------------------------------------------

    async def events(self, request: Request) -> Response:
        entry = self._entry(request)
        after = whole(request, "after", 0, 0, _MOST_EVENTS)
        most = whole(request, "most", 0, 0, 100_000)
        try:
            told = await asyncio.to_thread(story.read, entry.path / "events.jsonl")
        except FileNotFoundError:
            told = []
        except ValueError as error:
            raise Refusal(409, "damaged", str(error)) from None
        wire = [{**e, "run": entry.id, "n": n} for n, e in enumerate(told, 1) if n > after]
        return Answer({"events": story.thinned(wire, most), "next": len(told)})

    async def snapshots(self, request: Request) -> Response:
        entry = self._entry(request)
        try:
            told = await asyncio.to_thread(story.read, entry.path / "events.jsonl")
        except (FileNotFoundError, ValueError):
            told = []
        found: list[dict[str, Any]] = [
            {"n": _number_of(str(e.get("file"))), "epoch": e.get("epoch"), "step": e.get("step")}
            for e in told
            if e["kind"] == "snapshot"
        ]
        here = [s for s in found if (entry.path / _snapshot_file(int(s["n"]))).is_file()]
        return Answer({"snapshots": here})

    async def snapshot(self, request: Request) -> Response:
        entry, word = self._entry(request), request.path_params["n"]
        if word != "items" and not re.fullmatch(r"\d{1,6}", word):
            raise not_found("such snapshot")
        name = "snapshots/items.npz" if word == "items" else _snapshot_file(int(word))
        path = entry.path / name
        if not path.is_file():
            raise not_found("such snapshot")
        content = await asyncio.to_thread(
            _read_snapshot, path, entry.card.get("modality") == "image"
        )
        return packed(request, content)

    async def weights(self, request: Request) -> Response:
        entry = self._entry(request)
        dtype = one_of(request, "dtype", ("f2", "f4"))
        training = self.studio.trainer.live.get(entry.id)
        if entry.plan is not None and not graph.fits(entry.plan):
            raise Refusal(
                409,
                "not_lite",
                f"{entry.plan.parameters:,} weights are too many to run in the page",
            )
        if training is not None:
            found = await self.studio.trainer.present(training, "weights")
            if found is not None:
                return packed(request, found[0], f'"{entry.id}-{found[1]}-live"')
            return _soon()
        if not entry.has_weights:
            raise Refusal(409, "no_weights", "this run has no weights yet")
        stamp = (entry.path / "weights.safetensors").stat()
        tag = f'"{entry.id}-{stamp.st_mtime_ns}-{dtype}"'
        if request.headers.get("if-none-match") == tag:
            return packed(request, b"", tag)
        return packed(request, await asyncio.to_thread(_read_weights, entry, dtype), tag)

    async def codes(self, request: Request) -> Response:
        entry = self._entry(request)
        how = one_of(request, "how", _HOW)
        training = self.studio.trainer.live.get(entry.id)
        if training is not None:
            found = await self.studio.trainer.present(training, "codes")
            if found is not None:
                return packed(request, found[0], f'"{entry.id}-{found[1]}-codes"')
            return _soon()
        more = "-all" if one_of(request, "codes", ("0", "1")) == "1" else ""
        key = f"{self._stamp(entry)}-codes-{how}"
        return await self._made(
            request, key, entry.id, more, what="codes", folder=str(entry.path), id=entry.id, how=how
        )

    async def sprites(self, request: Request) -> Response:
        entry = self._entry(request)
        start = whole(request, "from", 0, 0, 10_000_000)
        count = whole(request, "count", 1024, 1, 8192)
        key = f"{self._stamp(entry)}-sprites"
        made = await self.studio.pool.ask(key, entry.id, what="sprites", folder=str(entry.path))
        if isinstance(made, str):
            return Answer({"job": made, "state": "working"}, 202)
        return packed(request, await asyncio.to_thread(_slice, made, start, count))

    # --- several runs -----------------------------------------------------------------------------

    async def compare(self, request: Request) -> Response:
        entries = self._several(request)
        trees = [_flat(e.recipe.model_dump(mode="json")) if e.recipe else {} for e in entries]
        keys = dict.fromkeys(key for tree in trees for key in tree)
        differing = {
            key: [tree.get(key) for tree in trees]
            for key in keys
            if len({repr(tree.get(key)) for tree in trees}) > 1
            and key not in {"name", "description"}
        }
        curves = {e.id: await asyncio.to_thread(_curves, e) for e in entries}
        records = [self.studio.record(entry) for entry in entries]
        return Answer({"runs": records, "differing": differing, "curves": curves})

    async def compare_items(self, request: Request) -> Response:
        entries = self._several(request)
        start = whole(request, "from", 0, 0, 10_000_000)
        count = whole(request, "count", 8, 1, 64)
        stamps = "-".join(self._stamp(entry) for entry in entries)
        if len({entry.shape for entry in entries}) > 1:
            raise Refusal(409, "state", "these runs take items of different shapes")
        return await self._made(
            request, f"items-{packs.etag(stamps.encode())[1:-1]}-{start}-{count}", "", what="items",
            folders=[str(entry.path) for entry in entries], start=start, count=count,
        )  # fmt: skip

    def _several(self, request: Request) -> list[Entry]:
        ids = request.query_params.get("ids", "").split(",")
        if not 2 <= len(set(ids)) == len(ids) <= 6:
            raise Refusal(400, "bad_request", "ids must name 2 to 6 different runs")
        return [self.studio.shelf.get(id) for id in ids]

    # --- what is made on demand -------------------------------------------------------------------

    async def _made(
        self, request: Request, key: str, run: str, suffix: str = "", **order: Any
    ) -> Response:
        made = await self.studio.pool.ask(key, run, **order)
        if isinstance(made, str):
            return Answer({"job": made, "state": "working"}, 202)
        path = made.with_name(made.stem + suffix + made.suffix)
        if not path.is_file():
            raise Refusal(409, "no_codes", "these codes hold too many numbers to be sent")
        tag = f'"{made.stem}{suffix}"'
        if request.headers.get("if-none-match") == tag:
            return packed(request, b"", tag)
        return packed(request, await asyncio.to_thread(path.read_bytes), tag)

    def _stamp(self, entry: Entry) -> str:
        """The name of a run's present weights, for what is made from them. Raises Refusal."""
        if not entry.has_weights:
            raise Refusal(409, "no_weights", "this run has no weights yet")
        held = (entry.path / "weights.safetensors").stat()
        return f"{entry.id}-{held.st_mtime_ns:x}{held.st_size:x}"

    def _entry(self, request: Request) -> Entry:
        return self.studio.shelf.get(str(request.path_params["id"]))


def _soon() -> Answer:
    """A training that has just begun: its own event says when there is something to see."""
    return Answer({"job": "", "state": "working"}, 202)


def _number_of(file: str) -> int:
    found = re.search(r"(\d+)\.npz$", file)
    return int(found[1]) if found else -1


def _snapshot_file(number: int) -> str:
    return f"snapshots/{number:06d}.npz"


def _read_snapshot(path: Path, picture: bool) -> bytes:
    try:
        with np.load(path, allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
    except (OSError, ValueError, KeyError) as error:
        raise Refusal(409, "damaged", f"{path.name}: is damaged ({error})") from None
    if picture:
        arrays = {name: packs.pixels(value) for name, value in arrays.items()}
    return packs.pack(arrays, {})


def _read_weights(entry: Entry, dtype: str) -> bytes:
    if entry.recipe is None or entry.plan is None:
        raise Refusal(409, "damaged", entry.error or "the recipe of this run cannot be read")
    tensors = graph.read(entry.path / "weights.safetensors", entry.recipe)
    described = graph.describe(
        entry.recipe, entry.plan, entry.card, run=entry.id, epoch=entry.story.epoch,
        step=entry.story.step,
    )  # fmt: skip
    return packs.pack(graph.shown(tensors, dtype), described, "graph")


def _slice(path: Path, start: int, count: int) -> bytes:
    """Some sprites out of a file of all of them."""
    held: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    return packs.pack({"values": held[start : start + count]}, {"total": len(held), "from": start})


def _curves(entry: Entry) -> dict[str, Any]:
    try:
        told = story.read(entry.path / "events.jsonl")
    except (OSError, ValueError):
        told = []
    thin = story.thinned(told, 2000)
    return {
        "progress": [[e.get("step"), e.get("loss")] for e in thin if e["kind"] == "progress"],
        "evaluated": [
            [e.get("step"), *(e.get("metrics", {}).get(n) for n in ("loss", "mse", "psnr"))]
            for e in told
            if e["kind"] == "evaluated"
        ],
    }


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
