"""The list of photographs photo-colorize learnt from, and the script that fetches them."""

from __future__ import annotations

import csv
import runpy
import subprocess
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
LIST = ROOT / "src/isthmus/models/photo-colorize/photographs.csv"


def rows() -> list[dict[str, str]]:
    with LIST.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_photograph_has_a_free_licence_and_credit() -> None:
    listed = rows()
    assert {r["licence"] for r in listed} == {
        "CC BY", "CC BY-SA", "CC0 or public domain", "Unsplash",
    }  # fmt: skip
    assert {r["use"] for r in listed} == {"learnt", "held out"}
    assert len({r["file"] for r in listed}) == len(listed)
    for row in listed:
        assert all(row.values()), row
        assert Path(row["file"]).name == row["file"]
        assert len(row["commit"]) == 40


def test_the_script_fetches_what_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "base/some/one"
    home.mkdir(parents=True)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.linear_gradient("L").resize((900, 400)).convert("RGB").save(home / "a.jpg", exif=turned)
    (home / "b.jpg").write_text("no picture")

    def git(*words: str) -> str:
        named = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        done = ["git", *named, "-C", str(home), *words]
        return subprocess.run(done, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "photographs")
    at = {"repository": "some/one", "commit": git("rev-parse", "HEAD"), "use": "held out"}
    listed = tmp_path / "list.csv"
    with listed.open("w", newline="") as file:
        write = csv.DictWriter(file, ["file", "use", "repository", "commit", "path"])
        write.writeheader()
        for name, row in (("a", at), ("b", at), ("c", {**at, "repository": "some/gone"})):
            write.writerow({**row, "file": f"{name}-small.jpg", "path": f"{name}.jpg"})
    script = runpy.run_path(str(ROOT / "scripts/collect_photos.py"))
    monkeypatch.setitem(script["main"].__globals__, "LIST", listed)
    into = tmp_path / "photos"
    script["main"](into, f"file://{tmp_path}/base")
    told = capsys.readouterr().out
    assert "some/one/b.jpg: cannot identify" in told
    assert "some/gone: " in told
    assert "1 of 3 photographs" in told
    assert [p.name for p in into.rglob("*.jpg")] == ["a-small.jpg"]
    with Image.open(into / "held-out/a-small.jpg") as made:
        assert made.size == (288, 512), "upright, the middle of what is very long"
