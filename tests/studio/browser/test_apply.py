"""The Apply page: files in, a task, results to look at, to hear, to keep."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests import sounds
from tests.studio.browser import hands
from tests.studio.browser.test_everyone import needs_axe, violations
from tests.studio.server import Server, wait

VERBS = Path(__file__).parents[1] / "verbs"


@pytest.fixture(scope="module")
def applying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Studio that also has the verbs ``paint`` and ``trouble``."""
    path = os.pathsep.join([str(VERBS), *sys.path])
    with Server(tmp_path_factory.mktemp("apply"), PYTHONPATH=path) as server:
        yield server.log_in()


@pytest.fixture
def opened(open_studio: Any, applying: Server) -> Iterator[Any]:
    """``opened(task, width=…)`` -> the page with nothing on it."""

    def go(task: str, **more: Any) -> Any:
        page = open_studio(applying, path="#/apply", **more)
        page.get_by_test_id("zone").wait_for()
        choose(page, task)
        return page

    yield go
    for held in applying.call("GET", "/apply")["files"]:
        if held["role"] in ("input", "part"):
            applying.ask("DELETE", f"/apply/files/{held['id']}")


def choose(page: Any, task: str) -> None:
    page.get_by_role("radio", name=task, exact=True).check(force=True)


def picture(width: int = 320, height: int = 240, seed: int = 0) -> bytes:
    held = io.BytesIO()
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(60, 190, (height, width, 3), np.uint8)).save(held, "PNG")
    return held.getvalue()


def give(page: Any, *files: tuple[str, bytes]) -> None:
    """Choose files by the picker."""
    payload = [{"name": n, "mimeType": "", "buffer": b} for n, b in files]
    page.set_input_files("[data-testid=picker]", payload)


def reach(page: Any, state: str, count: int = 1) -> None:
    """Until so many files are in a state."""
    page.wait_for_function(
        "([state, count]) => document.querySelectorAll(`li[data-state=${state}]`).length === count",
        arg=[state, count],
        timeout=120_000,
    )


def run(page: Any, count: int = 1) -> None:
    page.get_by_test_id("run").click()
    reach(page, "done", count)


def result(page: Any, server: Server) -> tuple[Any, dict[str, Any]]:
    """(pixels of the newest result, what was said of it)."""
    job = server.call("GET", "/apply")["jobs"][-1]
    outcome = job["outcomes"][0]
    _, content, _ = server.ask("GET", f"/apply/files/{outcome['result']}")
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")), outcome


def inked(page: Any) -> int:
    """How many pixels of the mask are painted."""
    return int(
        page.eval_on_selector(
            "[data-testid=mask-canvas]",
            """c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data
                .reduce((sum, v, i) => sum + (i % 4 === 3 && v > 127), 0)""",
        )
    )


def test_clean_photos_compare_and_keep_them(opened: Any, applying: Server) -> None:
    page = opened("Clean photos", watched=False)
    wrong = ("drawing.svg", b"<svg/>")
    give(page, ("Anna.png", picture(64, 48)), ("bad.png", picture()[:200]), wrong, ("Ben.png", picture(40, 40, 1)))  # fmt: skip
    reach(page, "refused")
    assert "drawing.svg: is none of the kinds" in page.get_by_test_id("files").inner_text()
    reach(page, "here", 3)
    run(page, 2)
    reach(page, "failed")
    said = page.locator("li[data-state=failed]").inner_text()
    assert "bad.png: cannot be read as a picture" in said
    stage = page.get_by_test_id("stage")
    stage.locator("img").nth(1).wait_for()
    # The divider by keys, the zoom by keys; the picture before covers as much as is said.
    divider = page.get_by_test_id("divider")
    divider.focus()
    page.keyboard.press("Home")
    assert "100%" in stage.locator("img").nth(1).get_attribute("style")
    stage.focus()
    wide = stage.locator("img").first.bounding_box()["width"]
    page.keyboard.press("+")
    assert stage.locator("img").first.bounding_box()["width"] > 1.4 * wide
    page.keyboard.press("0")
    assert stage.locator("img").first.bounding_box()["width"] == pytest.approx(wide)
    for mode in ("Side by side", "Difference", "Divider"):
        page.get_by_role("button", name=mode).click()
    with page.expect_download() as kept:
        page.get_by_role("link", name="Download", exact=True).click()
    assert kept.value.suggested_filename == "Anna-clean.png"
    with page.expect_download() as kept:
        page.get_by_test_id("zip").click()
    assert kept.value.suggested_filename == "isthmus.zip"
    # Another strength: what is shown is told to be old, and made again.
    page.get_by_label("Strength").fill("0.5")
    assert page.locator("li").filter(has_text="made with other options").count() == 2
    page.get_by_role("button", name="Run again", exact=True).click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('li')].filter(e => e.textContent.includes('other options')).length === 1"
    )
    # A reload finds everything as it was.
    page.reload()
    page.get_by_test_id("zone").wait_for()
    reach(page, "done", 2)
    page.get_by_test_id("figures").wait_for()


def test_what_ends_while_the_page_opens_is_not_missed(opened: Any, applying: Server) -> None:
    page = opened("Paint")
    give(page, ("old.png", picture(seed=7)))
    reach(page, "here")
    told: list[str] = []  # the job

    def late(route: Any) -> None:
        """The first answer is from before the job, and comes when its end has been told."""
        answer = route.fetch()
        if not told:
            source = next(f for f in answer.json()["files"] if f["role"] == "input")
            order = {"task": "paint", "files": [source["id"]], "values": {}}
            told.append(applying.call("POST", "/apply/jobs", order)["id"])
            job = f"/apply/jobs/{told[0]}"
            wait(
                lambda: applying.call("GET", job), lambda it: it["state"] == "done", "the job's end"
            )
            page.wait_for_timeout(500)
        route.fulfill(response=answer)

    page.route("**/api/v1/apply", late)
    page.reload()
    choose(page, "Paint")
    reach(page, "done")
    assert len(told) == 1


def test_hints_by_pointer_and_by_keys(opened: Any, applying: Server) -> None:
    page = opened("Paint")
    give(page, ("old.png", picture()))
    stage = page.get_by_test_id("stage")
    page.get_by_role("button", name="Colours").wait_for()
    page.get_by_label("Colour", exact=True).fill("#ff0000")
    box = stage.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.5)
    hints = stage.locator(".hint")
    assert hints.count() == 1
    hands.drag(page, "[data-testid=stage]", [(0.25, 0.5), (0.5, 0.25)])
    assert hints.count() == 1
    said = hints.first.get_attribute("aria-label")
    x, y = map(int, said.partition(" at ")[2].split(", "))
    assert said.startswith("Hint 1: #ff0000 at ")
    assert (x, y) == (pytest.approx(160, abs=3), pytest.approx(60, abs=3))
    page.get_by_role("button", name="Add a hint").click()
    hints.nth(1).focus()
    for key in ("Shift+ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowDown"):
        page.keyboard.press(key)
    assert "at 158, 121" in hints.nth(1).get_attribute("aria-label")
    page.get_by_role("button", name="Take the colour #2f5d34").click()
    page.get_by_role("button", name="Add a hint").click()
    hints.nth(2).focus()
    page.keyboard.press("Delete")
    assert hints.count() == 2
    page.get_by_label("Side of squares").fill("1")
    run(page)
    pixels, outcome = result(page, applying)
    assert pixels[y, x].tolist() == [255, 0, 0]
    assert pixels[121, 158].tolist() == [0x2F, 0x5D, 0x34]
    assert outcome["text"] == "2 hints"


def test_a_mask_by_brush_eraser_and_keys(opened: Any, applying: Server) -> None:
    page = opened("Paint")
    give(page, ("marked.png", picture()))
    page.get_by_role("button", name="Where").click()
    hands.drag(page, "[data-testid=stage]", [(0.2, 0.3), (0.8, 0.3)])
    painted = inked(page)
    assert painted > 1_000
    page.get_by_role("button", name="Eraser").click()
    hands.drag(page, "[data-testid=stage]", [(0.7, 0.3), (0.9, 0.3)])
    assert 0 < inked(page) < painted
    group = page.get_by_test_id("mask")
    group.get_by_role("button", name="Undo").click()
    assert inked(page) == painted
    page.get_by_test_id("stage").focus()
    page.keyboard.press("e")
    for key in ("]", "ArrowDown", "Shift+ArrowRight", " "):
        page.keyboard.press(key)
    assert inked(page) > painted
    inked_now = inked(page)
    page.get_by_label("Give the mask too").check()
    run(page)
    pixels, outcome = result(page, applying)
    assert outcome["figures"]["covered"] == pytest.approx(inked_now, rel=0.02)
    assert pixels[72, 160].tolist() == [255, 255, 255]
    with page.expect_download() as kept:
        page.get_by_test_id("extra").click()
    assert kept.value.suggested_filename == "marked-mask.png"


def test_cancel_and_a_dead_worker(opened: Any, applying: Server) -> None:
    page = opened("Trouble")
    give(page, ("slow.png", picture()))
    reach(page, "here")
    page.get_by_test_id("run").click()
    reach(page, "working")
    page.get_by_role("button", name="Cancel slow.png").click()
    reach(page, "cancelled")
    page.get_by_label("How", exact=True).select_option("die")
    page.get_by_test_id("run").click()
    reach(page, "failed")
    assert "killed from outside" in page.get_by_test_id("files").inner_text()


def test_files_can_be_dropped_and_the_task_follows(opened: Any, applying: Server) -> None:
    page = opened("Find strange rows")
    page.evaluate(
        """([name, bytes]) => { const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], name));
        const zone = document.querySelector('[data-testid=zone]');
        for (const kind of ['dragover', 'drop'])
          zone.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true })); }""",
        ["dropped.png", list(picture())],
    )
    reach(page, "here")
    assert page.get_by_role("radio", name="Clean photos").is_checked()
    page.get_by_role("button", name="Remove dropped.png from the list").click()
    reach(page, "here", 0)
    wait(lambda: applying.call("GET", "/apply")["files"], lambda f: not f, "removal")


def test_sound_is_seen_and_heard_in_turns(opened: Any, applying: Server, tmp_path: Path) -> None:
    page = opened("Clean speech")
    path = sounds.write(tmp_path / "talk.wav", sounds.voice(0.6, 16_000, 2), 16_000)
    give(page, ("talk.wav", path.read_bytes()))
    reach(page, "here")
    run(page)
    page.get_by_test_id("sound").wait_for()
    assert page.locator("figure img").count() == 3
    assert page.get_by_role("radio", name="after").is_checked()
    page.keyboard.press("x")
    assert page.get_by_role("radio", name="before").is_checked()
    page.get_by_role("button", name="Play").click()
    page.wait_for_selector("[data-testid=sound][data-playing=true]")
    # It ends by itself, at its end.
    page.wait_for_selector("[data-testid=sound][data-playing=false]")
    assert page.locator(".bad").count() == 0


@pytest.mark.slow
def test_strange_rows_with_their_causes(opened: Any, applying: Server) -> None:
    page = opened("Find strange rows")
    rng = np.random.default_rng(0)
    x = rng.normal(size=600)
    y = 2 * x + 0.05 * rng.normal(size=600)
    y[41] = -9 * np.sign(x[41])
    table = "x,paid\n" + "\n".join(f"{a:.4f},{b:.4f}" for a, b in zip(x, y, strict=True))
    give(page, ("payments.csv", table.encode()))
    reach(page, "here")
    page.get_by_test_id("options").locator("select").first.select_option("alerts")
    page.get_by_role("textbox", name="a number of rows").fill("3")
    run(page)
    shown = page.get_by_test_id("rows").locator("tbody tr")
    shown.first.wait_for()
    assert page.locator("tr.alert").count() == 3
    assert all("expected" in row.inner_text() for row in shown.all()[:3])
    assert "3 alerts of 600 rows" in page.get_by_test_id("result").inner_text()


@needs_axe
@pytest.mark.parametrize(("width", "dark"), [(1440, False), (320, True)])
def test_everyone_can_use_it(opened: Any, applying: Server, width: int, dark: bool) -> None:
    page = opened(
        "Paint", width=width, dark=dark, bypass_csp=True, locale="de-DE" if dark else "en-US"
    )
    assert violations(page) == [], "empty"
    give(page, ("a.png", picture()))
    page.get_by_test_id("points").wait_for()
    page.get_by_test_id("points").get_by_role("button").nth(-1).click()
    assert violations(page) == [], "hints"
    page.get_by_role("button", name="Where").click()
    page.get_by_test_id("mask").wait_for()
    assert violations(page) == [], "mask"
    run(page)
    page.get_by_test_id("divider").wait_for()
    assert violations(page) == [], "result"
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_keys_alone_do_it_all(opened: Any, applying: Server) -> None:
    page = opened("Paint")
    give(page, ("a.png", picture()))
    page.get_by_test_id("points").wait_for()
    page.get_by_role("radio", name="Paint").focus()
    seen: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                """() => { const e = document.activeElement;
                return e.dataset.testid || e.textContent.trim() || e.type }"""
            )
        )
        if seen[-1] == "Add a hint":
            page.keyboard.press("Enter")
    assert {"run", "Choose files …", "a.png", "stage", "Add a hint"} <= set(seen)
    assert page.locator(".hint").count() == 1
    page.get_by_test_id("run").focus()
    page.keyboard.press("Enter")
    reach(page, "done")
