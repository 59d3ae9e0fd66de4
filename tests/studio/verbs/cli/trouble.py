"""A verb that goes wrong in the way that it is told to."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import click

from isthmus.cli.common import Failures, force_option, json_option, result


@click.command()
@click.argument("inputs", nargs=-1, required=True)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.option(
    "--how", type=click.Choice(["slow", "deaf", "die", "greedy", "fault"]), default="slow"
)
@force_option
@json_option
def trouble(inputs: tuple[str, ...], output: Path, how: str, force: bool, as_json: bool) -> None:
    from isthmus.cli import batch

    def work(job: Any, temporary: Path, progress: Any) -> dict[str, Any]:
        progress(0.1)
        match how:
            case "slow":
                for step in range(100_000):
                    progress(0.1 + step / 200_000)
                    time.sleep(0.02)
            case "deaf":
                time.sleep(3_600)
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "greedy":
                raise MemoryError
            case "fault":
                raise ZeroDivisionError("division by zero")
        return {}

    failures = Failures()
    jobs = batch.plan(inputs, output, (".png",), lambda p: p.name, failures)
    result(batch.run(jobs, work, failures, force, as_json), as_json, "done")
    failures.exit()
