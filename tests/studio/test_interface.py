"""What the page is told, and that it is true. One server; what needs torch is in the slow tests."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load

import isthmus
from isthmus.datasets import open_dataset
from isthmus.models import find
from isthmus.plan import plan
from isthmus.recipe import Recipe
from isthmus.studio import entry, packs, spelling, statics
from tests.studio.server import API, PATIENCE, Listener, Server, wait

WIDTHS = [2, 4, 8, 16, 32, 64, 128]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("studio")) as running:
        yield running.log_in()


def place(server: Server, name: str, source: str = "digits-2") -> Path:
    """A finished run that nobody trained here: a copy of a shipped model."""
    path = find(source)
    assert path is not None
    server.runs.mkdir(exist_ok=True)
    shutil.copytree(path, server.runs / name)
    return server.runs / name


def appears(server: Server, name: str) -> dict[str, Any]:
    runs = wait(
        lambda: [r for r in server.call("GET", "/runs")["runs"] if r["folder"] == name], bool, name
    )
    return dict(runs[0])


def pack(server: Server, path: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    status, content, _ = server.ask("GET", path)
    assert status == 200, content
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    said = header["__metadata__"]
    return load(content), json.loads(said.get("meta") or said["graph"])


def test_meta_has_all_that_the_page_builds_itself_from(server: Server) -> None:
    meta = server.call("GET", "/meta")
    assert meta["version"] == isthmus.__version__
    assert {"Dense", "Plain", "Variational", "Training"} <= meta["schema"]["$defs"].keys()
    assert Recipe.model_validate(meta["defaults"]) == Recipe()
    assert [m["numbers"] for m in meta["models"]] == WIDTHS
    assert {"digits", "mnist"} <= {d["name"] for d in meta["data"]}
    for preset in meta["presets"]:
        answer = server.call("POST", "/check", {"recipe": preset["recipe"]})
        assert answer["ok"], (preset["id"], answer["faults"])
        assert answer["recipe"] == preset["recipe"]
        assert answer["here"]


def test_check_is_the_plans_own_arithmetic(server: Server) -> None:
    recipe = Recipe.load("digits").set("encoder.kind=conv", "bottleneck.size=16")
    answer = server.call("POST", "/check", {"recipe": recipe.model_dump(mode="json")})
    planned = plan(recipe, (1, 28, 28))
    assert answer["parameters"] == planned.parameters
    assert answer["macs"] == planned.macs
    assert answer["hash"] == recipe.hash
    shown = [{k: row[k] for k in planned.table()[0]} for row in answer["layers"]]
    assert shown == planned.table()
    assert {row["kernel"] for row in answer["layers"] if row["layer"] == "Conv"} == {3}


def test_check_says_what_is_wrong_and_where(server: Server) -> None:
    deep = Recipe.load("digits").set("encoder.kind=conv", "encoder.kernel=9", "encoder.channels=[4,4,4,4,4,4]")  # fmt: skip
    tree = deep.model_dump(mode="json")
    tree["encoder"]["kernel"], tree["encoder"]["down"] = 31, "stride"
    tree["data"]["name"] = "digits8"
    answer = server.call("POST", "/check", {"recipe": tree})
    if not answer["ok"]:
        assert answer["faults"][0]["network"] in {"encoder", "decoder"}
    tree["training"]["learning_rate"] = -1
    fault = server.call("POST", "/check", {"recipe": tree})["faults"][0]
    assert fault["key"] == "training.learning_rate"
    text = 'name = "x"\n\n[bottleneck]\nkind = "plain"\nsice = 3\n'
    answer = server.call("POST", "/check", {"toml": text})
    assert (answer["ok"], answer["faults"][0]["line"]) == (False, 5)
    assert "size" in answer["faults"][0]["message"]
    answer = server.call("POST", "/check", {"toml": "name = \n"})
    assert answer["faults"][0]["line"] == 1
    tree = Recipe().model_dump(mode="json")
    tree["bottleneck"] = {"kind": "sparse", "penalty": "topk", "size": 4, "k": 9}
    fault = server.call("POST", "/check", {"recipe": tree})["faults"][0]
    assert fault["network"] == "bottleneck"


def test_every_spelling_comes_back_through_the_server(server: Server) -> None:
    recipe = Recipe.load("digits-vq").set("bottleneck.groups=8", "name=mine")
    for how, text in spelling.spell(recipe).items():
        answer = server.call("POST", "/recipe/parse", {"text": text, "how": how})
        assert answer["hash"] == recipe.hash, how
        assert answer["recipe"]["name"] == "mine"


def test_a_recipe_of_a_newer_version_is_told_apart(server: Server) -> None:
    link = spelling.to_link(Recipe())
    tree = {"v": 1, "isthmus": "99.1.0", "recipe": {"bottleneck": {"kind": "quantum"}}}
    newer = [_encoded({**tree, "v": 2}), _encoded(tree)]
    for text in newer:
        status, refusal = server.refused("POST", "/recipe/parse", {"text": text, "how": "link"})
        assert (status, refusal["code"]) == (422, "newer")
        assert "99.1.0" in refusal["message"]
    for broken in (link[:-9], "!!", ""):
        answer = server.call("POST", "/recipe/parse", {"text": broken, "how": "link"})
        assert not answer["ok"]


def _encoded(tree: dict[str, Any]) -> str:
    import base64

    return base64.urlsafe_b64encode(json.dumps(tree).encode()).decode()


def test_items_are_the_data_sets_own(server: Server) -> None:
    arrays, meta = pack(server, "/data/digits/items?part=test&from=10&count=5")
    wanted = open_dataset(Recipe().data).test
    assert np.array_equal(arrays["values"], wanted.values[10:15])
    assert np.array_equal(arrays["labels"], wanted.labels[10:15])
    assert meta["total"] == 1000
    assert server.refused("GET", "/data/mnist/items")[1]["hint"] == "isthmus data get mnist"
    assert server.refused("GET", "/data/nothing/items")[0] == 404


def test_runs_of_other_programs_appear_change_and_go(server: Server) -> None:
    page = Listener(server)
    path = place(server, "by-hand")
    said = page.until(lambda m: m["kind"] == "state" and m["record"]["folder"] == "by-hand")
    record = said["record"]
    assert (record["state"], record["numbers"], record["here"]) == ("done", 2, False)
    id = record["id"]
    whole = server.call("GET", f"/runs/{id}")
    assert whole["metrics_full"]["mse"] == record["metrics"]["mse"]
    assert "weights.safetensors" in whole["files"]

    (path / "recipe.toml").write_text("name = 3")
    damaged = server.until(id, "damaged")
    assert "recipe.toml" in damaged["error"]
    assert server.refused("GET", f"/runs/{id}/weights")[0] == 409
    shutil.rmtree(path)
    page.until(lambda m: m["kind"] == "gone" and m["run"] == id)
    assert server.refused("GET", f"/runs/{id}")[0] == 404
    page.close()


@pytest.mark.parametrize("name", ["metrics.json", "data.json", "weights.safetensors"])
@pytest.mark.parametrize("how", [b"", b"\x80\x04garbage", b"[]"])
def test_a_damaged_file_is_named(server: Server, tmp_path: Path, name: str, how: bytes) -> None:
    path = tmp_path / "run"
    shutil.copytree(find("digits-2") or Path(), path)
    (path / name).write_bytes(how)
    read = entry.read("run", path)
    if name == "weights.safetensors":
        shutil.copytree(path, server.runs / f"bad{len(how)}")
        id = appears(server, f"bad{len(how)}")["id"]
        status, refusal = server.refused("GET", f"/runs/{id}/weights")
        assert (status, refusal["code"]) == (409, "damaged")
        assert name in refusal["message"]
    else:
        assert name in read.error


def test_titles_stars_and_tags_are_kept(server: Server) -> None:
    place(server, "labelled")
    id = appears(server, "labelled")["id"]
    page = Listener(server)
    title = "<script>alert(1)</script> ../../x"
    server.call("PATCH", f"/runs/{id}", {"title": title, "star": True, "tags": ["a", "b", "a"]})
    page.until(lambda m: m["kind"] == "state" and m["record"]["title"] == title)
    seen = server.call("GET", f"/runs/{id}")
    assert (seen["title"], seen["star"], seen["tags"]) == (title, True, ["a", "b"])
    assert seen["folder"] == "labelled"
    for bad in ({"title": 3}, {"star": "yes"}, {"tags": "a"}, {"tags": [""]}, {"title": "x" * 121}):
        assert server.refused("PATCH", f"/runs/{id}", bad)[0] == 400
    page.close()


def test_what_is_deleted_lies_in_the_bin_and_comes_back(server: Server) -> None:
    path = place(server, "thrown")
    id = appears(server, "thrown")["id"]
    server.call("PATCH", f"/runs/{id}", {"title": "Dear", "star": True})
    bin = server.call("DELETE", f"/runs/{id}")["bin"]
    assert not path.exists()
    assert bin in [item["bin"] for item in server.call("GET", "/bin")["bin"]]
    place(server, "thrown")  # something else lies there now
    back = server.call("POST", f"/bin/{bin}/restore")
    assert (back["title"], back["star"], back["folder"]) == ("Dear", True, "thrown-2")
    assert server.refused("POST", f"/bin/{bin}/restore")[0] == 404
    bin = server.call("DELETE", f"/runs/{back['id']}")["bin"]
    assert server.ask("DELETE", f"/bin/{bin}")[0] == 204
    assert not (server.runs / ".studio/bin" / bin).exists()
    done = subprocess.run(
        [sys.executable, "-m", "isthmus", "runs", "list", str(server.runs), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ".studio" not in done.stdout


def test_the_stream_goes_on_where_it_was_broken_off(server: Server) -> None:
    place(server, "streamed")
    id = appears(server, "streamed")["id"]
    first = Listener(server)
    server.call("PATCH", f"/runs/{id}", {"title": "one"})
    first.until(lambda m: m["kind"] == "state" and m["record"]["title"] == "one")
    first.close()
    last = first.ids[-1]
    server.call("PATCH", f"/runs/{id}", {"title": "two"})
    server.call("PATCH", f"/runs/{id}", {"title": "three"})
    second = Listener(server, last)
    second.until(lambda m: m["kind"] == "state" and m["record"]["title"] == "three")
    titles = [m["record"]["title"] for m in second.messages if m["run"] == id]
    assert titles == ["two", "three"]
    assert not set(first.ids) & set(second.ids)
    second.close()
    other = Listener(server, "00000000-7")
    other.until(lambda m: m["kind"] == "reset")
    other.close()


def test_ten_pages_listen_at_once(server: Server) -> None:
    place(server, "many")
    id = appears(server, "many")["id"]
    pages = [Listener(server) for _ in range(10)]
    server.call("PATCH", f"/runs/{id}", {"title": "seen by all"})
    for page in pages:
        page.until(lambda m: m["kind"] == "state" and m["record"]["title"] == "seen by all")
        page.close()


def test_the_shipped_models_are_clearly_better_than_principal_components(server: Server) -> None:
    total = 0
    for width in WIDTHS:
        path = find(f"digits-{width}")
        assert path is not None
        total += sum(file.stat().st_size for file in path.iterdir())
        metrics = json.loads((path / "metrics.json").read_text())
        assert metrics["mse"] < 0.8 * metrics["pca_mse"], width
        arrays, graph = pack(server, f"/runs/digits-{width}/weights")
        assert graph["code"] == [width]
        assert {str(v.dtype) for v in arrays.values()} == {"float16"}
    assert total <= 4_000_000


def test_weights_are_the_runs_own_and_cached_by_name(server: Server) -> None:
    arrays, graph = pack(server, "/runs/digits-16/weights?dtype=f4")
    own = load((find("digits-16") / "weights.safetensors").read_bytes())  # type: ignore[operator]
    for name, value in own.items():
        assert np.array_equal(arrays[name], value.astype(np.float32))
    kinds = [layer["kind"] for layer in graph["encoder"]["layers"]]
    assert kinds[:3] == ["Flatten", "Linear", "Activation"]
    status, _, headers = server.ask("GET", "/runs/digits-16/weights")
    again = server.ask("GET", "/runs/digits-16/weights", If_None_Match=headers["etag"])
    assert (status, again[0], again[1]) == (200, 304, b"")


def test_own_data_of_a_known_run_may_be_trained_on_again(server: Server) -> None:
    path = place(server, "own")
    np.save(server.folder / "mine.npy", np.zeros((20, 1, 28, 28), np.uint8))
    own = str(server.folder / "mine.npy")
    recipe = Recipe.load(path / "recipe.toml").set("data.kind=arrays", f"data.path={own}")
    (path / "recipe.toml").write_text(recipe.to_toml())
    wait(lambda: appears(server, "own")["data"], lambda d: d == "mine.npy", "own data")
    assert server.call("POST", "/check", {"recipe": recipe.model_dump(mode="json")})["ok"]
    other = recipe.set("data.path=/etc/passwd").model_dump(mode="json")
    assert server.refused("POST", "/runs", {"recipe": other})[1]["code"] == "own_path"


def test_the_page_is_served_with_its_types_and_tags(server: Server) -> None:
    files = [path for path in statics.STATIC.rglob("*") if path.is_file()]
    assert any(path.name == "index.html" for path in files)
    for path in files:
        status, content, headers = server.fetch("/" + path.relative_to(statics.STATIC).as_posix())
        assert (status, content) == (200, path.read_bytes())
        kind = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
        assert headers["content-type"].startswith(kind.get(path.suffix, "")), path
    assert server.fetch("/")[1] == (statics.STATIC / "index.html").read_bytes()
    again = server.fetch("/", If_None_Match=server.fetch("/")[2]["etag"])
    assert (again[0], again[1]) == (304, b"")
    status, content, headers = server.ask("GET", f"{API}/nothing")
    assert (status, json.loads(content)["code"]) == (404, "not_found")
    assert headers["cache-control"] == "no-store"


def test_a_second_studio_on_the_same_runs_gives_the_first_ones_link(server: Server) -> None:
    with Server(server.folder) as second:
        assert second.started is False
        assert second.link == server.link
        assert second.process.wait(60) == 0


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "isthmus", "studio", "--no-browser", "--port", str(port)],
            capture_output=True, text=True, cwd=tmp_path, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"port {port}" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_without_a_display_the_link_is_printed_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    environment = {n: v for n, v in os.environ.items() if n not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    with subprocess.Popen(
        [sys.executable, "-m", "isthmus", "studio", "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert "http://127.0.0.1:" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "no display" in said
    assert "Traceback" not in said


def test_a_folder_that_cannot_hold_runs_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "isthmus", "studio", "--no-browser", "--runs", "file/runs"],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode in {1, 2}
    assert "Traceback" not in done.stderr


def test_the_built_page_is_that_of_the_sources() -> None:
    """Who changes the sources must build; ``static/`` is committed so that nobody else needs Node."""
    web = statics.STATIC.parent / "web"
    if not web.is_dir():
        pytest.skip("no sources here (an installed package has the built page only)")
    build = statics.STATIC / "BUILD.json"
    assert build.is_file(), "the page was never built: npm ci && npm run build"
    assert json.loads(build.read_text("utf-8"))["sources"] == sources_hash(web)


def sources_hash(web: Path) -> str:
    files = {
        path.relative_to(web).as_posix(): path
        for path in web.rglob("*")
        if path.is_file() and "node_modules" not in path.relative_to(web).parts
    }
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(name.encode() + b"\0" + files[name].read_bytes())
    return whole.hexdigest()


@pytest.mark.slow
def test_maps_sprites_components_and_comparisons_are_made_by_a_helper(server: Server) -> None:
    def made(path: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        wait(lambda: server.ask("GET", path)[0], lambda status: status != 202, path)
        return pack(server, path)

    model = isthmus.load("digits-8")
    data = open_dataset(Recipe().data)
    arrays, meta = made("/runs/digits-8/codes?how=pca&codes=1")
    assert (meta["shown"], meta["held_out"], meta["decodable"]) == (5000, 1000, True)
    assert len(arrays["points"]) == len(arrays["labels"]) == 5000
    some = arrays["part"] == 1
    codes = model.encode(data.test.values[arrays["places"][some][:50]])
    assert np.allclose(codes, arrays["codes"][some][:50], atol=0.02)
    around = arrays["mean"] + arrays["points"][some][:50] @ arrays["axes"]
    again = (codes - arrays["mean"]) @ arrays["axes"].T
    assert np.allclose((around - arrays["mean"]) @ arrays["axes"].T, again, atol=1e-3)
    assert meta["figures"]["knn_accuracy"] > 0.8
    assert meta["figures"]["trustworthiness"] > 0.7
    sprites, _ = made("/runs/digits-8/sprites?from=4000&count=100")
    assert np.array_equal(sprites["values"], data.test.values[:100])
    parts, meta = made("/data/digits/pca")
    assert 150 < meta["files"]["WebP"] < meta["files"]["PNG"] < 784
    for numbers, error in meta["points"]:
        if numbers in WIDTHS:
            metrics = json.loads((find(f"digits-{numbers}") / "metrics.json").read_text())  # type: ignore[operator]
            assert error == pytest.approx(metrics["pca_mse"], rel=1e-4)
    assert parts["basis"].shape == (256, 784)
    items, _ = made("/compare/items?ids=digits-2,digits-64&count=4")
    assert np.array_equal(items["input"], data.test.values[:4])
    wanted = packs.pixels(isthmus.load("digits-64").reconstruct(data.test.values[:4]))
    assert np.abs(items["output_1"].astype(int) - wanted).max() <= 1


@pytest.mark.slow
def test_a_map_that_cannot_be_made_says_why(server: Server) -> None:
    path = place(server, "unmappable")
    (path / "data.json").write_text("{}")
    id = appears(server, "unmappable")["id"]
    status, content, _ = wait(
        lambda: server.ask("GET", f"/runs/{id}/codes"), lambda a: a[0] != 202, "an answer"
    )
    assert status == 503
    assert "data.json" in json.loads(content)["message"]
