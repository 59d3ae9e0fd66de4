"""Laws of training: resumed == uninterrupted, same seed same result, nothing global is touched."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from isthmus.datasets import Dataset
from isthmus.errors import RunError, TrainingError
from isthmus.recipe import (
    Adversarial,
    Conv,
    Denoise,
    Dense,
    Mse,
    Named,
    Plain,
    Recipe,
    Reconstruct,
    Training,
    Variational,
    VectorQuantized,
)
from isthmus.training import Run, events, fit, train
from isthmus.training import checkpoint as ck

QUICK = Training(epochs=4, batch_size=32, learning_rate=2e-3, threads=1)
SMALL = Dense(layers=(24,))

HARD = {
    "plain": Recipe(encoder=SMALL, bottleneck=Plain(size=6), training=QUICK),
    "average": Recipe(encoder=SMALL, bottleneck=Plain(size=6), training=QUICK).set("training.ema=0.95"),
    "patience": Recipe(encoder=SMALL, training=QUICK).set("training.patience=3", "bottleneck.size=6"),
    "noise": Recipe(task=Denoise(), encoder=SMALL, bottleneck=Plain(size=6), training=QUICK),
    "dropout": Recipe(encoder=Dense(layers=(24,), dropout=0.3), bottleneck=Plain(size=6), training=QUICK),
    "variational": Recipe(encoder=SMALL, bottleneck=Variational(size=4, warmup=0.5), training=QUICK),
    "critic": Recipe(encoder=SMALL, bottleneck=Adversarial(size=4, critic=(8,)), training=QUICK),
    "words": Recipe(
        encoder=SMALL, bottleneck=VectorQuantized(size=8, groups=4, codebook=16), training=QUICK
    ),
    "shifted": Recipe(
        data=Named(shift=1, flip=True), encoder=Conv(channels=(4,), norm="batch"),
        bottleneck=Plain(size=6), training=QUICK,
    ),
    "parts": Recipe(encoder=SMALL, bottleneck=Plain(size=6), training=QUICK).set(
        "training.accumulate=3", "training.clip=0.1", "training.optimizer=sgd"
    ),
}  # fmt: skip


def weights(folder: Path) -> bytes:
    return (folder / "weights.safetensors").read_bytes()


@pytest.mark.parametrize("name", sorted(HARD))
@pytest.mark.parametrize("stop_at", [3, 14, 29])
def test_resumed_equals_uninterrupted(
    name: str, stop_at: int, digits: Dataset, tmp_path: Path
) -> None:
    recipe = HARD[name]
    train(recipe, tmp_path / "whole", digits)
    fitting = fit(recipe, digits, tmp_path / "parted")
    stepped = fitting.trainer.state
    for _ in _stopping(fitting, stepped, stop_at):
        pass
    if Run(tmp_path / "parted").state == "unfinished":
        train(recipe, tmp_path / "parted", digits, resume=True)
    assert weights(tmp_path / "parted") == weights(tmp_path / "whole")
    assert Run(tmp_path / "parted").state == "finished"
    steps = [e.step for e in Run(tmp_path / "parted").events() if isinstance(e, events.Evaluated)]
    assert steps == sorted(set(steps)), "an epoch was told twice"


def _stopping(fitting, state, stop_at):  # type: ignore[no-untyped-def]
    """Iterate, and ask to stop once so many steps are done (as Ctrl-C does)."""
    from isthmus.training.step import Stepper

    plain = Stepper.step

    def counting(self, *given):  # type: ignore[no-untyped-def]
        plain(self, *given)
        if state.step + 1 == stop_at:
            fitting.control.stop()

    Stepper.step = counting  # type: ignore[method-assign]
    try:
        yield from fitting
    finally:
        Stepper.step = plain  # type: ignore[method-assign]


CHILD = """
import sys
from pathlib import Path
from isthmus.recipe import Recipe
from isthmus.training import train
train(Recipe.load(sys.argv[1]), Path(sys.argv[2]), resume=True)
"""


def _events(folder: Path) -> int:
    """How many events were told so far."""
    path = folder / "events.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_kill_9_at_any_moment_then_resume(tmp_path: Path) -> None:
    recipe = Recipe(
        data=Named(name="digits8"), encoder=SMALL, bottleneck=Plain(size=6),
        training=QUICK.model_copy(update={"epochs": 12, "checkpoint_minutes": 0.0, "ema": 0.9}),
    )  # fmt: skip
    (tmp_path / "r.toml").write_text(recipe.to_toml())
    train(recipe, tmp_path / "whole")
    folder = tmp_path / "killed"
    command = [sys.executable, "-c", CHILD, str(tmp_path / "r.toml"), str(folder)]
    chance = random.Random(0)
    kills = 0
    for _ in range(40):
        enough = _events(folder) + 1 + chance.randrange(5)
        child = subprocess.Popen(command)
        if kills < 5:
            while child.poll() is None and _events(folder) < enough:
                time.sleep(0.001)
            time.sleep(chance.random() * 0.03)
        if kills < 5 and child.poll() is None:
            child.send_signal(signal.SIGKILL)
            child.wait()
            kills += 1
            held = folder / "checkpoint.safetensors"
            if held.exists():
                ck.load(held)  # whole, or this raises
            continue
        assert child.wait() == 0
        break
    assert kills >= 2
    assert weights(folder) == weights(tmp_path / "whole")
    evaluated = [e.epoch for e in Run(folder).events() if isinstance(e, events.Evaluated)]
    assert evaluated == list(range(13))
    assert not list(folder.glob(".*")), "a temporary file was left"


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    digits: Dataset, tmp_path: Path
) -> None:
    recipe = HARD["noise"]
    for name, made in {"a": recipe, "b": recipe, "c": recipe.set("training.seed=1")}.items():
        train(made, tmp_path / name, digits)
    first = load_file(tmp_path / "a/weights.safetensors")
    assert weights(tmp_path / "a") == weights(tmp_path / "b")
    other = load_file(tmp_path / "c/weights.safetensors")
    assert any(not torch.equal(first[n], other[n]) for n in first)


def test_one_process_equals_two_at_the_same_global_batch(tmp_path: Path) -> None:
    recipe = Recipe(
        data=Named(name="digits8"), encoder=SMALL, bottleneck=Plain(size=6), task=Denoise(),
        training=Training(epochs=2, batch_size=64, threads=1, optimizer="sgd", learning_rate=0.1),
    )  # fmt: skip
    (tmp_path / "r.toml").write_text(recipe.to_toml())
    verb = ["-m", "isthmus", "train", str(tmp_path / "r.toml"), "-o"]
    subprocess.run([sys.executable, *verb, str(tmp_path / "one")], check=True, capture_output=True)
    meeting = ["--nproc-per-node=2", "--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0"]
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *meeting, *verb, str(tmp_path / "two")],
        capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    one, two = (load_file(tmp_path / n / "weights.safetensors") for n in ("one", "two"))
    for name in one:
        assert torch.allclose(one[name], two[name], atol=1e-5), name


def test_two_killed_processes_go_on(tmp_path: Path) -> None:
    recipe = Recipe(
        data=Named(name="digits8"), encoder=SMALL, bottleneck=Plain(size=6), task=Denoise(),
        training=Training(epochs=60, batch_size=64, threads=1, checkpoint_minutes=0.001),
    )  # fmt: skip
    (tmp_path / "r.toml").write_text(recipe.to_toml())
    verb = ["-m", "isthmus", "train", str(tmp_path / "r.toml"), "-o", str(tmp_path / "run")]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]
    command += ["--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0", *verb]
    own = {**os.environ, "OMP_NUM_THREADS": "1"}
    first = subprocess.Popen(command, env=own, stdout=subprocess.DEVNULL)
    while not (tmp_path / "run/checkpoint.safetensors").exists():
        assert first.poll() is None
        time.sleep(0.01)
    for process in Path("/proc").glob("[0-9]*"):  # torchrun puts its processes in own sessions
        with contextlib.suppress(OSError):
            if str(tmp_path) in (process / "cmdline").read_bytes().decode():
                os.kill(int(process.name), signal.SIGKILL)
    first.wait()
    done = subprocess.run(
        [*command, "--resume"], env=own, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "going on at" in done.stderr + done.stdout
    assert (tmp_path / "run/weights.safetensors").exists()


def test_accumulated_parts_equal_one_batch(digits: Dataset) -> None:
    results = []
    for batch, parts in ((64, 1), (32, 2)):
        recipe = HARD["plain"].set(f"training.batch_size={batch}", f"training.accumulate={parts}")
        fitting = fit(recipe.set("data.validation=0.104"), digits)  # 448 items: whole batches
        list(fitting)
        results.append(fitting.model.autoencoder.state_dict())
    for name, value in results[0].items():
        assert torch.allclose(value, results[1][name], atol=2e-5), name


def test_nothing_global_is_touched(digits: Dataset) -> None:
    torch.manual_seed(7)
    before = (
        torch.random.get_rng_state(),
        torch.get_num_threads(),
        torch.get_float32_matmul_precision(),
    )
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    list(fit(HARD["dropout"].set("training.threads=2"), digits))
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert before[1:] == (torch.get_num_threads(), torch.get_float32_matmul_precision())
    assert (state == np.random.get_state()[1]).all()  # noqa: NPY002


def test_a_loss_that_is_not_a_number_keeps_the_last_good_weights(
    digits: Dataset, tmp_path: Path
) -> None:
    recipe = HARD["plain"].set(
        "training.learning_rate=9", "training.optimizer=sgd", "training.epochs=60"
    )
    recipe = recipe.replace(encoder=Dense(layers=(64, 64, 64), activation="none"))
    with pytest.raises(TrainingError, match=r"loss became .* Try --set training.learning_rate=3"):
        train(recipe, tmp_path / "run", digits)
    run = Run(tmp_path / "run")
    assert run.state == "failed"
    kept = load_file(tmp_path / "run/weights.safetensors")
    assert all(torch.isfinite(v).all() for v in kept.values())
    assert np.isfinite(run.model.encode(digits.test.values)).all()


def test_patience_stops_and_keeps_the_best(digits: Dataset, tmp_path: Path) -> None:
    recipe = HARD["plain"].set(
        "training.patience=3",
        "training.epochs=400",
        "training.learning_rate=0.03",
        "training.schedule=constant",
    )
    run = train(recipe, tmp_path / "run", digits)
    seen = [e for e in run.events() if isinstance(e, events.Evaluated)]
    losses = [e.metrics["loss"] for e in seen]
    last = list(run.events())[-1]
    assert isinstance(last, events.Finished)
    assert last.reason == "patience"
    assert len(losses) - 1 - int(np.argmin(losses)) == 3
    assert last.metrics["loss"] == pytest.approx(min(losses), rel=1e-6)


def test_a_budget_of_minutes_ends_the_training_and_the_schedule(digits: Dataset) -> None:
    recipe = HARD["plain"].set("training.minutes=0.03", "training.epochs=100000")
    told = list(fit(recipe, digits))
    last = told[-1]
    assert isinstance(last, events.Finished)
    assert last.reason == "budget"
    assert 1.5 < last.t < 6
    rates = [e.learning_rate for e in told if isinstance(e, events.Progress)]
    assert rates[-1] < 0.05 * max(rates)


def test_the_average_is_what_is_kept(digits: Dataset) -> None:
    plain, averaged = fit(HARD["plain"], digits), fit(HARD["average"], digits)
    list(plain), list(averaged)
    last = averaged.trainer.state.average
    kept = averaged.model.autoencoder.state_dict()
    assert all(torch.equal(kept[n], last[n]) for n in kept)
    assert any(not torch.equal(kept[n], v) for n, v in plain.model.autoencoder.state_dict().items())


def test_a_start_at_pca_has_the_error_of_pca(digits: Dataset) -> None:
    for encoder in (Dense(layers=(16,), start="pca"), Conv(channels=(4,), start="pca")):
        recipe = Recipe(encoder=encoder, bottleneck=Plain(size=10), training=QUICK)
        recipe = recipe.replace(task=Reconstruct(loss=Mse()))
        fitting = fit(recipe, digits)
        first = next(e for e in fitting if isinstance(e, events.Evaluated))
        kept = fitting.trainer.items.values.float().div(255).flatten(1).double()
        held = fitting.trainer.held.values.float().div(255).flatten(1).double()
        mean = kept.mean(0)
        axes = torch.linalg.svd(kept - mean, full_matrices=False).Vh[:10]
        rebuilt = (held - mean) @ axes.T @ axes + mean
        assert first.metrics["loss"] == pytest.approx(
            float((rebuilt - held).square().mean()), rel=1e-3
        )


def test_tied_weights_stay_tied(digits: Dataset, tmp_path: Path) -> None:
    recipe = Recipe(
        encoder=Dense(layers=(24,), tied=True), bottleneck=Plain(size=6), training=QUICK
    )
    model = train(recipe, tmp_path / "run", digits).model.autoencoder
    x = torch.rand(3, 6)
    into = [m for m in model.encoder.layers if isinstance(m, torch.nn.Linear)]
    hidden = torch.relu(x @ into[1].weight + model.decoder.layers[1].bias)
    wanted = hidden @ into[0].weight + model.decoder.layers[3].bias
    assert torch.allclose(model.decoder(x).flatten(1), wanted, atol=1e-5)
    assert sum("weight" in n for n in load_file(tmp_path / "run/weights.safetensors")) == 2


def test_batches_that_do_not_divide_and_no_validation(digits: Dataset) -> None:
    for changes in (
        ["training.batch_size=77"],
        ["training.batch_size=4096"],
        ["data.validation=0"],
    ):
        told = list(fit(HARD["plain"].set(*changes, "training.epochs=2"), digits))
        assert isinstance(told[-1], events.Finished)
        assert told[-1].epoch == 2


def test_resume_refuses_another_recipe(digits: Dataset, tmp_path: Path) -> None:
    fitting = fit(HARD["plain"], digits, tmp_path / "run")
    list(_stopping(fitting, fitting.trainer.state, 5))
    other = HARD["plain"].set("training.learning_rate=0.1")
    with pytest.raises(RunError, match=f"{HARD['plain'].hash}, not {other.hash}"):
        fit(other, digits, tmp_path / "run", resume=True)


def test_a_run_is_not_overwritten_unless_forced(digits: Dataset, tmp_path: Path) -> None:
    train(HARD["plain"], tmp_path / "run", digits)
    kept = weights(tmp_path / "run")
    with pytest.raises(RunError, match="is a run already"):
        train(HARD["plain"], tmp_path / "run", digits)
    assert weights(tmp_path / "run") == kept
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/precious.txt").write_text("keep")
    with pytest.raises(RunError, match="exists and is not a run"):
        train(HARD["plain"], tmp_path / "mine", digits, force=True)
    assert (tmp_path / "mine/precious.txt").read_text() == "keep"


def test_closing_early_keeps_what_was_written(digits: Dataset, tmp_path: Path) -> None:
    fitting = fit(HARD["plain"], digits, tmp_path / "run")
    for event in fitting:
        if isinstance(event, events.Progress):
            break
    fitting.close()
    run = Run(tmp_path / "run")
    assert run.state == "unfinished"
    for line in (tmp_path / "run/events.jsonl").read_text().splitlines():
        json.loads(line)
    train(HARD["plain"], tmp_path / "run", digits, resume=True)
    assert Run(tmp_path / "run").state == "finished"


def test_a_training_begins_with_given_weights(digits: Dataset, tmp_path: Path) -> None:
    run = train(HARD["plain"], tmp_path / "first", digits)
    kept = run.model.autoencoder.state_dict()
    still = HARD["plain"].set("training.learning_rate=1e-12", "training.epochs=1")
    went_on = train(still, tmp_path / "second", digits, start=run.model)
    for name, weight in went_on.model.autoencoder.state_dict().items():
        assert torch.allclose(weight, kept[name], atol=1e-6), name
    with pytest.raises(RunError, match="do not fit this recipe"):
        fit(HARD["plain"].set("bottleneck.size=7"), digits, start=run.model)
