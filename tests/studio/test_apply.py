"""The Apply page's server: files in by PUT, a verb run on them in a process of its own, results out."""

from __future__ import annotations

import http.client
import io
import json
import os
import signal
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from isthmus.cli.denoise import denoise
from isthmus.studio.apply import describe, sniff
from isthmus.studio.apply.uploads import Uploads, clean_label
from isthmus.studio.refusals import Refusal
from tests.studio.server import API, Server, wait

VERBS = Path(__file__).parent / "verbs"
ENDED = ("done", "failed", "cancelled")


def png(width: int = 24, height: int = 16, mode: str = "RGB") -> bytes:
    held = io.BytesIO()
    Image.fromarray(
        np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    ).convert(mode).save(held, "PNG")
    return held.getvalue()


def put(
    server: Server, name: str, content: bytes, role: str = "input", **more: str
) -> tuple[int, Any]:
    """A file as the page sends it: (status, what was said)."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=90)
    headers = {"X-Isthmus": "1", "Cookie": server.cookie, **more}
    try:
        path = f"{API}/apply/files?name={quote(name)}&role={role}"
        connection.request("PUT", path, content, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def file(server: Server, name: str, content: bytes, role: str = "input") -> str:
    status, told = put(server, name, content, role)
    assert status == 201, told
    return str(told["id"])


def ended(server: Server, id: str) -> dict[str, Any]:
    return dict(
        wait(lambda: server.call("GET", f"/apply/jobs/{id}"), lambda j: j["state"] in ENDED, id)
    )


def order(server: Server, task: str, files: list[str], **values: Any) -> str:
    made = server.call("POST", "/apply/jobs", {"task": task, "files": files, "values": values})
    return str(made["id"])


def content(server: Server, id: str) -> bytes:
    status, body, _ = server.ask("GET", f"/apply/files/{id}")
    assert status == 200
    return body


def held(server: Server) -> list[str]:
    """What lies in the folder of files."""
    folder = server.runs / ".studio/apply"
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("apply")
    with Server(folder, PYTHONPATH=os.pathsep.join([str(VERBS), *os.sys.path])) as running:  # type: ignore[attr-defined]
        yield running.log_in()


def look(server: Server, id: str) -> dict[str, Any]:
    """A file once it has been looked into."""
    return dict(
        wait(
            lambda: next(f for f in server.call("GET", "/apply")["files"] if f["id"] == id),
            lambda f: f["looked"],
            id,
        )
    )


# --- descriptions ---------------------------------------------------------------------------------


def test_a_description_takes_its_bounds_and_defaults_from_the_verb() -> None:
    task = next(t for t in describe.tasks() if t.name == "denoise-photo")
    told = {option["name"]: option for option in task.to_json()["options"]}
    strength = next(p for p in denoise.params if p.name == "strength")
    assert told["strength"]["control"] == "range"
    assert (told["strength"]["least"], told["strength"]["most"]) == (
        strength.type.min,
        strength.type.max,
    )  # type: ignore[attr-defined]
    assert told["strength"]["default"] == strength.default
    assert told["strength"]["help"] in str(strength.help)  # type: ignore[attr-defined]
    assert told["sigma"]["default"] is None


@pytest.mark.parametrize(
    ("task", "values", "words"),
    [
        ("denoise-photo", {"strength": 0.5, "sigma": None}, ["--strength=0.5"]),
        ("denoise-photo", {"quality": 90.0}, ["--quality=90"]),
        ("denoise-photo", {"best": True}, ["--best"]),
        ("denoise-sound", {"noise_only": True}, ["--noise-only"]),
        ("denoise-sound", {"noise_only": False, "strength": 1}, ["--strength=1.0"]),
        ("compress", {"lossless": True}, ["--lossless"]),
        ("detect", {"label": "--save=/tmp/x", "alerts": "20/day"}, ["--label=--save=/tmp/x", "--alerts=20/day"]),
    ],
)  # fmt: skip
def test_values_become_arguments(task: str, values: dict[str, Any], words: list[str]) -> None:
    known = {t.name: t for t in describe.tasks()}
    assert list(describe.arguments(known[task], values).words) == words


@pytest.mark.parametrize(
    ("task", "values", "said"),
    [
        ("denoise-photo", {"strength": 2}, "Strength: must be from 0 to 1"),
        ("denoise-photo", {"strength": float("nan")}, "must be a number"),
        ("denoise-photo", {"strength": True}, "must be a number"),
        ("denoise-photo", {"strength": "0.5 --model=/tmp"}, "must be a number"),
        ("denoise-photo", {"quality": 90.5}, "whole number"),
        ("denoise-photo", {"model": "/etc"}, "no option 'model'"),
        ("denoise-photo", {"compare": "/tmp/x.html"}, "no option"),
        ("compress", {"quality": 50, "psnr": 40}, "exclude each other"),
        ("detect", {"label": "a\nb"}, "must be a text"),
        ("detect", {"label": "x" * 300}, "must be a text"),
        ("detect", {"label": ["x"]}, "must be a text"),
    ],
)
def test_values_beyond_a_description_are_refused(
    task: str, values: dict[str, Any], said: str
) -> None:
    known = {t.name: t for t in describe.tasks()}
    with pytest.raises(Refusal, match=said.replace("(", r"\(")):
        describe.arguments(known[task], values)


def test_every_description_is_whole() -> None:
    """Also of tasks that are not offered yet: unknown verbs and models only keep them back."""
    from importlib import import_module
    from pkgutil import iter_modules

    from isthmus.studio.apply import tasks as room

    found = [import_module(f"{room.__name__}.{m.name}").TASK for m in iter_modules(room.__path__)]
    assert {t.name for t in found} >= {
        "denoise-photo",
        "compress",
        "detect",
        "colorize",
        "unwatermark",
    }
    assert len({t.name for t in found}) == len(found)
    german = json.loads(
        (Path(describe.__file__).parents[1] / "web/src/i18n/de.json").read_text("utf-8")
    )
    for task in found:
        assert {o.group for o in task.options if o.group} == set(task.groups)
        words = [f"task.{task.name}", f"task.{task.name}.help"]
        words += [f"task.{task.name}.{o.name}{end}" for o in task.options for end in ("", ".help")]
        words += [f"task.{task.name}.group.{g}" for g in task.groups]
        assert [word for word in words if word not in german] == []


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.jpg", png(), "picture .png"),
        ("a.png", b"\xff\xd8\xff\xe0" + b"\0" * 60, "picture .jpg"),
        ("x", b"RIFF\0\0\0\0WAVEfmt ", "sound .wav"),
        ("x.mp3", b"RIFF\0\0\0\0WEBPVP8 ", "picture .webp"),
        ("x", b"OggS" + b"\0" * 24 + b"OpusHead", "sound .opus"),
        ("t.csv", b"BMW,price\n1,2\n", "table .csv"),
        ("t.txt", b"a;b\n1;2\n", "table .csv"),
        ("t", b"PAR1\x15\x04", "table .parquet"),
        ("x", b"\x89ISTH\r\n\x1a", "isth .isth"),
        ("x.svg", b"<svg onload='alert(1)'/>", "none"),
        ("x.html", b"<script>", "none"),
        ("x.pt", b"\x80\x02}q\0.", "none"),
        ("x.csv", b"PK\x03\x04\0\0\0\0", "none"),
        ("x.exe", b"MZ\x90\0", "none"),
        ("x.csv", b"", "none"),
    ],
)
def test_content_says_what_a_file_is(name: str, head: bytes, kind: str) -> None:
    found = sniff.sniff(head, name)
    assert (f"{found.kind} {found.suffix}" if found else "none") == kind


@pytest.mark.parametrize(
    ("given", "label"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\photo.jpg", "photo.jpg"),
        ("a\r\nSet-Cookie: x.png", "aSet-Cookie: x.png"),
        ("\x00", "file"),
        ("..", "file"),
        (".htaccess", "htaccess"),
        ("\u202egnp.exe", "gnp.exe"),
        ("Ferien ä 🏔.jpg", "Ferien ä 🏔.jpg"),
    ],
)
def test_a_name_is_a_label_and_never_a_path(given: str, label: str) -> None:
    assert clean_label(given) == label


def test_a_very_long_name_keeps_its_suffix() -> None:
    assert clean_label("a" * 900 + ".jpeg").endswith("….jpeg")


def test_what_no_task_takes_is_refused_and_leaves_nothing(server: Server) -> None:
    before = held(server)
    for name, body, status in (
        ("x.svg", b"<svg/>", 415),
        ("empty.png", b"", 415),
        ("weights.pt", b"\x80\x04", 415),
    ):
        got, told = put(server, name, body)
        assert (got, told["code"]) == (status, "media_type")
        assert name in told["message"]
    assert put(server, "", png())[0] == 400
    assert put(server, "x.png", png(), "result")[0] == 400
    assert held(server) == before


@pytest.mark.parametrize(
    ("method", "path", "drop", "more", "wanted"),
    [
        ("PUT", "/apply/files?name=x.png", "Cookie", {}, 401),
        ("PUT", "/apply/files?name=x.png", "X-Isthmus", {}, 403),
        ("PUT", "/apply/files?name=x.png", "", {"Origin": "http://evil.example"}, 403),
        ("PUT", "/apply/files?name=x.png", "", {"Host": "evil.example"}, 403),
        ("PUT", "/apply/files?name=x.png", "", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("PUT", "/apply/files?name=x.png", "", {"Content-Length": "10000000000"}, 413),
        ("PUT", "/apply/files?name=x.png", "", {"Content-Length": "-1"}, 413),
        ("POST", "/apply/files?name=x.png", "", {}, 404),
        ("PUT", "/apply/jobs", "", {}, 404),
        ("GET", "/apply/files/..%2f..%2fkeys.json", "", {}, 404),
        ("GET", "/apply/files/%2e%2e", "", {}, 404),
        ("GET", "/apply/files/0123456789abcdef", "", {}, 404),
        ("DELETE", "/apply/files/..%2fkeys.json", "", {}, 404),
        ("GET", "/apply/zip?jobs=../../x", "", {}, 404),
        ("GET", "/apply/zip", "", {}, 404),
        ("GET", "/apply/jobs/a999999", "", {}, 404),
    ],
)  # fmt: skip
def test_hostile_requests(
    server: Server, method: str, path: str, drop: str, more: dict[str, str], wanted: int
) -> None:
    before = held(server)
    headers = {
        "Host": f"127.0.0.1:{server.port}", "Cookie": server.cookie, "X-Isthmus": "1",
        "Connection": "close", "Content-Length": "0", **more,
    }  # fmt: skip
    lines = [f"{k}: {v}" for k, v in headers.items() if k != drop]
    request = "\r\n".join([f"{method} {API}{path} HTTP/1.1", *lines]) + "\r\n\r\n"
    status, answer = server.raw(request.encode())
    assert status in {wanted, 400 if wanted == 413 else wanted}, answer[:300]
    assert b"access-control" not in answer.lower()
    assert held(server) == before


def test_a_picture_beyond_the_limit_is_refused_from_its_header(server: Server) -> None:
    """60,000 x 60,000 pixels in a hundred bytes: told at the first look, without a decoded row."""
    bomb = bytearray(png(8, 8))
    import zlib

    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bytes(bomb[12:29])).to_bytes(4, "big")
    told = look(server, file(server, "bomb.png", bytes(bomb)))
    assert "60000 x 60000" in told["error"]
    assert told["error"].startswith("bomb.png: ")


def test_files_are_shown_by_their_checked_type_or_kept(server: Server) -> None:
    id = file(server, 'a"<b>.csv', b"a,b\n=1+1,<script>alert(1)</script>\n")
    status, _, headers = server.ask("GET", f"/apply/files/{id}")
    assert status == 200
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"] == "attachment; filename*=utf-8''a%22%3Cb%3E.csv"
    assert headers["x-content-type-options"] == "nosniff"
    shown = file(server, "a.html", png())
    _, _, headers = server.ask("GET", f"/apply/files/{shown}")
    assert headers["content-type"] == "image/png"
    assert headers["content-disposition"].startswith("inline")


# --- jobs -----------------------------------------------------------------------------------------


def test_hints_masks_and_files_reach_the_verb(server: Server) -> None:
    """The seam: a verb and a description elsewhere, with every kind of control."""
    told = next(t for t in server.call("GET", "/apply")["tasks"] if t["name"] == "paint")
    controls = {o["name"]: o["control"] for o in told["options"]}
    assert controls == {
        "hints": "points", "mask": "mask", "side": "range", "reference": "file", "same_mark": "flag",
        "save_mask": "also",
    }  # fmt: skip
    black = io.BytesIO()
    Image.new("RGB", (64, 48)).save(black, "PNG")
    half = np.zeros((24, 32), np.uint8)  # half as large as its picture: a page paints small
    half[:, 16:] = 255
    white = io.BytesIO()
    Image.fromarray(half).save(white, "PNG")
    id = file(server, "Ölbild.png", black.getvalue())
    mask = file(server, "mask.png", white.getvalue(), "part")
    other = file(server, "other.png", png(), "part")
    job = ended(
        server,
        order(
            server, "paint", [id], hints=[{"x": 3, "y": 5, "colour": "#ff8800"}], mask=mask,
            reference=other, side=2, save_mask=True,
        ),
    )  # fmt: skip
    assert job["state"] == "done", job
    outcome = job["outcomes"][0]
    pixels = np.asarray(Image.open(io.BytesIO(content(server, outcome["result"]))).convert("RGB"))
    assert pixels[5, 3].tolist() == [255, 136, 0]
    assert pixels[10, 40].tolist() == [255, 255, 255]
    assert pixels[10, 10].tolist() == [0, 0, 0]
    assert outcome["figures"]["covered"] == 32 * 48
    assert outcome["figures"]["mean"] > 0
    extra = np.asarray(Image.open(io.BytesIO(content(server, outcome["extra"][0]))))
    assert extra[10, 40].max() == 255
    names = {f["id"]: f["label"] for f in server.call("GET", "/apply")["files"]}
    assert names[outcome["result"]] == "Ölbild-painted.png"
    assert names[outcome["extra"][0]] == "Ölbild-mask.png"


def test_a_fault_names_the_file_as_the_person_does(server: Server) -> None:
    id = file(server, "small.png", png(8, 8))
    job = ended(
        server, order(server, "paint", [id], hints=[{"x": 50, "y": 0, "colour": "#000000"}])
    )
    assert job["state"] == "failed"
    assert job["message"] == "small.png: the hint 50,0,#000000 lies outside its 8 x 8"
    assert job["outcomes"][0]["result"] == ""


@pytest.mark.parametrize(
    "point",
    [{"x": 1, "y": 2}, {"x": "a", "y": 2, "colour": "#000000"}, {"x": 1, "y": 2, "colour": "#12345"},
     {"x": 1, "y": 2, "colour": "#-1234f"}, {"x": -1, "y": 2, "colour": "#000000"}, 7, None,
     {"x": 1e400, "y": 2, "colour": "#000000"}],
)  # fmt: skip
def test_points_that_are_none(server: Server, point: Any) -> None:
    id = file(server, "p.png", png())
    body = {"task": "paint", "files": [id], "values": {"hints": [point]}}
    status, _ = server.refused("POST", "/apply/jobs", body)
    assert status == 400


def test_orders_that_cannot_be(server: Server) -> None:
    picture, table = file(server, "a.png", png()), file(server, "a.csv", b"a,b\n1,2\n")
    for body, status in (
        ({"task": "nothing", "files": [picture]}, 404),
        ({"task": "paint", "files": []}, 400),
        ({"task": "paint", "files": [picture, picture]}, 400),
        ({"task": "paint", "files": ["../x"]}, 404),
        ({"task": "paint", "files": [table]}, 400),
        ({"task": "paint", "files": [picture], "values": []}, 400),
        ({"task": "paint", "files": [picture], "values": {"mask": table}}, 400),
        ({"task": "paint", "files": [picture], "values": {"mask": "/etc/passwd"}}, 404),
        ({"task": "trouble", "files": [picture], "values": {"how": "kindly"}}, 400),
    ):
        got, _ = server.refused("POST", "/apply/jobs", body)
        assert got == status, body


def test_several_files_at_once_and_one_of_them_bad(server: Server) -> None:
    good, bad = file(server, "good.png", png()), file(server, "bad.png", png()[:60])
    job = ended(server, order(server, "paint", [good, bad], same_mark=True))
    assert job["state"] == "done"
    first, second = job["outcomes"]
    assert first["figures"]["together"] == 2
    assert second["error"].startswith("bad.png: cannot be read as a picture")
    assert job["message"] == second["error"]


def test_all_results_in_one_zip_with_names_apart(server: Server) -> None:
    jobs = [order(server, "paint", [file(server, "Same.png", png())]) for _ in range(2)]
    for id in jobs:
        assert ended(server, id)["state"] == "done"
    status, body, headers = server.ask("GET", f"/apply/zip?jobs={','.join(jobs)}")
    assert status == 200
    assert 'filename="isthmus.zip"' in headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.namelist() == ["Same-painted.png", "Same-painted (2).png"]
        assert archive.testzip() is None
    assert not [name for name in held(server) if name.endswith(".zip")]


def test_a_running_job_is_cancelled_and_the_next_one_done(server: Server) -> None:
    id = file(server, "slow.png", png())
    slow, after = order(server, "trouble", [id], how="slow"), order(server, "paint", [id])
    wait(lambda: server.call("GET", f"/apply/jobs/{slow}"), lambda j: j["share"] > 0.05, slow)
    waiting = order(server, "trouble", [id], how="slow")
    server.call("DELETE", f"/apply/jobs/{waiting}")
    server.call("DELETE", f"/apply/jobs/{slow}")
    assert ended(server, slow)["state"] == "cancelled"
    assert ended(server, waiting)["state"] == "cancelled"
    assert ended(server, after)["state"] == "done"
    assert not (server.runs / ".studio/apply" / slow).exists()


def test_who_does_not_listen_is_killed(server: Server) -> None:
    id = file(server, "deaf.png", png())
    deaf = order(server, "trouble", [id], how="deaf")
    wait(lambda: server.call("GET", f"/apply/jobs/{deaf}"), lambda j: j["state"] == "working", deaf)
    server.call("DELETE", f"/apply/jobs/{deaf}")
    assert ended(server, deaf)["state"] == "cancelled"
    assert ended(server, order(server, "paint", [id]))["state"] == "done"


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("die", "killed from outside"),
        ("greedy", "x.png: does not fit in memory"),
        ("fault", "a fault of Isthmus (ZeroDivisionError: division by zero)"),
    ],
)
def test_a_worker_in_trouble_says_so_and_the_next_job_is_done(
    server: Server, how: str, said: str
) -> None:
    id = file(server, "x.png", png())
    job = ended(server, order(server, "trouble", [id], how=how))
    assert job["state"] == "failed"
    assert said in job["message"]
    assert ended(server, order(server, "paint", [id]))["state"] == "done"


def test_removing_a_file_removes_all_that_was_made_of_it(server: Server) -> None:
    id = file(server, "gone.png", png())
    job = ended(server, order(server, "paint", [id], save_mask=True))
    outcome = job["outcomes"][0]
    server.call("DELETE", f"/apply/files/{id}")
    for each in (id, outcome["result"], *outcome["extra"]):
        assert server.ask("GET", f"/apply/files/{each}")[0] == 404
    assert not [name for name in held(server) if id in name or name.startswith(f"{job['id']}/")]
    assert server.ask("GET", f"/apply/jobs/{job['id']}")[0] == 404


def test_a_file_may_go_while_it_is_worked_on(server: Server) -> None:
    id = file(server, "busy.png", png())
    busy = order(server, "trouble", [id], how="slow")
    wait(lambda: server.call("GET", f"/apply/jobs/{busy}"), lambda j: j["state"] == "working", busy)
    server.call("DELETE", f"/apply/files/{id}")
    wait(lambda: server.ask("GET", f"/apply/jobs/{busy}")[0], lambda status: status == 404, busy)
    assert not [name for name in held(server) if id in name or name.startswith(f"{busy}/")]


def test_what_nobody_touched_for_a_day_goes(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path / "files")
    uploads.open()
    for name in ("old", "needed", "new"):
        (uploads.folder / f"{name}.png").write_bytes(png())
        uploads.add(uploads.folder / f"{name}.png", name, "input")
    old, needed, new = uploads.files.values()
    old.used -= 90_000
    needed.used -= 90_000
    assert uploads.sweep({needed.id}) == [old]
    assert sorted(p.stem for p in uploads.folder.iterdir()) == ["needed", "new"]
    assert new.id in uploads.files
    uploads.close()
    assert not uploads.folder.exists()


def test_a_deep_tiff_is_shown_by_a_view_and_comes_back_deep(server: Server) -> None:
    import tifffile

    held_bytes = io.BytesIO()
    tifffile.imwrite(
        held_bytes, np.random.default_rng(1).integers(0, 65535, (16, 20, 3), np.uint16), photometric="rgb"
    )  # fmt: skip
    told = look(server, file(server, "deep.tif", held_bytes.getvalue()))
    assert (told["facts"]["width"], told["facts"]["height"]) == (20, 16)
    assert Image.open(io.BytesIO(content(server, told["view"]))).size == (20, 16)
    job = ended(server, order(server, "denoise-photo", [told["id"]], strength=0))
    outcome = job["outcomes"][0]
    assert Image.open(io.BytesIO(content(server, outcome["views"]["after"]))).size == (20, 16)
    assert tifffile.imread(io.BytesIO(content(server, outcome["result"]))).dtype == np.uint16


def test_closing_leaves_nothing_and_a_killed_studio_is_cleaned_by_the_next(tmp_path: Path) -> None:
    with Server(tmp_path) as first:
        first.log_in()
        file(first, "x.png", png())
        os.kill(first.process.pid, signal.SIGKILL)
    assert list((tmp_path / "runs/.studio/apply").iterdir())
    with Server(tmp_path) as second:
        assert second.log_in().call("GET", "/apply")["files"] == []
        assert not list((tmp_path / "runs/.studio/apply").iterdir())
        file(second, "x.png", png())
    assert not (tmp_path / "runs/.studio/apply").exists()
