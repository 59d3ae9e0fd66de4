"""The command line as a person and as a program use it: real processes, real files."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isthmus.cli import VERBS, cli
from isthmus.training import Run

SMALL = [
    "--set", "data.name=digits8", "--set", "data.shift=0", "--set", "encoder.layers=[32]", "--set", "bottleneck.size=8",
    "--set", "training.epochs=3", "--set", "training.threads=1",
]  # fmt: skip


def isthmus(
    *arguments: str | Path, code: int = 0, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "isthmus", *map(str, arguments)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "run"
    isthmus("train", "digits", *SMALL, "-o", folder)
    return folder


def test_training_leaves_a_whole_run(trained: Path) -> None:
    names = {p.name for p in trained.iterdir()}
    assert names >= {
        "recipe.toml", "data.json", "events.jsonl", "weights.safetensors", "metrics.json", "codes.npz",
        "card.md", "report.html", "snapshots",
    }  # fmt: skip
    assert "checkpoint.safetensors" not in names
    metrics = json.loads((trained / "metrics.json").read_text())
    assert metrics["mse"] < metrics["pca_mse"]


def test_train_as_json_lines(tmp_path: Path) -> None:
    done = isthmus("train", "digits", *SMALL, "-o", tmp_path / "run", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["kind"] == "started"
    assert lines[-1]["kind"] == "result"
    assert lines[-1]["mse"] < lines[-1]["pca_mse"]
    assert Path(lines[-1]["report"]).is_file()


def test_evaluate_as_json(trained: Path, tmp_path: Path) -> None:
    told = json.loads(isthmus("evaluate", trained, "--json").stdout)
    kept = json.loads((trained / "metrics.json").read_text())
    assert told["mse"] == pytest.approx(kept["mse"], rel=1e-6)
    assert told["psnr"] == pytest.approx(kept["psnr"], rel=1e-6)
    np.savez(tmp_path / "black.npz", x=np.zeros((40, 8, 8), np.uint8))
    other = json.loads(
        isthmus("evaluate", trained, "--data", tmp_path / "black.npz", "--json").stdout
    )
    assert other["mse"] != told["mse"]
    np.savez(tmp_path / "large.npz", x=np.zeros((40, 9, 9), np.uint8))
    said = isthmus("evaluate", trained, "--data", tmp_path / "large.npz", code=1).stderr
    assert "items of shape (1, 9, 9); the model takes (1, 8, 8)" in said


def test_ctrl_c_stops_in_good_order_and_resume_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    arguments = [a.replace("training.epochs=3", "training.epochs=400") for a in SMALL]
    command = [sys.executable, "-m", "isthmus", "train", "digits", *arguments, "-o", str(folder)]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for _ in range(600):
        if (folder / "events.jsonl").exists() and "progress" in (
            folder / "events.jsonl"
        ).read_text():
            break
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    out, said = child.communicate(timeout=60)
    assert child.returncode == 0, said
    assert "stopping after this step" in said
    assert "--resume" in out
    assert Run(folder).state == "unfinished"
    step = list(Run(folder).events())[-1].step  # type: ignore[attr-defined]
    assert step > 0
    isthmus("train", "digits", *SMALL, "-o", folder, "--resume", code=1)  # another recipe
    short = isthmus("train", folder, "--resume", "--json", cwd=tmp_path)
    first = json.loads(short.stdout.splitlines()[0])
    assert first["resumed_at"] == step
    assert Run(folder).state == "finished"
    assert "is finished; nothing to do" in isthmus("train", folder, "--resume").stderr


def test_an_existing_run_is_kept_unless_forced(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "run")
    before = (tmp_path / "run/weights.safetensors").read_bytes()
    said = isthmus("train", "digits", *SMALL, "-o", tmp_path / "run", code=1).stderr
    assert "is a run already; --resume goes on with it, --force replaces it" in said
    assert (tmp_path / "run/weights.safetensors").read_bytes() == before
    isthmus(
        "train", "digits", *SMALL, "--set", "training.seed=4", "-o", tmp_path / "run", "--force"
    )
    assert (tmp_path / "run/weights.safetensors").read_bytes() != before


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["train", "digit"], 2, "no recipe named 'digit' and no such file; did you mean 'digits'?"),
        (["train", "digits", "--set", "bottleneck.sise=3"], 2, "unknown key 'bottleneck.sise'; did you mean 'size'?"),
        (["train", "digits", "--set", "bottleneck.size=-3"], 2, "bottleneck.size is -3"),
        (["train", "digits", "--set", "training.epochs=many"], 2, "training.epochs is 'many'"),
        (["train", "digits", "--data", "nowhere"], 1, "nowhere: no such file, folder or data set"),
        (["train", "digits-conv", "--set", "encoder.kernel=9", "--set", "encoder.channels=[4,4,4,4]", "--set", "encoder.stride=8"], 2, "encoder, layer"),
        (["evaluate", "nowhere"], 1, "nowhere: no such run directory"),
        (["explore", "nowhere", "-o", "x.html"], 2, "no recipe named 'nowhere'"),
        (["explore", "digits", "-o", "x.pdf"], 2, "must end in .html, .png, .parquet"),
        (["encode", "nowhere", "digits", "-o", "x.npz"], 1, "nowhere"),
        (["data", "info", "minst"], 1, "no data set named 'minst'"),
        (["dance"], 2, "No such command 'dance'"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(arguments: list[str], code: int, said: str, tmp_path: Path) -> None:
    done = isthmus(*arguments, code=code, cwd=tmp_path)
    assert said in done.stderr
    assert not done.stdout
    told = [line for line in done.stderr.splitlines() if line.startswith("isthmus:")]
    assert len(told) <= 1
    assert not list(tmp_path.rglob("*.html"))


def test_explore_writes_all_three(trained: Path, tmp_path: Path) -> None:
    for name in ("m.html", "m.png", "m.parquet"):
        done = isthmus("explore", trained, "-o", tmp_path / name, "--json")
        told = json.loads(done.stdout)
        assert (tmp_path / name).stat().st_size > 5_000
        assert told["knn_accuracy"] > 0.8
        assert told["items"] == 1797
    polars = pytest.importorskip("polars")
    table = polars.read_parquet(tmp_path / "m.parquet")
    assert table.columns == ["part", "label", "error", "x", "y", *[f"code_{i}" for i in range(8)]]


def test_labels_from_a_file(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("\n".join("even" if i % 2 else "odd" for i in range(1797)))
    isthmus("explore", trained, "--labels", tmp_path / "labels.txt", "-o", tmp_path / "m.html")
    assert "even 898" in (tmp_path / "m.html").read_text()
    (tmp_path / "short.txt").write_text("a\nb\n")
    said = isthmus(
        "explore", trained, "--labels", tmp_path / "short.txt", "-o", tmp_path / "n.html", code=1
    ).stderr
    assert "short.txt: has 2 labels, but digits8 has 1797 items" in said


def test_encode_and_decode_files(trained: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for i in range(3):
        path = tmp_path / "in/sub" / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (20, 30), np.uint8)).save(path)
    (tmp_path / "in/broken.png").write_bytes(b"\x89PNG nothing")
    before = {p: p.read_bytes() for p in (tmp_path / "in").rglob("*.png")}
    done = isthmus("encode", trained, tmp_path / "in", "-o", tmp_path / "c.npz", "--json", code=1)
    assert json.loads(done.stdout)["items"] == 3
    assert "broken.png: cannot be read as a picture" in done.stderr
    isthmus("decode", trained, tmp_path / "c.npz", "-o", tmp_path / "out")
    made = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert made == ["sub_0.png", "sub_1.png", "sub_2.png"]
    with Image.open(tmp_path / "out/sub_0.png") as picture:
        assert picture.size == (8, 8)
    assert before == {p: p.read_bytes() for p in (tmp_path / "in").rglob("*.png")}
    assert (
        "exists; --force"
        in isthmus("encode", trained, tmp_path / "in", "-o", tmp_path / "c.npz", code=2).stderr
    )
    isthmus("encode", trained, "digits8", "-o", tmp_path / "d.parquet")
    isthmus("decode", trained, tmp_path / "d.parquet", "-o", tmp_path / "d.npz")
    with np.load(tmp_path / "d.npz") as held:
        assert held["x"].shape == (1797, 1, 8, 8)


def test_runs(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "runs/a")
    shutil.copytree(trained, tmp_path / "runs/b")
    text = (tmp_path / "runs/b/recipe.toml").read_text()
    (tmp_path / "runs/b/recipe.toml").write_text(text.replace("size = 8", "size = 9"))
    listed = json.loads(isthmus("runs", "list", "--json", cwd=tmp_path).stdout)["runs"]
    assert [r["run"] for r in listed] == ["runs/a", "runs/b"]
    assert all(r["state"] == "finished" for r in listed)
    compared = json.loads(
        isthmus("runs", "compare", "runs/a", "runs/b", "--json", cwd=tmp_path).stdout
    )
    assert compared["differing"] == {"bottleneck.size": [8, 9]}
    assert "bottleneck" in isthmus("runs", "show", "runs/a", cwd=tmp_path).stdout
    isthmus("runs", "remove", "runs/a", cwd=tmp_path)
    assert not (tmp_path / "runs/a").exists()
    assert (
        "is not a run; nothing was removed"
        in isthmus("runs", "remove", "runs", code=1, cwd=tmp_path).stderr
    )
    assert "no runs in" in isthmus("runs", "list", "nowhere", cwd=tmp_path).stdout


def test_recipes_and_data_are_listed() -> None:
    recipes = json.loads(isthmus("recipes", "list", "--json").stdout)["recipes"]
    wanted = {
        "digits", "digits-2d", "digits-conv", "digits-variational", "digits-vq", "digits-sparse",
        "digits-denoise", "fashion", "patches", "spectra",
    }  # fmt: skip
    assert wanted <= {r["name"] for r in recipes}
    shown = json.loads(isthmus("recipes", "show", "digits", "--json").stdout)
    assert shown["layers"][-1]["output"] == [1, 28, 28]
    assert json.loads(isthmus("recipes", "schema").stdout)["title"] == "Recipe"
    data = json.loads(isthmus("data", "list", "--json").stdout)["data"]
    assert {"digits", "mnist", "fashion", "kmnist", "emnist", "cifar10"} <= {
        d["name"] for d in data
    }
    assert "CC BY-SA" in isthmus("data", "info", "digits").stdout


def test_every_verb_has_help_with_an_example() -> None:
    import click
    from click.testing import CliRunner

    def visit(command: click.Command, path: list[str]) -> None:
        said = CliRunner().invoke(cli, [*path, "--help"], prog_name="isthmus")
        assert said.exit_code == 0
        assert re.search(r"Example: isthmus", said.output), path
        if isinstance(command, click.Group):
            for name in command.list_commands(click.Context(command)):
                child = command.get_command(click.Context(command), name)
                assert child is not None
                visit(child, [*path, name])

    visit(cli, [])
    assert set(VERBS) == set(cli.list_commands(click.Context(cli)))
