"""The Apply page with the shipped models of the photo tasks: what is pointed at is what is done."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from tests.studio.browser import hands
from tests.studio.browser.test_apply import applying as applying
from tests.studio.browser.test_apply import give, inked, result, run
from tests.studio.browser.test_apply import opened as opened
from tests.studio.server import Server

pytestmark = pytest.mark.slow


def scene(width: int = 240, height: int = 180) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Soft hills of brightness, without colour."""
    rng = np.random.default_rng(5)
    rough = ndimage.gaussian_filter(rng.normal(size=(height, width)), 6)
    rough = (rough - rough.min()) / (rough.max() - rough.min())
    return np.repeat((60 + 130 * rough).astype(np.uint8)[..., None], 3, 2)


def encoded(pixels: np.ndarray[Any, Any]) -> bytes:
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG")
    return held.getvalue()


def test_a_hint_colours_where_it_is(opened: Any, applying: Server, tmp_path: Path) -> None:
    page = opened("Colour photos")
    before = scene()
    give(page, ("old.png", encoded(before)))
    page.get_by_test_id("points").wait_for()
    page.get_by_label("Colour", exact=True).fill("#b03030")
    box = page.get_by_test_id("stage").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)
    told = page.get_by_test_id("stage").locator(".hint").first.get_attribute("aria-label")
    x, y = map(int, re.findall(r"at (\d+), (\d+)", told)[0])
    run(page)
    after, _ = result(page, applying)
    assert after.shape == before.shape
    red = after[y, x].astype(int)
    assert red[0] - red[1] > 30, "the place of the hint is red"
    page.screenshot(path=tmp_path / "hint.png")


def test_the_brush_says_where_the_mark_is(opened: Any, applying: Server, tmp_path: Path) -> None:
    page = opened("Remove watermarks")
    clean = scene()
    marked = clean.copy()
    marked[80:100, 60:180] = (0.5 * clean[80:100, 60:180] + 0.5 * 255).astype(np.uint8)
    give(page, ("marked.png", encoded(marked)))
    page.get_by_test_id("stage").locator("img").first.wait_for()
    where = page.get_by_role("button", name="Where the mark is")
    if where.count():
        where.click()
    page.get_by_test_id("mask").wait_for()
    for row in (0.44, 0.47, 0.5, 0.53, 0.56):
        hands.drag(page, "[data-testid=stage]", [(0.24, row), (0.76, row)])
    assert inked(page) > 2_000
    run(page)
    after, _ = result(page, applying)
    wrong = np.abs(marked[80:100, 60:180].astype(int) - clean[80:100, 60:180]).mean()
    left = np.abs(after[80:100, 60:180].astype(int) - clean[80:100, 60:180]).mean()
    assert left < 0.5 * wrong
    assert (after[:60] == marked[:60]).all(), "what was not painted is untouched"
    page.screenshot(path=tmp_path / "mask.png")
