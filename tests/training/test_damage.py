"""A damaged run directory: one clear line that names the file, never a traceback, never a pickle."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

import isthmus
from isthmus.datasets import Dataset, Items
from isthmus.errors import DataError, IsthmusError, RunError
from isthmus.recipe import Dense, Plain, Recipe, Training
from isthmus.training import Run, events, fit, train
from isthmus.training import checkpoint as ck

RECIPE = Recipe(
    encoder=Dense(layers=(16,)), bottleneck=Plain(size=4), training=Training(epochs=2, threads=1)
)


@pytest.fixture(scope="module")
def whole(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(RECIPE, tmp_path_factory.mktemp("run") / "whole", digits).path


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "run")
    return tmp_path / "run"


NEEDED = ["recipe.toml", "data.json", "weights.safetensors"]


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("how", ["missing", "empty", "cut", "garbage", "zeros"])
def test_a_model_says_which_file_is_damaged(run: Path, name: str, how: str) -> None:
    path = run / name
    raw = path.read_bytes()
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(
            {"empty": b"", "cut": raw[: len(raw) // 2], "garbage": b"\x80\x04garbage" * 9,
             "zeros": bytes(len(raw))}[how]
        )  # fmt: skip
    try:
        isthmus.load(run)
    except IsthmusError as error:
        assert name in str(error)
        assert "\n" not in str(error)
    else:
        # Half a recipe can be a whole one, of other content: then the weights do not belong to it.
        pytest.fail(f"{how} {name} was loaded")


@pytest.mark.parametrize("name", ["metrics.json", "events.jsonl"])
def test_what_is_only_told_is_not_needed_to_load(run: Path, name: str) -> None:
    (run / name).write_bytes(b"\xff\xfe not json")
    isthmus.load(run)
    with pytest.raises(RunError, match=name):
        _ = Run(run).metrics if name == "metrics.json" else list(Run(run).events())


def test_a_last_event_cut_short_is_left_out(run: Path) -> None:
    path = run / "events.jsonl"
    count = len(list(Run(run).events()))
    path.write_bytes(path.read_bytes()[:-20])
    assert len(list(Run(run).events())) == count - 1
    lines = path.read_text().splitlines(keepends=True)
    lines[1] = lines[1][:10] + "\n"
    path.write_text("".join(lines))
    with pytest.raises(RunError, match=r"events.jsonl:2: "):
        list(Run(run).events())


def test_weights_of_another_recipe_are_refused(run: Path) -> None:
    text = (run / "recipe.toml").read_text().replace("size = 4", "size = 5")
    (run / "recipe.toml").write_text(text)
    with pytest.raises(RunError, match=r"weights.safetensors: belongs to recipe .* one of the two"):
        isthmus.load(run)


def test_tensors_that_do_not_fit_are_named(run: Path) -> None:
    path = run / "weights.safetensors"
    tensors = load_file(path)
    header = ck.pack({"recipe": Run(run).recipe.hash})
    name = min(tensors)
    for changed, said in (
        ({n: v for n, v in tensors.items() if n != name}, f"{name} is missing"),
        ({**tensors, name: torch.zeros(3)}, f"{name} has shape"),
        ({**tensors, "surplus": torch.zeros(3)}, "surplus does not belong"),
    ):
        save_file(changed, path, header)
        with pytest.raises(RunError, match=said):
            isthmus.load(run)


def test_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such run directory"):
        isthmus.load(tmp_path / "nowhere")
    with pytest.raises(RunError, match=r"is not a run \(it has no recipe.toml\)"):
        isthmus.load(tmp_path)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=400))
def test_checkpoints_of_any_bytes_raise_run_errors(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(raw)
    with pytest.raises(RunError, match=r"checkpoint.safetensors"):
        ck.load(path)


FULL = """
import resource, sys
from isthmus.recipe import Recipe
from isthmus.training import train
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from isthmus.errors import IsthmusError
try:
    train(Recipe.load(sys.argv[1]), sys.argv[2])
except IsthmusError as error:
    print("said:", error)
"""


@pytest.mark.parametrize("room", [10, 3000, 40_000])
def test_a_full_disk_is_one_line_and_leaves_no_half_file(tmp_path: Path, room: int) -> None:
    recipe = Recipe.load("digits").set(
        "data.name=digits8", "encoder.layers=[64]", "bottleneck.size=8", "training.epochs=2",
        "training.checkpoint_minutes=0", "training.threads=1",
    )  # fmt: skip
    (tmp_path / "r.toml").write_text(recipe.to_toml())
    arguments = [str(tmp_path / "r.toml"), str(tmp_path / "run"), str(room)]
    done = subprocess.run(
        [sys.executable, "-c", FULL, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-1500:]
    assert done.stdout.startswith("said:")
    assert "cannot be written" in done.stdout
    assert done.stdout.count("\n") == 1
    for path in (tmp_path / "run").rglob("*.safetensors"):
        load_file(path)
    assert not [p for p in (tmp_path / "run").rglob(".*") if p.is_file()]


def test_an_output_that_cannot_be_made(digits: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="cannot be written"):
        train(RECIPE, tmp_path / "file/run", digits)


def test_too_few_items(digits: Dataset) -> None:
    few = Dataset("few", "image", Items(digits.train.values[:1]), Items(digits.test.values))
    with pytest.raises(
        DataError, match=r"few: 1 item\(s\) leave 1 to train on; an autoencoder needs at least 2"
    ):
        fit(RECIPE, few)


def test_constant_data_trains(tmp_path: Path) -> None:
    same = Items(np.full((50, 1, 8, 8), 7, np.uint8))
    run = train(RECIPE, tmp_path / "run", Dataset("same", "image", same, same))
    assert run.metrics["mse"] < 0.05


def test_a_copying_bottleneck_is_warned_about(digits: Dataset) -> None:
    started = next(iter(fit(RECIPE.set("bottleneck.size=64"), digits)))
    assert isinstance(started, events.Started)
    assert "may simply copy" in started.warnings[0]


def test_data_json_of_another_kind_is_refused(run: Path) -> None:
    (run / "data.json").write_text(json.dumps([1, 2]))
    with pytest.raises(RunError, match=r"data.json: is damaged"):
        isthmus.load(run)
    (run / "data.json").write_text(json.dumps({"shape": [1, 8, 8]}))
    with pytest.raises(RunError, match=r"data.json: lacks shape or scaling"):
        isthmus.load(run)
