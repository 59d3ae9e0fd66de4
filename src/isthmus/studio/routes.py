"""The interface, request by request: ``docs/decisions/studio-api.md`` says what each means."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from isthmus import __version__
from isthmus.recipe import Recipe
from isthmus.studio import checking, presets, sets, spelling
from isthmus.studio.apply.routes import Applying
from isthmus.studio.entry import Entry
from isthmus.studio.faults import Faulty, recipe_of
from isthmus.studio.looking import Looking
from isthmus.studio.refusals import Refusal, not_found
from isthmus.studio.security import API, LARGEST_BODY, Guard, same
from isthmus.studio.studio import Studio
from isthmus.studio.trainer import at_once
from isthmus.studio.web_tools import Answer, body_of, tags_of, text_of

_MOST_SWEEP = 32


class Routes:
    """Handlers over one Studio."""

    def __init__(self, studio: Studio, guard: Guard) -> None:
        self.studio = studio
        self.guard = guard
        self.looking = Looking(studio)
        self.applying = Applying(studio)

    def table(self) -> list[Route]:
        """Every address there is."""
        look = self.looking
        listed: list[tuple[str, str, Any]] = [
            ("POST", "/session", self.session),
            ("GET", "/meta", self.meta),
            ("POST", "/check", self.check),
            ("POST", "/recipe/parse", self.parse),
            ("GET", "/data", self.data),
            ("GET", "/data/{name}/items", look.items),
            ("GET", "/data/{name}/pca", look.pca),
            ("GET", "/models", self.models),
            ("GET", "/events", self.events),
            ("GET", "/runs", self.runs),
            ("POST", "/runs", self.create),
            ("POST", "/sweeps", self.sweep),
            ("GET", "/runs/{id}", self.show),
            ("PATCH", "/runs/{id}", self.change),
            ("DELETE", "/runs/{id}", self.delete),
            ("POST", "/runs/{id}/{what:str}", self.command),
            ("GET", "/runs/{id}/events", look.events),
            ("GET", "/runs/{id}/snapshots", look.snapshots),
            ("GET", "/runs/{id}/snapshots/{n}", look.snapshot),
            ("GET", "/runs/{id}/weights", look.weights),
            ("GET", "/runs/{id}/codes", look.codes),
            ("GET", "/runs/{id}/sprites", look.sprites),
            ("GET", "/compare", look.compare),
            ("GET", "/compare/items", look.compare_items),
            ("GET", "/bin", self.bin),
            ("POST", "/bin/{bin}/restore", self.restore),
            ("DELETE", "/bin/{bin}", self.destroy),
            *self.applying.table(),
        ]
        methods: dict[str, dict[str, Any]] = {}
        for method, path, handler in listed:
            methods.setdefault(path, {})[method] = handler
        return [
            Route(API + path, _by_method(handlers), methods=list(handlers))
            for path, handlers in methods.items()
        ]

    # --- the Studio -------------------------------------------------------------------------------

    async def session(self, request: Request) -> Response:
        given = text_of(await body_of(request), "token", 200)
        if not same(given, self.guard.keys.token):
            raise Refusal(
                401, "bad_token", "this link is of another Studio, or is cut short",
                "open the link that `isthmus studio` printed",
            )  # fmt: skip
        answer = Response(status_code=204)
        answer.headers["set-cookie"] = self.guard.set_cookie()
        return answer

    async def meta(self, request: Request) -> Response:
        studio = self.studio
        # The first page that looks around will soon train: have a worker ready.
        if not studio.trainer.live:
            await studio.pool.warm()
        return Answer(
            {
                "version": __version__,
                "boot": studio.hub.boot,
                "runs_folder": str(studio.folder),
                "at_once": at_once(),
                "schema": Recipe.model_json_schema(mode="serialization"),
                "defaults": Recipe().model_dump(mode="json"),
                "presets": presets.offered(),
                "data": sets.listing(),
                "models": self._models(),
                "disk": studio.disk(),
                "limits": {"body": LARGEST_BODY, "points": 60_000},
            }
        )

    async def check(self, request: Request) -> Response:
        tree = await body_of(request)
        if "toml" in tree:
            return self._checked(text_of(tree, "toml", 200_000), "toml")
        try:
            recipe = recipe_of(_tree_of(tree))
        except Faulty as error:
            return Answer(checking.refused(error))
        return Answer(checking.check(recipe, self.studio.own_files()))

    async def parse(self, request: Request) -> Response:
        tree = await body_of(request)
        how = text_of(tree, "how", 10)
        if how not in {"toml", "python", "cli", "link"}:
            raise Refusal(400, "bad_request", "how must be toml, python, cli or link")
        return self._checked(text_of(tree, "text", 200_000), how)

    def _checked(self, text: str, how: str) -> Response:
        try:
            recipe = spelling.parse(text, how)
        except Faulty as error:
            return Answer(checking.refused(error))
        return Answer(checking.check(recipe, self.studio.own_files()))

    async def data(self, request: Request) -> Response:
        return Answer({"data": sets.listing()})

    async def models(self, request: Request) -> Response:
        return Answer({"models": self._models()})

    def _models(self) -> list[dict[str, Any]]:
        # Those of photographs and sound have no data set to be played with here.
        playable = (
            entry
            for entry in self.studio.shelf.shipped.values()
            if entry.recipe is not None and entry.recipe.data.kind == "named"
        )
        shipped = sorted(
            (self.studio.record(entry) for entry in playable),
            key=lambda record: (record["data"], record["numbers"]),
        )
        return [record for record in shipped if record["lite"]]

    async def events(self, request: Request) -> Response:
        last = request.headers.get("last-event-id") or request.query_params.get("last", "")
        return StreamingResponse(
            self.studio.hub.stream(last[:64]),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    # --- runs -------------------------------------------------------------------------------------

    async def runs(self, request: Request) -> Response:
        studio = self.studio
        await studio.look_again()
        entries = sorted(studio.shelf.entries.values(), key=lambda e: -e.created)
        by_path = {entry.relative: entry.id for entry in entries}
        queue = [by_path[path] for path in studio.index.queue() if path in by_path]
        records = [studio.record(entry) for entry in entries]
        return Answer({"runs": records, "queue": queue, "seq": studio.hub.last})

    async def create(self, request: Request) -> Response:
        tree = await body_of(request)
        recipe = _recipe_of(tree)
        note = {"title": text_of(tree, "title", 120, ""), "tags": tags_of(tree.get("tags", []))}
        entry = self.studio.create(recipe, **note)
        await self.studio.trainer.start_next()
        return Answer(self.studio.record(entry), 201)

    async def sweep(self, request: Request) -> Response:
        tree = await body_of(request)
        base, key = _recipe_of(tree), text_of(tree, "key", 80)
        values = tree.get("values")
        if not isinstance(values, list) or not 1 <= len(values) <= _MOST_SWEEP:
            raise Refusal(400, "bad_request", f"values must be a list of 1 to {_MOST_SWEEP}")
        if not all(isinstance(v, int | float | str | bool) for v in values):
            raise Refusal(400, "bad_request", "values must be numbers or words")
        # All of them are good, or none is begun.
        recipes = [base.set(f"{key}={spelling._toml_value(value)}") for value in values]
        for recipe in recipes:
            answer = checking.check(recipe, self.studio.own_files())
            if not answer["ok"]:
                text = "; ".join(fault["message"] for fault in answer["faults"])
                raise Refusal(422, "recipe", text, faults=answer["faults"])
        name = f"s{self.studio.hub.boot}{self.studio.hub.last.partition('-')[2]}"
        short = key.rpartition(".")[2]
        entries = [
            self.studio.create(recipe, sweep=name, title=f"{recipe.name}, {short} {value}"[:120])
            for recipe, value in zip(recipes, values, strict=True)
        ]
        await self.studio.trainer.start_next()
        return Answer({"sweep": name, "runs": [self.studio.record(e) for e in entries]}, 201)

    async def show(self, request: Request) -> Response:
        entry = self._entry(request)
        recipe = entry.recipe
        files = sorted(
            path.relative_to(entry.path).as_posix()
            for path in entry.path.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        )
        return Answer(
            {
                **self.studio.record(entry),
                "recipe": recipe.model_dump(mode="json") if recipe else None,
                "spellings": spelling.spell(recipe) if recipe else None,
                "metrics_full": entry.metrics or None,
                "files": files,
                "engine": entry.story.engine,
                "warnings": entry.story.warnings,
            }
        )

    async def change(self, request: Request) -> Response:
        entry = self.studio.shelf.run(_id(request))
        tree = await body_of(request)
        changes: dict[str, Any] = {}
        if "title" in tree:
            changes["title"] = text_of(tree, "title", 120).strip()
        if "star" in tree:
            if not isinstance(tree["star"], bool):
                raise Refusal(400, "bad_request", "star must be true or false")
            changes["star"] = tree["star"]
        if "tags" in tree:
            changes["tags"] = tags_of(tree["tags"])
        self.studio.index.set(entry.relative, **changes)
        self.studio.tell(entry)
        return Answer(self.studio.record(entry))

    async def command(self, request: Request) -> Response:
        what = request.path_params["what"]
        if what not in {"pause", "resume", "step", "stop"}:
            raise not_found("such command")
        entry = self.studio.shelf.run(_id(request))
        await self.studio.trainer.command(entry, what)
        return Answer(self.studio.record(entry), 202)

    async def delete(self, request: Request) -> Response:
        studio, entry = self.studio, self.studio.shelf.run(_id(request))
        if entry.held and entry.id not in studio.trainer.live:
            raise Refusal(409, "state", "this run is being trained elsewhere; stop it there first")
        await studio.trainer.discard(entry)
        note = studio.index.get(entry.relative)
        kept = {
            "title": studio.record(entry)["title"], "star": note.star, "tags": list(note.tags),
            "sweep": note.sweep, "named": note.title,
        }  # fmt: skip
        entry = studio.shelf.get(entry.id)
        bin = await asyncio.to_thread(studio.shelf.throw_away, entry, kept)
        studio.index.forget(entry.relative)
        studio.hub.say("gone", entry.id)
        return Answer({"bin": bin})

    async def bin(self, request: Request) -> Response:
        shown = ("bin", "title", "deleted", "until", "bytes")
        binned = [{name: item.get(name) for name in shown} for item in self.studio.shelf.binned()]
        return Answer({"bin": binned})

    async def restore(self, request: Request) -> Response:
        studio = self.studio
        entry, held = await asyncio.to_thread(studio.shelf.restore, request.path_params["bin"])
        studio.index.set(
            entry.relative, title=str(held.get("named", "")), star=bool(held.get("star")),
            tags=tuple(held.get("tags", ())), sweep=str(held.get("sweep", "")),
        )  # fmt: skip
        studio.tell(entry)
        return Answer(studio.record(entry))

    async def destroy(self, request: Request) -> Response:
        await asyncio.to_thread(self.studio.shelf.destroy, request.path_params["bin"])
        return Response(status_code=204)

    def _entry(self, request: Request) -> Entry:
        return self.studio.shelf.get(_id(request))


def _id(request: Request) -> str:
    return str(request.path_params["id"])


def _tree_of(tree: dict[str, Any]) -> dict[str, Any]:
    recipe = tree.get("recipe")
    if not isinstance(recipe, dict):
        raise Refusal(400, "bad_request", "recipe must be a JSON object")
    return recipe


def _recipe_of(tree: dict[str, Any]) -> Recipe:
    try:
        return recipe_of(_tree_of(tree))
    except Faulty as error:
        faults = [fault.to_json() for fault in error.faults]
        raise Refusal(422, "recipe", str(error), faults=faults) from None


def _by_method(handlers: dict[str, Any]) -> Any:
    async def handle(request: Request) -> Response:
        if request.method not in handlers:
            raise Refusal(405, "method", "this address does not do that")
        answer: Response = await handlers[request.method](request)
        return answer

    return handle
