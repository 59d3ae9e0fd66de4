"""Events drawn for a person: a bar on a terminal, a line an epoch elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from isthmus.cli.common import clock
from isthmus.training import events as E


class Bar:
    """A context manager; give it every event."""

    def __init__(self) -> None:
        self.console = Console(file=sys.stderr, highlight=False)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[text]}"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.task: TaskID | None = None
        self.validation = ""

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def show(self, event: E.Event) -> None:
        """Draw one event."""
        match event:
            case E.Started():
                self._started(event)
            case E.Progress():
                self._progress(event)
            case E.Evaluated():
                self._evaluated(event)
            case E.Noted():
                self.console.print(f"note: {event.text}", markup=False)
            case _:
                pass

    def _started(self, event: E.Started) -> None:
        shape = "x".join(map(str, event.shape))
        code = "x".join(map(str, event.code))
        threads = event.engine.get("threads")
        self.console.print(
            f"{event.name}: {shape} -> {code} -> {shape}, {event.parameters:,} weights, "
            f"{event.items:,} items, {threads} thread{'s' if threads != 1 else ''}"
            + (f", going on at step {event.resumed_at:,}" if event.resumed_at else ""),
            markup=False,
        )
        for warning in event.warnings:
            self.console.print(f"note: {warning}", markup=False)
        self.task = self.progress.add_task("training", total=event.steps, text="")

    def _progress(self, event: E.Progress) -> None:
        if self.task is None:
            return
        text = (
            f"epoch {event.epoch:.1f}  loss {event.loss:.5f}{self.validation}  "
            f"{event.samples_per_second:,.0f} samples/s  {clock(event.seconds_left)} left"
        )
        # Of a time budget the steps are not known: the time left is the measure.
        share = event.t / max(event.t + event.seconds_left, 1e-9)
        self.progress.update(self.task, completed=share * event.steps, text=text)

    def _evaluated(self, event: E.Evaluated) -> None:
        self.validation = f"  held-out {event.metrics['loss']:.5f}"
        if not self.console.is_terminal:
            self.console.print(
                f"epoch {event.epoch}  {clock(event.t)}  held-out loss {event.metrics['loss']:.5f}  "
                f"PSNR {event.metrics['psnr']:.2f} dB",
                markup=False,
            )
