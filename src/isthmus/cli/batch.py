"""Many inputs to many outputs: which files, what they become, what is done already, how far we are."""

from __future__ import annotations

import glob
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from isthmus.cli.common import Failures, clock
from isthmus.errors import DataError, IsthmusError
from isthmus.files import replacing

_watchers: list[Callable[[int, float], None]] = []


@contextmanager
def watched(told: Callable[[int, float], None]) -> Iterator[None]:
    """While this lasts ``told`` hears how far every batch is: files done, share (0..1) of the next one.

    What it raises ends the batch (the file in hand leaves nothing behind).
    """
    _watchers.append(told)
    try:
        yield
    finally:
        _watchers.remove(told)


@dataclass(frozen=True)
class Job:
    """One input and the file it becomes."""

    source: Path
    output: Path


def plan(
    inputs: Sequence[str],
    output: Path,
    suffixes: Sequence[str],
    rename: Callable[[Path], str],
    failures: Failures,
) -> list[Job]:
    """What is to be made of files, folders (with all that is in them) and globs.

    ``output`` is a file for one input that is a file, else a folder; folders keep their structure,
    files their stem. ``rename`` gives an output its name. Inputs that cannot be are failures.
    """
    found: list[tuple[Path, Path]] = []  # (file, place in the output folder)
    for text in inputs:
        place = Path(text)
        if place.is_dir():
            held = [
                p
                for p in sorted(place.rglob("*"))
                if p.is_file()
                and p.suffix.lower() in suffixes
                and not any(part.startswith(".") for part in p.relative_to(place).parts)
            ]
            if not held:
                failures.add(text, DataError(f"{text}: holds no files that can be read here"))
            found += [(p, p.relative_to(place)) for p in held]
        elif place.exists():
            found.append((place, Path(place.name)))
        else:
            # Path.glob takes no absolute patterns.
            matches = sorted(Path(p) for p in glob.glob(text, recursive=True))  # noqa: PTH207
            matches = [p for p in matches if p.is_file()]
            if not matches:
                failures.add(text, DataError(f"{text}: no such file or folder"))
            found += [(p, Path(p.name)) for p in matches]
    one = len(inputs) == 1 and len(found) == 1 and found[0][0] == Path(inputs[0])
    if one and not output.is_dir() and output.suffix:
        return _apart([Job(found[0][0], output)], failures)
    if output.is_file():
        raise click.UsageError(f"-o {output}: is a file; for several inputs it must be a folder")
    return _apart([Job(p, output / at.parent / rename(at)) for p, at in found], failures)


def _apart(jobs: list[Job], failures: Failures) -> list[Job]:
    """Jobs whose outputs are neither inputs nor each other's."""
    sources = {job.source.resolve() for job in jobs}
    taken: dict[Path, Path] = {}
    kept = []
    for job in jobs:
        place = job.output.resolve()
        if place in sources:
            failures.add(
                job.source,
                DataError(f"{job.source}: the output {job.output} is an input; choose another -o"),
            )
        elif place in taken:
            failures.add(
                job.source,
                DataError(
                    f"{job.source}: would become {job.output}, as {taken[place]} does; "
                    "give one of them another name"
                ),
            )
        else:
            taken[place] = job.source
            kept.append(job)
    return kept


def run(
    jobs: list[Job],
    work: Callable[[Job, Path, Callable[[float], None]], dict[str, Any]],
    failures: Failures,
    force: bool,
    as_json: bool,
) -> dict[str, Any]:
    """Do every job that is not done: ``work(job, temporary, progress)`` writes the temporary file.

    One that fails is named, the others are done. With ``as_json`` a line of JSON for each. Returns
    what was done in all.
    """
    began = time.perf_counter()
    made = skipped = 0
    with _Bar(len(jobs)) as bar:
        for job in jobs:
            bar.begin(job)
            if job.output.exists() and not force:
                skipped += 1
                bar.end(f"skipped {job.source}: {job.output} exists (--force makes it again)")
                continue
            try:
                with replacing(job.output) as temporary:
                    said = work(job, temporary, bar.move)
            except IsthmusError as error:
                failures.add(job.source, error)
            except OSError as error:
                reason = error.strerror or str(error) or type(error).__name__
                failures.add(job.source, DataError(f"{job.output}: cannot be written ({reason})"))
            except MemoryError:
                failures.add(job.source, DataError(f"{job.source}: does not fit in memory"))
            else:
                made += 1
                if as_json:
                    line = {"input": str(job.source), "output": str(job.output), **said}
                    print(json.dumps(line), flush=True)
                bar.end(f"{job.output}  {said.get('text', '')}".rstrip())
    seconds = round(time.perf_counter() - began, 2)
    return {"done": made, "skipped": skipped, "failed": failures.count, "seconds": seconds}


class _Bar:
    """Files done and the time left, on a terminal; a line a file elsewhere."""

    def __init__(self, count: int) -> None:
        self.console = Console(file=sys.stderr, highlight=False)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.count = count
        self.done = 0
        self.began = time.perf_counter()
        self.task = self.progress.add_task("", total=count, left="")

    def __enter__(self) -> _Bar:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def begin(self, job: Job) -> None:
        name = job.source.name
        short = name if len(name) <= 32 else f"{name[:15]}…{name[-16:]}"
        self.progress.update(self.task, description=short.replace("[", "\\["))
        self.move(0.0)

    def move(self, share: float) -> None:
        """``share`` (0..1) of the current file is done."""
        for told in _watchers:
            told(self.done, share)
        done = self.done + share
        spent = time.perf_counter() - self.began
        left = f"{clock(spent * (self.count - done) / done)} left" if done > 0 else ""
        self.progress.update(self.task, completed=round(done, 3), left=left)

    def end(self, text: str) -> None:
        self.done += 1
        self.progress.update(self.task, completed=self.done)
        self.console.print(text, markup=False, soft_wrap=True)


def summary(tree: dict[str, Any]) -> str:
    """What was done, for a person."""
    parts = [f"{tree['done']} done"]
    parts += [f"{tree[name]} {name}" for name in ("skipped", "failed") if tree[name]]
    return f"{', '.join(parts)} in {clock(tree['seconds'])}"
