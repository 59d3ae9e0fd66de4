"""There and back: one recipe in four spellings, histories thinned, streams taken up again."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from isthmus.recipe import Recipe
from isthmus.recipe.files import shipped
from isthmus.studio import spelling, story
from isthmus.studio.faults import Faulty
from isthmus.studio.hub import Hub
from tests.kinds import kinds, losses
from tests.studio.server import apart

WORDS = st.text("abc \"'\\#=[]$`\n\täß漢", max_size=12)


def some(cls: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    """Trees of a section, a few of its fields said; those that are not allowed are filtered later."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in cls.model_fields.items():
        text = str(field.annotation)
        if name == "kind":
            fields[name] = st.just(field.default)
        elif "Literal" in text and "int" not in text:
            fields[name] = st.sampled_from(_choices(field.annotation))
        elif text.startswith("<class 'int'>"):
            fields[name] = st.integers(1, 40)
        elif text.startswith("<class 'float'>"):
            fields[name] = st.floats(0.001, 0.9).map(lambda v: float(f"{v:.4g}"))
        elif text.startswith("<class 'bool'>"):
            fields[name] = st.booleans()
        elif "tuple" in text and "str" not in text:
            fields[name] = st.lists(st.integers(1, 64), min_size=1, max_size=4)
        elif name == "path":
            fields[name] = WORDS.map(lambda v: f"x{v}")
        elif text.startswith("<class 'str'>") or "str" in text:
            fields[name] = WORDS
    needed = {n: s for n, s in fields.items() if n in {"kind", "path"}}
    return st.fixed_dictionaries(
        needed, optional={n: s for n, s in fields.items() if n not in needed}
    )


def _choices(annotation: Any) -> list[str]:
    from typing import get_args

    return [a for a in get_args(annotation) if isinstance(a, str)] or ["none"]


def section(name: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of([some(cls) for cls in kinds(name)])


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    tree = {
        name: draw(section(name))
        for name in draw(
            st.sets(st.sampled_from(["data", "task", "encoder", "bottleneck", "decoder"]))
        )
    }
    if "task" in tree and draw(st.booleans()):
        tree["task"]["loss"] = draw(st.one_of([some(cls) for cls in losses()]))
    tree |= {"name": draw(st.sampled_from(["a", "B-2", "none", "3"])), "description": draw(WORDS)}
    try:
        return Recipe.model_validate(tree)
    except ValidationError:
        return Recipe(description=tree["description"])


@settings(max_examples=60, deadline=None)
@given(recipes())
def test_every_spelling_is_the_recipe(recipe: Recipe) -> None:
    for how, text in spelling.spell(recipe).items():
        if how == "cli" and "recipe.toml" in text:
            continue  # this one says that it cannot be said
        assert spelling.parse(text, how) == recipe, (how, text)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_shipped_recipe_is_its_name_on_the_command_line(name: str) -> None:
    assert spelling.to_cli(Recipe.load(name)) == f"isthmus train {name}"


def test_the_python_spelling_really_runs() -> None:
    recipe = Recipe.load("digits-vq").set("bottleneck.size=32", "description=a \"b\" 'c'")
    text = spelling.to_python(recipe).replace("run = isthmus.train(recipe)", "")
    space: dict[str, Any] = {}
    exec(compile(text, "spelling", "exec"), space)
    assert space["recipe"].hash == recipe.hash


def test_python_that_is_more_than_a_recipe_is_not_run(tmp_path: Any) -> None:
    mark = tmp_path / "ran"
    for text in (
        f"Recipe(name=open({str(mark)!r}, 'w'))",
        f"Recipe(name=__import__('pathlib').Path({str(mark)!r}).touch())",
        "Recipe(name=[x for x in ()])",
        "Recipe(**globals())",
        "print('hello')",
        "Recipe(",
        "Recipe.load('/etc/passwd')",
        "(" * 5000,
    ):
        with pytest.raises(Faulty):
            spelling.parse(text, "python")
    assert not mark.exists()


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["toml", "python", "cli", "link"]))
def test_any_text_is_a_recipe_or_a_fault(text: str, how: str) -> None:
    try:
        assert isinstance(spelling.parse(text, how), Recipe)
    except Faulty as error:
        assert all(fault.message for fault in error.faults)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from(["progress", "progress", "evaluated"]), max_size=120),
    st.integers(1, 40),
)
def test_thinned_histories_keep_their_ends_and_spikes(kinds_: list[str], most: int) -> None:
    events = [
        {"kind": kind, "step": n, "loss": 100.0 if n == 7 else 1.0} for n, kind in enumerate(kinds_)
    ]
    thin = story.thinned(events, most)
    progress = [e for e in thin if e["kind"] == "progress"]
    whole = [e for e in events if e["kind"] == "progress"]
    assert [e for e in thin if e["kind"] != "progress"] == [
        e for e in events if e["kind"] != "progress"
    ]
    assert len(progress) <= max(most, 0) or progress == whole
    if whole:
        assert progress[-1]["step"] == whole[-1]["step"]
        assert max(e.get("loss_max", e["loss"]) for e in progress) == max(e["loss"] for e in whole)


def test_an_event_log_is_read_up_to_where_it_was_cut(tmp_path: Any) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"kind": "started", "t": 0}\n{"kind": "progr')
    assert len(story.read(path)) == 1
    path.write_bytes(b'{"kind": "started"}\n\x00\x00\n{"kind": "progress"}\n')
    with pytest.raises(ValueError, match="line 2"):
        story.read(path)


def listen(hub: Hub, last: str, count: int) -> list[dict[str, Any]]:
    """The first ``count`` messages after ``last``."""

    async def run() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        stream = hub.stream(last)
        async for frame in stream:
            lines = frame.decode().splitlines()
            found += [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
            if len(found) >= count:
                break
        await stream.aclose()  # type: ignore[attr-defined]
        return found

    return apart(run())


def test_a_stream_is_replayed_or_reset_never_silently_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Hub()
    for number in range(25_000):
        hub.say("state", "a", number=number)
    late = listen(hub, f"{hub.boot}-24990", 10)
    assert [m["number"] for m in late] == list(range(24_990, 25_000))
    for forgotten in (
        f"{hub.boot}-3",
        "other-24990",
        f"{hub.boot}-99999",
        "junk",
        "-",
        f"{hub.boot}-x",
    ):
        assert listen(hub, forgotten, 1)[0]["kind"] == "reset"


def test_a_page_that_cannot_follow_is_cut_off() -> None:
    async def run() -> int:
        hub = Hub()
        stream = hub.stream("")
        await anext(stream)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        for number in range(6_000):
            hub.say("state", "a", number=number)
        frames = 0
        try:
            await waiting
            while True:
                await anext(stream)
                frames += 1
        except StopAsyncIteration:
            return frames

    assert apart(run()) < 6_000
