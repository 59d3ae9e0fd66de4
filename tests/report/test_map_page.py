"""The map's page under a person's hands, in a real browser: scene, lasso, search, export, sounds."""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import pytest
from tests.browser import needs_chromium, open_page

from isthmus import maps

pytestmark = needs_chromium
ROWS, COLUMNS = 6, 8
# A hand without a pointing device: events are made, so no pointer can be captured.
HANDS = """
Element.prototype.setPointerCapture = () => {};
const say = (name, value) => document.body.dataset[name] = value;
const $ = (s) => document.querySelector(s);
const told = () => $('.told').textContent;
const point = (on, kind, x, y, more) => {
  const box = on.getBoundingClientRect();
  on.dispatchEvent(new PointerEvent(kind, { clientX: box.left + x * box.width, clientY: box.top + y * box.height, pointerId: 1, bubbles: true, ...more }));
};
const drag = (on, path, more) => {
  point(on, 'pointerdown', ...path[0], more);
  for (const at of path.slice(1)) point(on, 'pointermove', ...at, more);
  point(on, 'pointerup', ...path[path.length - 1], more);
};
const around = (l, t, r, b) => [[l, t], [r, t], [r, (t + b) / 2], [r, b], [l, b], [l, (t + b) / 2]];
const colour = (canvas, x, y) => {
  const sketch = Object.assign(document.createElement('canvas'), { width: canvas.width, height: canvas.height });
  const context = sketch.getContext('2d', { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  return [...context.getImageData(x, y, 1, 1).data].join();
};
const button = (text) => [...document.querySelectorAll('button')].find((b) => b.textContent === text || b.title.startsWith(text));
setTimeout(() => {
  const canvas = $('.stage canvas'), pixels = $('.pixels');
  %s
}, 1000);
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A scene of 6 x 8 pixels, the left half of one class, each at its own place on the map."""
    places = np.stack(np.divmod(np.arange(ROWS * COLUMNS), COLUMNS), 1)
    labels = (places[:, 1] >= COLUMNS // 2).astype(np.int64)
    points = np.stack([places[:, 1], -places[:, 0]], 1).astype(np.float32)
    view = np.full((ROWS, COLUMNS, 3), 90, np.uint8)
    rng = np.random.default_rng(0)
    curves = rng.random((len(points), 12)).astype(np.float32)
    made = maps.MapData(
        points, labels, ("left", "=right"), curves, rebuild=lambda kept: curves[kept],
        columns=tuple(f"{400 + i} nm" for i in range(12)),
        shades={"reconstruction error": np.arange(48.0)}, scene=maps.SceneView(view, places),
        waves=rng.uniform(-1, 1, (len(points), 400)).astype(np.float32), rate=8000,
    )  # fmt: skip
    maps.write_page(tmp_path / "map.html", "a scene", made, {})
    return tmp_path / "map.html"


def _after(page: Path, script: str) -> dict[str, str]:
    heard = "--autoplay-policy=no-user-gesture-required"
    dom, console = open_page(page, page.parent / "profile", heard, script=HANDS % script)
    assert not console
    body = re.search(r"<body([^>]*)>", dom)
    assert body is not None
    return {n: html.unescape(v) for n, v in re.findall(r'data-([\w-]+)="([^"]*)"', body[1])}


def test_pixels_chosen_in_the_scene_are_chosen_on_the_map(page: Path) -> None:
    said = _after(page, """
      drag(pixels, around(0.01, 0.01, 0.49, 0.99));
      say('left', told());
      drag(pixels, around(0.26, 0.01, 0.74, 0.49));
      say('middle', told());
      canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
      say('cleared', told());
    """)  # fmt: skip
    assert said["left"] == "24 of 48 selected: left 24"
    assert said["middle"] == "12 of 48 selected: left 6, =right 6"
    assert said["cleared"] == ""


def test_points_chosen_on_the_map_are_seen_in_the_scene(page: Path) -> None:
    said = _after(page, """
      const pixel = (x, y) => colour(pixels, x, y);
      say('before', pixel(0, 0));
      drag(canvas, around(0.5, 0.0, 1, 1), { shiftKey: true });
      say('told', told());
      say('veiled', pixel(0, 0));
      say('clear', pixel(7, 0));
    """)  # fmt: skip
    assert said["before"] == said["clear"] == "90,90,90,255"
    assert said["veiled"] != said["before"]
    assert said["told"] == "24 of 48 selected: =right 24"


def test_pointing_at_a_pixel_shows_its_spectrum(page: Path) -> None:
    said = _after(page, """
      point(pixels, 'pointermove', 6.5 / 8, 2.5 / 6);
      say('caption', $('.caption').textContent);
      say('inked', $('.picture').getContext('2d').getImageData(0, 0, 440, 260).data.some((v) => v > 0));
      pixels.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown' }));
      say('below', $('.caption').textContent);
    """)  # fmt: skip
    assert said["caption"].startswith("=right · row 2, column 6 · reconstruction error 22")
    assert said["inked"] == "true"
    assert "row 3, column 6" in said["below"]


def test_search_and_export(page: Path) -> None:
    said = _after(page, """
      const search = $('input[type=search]');
      const find = (text) => { search.value = text; search.dispatchEvent(new Event('change')); };
      find('nothing like it');
      say('none', told());
      find('right');
      say('right', told());
      URL.createObjectURL = (blob) => { blob.text().then((text) => say('table', text)); return '#'; };
      button('Save as CSV').click();
    """)  # fmt: skip
    assert said["none"] == "Nothing is there."
    assert said["right"] == "24 of 48 selected: =right 24"
    lines = said["table"].strip().split("\n")
    assert lines[0] == "item,name,class,x,y,row,column,reconstruction error"
    assert len(lines) == 25
    number, name, label, x, y, row, column, _ = lines[1].split(",")
    assert (number, name, x, row, column) == ("4", "item 4", "4.00000", "0", "4")
    assert label == "'=right", "a spreadsheet would run it"
    assert float(y) == 0


def test_colouring_by_a_figure(page: Path) -> None:
    said = _after(page, """
      const choice = $('.colouring select');
      choice.value = '0';
      choice.dispatchEvent(new Event('change'));
      say('scale', [...document.querySelectorAll('.scale span')].map((s) => s.textContent).join('|'));
      say('hidden', $('.scale').hidden);
      say('mode', button('As the map').getAttribute('aria-pressed'));
      say('differs', colour(pixels, 0, 0) !== colour(pixels, 7, 5));
    """)  # fmt: skip
    assert said["scale"].startswith("0||46")
    assert (said["hidden"], said["mode"], said["differs"]) == ("false", "true", "true")


def test_a_sound_is_played(page: Path) -> None:
    said = _after(page, """
      point(pixels, 'pointermove', 0.5 / 8, 0.5 / 6);
      say('before', $('.map').dataset.played || 'no');
      canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'p' }));
      say('after', $('.map').dataset.played);
      button('Play an item').click();
      point(pixels, 'pointermove', 3.5 / 8, 0.5 / 6);
      say('pointed', $('.map').dataset.played);
    """)  # fmt: skip
    assert (said["before"], said["after"], said["pointed"]) == ("no", "1", "2")
