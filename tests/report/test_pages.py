"""The pages a person opens, in a real browser: no error, no network, nothing hostile gets out."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.browser import needs_chromium, open_page

from isthmus import maps, report
from isthmus.datasets import Dataset, Items
from isthmus.recipe import Dense, Plain, Recipe, Training, Variational
from isthmus.training import train

RECIPE = Recipe(
    name="small", encoder=Dense(layers=(32,)), bottleneck=Variational(size=2, weight=0.01),
    training=Training(epochs=4, threads=1),
)  # fmt: skip
HOSTILE = (
    "</script><script>console.log('escaped')</script>",
    "<img src=x onerror=console.log('escaped')>",
    "a\"b'&c",
)


@pytest.fixture(scope="module")
def run(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(RECIPE, tmp_path_factory.mktemp("report") / "run", digits).path


def test_the_report_says_everything(run: Path) -> None:
    text = (run / "report.html").read_text("utf-8")
    for heading in (
        "The hourglass", "Learning", "The same items as it learns", "Best and worst of 100 test items",
        "Figures", "The map of the codes", "The bottleneck while it learns", "Repeat it",
    ):  # fmt: skip
        assert f">{heading}" in text, heading
    assert "64 numbers -&gt; 2 numbers -&gt; 64" in text
    assert RECIPE.hash in text
    assert "http" not in re.sub(r"<svg[^>]*>", "", text).replace("http-equiv", "")


def test_a_report_without_the_later_parts(run: Path, tmp_path: Path) -> None:
    for left_out in ("metrics.json", "codes.npz", "snapshots"):
        shutil.copytree(run, tmp_path / left_out)
        target = tmp_path / left_out / left_out
        shutil.rmtree(target) if target.is_dir() else target.unlink()
        report.write(tmp_path / left_out)
    events = (tmp_path / "metrics.json/events.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "metrics.json/events.jsonl").write_text("".join(events[:2]))
    assert "has not finished" in report.write(tmp_path / "metrics.json").read_text("utf-8")


@needs_chromium
def test_the_report_in_a_browser(run: Path, tmp_path: Path) -> None:
    for options in ((), ("--window-size=360,800",), ("--force-dark-mode",)):
        dom, console = open_page(run / "report.html", tmp_path / "profile", *options)
        assert not console
        assert re.search(r'data-drawn="\d', dom), "the map was not drawn"


@needs_chromium
def test_nothing_is_wider_than_a_phone(run: Path, tmp_path: Path) -> None:
    script = "document.body.dataset.wide = document.documentElement.scrollWidth > innerWidth + 1"
    dom, _ = open_page(
        run / "report.html", tmp_path / "profile", "--window-size=500,900", script=script
    )
    assert 'data-wide="false"' in dom


def _map(path: Path, classes: tuple[str, ...]) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, len(classes), 300)
    points = rng.normal(size=(300, 2)).astype(np.float32)
    items = rng.integers(0, 256, (300, 1, 8, 8), np.uint8)
    sheet = (rng.random((25, 1, 8, 8)), (-1.0, 1.0, -1.0, 1.0), 5)
    maps.write_page(
        path, classes[0], maps.MapData(points, labels, classes, items, classes * 100, sheet), {}
    )


@needs_chromium
def test_hostile_names_stay_text(tmp_path: Path) -> None:
    _map(tmp_path / "m.html", HOSTILE)
    dom, console = open_page(tmp_path / "m.html", tmp_path / "profile")
    assert not console
    assert dom.count('<button type="button"') == 3 + 5 + 3


@needs_chromium
def test_a_click_filters_and_a_point_shows_its_picture(tmp_path: Path) -> None:
    _map(tmp_path / "m.html", ("ants", "bees", "cats"))
    script = """
    const say = (name, value) => document.body.dataset[name] = value;
    setTimeout(() => {
      const buttons = [...document.querySelectorAll('.legend button')];
      buttons[1].click();
      say('alone', buttons.map((b) => b.getAttribute('aria-pressed')).join());
      buttons[2].dispatchEvent(new MouseEvent('click', { shiftKey: true }));
      say('two', buttons.map((b) => b.getAttribute('aria-pressed')).join());
      const canvas = document.querySelector('.stage canvas');
      canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'n' }));
      setTimeout(() => {
        say('caption', document.querySelector('.caption').textContent);
        const shown = document.querySelector('.picture').getContext("2d").getImageData(0, 0, 112, 112).data;
        say('inked', shown.some((v) => v > 0));
      }, 1500);
    }, 1000);
    """
    dom, console = open_page(tmp_path / "m.html", tmp_path / "profile", script=script)
    assert not console
    assert 'data-alone="false,true,false"' in dom
    assert 'data-two="false,true,true"' in dom
    assert re.search(r'data-caption="(ants|bees|cats) · ', dom)
    assert 'data-inked="true"' in dom


def test_spectra_and_tables_have_pages_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    items = Items(rng.random((120, 30)).astype(np.float32))
    recipe = Recipe(
        encoder=Dense(layers=(8,)), bottleneck=Plain(size=3), training=Training(epochs=2, threads=1)
    )
    run = train(recipe, tmp_path / "run", Dataset("rows", "vector", items, items))
    text = (run.path / "report.html").read_text("utf-8")
    assert "<polyline" in text
    assert '"curves"' in text
