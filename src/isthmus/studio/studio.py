"""Everything the server holds, and what it does by itself: look at the folder, start what waits."""

from __future__ import annotations

import asyncio
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from isthmus.files import is_held
from isthmus.recipe import Named, Recipe
from isthmus.studio import checking, story
from isthmus.studio import entry as en
from isthmus.studio.apply.queue import Queue
from isthmus.studio.apply.uploads import Uploads
from isthmus.studio.entry import Entry
from isthmus.studio.hub import Hub
from isthmus.studio.index import Index
from isthmus.studio.pool import Pool
from isthmus.studio.refusals import Refusal, disk_full
from isthmus.studio.shelf import Shelf
from isthmus.studio.trainer import Trainer

_LOOK_SECONDS = 1.0
_LOOK_SECONDS_ALONE = 5.0
_COOL_SECONDS = 60.0
_LEAST_DISK = 128 * 1024 * 1024
_LOW_DISK = 1024 * 1024 * 1024


class Studio:
    """One folder of runs, opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shelf = Shelf(folder)
        self.hub = Hub()
        self.index = Index(self.shelf.own / "index.sqlite")
        self.pool = Pool(self.hub, self.shelf.own / "cache")
        self.trainer = Trainer(self.shelf, self.index, self.hub, self.pool, self.tell)
        self.uploads = Uploads(self.shelf.own / "apply")
        self.applying = Queue(self.uploads, self.hub, self.pool)
        self._tasks: list[asyncio.Task[None]] = []
        self._told_low = False
        self._looked = 0.0

    async def open(self) -> None:
        """Read what is there, and go on with what waits."""
        shutil.rmtree(self.shelf.own / "live", ignore_errors=True)
        self.uploads.open()
        await self.look()
        self.shelf.sweep()
        if self.index.damaged:
            self.hub.say("server", code="index", text="the index was damaged and begun anew")
        await self.trainer.start_next()
        self._tasks = [asyncio.create_task(self._keep_looking())]

    async def close(self) -> None:
        """Keep everything, end everything."""
        for task in self._tasks:
            task.cancel()
        self.hub.close()
        await asyncio.gather(self.trainer.close(), self.pool.close(), self.applying.close())
        self.uploads.close()
        self.index.close()

    # --- the folder -------------------------------------------------------------------------------

    async def _keep_looking(self) -> None:
        alone = time.monotonic()
        while True:
            await asyncio.sleep(_LOOK_SECONDS if self.hub.listening else _LOOK_SECONDS_ALONE)
            with suppress(OSError):
                await self.look()
                self._watch_disk()
            await self.pool.rest()
            await self.applying.rest()
            if self.hub.listening:
                alone = time.monotonic()
            elif time.monotonic() - alone > _COOL_SECONDS:
                await self.pool.cool()

    async def look_again(self) -> None:
        """What a page that has just come asks for: what lies there now."""
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            await self.look()

    async def look(self) -> None:
        """Take in what appeared, changed or went, whoever did it."""
        self._looked = time.monotonic()
        found = await asyncio.to_thread(self.shelf.signatures)
        known = {entry.relative: entry for entry in self.shelf.entries.values()}
        for relative, entry in known.items():
            if relative not in found and entry.id not in self.trainer.live:
                self.shelf.entries.pop(entry.id, None)
                self.index.forget(relative)
                self.hub.say("gone", entry.id)
        for relative, signature in found.items():
            before = known.get(relative)
            if before is not None:
                still = before.signature == signature and not self._let_go(before)
                if still or before.id in self.trainer.live:
                    continue
            fresh = await asyncio.to_thread(en.read, relative, self.folder / relative)
            if self.shelf.entries.get(fresh.id) is not before or fresh.id in self.trainer.live:
                continue  # it was started, renewed or removed meanwhile
            self.shelf.entries[fresh.id] = fresh
            if before is not None:
                self._catch_up(before, fresh)
            self.tell(fresh)

    def _let_go(self, entry: Entry) -> bool:
        """Whether a training elsewhere ended without a word."""
        return entry.held and not is_held(entry.path / "events.jsonl")

    def _catch_up(self, before: Entry, now: Entry) -> None:
        """Tell the events that a training elsewhere has written since the last look."""
        if not self.hub.listening or now.story.count <= before.story.count:
            return
        with suppress(OSError, ValueError):
            events = story.read(now.path / "events.jsonl")
            for number, event in enumerate(events, 1):
                if number > before.story.count:
                    self.hub.say(**{**event, "run": now.id, "n": number})

    def _watch_disk(self) -> None:
        low = self.disk()["low"]
        if low and not self._told_low:
            self.hub.say("server", code="low_disk", text="the disk is nearly full")
        self._told_low = bool(low)

    def disk(self) -> dict[str, Any]:
        """Bytes free where the runs lie, and what the runs take."""
        free = shutil.disk_usage(self.folder).free
        used = sum(entry.bytes for entry in self.shelf.entries.values())
        return {"free": free, "used": used, "low": free < _LOW_DISK}

    # --- runs -------------------------------------------------------------------------------------

    def create(self, recipe: Recipe, **note: Any) -> Entry:
        """A new run in the queue. Raises Refusal where it cannot be trained here."""
        answer = checking.check(recipe, self.own_files())
        if not answer["ok"]:
            faults = answer["faults"]
            own = any(fault["key"] == "data.path" for fault in faults)
            text = "; ".join(fault["message"] for fault in faults)
            if own:
                raise Refusal(403, "own_path", text)
            raise Refusal(422, "recipe", text, faults=faults)
        if not answer["here"]:
            name = recipe.data.name if isinstance(recipe.data, Named) else ""
            raise Refusal(
                409, "no_data", f"the data set {name} is not on this machine",
                f"isthmus data get {name}",
            )  # fmt: skip
        if shutil.disk_usage(self.folder).free < _LEAST_DISK:
            raise disk_full(str(self.folder))
        entry = self.shelf.create(recipe)
        self.index.set(entry.relative, **note)
        self.trainer.queue(entry)
        return entry

    def own_files(self) -> dict[str, tuple[int, ...]]:
        """Own files that runs here were trained on, and the shape of their items."""
        return {
            entry.recipe.data.path: entry.shape
            for entry in self.shelf.entries.values()
            if entry.recipe and not isinstance(entry.recipe.data, Named) and entry.shape
        }

    def tell(self, entry: Entry) -> None:
        """Something about a run changed: every page gets the whole of it."""
        self.hub.say("state", entry.id, record=self.record(entry))

    def state(self, entry: Entry) -> tuple[str, str]:
        """(state, reason) of a run, from the process that trains it, the queue and its files."""
        training = self.trainer.live.get(entry.id)
        note = self.index.get(entry.relative)
        told = entry.story
        if training is not None:
            return training.state, ""
        if note.queued:
            return "queued", ""
        if entry.error:
            return "damaged", entry.error
        if told.end == "finished":
            return ("stopped" if told.reason == "stopped" else "done"), told.reason
        if told.end == "failed":
            return "failed", told.reason
        if entry.held:
            return "running", ""
        if note.ended:
            return note.ended, note.reason
        if told.count == 0 and entry.has_weights:
            return "done", ""
        return "interrupted", "the training ended in the middle"

    def record(self, entry: Entry) -> dict[str, Any]:
        """A run as the page's list shows it."""
        note = self.index.get(entry.relative)
        state, reason = self.state(entry)
        here = entry.id in self.trainer.live
        told, recipe, planned = entry.story, entry.recipe, entry.plan
        metrics = told.metrics if here or not entry.metrics else entry.metrics
        queue = self.index.queue() if note.queued else []
        tree: dict[str, Any] = {
            "id": entry.id,
            "name": recipe.name if recipe else "",
            "title": note.title or (recipe.name if recipe else entry.relative),
            "folder": entry.relative,
            "state": state,
            "reason": reason,
            "can": self._can(entry, state),
            "here": here,
            "shipped": entry.id in self.shelf.shipped,
            "place": queue.index(entry.relative) + 1 if entry.relative in queue else 0,
            "checkpoint": entry.has_checkpoint,
            "weights": here or entry.has_weights,
            "data": _data_name(entry),
            "modality": entry.card.get("modality", ""),
            "shape": list(entry.shape or ()),
            "classes": list(entry.card.get("classes") or ()),
            "task": recipe.task.kind if recipe else "",
            "encoder": recipe.encoder.kind if recipe else "",
            "bottleneck": recipe.bottleneck.kind if recipe else "",
            "hash": recipe.hash if recipe else "",
            "code": [], "numbers": 0, "bits": None, "ratio": 0.0, "parameters": 0, "macs": 0, "lite": False,
            "epoch": told.epoch,
            "epochs": told.epochs or (recipe.training.epochs if recipe else 0),
            "step": told.step,
            "steps": told.steps,
            "loss": told.loss,
            "seconds": round(told.seconds, 3),
            "metrics": _figures(metrics),
            "created": entry.created,
            "updated": entry.updated,
            "bytes": entry.bytes,
            "star": note.star,
            "tags": list(note.tags),
            "sweep": note.sweep,
            "error": entry.error,
        }  # fmt: skip
        if recipe is not None and planned is not None:
            own = checking.figures(recipe, planned)
            tree |= {
                n: own[n]
                for n in ("code", "numbers", "bits", "ratio", "parameters", "macs", "lite")
            }
            if tree["bits"] is None:
                tree["bits"] = _bits(metrics.get("diagnostics"))
        return tree

    def _can(self, entry: Entry, state: str) -> list[str]:
        if entry.id in self.shelf.shipped:
            return []
        training = self.trainer.live.get(entry.id)
        if training is not None:
            match state:
                case "running" | "starting":
                    return ["pause", "stop", "delete"]
                case "paused":
                    return ["resume", "step", "stop", "delete"]
                case "pausing":
                    return ["stop", "delete"]
            return ["delete"]
        if entry.held:
            return []
        match state:
            case "queued":
                return ["stop", "delete"]
            case "interrupted" | "stopped" | "failed" if entry.recipe is not None:
                return ["resume", "delete"]
        return ["delete"]


def _data_name(entry: Entry) -> str:
    if entry.recipe is None:
        return str(entry.card.get("name", ""))
    data = entry.recipe.data
    return data.name if isinstance(data, Named) else Path(data.path).name


def _bits(diagnostics: Any) -> float | None:
    """What an entropy coder spends on an item's code, where the bottleneck measures it."""
    held = diagnostics.get("bits_per_item") if isinstance(diagnostics, dict) else None
    return float(held) if isinstance(held, int | float) else None


def _figures(metrics: dict[str, Any]) -> dict[str, Any]:
    names = ("loss", "cost", "mse", "psnr", "ssim", "pca_mse")
    return {n: metrics[n] for n in names if isinstance(metrics.get(n), int | float)}
