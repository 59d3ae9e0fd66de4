"""Trainings in the real Studio: begun, paused, stepped, stopped, killed, taken up again."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from isthmus.recipe import Dense
from isthmus.training import Run, fit
from tests.studio.server import Listener, Server, endless, small, wait


@pytest.fixture
def server(tmp_path: Path):  # type: ignore[no-untyped-def]
    with Server(tmp_path) as running:
        yield running.log_in()


def steps_of(server: Server, id: str) -> list[int]:
    told = server.call("GET", f"/runs/{id}/events")["events"]
    return [event["step"] for event in told if event["kind"] == "progress"]


def test_a_training_from_the_first_click_to_the_last(server: Server) -> None:
    """One worker does it all: begin, look inside, pause, step, go on, stop; another waits meanwhile."""
    page = Listener(server)
    id = server.train(endless(), title="Mine", tags=["first"])
    waiting = server.train(small(), title="Next")
    assert server.until(waiting, "queued")["place"] == 1
    page.until(lambda m: m["run"] == id and m["kind"] == "progress")
    now = server.until(id, "running")
    assert (now["title"], now["tags"], now["here"]) == ("Mine", ["first"], True)

    status, weights, headers = wait(
        lambda: server.ask("GET", f"/runs/{id}/weights"), lambda a: a[0] != 202, "weights"
    )
    assert status == 200
    graph = json.loads(
        json.loads(weights[8 : 8 + int.from_bytes(weights[:8], "little")])["__metadata__"]["graph"]
    )
    assert graph["code"] == [4]
    tag = headers["etag"]
    page.until(lambda m: m["kind"] == "weights")
    wait(
        lambda: server.ask("GET", f"/runs/{id}/weights")[2]["etag"],
        lambda t: t != tag,
        "new weights",
    )
    wait(lambda: server.ask("GET", f"/runs/{id}/codes")[0], lambda s: s == 200, "codes")

    server.call("POST", f"/runs/{id}/pause")
    paused = server.until(id, "paused")
    assert paused["can"] == ["resume", "step", "stop", "delete"]
    assert (server.runs / paused["folder"] / "checkpoint.safetensors").is_file()
    server.call("POST", f"/runs/{id}/step")
    stepped = wait(
        lambda: server._run(id), lambda r: r["step"] == paused["step"] + 1, "one step more"
    )
    assert stepped["state"] == "paused"
    assert steps_of(server, id)[-1] == paused["step"] + 1
    assert server.refused("POST", f"/runs/{id}/pause")[0] == 409

    for _ in range(5):  # an impatient hand on the space bar
        server.call("POST", f"/runs/{id}/resume")
        server.call("POST", f"/runs/{id}/pause")
        server.until(id, "paused")
    server.call("POST", f"/runs/{id}/resume")
    server.reaches(id, stepped["epoch"] + 2)
    server.call("POST", f"/runs/{id}/stop")
    stopped = server.until(id, "stopped")
    assert stopped["metrics"]["mse"] > 0
    assert "resume" in stopped["can"]
    assert server.until(waiting, "done")["reason"] == "completed"
    states = [
        m["record"]["state"] for m in page.messages if m["kind"] == "state" and m["run"] == id
    ]
    assert list(dict.fromkeys(states)) == [
        "queued", "starting", "running", "pausing", "paused", "stopping", "stopped",
    ]  # fmt: skip
    numbers = [m["n"] for m in page.messages if m["run"] == id and "n" in m]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    page.close()
    maps = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert "torch" not in maps
    assert "sklearn" not in maps


def test_the_server_is_killed_and_nothing_is_lost(tmp_path: Path) -> None:
    with Server(tmp_path) as first:
        first.log_in()
        id = first.train(endless(), title="Long")
        waiting = first.train(small())
        first.call("PATCH", f"/runs/{id}", {"star": True})
        first.reaches(id, 3)
        cookie, port = first.cookie, first.port
        workers = first.workers()
        first.kill()
    # Its worker notices by itself, keeps what it has learnt, and ends.
    wait(
        lambda: [w for w in workers if Path(f"/proc/{w}/cwd").exists()], lambda w: not w, "its end"
    )
    with Server(tmp_path, "--port", str(port)) as second:
        second.cookie = cookie  # the same tab, still open
        seen = second.call("GET", f"/runs/{id}")
        assert (seen["state"], seen["title"], seen["star"]) == ("interrupted", "Long", True)
        assert "resume" in seen["can"]
        assert second.call("GET", f"/runs/{waiting}")["state"] in {"queued", "starting", "running"}
        second.call("DELETE", f"/runs/{waiting}")
        before = second.call("GET", f"/runs/{id}/events")["next"]
        second.call("POST", f"/runs/{id}/resume")
        second.reaches(id, seen["epoch"] + 2)
        events = second.call("GET", f"/runs/{id}/events")["events"]
        resumed = [e for e in events if e["kind"] == "started"]
        assert len(resumed) == 2
        assert resumed[1]["resumed_at"] >= 3
        assert events[before - 1]["n"] == before
        # The curve has neither a gap nor a step twice.
        steps = [e["step"] for e in events if e["kind"] == "progress"]
        assert steps == sorted(set(steps))
        second.call("DELETE", f"/runs/{id}")


@pytest.mark.slow
def test_the_worker_is_killed_and_the_run_says_so(server: Server) -> None:
    id = server.train(endless())
    server.reaches(id, 2)
    for worker in server.workers():
        os.kill(worker, signal.SIGKILL)
    ended = server.until(id, "interrupted")
    assert "killed" in ended["reason"]
    server.call("POST", f"/runs/{id}/resume")
    server.reaches(id, ended["epoch"] + 1)
    server.call("DELETE", f"/runs/{id}")
    assert server.refused("GET", f"/runs/{id}")[0] == 404


@pytest.mark.slow
def test_a_training_that_needs_too_much_memory_says_so(tmp_path: Path) -> None:
    with Server(tmp_path, ISTHMUS_STUDIO_MEMORY=str(1500 * 2**20)) as server:
        id = server.train(small().replace(encoder=Dense(layers=(9000, 9000))))
        ended = server.until(id, "failed", "interrupted", "done")
        assert "memory" in ended["reason"]
        # The Studio lives, and trains what fits.
        assert server.until(server.train(small()), "done", "failed")["state"] == "done"


@pytest.mark.slow
def test_a_disk_that_is_full_is_told_and_what_was_kept_is_whole(server: Server) -> None:
    id = server.train(endless())
    seen = server.reaches(id, 2)
    folder = server.runs / seen["folder"]
    # Nothing can be written from now on: to the training that is a full disk.
    for worker in server.workers():
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (1, 1))
    ended = server.until(id, "failed", "interrupted")
    assert "cannot be written" in ended["reason"]
    assert "resume" in ended["can"]
    server.call("POST", f"/runs/{id}/resume")
    server.reaches(id, ended["epoch"] + 1)
    server.call("POST", f"/runs/{id}/stop")
    server.until(id, "stopped")
    assert Run(folder).metrics["mse"] > 0


@pytest.mark.slow
def test_a_stop_that_is_not_heard_is_enforced(server: Server) -> None:
    id = server.train(endless())
    server.reaches(id, 1)
    for worker in server.workers():
        os.kill(worker, signal.SIGSTOP)
    server.call("POST", f"/runs/{id}/stop")
    assert server.until(id, "stopped", "interrupted")["state"] == "stopped"


@pytest.mark.slow
def test_a_training_of_the_command_line_is_shown_while_it_goes_on(server: Server) -> None:
    (server.folder / "recipe.toml").write_text(endless().to_toml())
    command = [
        sys.executable,
        "-m",
        "isthmus",
        "train",
        "recipe.toml",
        "-o",
        "runs/by-hand",
        "--json",
    ]
    page = Listener(server)
    with subprocess.Popen(
        command, cwd=server.folder, env=server.environment, stdout=subprocess.DEVNULL
    ) as training:
        said = page.until(lambda m: m["kind"] == "state" and m["record"]["state"] == "running")
        id = said["run"]
        assert said["record"]["can"] == []
        assert said["record"]["here"] is False
        assert server.refused("POST", f"/runs/{id}/pause")[0] == 409
        assert server.refused("DELETE", f"/runs/{id}")[0] == 409
        page.until(lambda m: m["run"] == id and m["kind"] == "progress")
        training.kill()
    assert server.until(id, "interrupted")["can"] == ["resume", "delete"]
    page.close()


@pytest.mark.slow
def test_a_sweep_is_trained_in_order_and_seen_in_full(server: Server) -> None:
    recipe = small().model_dump(mode="json")
    made = server.call(
        "POST", "/sweeps", {"recipe": recipe, "key": "bottleneck.size", "values": [2, 4, 8]}
    )
    ids = [run["id"] for run in made["runs"]]
    places = [server.call("GET", f"/runs/{id}")["place"] for id in ids]
    assert places == sorted(places)
    ended = [server.until(id, "done") for id in ids]
    assert [run["numbers"] for run in ended] == [2, 4, 8]
    assert {run["sweep"] for run in ended} == {made["sweep"]}
    assert len({run["folder"] for run in ended}) == 3
    seen = server.call("GET", f"/compare?ids={ids[0]},{ids[2]}")
    assert seen["differing"] == {"bottleneck.size": [2, 8]}
    assert len(seen["curves"][ids[0]]["evaluated"]) == 4


def test_pauses_and_steps_change_nothing_but_the_time(tmp_path: Path) -> None:
    """The library's own control: a training that was paused and stepped has the same bits."""
    recipe = small(4)
    plain = fit(recipe)
    for _ in plain:
        pass
    paused = fit(recipe, output=tmp_path / "run")
    seen = 0
    for event in paused:
        if event.kind == "evaluated" and event.epoch == 1:
            paused.control.paused = True
        elif event.kind == "progress" and paused.control.paused:
            seen += 1
            paused.control.rested += 1000.0
            paused.control.paused = seen < 3
    assert seen == 3
    assert paused.trainer.state.seconds < 0  # what rests is no training
    for name, value in plain.model.autoencoder.state_dict().items():
        other = paused.model.autoencoder.state_dict()[name]
        assert np.array_equal(value.numpy(), other.numpy()), name


def test_two_processes_cannot_train_one_run(tmp_path: Path) -> None:
    from isthmus.errors import RunError

    with fit(endless(), output=tmp_path / "run") as first:
        next(first)
        with pytest.raises(RunError, match="another process"):
            fit(endless(), output=tmp_path / "run", resume=True, force=True)
