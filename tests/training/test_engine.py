"""The engine: what it chooses is allowed, remembered, and put back."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from isthmus.datasets import Dataset
from isthmus.datasets.download import home
from isthmus.recipe import Conv, Dense, Plain, Recipe, Training
from isthmus.training import events, fit, machine
from isthmus.training.engine import (
    Engine,
    candidate_threads,
    first_choice,
    keep_freed_memory,
    usable_cores,
)


def test_a_session_puts_everything_back() -> None:
    engine = Engine("cpu", 2, "medium", False, False)
    before = (torch.get_num_threads(), torch.get_float32_matmul_precision())

    def failing() -> None:
        with engine.session():
            assert torch.get_num_threads() == 2
            assert torch.get_float32_matmul_precision() == "medium"
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert (torch.get_num_threads(), torch.get_float32_matmul_precision()) == before


def test_a_training_computes_nothing_denormal() -> None:
    """Momentum without gradients decays into numbers that cost many times as much."""
    tiny = torch.full((64,), 2e-38)
    with Engine("cpu", 1, "highest", False, False).session():
        inside = tiny * 0.1
    if not torch.set_flush_denormal(False):
        pytest.skip("this CPU cannot flush denormal numbers")
    assert (inside == 0).all()
    assert (tiny * 0.1 != 0).all(), "what was set stays set after the session"


def test_the_machine_is_asked_once_and_remembered() -> None:
    found = machine.probe()
    assert found["matmul"] in {"highest", "medium"}
    path = home() / "engine.json"
    held = json.loads(path.read_text())
    assert {n: held[n] for n in found} == found
    # What is remembered is believed, unless it is of another machine.
    kept = {"matmul": "medium", "channels_last": True, "bfloat16": not held["bfloat16"]}
    path.write_text(json.dumps({**held, **kept}))
    machine._probe.cache_clear()
    assert machine.probe() == kept
    # What an older version remembered is not all.
    path.write_text(json.dumps({n: v for n, v in held.items() if n != "bfloat16"}))
    machine._probe.cache_clear()
    assert machine.probe()["bfloat16"] in {True, False}
    path.write_text(json.dumps({**held, "machine": "another", "matmul": "nonsense"}))
    machine._probe.cache_clear()
    assert machine.probe()["matmul"] in {"highest", "medium"}


def test_threads_are_the_recipes_or_tried() -> None:
    assert candidate_threads(Training(threads=3)) == [3]
    assert candidate_threads(Training()) == sorted({1, usable_cores()})


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_freed_memory_is_kept() -> None:
    assert keep_freed_memory()


def test_bfloat16_is_used_or_refused_by_the_guard_and_learns(digits: Dataset) -> None:
    recipe = Recipe(
        encoder=Dense(layers=(32,)), bottleneck=Plain(size=8),
        training=Training(epochs=8, batch_size=32, learning_rate=3e-3, threads=1, precision="bfloat16"),
    )  # fmt: skip
    told = list(fit(recipe, digits))
    started, last = told[0], told[-1]
    assert isinstance(started, events.Started)
    assert isinstance(last, events.Finished)
    plain = list(fit(recipe.set("training.precision=float32"), digits))[-1]
    assert isinstance(plain, events.Finished)
    assert last.metrics["loss"] < 1.15 * plain.metrics["loss"]
    if not started.engine["bfloat16"]:
        assert last.metrics == plain.metrics


def test_bfloat16_is_for_machines_whose_convolutions_gain(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    conv = Recipe(
        encoder=Conv(channels=(8, 8)), bottleneck=Plain(size=8),
        training=Training(epochs=1, batch_size=32, threads=1, precision="bfloat16"),
    )  # fmt: skip
    dense = conv.replace(encoder=Dense(layers=(32,)))
    monkeypatch.setattr("isthmus.training.trial._as_good", lambda *_: True)
    known = machine.probe()
    for gains in (True, False):
        monkeypatch.setattr(machine, "probe", lambda gains=gains: {**known, "bfloat16": gains})
        for recipe, wanted in ((conv, gains), (dense, True)):
            started = next(iter(fit(recipe, digits)))
            assert isinstance(started, events.Started)
            assert started.engine["bfloat16"] is wanted


def test_the_layout_of_pictures_changes_nothing_but_rounding(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recipe = Recipe(
        encoder=Conv(channels=(4, 6)),
        bottleneck=Plain(size=8),
        training=Training(epochs=2, threads=1),
    )
    losses = []
    for layout in (False, True):
        chosen = replace(first_choice(recipe.training), channels_last=layout)
        monkeypatch.setattr("isthmus.training.loop.choose_engine", lambda *_, chosen=chosen: chosen)
        last = list(fit(recipe, digits))[-1]
        assert isinstance(last, events.Finished)
        losses.append(last.metrics["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
