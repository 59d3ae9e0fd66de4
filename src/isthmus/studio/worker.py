"""The process that trains one run, or makes maps and comparisons: orders on stdin, messages on stdout.

    python -m isthmus.studio.worker

Both are lines of JSON. A training's messages are the library's own events, as ``isthmus train --json``
prints them, each with its line number in ``events.jsonl``. When stdin closes, the server is gone: what
was learnt is kept and the process ends.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isthmus.studio.live import Live
    from isthmus.training.fitting import Fit
    from isthmus.training.loop import Control

_NICE = 5
_MEMORY_SHARE = 0.75
_OUT_OF_MEMORY = (
    "there was not enough memory; use a smaller batch, fewer items or a smaller network"
)


class Desk:
    """What the server has ordered; filled by a thread of its own, read between steps."""

    def __init__(self, orders: IO[str]) -> None:
        self.changed = threading.Condition()
        self.waiting: deque[dict[str, Any]] = deque()
        self.wanted: set[str] = set()
        self.cancelled: set[str] = set()
        self.steps = 0
        self.paused = False
        self.unanswered = False
        self.stopped = False
        self.gone = False
        self.control: Control | None = None
        threading.Thread(target=self._listen, args=(orders,), daemon=True).start()

    def _listen(self, orders: IO[str]) -> None:
        for line in orders:
            with suppress(ValueError, KeyError), self.changed:
                self._take(json.loads(line))
                self.changed.notify_all()
        with self.changed:
            self.gone = self.stopped = True
            self._tell()
            self.changed.notify_all()

    def _take(self, order: dict[str, Any]) -> None:
        match order["do"]:
            case "pause":
                self.paused = self.unanswered = True
            case "go":
                self.paused = self.unanswered = False
            case "step":
                self.steps += 1
            case "stop":
                self.stopped = True
            case "weights" | "codes" as what:
                self.wanted.add(what)
            case "cancel":
                self.cancelled.add(order["job"])
            case _:
                self.waiting.append(order)
        self._tell()

    def _tell(self) -> None:
        if self.control is not None:
            self.control.paused = self.paused
            if self.stopped:
                self.control.stop()

    def attach(self, control: Control) -> None:
        """The training that hears orders from now on, those given before it too."""
        with self.changed:
            self.control = control
            self._tell()

    def owes_a_pause(self) -> bool:
        """Whether a pause was asked for that nobody has heard of yet; from now on it is told."""
        with self.changed:
            owed, self.unanswered = self.unanswered, False
            return owed

    def next(self) -> dict[str, Any] | None:
        """Wait for the next task; None once the server is gone."""
        with self.changed:
            while not self.waiting and not self.gone:
                self.changed.wait()
            return self.waiting.popleft() if self.waiting and not self.gone else None


class Speaker:
    """Lines of JSON to the server; into the void once it is gone."""

    def __init__(self) -> None:
        # Nothing else may write between the lines: what prints, prints to stderr.
        self._out: IO[str] | None = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def say(self, kind: str, **fields: Any) -> None:
        """One message."""
        self.raw(json.dumps({"kind": kind, **fields}))

    def raw(self, line: str) -> None:
        if self._out is None:
            return
        try:
            self._out.write(line + "\n")
            self._out.flush()
        except (OSError, ValueError):
            self._out = None


def main() -> None:
    """Load torch, say so, and do what is asked until there is nobody to ask."""
    speaker, desk = Speaker(), Desk(sys.stdin)
    _bound_memory()
    import isthmus.training  # noqa: F401
    from isthmus.training import machine

    machine.probe()
    speaker.say("ready")
    while (order := desk.next()) is not None:
        if order["do"] in ("train", "job"):
            _yield()
        if order["do"] == "train":
            _guarded(speaker, order, lambda order: train(order, desk, speaker))
            return
        doing = {"look": look, "apply": apply}.get(order["do"], job)
        _guarded(speaker, order, lambda order: doing(order, desk, speaker))  # noqa: B023


def _yield() -> None:
    """Before whom a person waits for: a training has time, files on the Apply page and loading torch have none."""
    if sys.platform == "win32":
        return
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, max(_NICE, os.getpriority(os.PRIO_PROCESS, 0)))


def _guarded(speaker: Speaker, order: dict[str, Any], work: Any) -> None:
    """Do it; say in words why it could not be done."""
    try:
        work(order)
    except Exception as error:
        message = _in_words(error)
        if order["do"] == "train":
            speaker.say("fault", message=message)
        else:
            speaker.say("job", job=order["job"], state="failed", message=message)


def _in_words(error: Exception) -> str:
    from isthmus.errors import IsthmusError

    text = str(error).strip().partition("\n")[0]
    if isinstance(error, IsthmusError):
        return str(error)
    if isinstance(error, MemoryError) or "allocate memory" in text or _memory_is_used_up():
        return _OUT_OF_MEMORY
    if isinstance(error, OSError):
        return text
    traceback.print_exc()
    return f"a fault of Isthmus ({type(error).__name__}: {text})"


def _memory_is_used_up() -> bool:
    """Whether little is left of what this process may use: then errors of every kind are to be expected."""
    if sys.platform != "linux":
        return False
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmData:") and limit > 0:
            return int(line.split()[1]) * 1024 > 0.7 * limit
    return False


# --- training -------------------------------------------------------------------------------------


def train(order: dict[str, Any], desk: Desk, speaker: Speaker) -> None:
    """Train the run in ``order["folder"]`` by its own recipe, from its checkpoint if it is resumed."""
    from isthmus.recipe import Recipe
    from isthmus.studio.live import Live
    from isthmus.training import fit

    folder = Path(order["folder"])
    recipe = Recipe.load(folder / "recipe.toml")
    with fit(recipe, output=folder, resume=order["resume"], force=True) as fitting:
        desk.attach(fitting.control)
        number = _lines(folder / "events.jsonl")
        live = Live(fitting, {"weights": Path(order["weights"]), "codes": Path(order["codes"])})
        resting = expected = False
        for event in fitting:
            number += 1
            speaker.raw(f'{{"kind": "event", "n": {number}, "event": {event.to_json()}}}')
            if event.kind == "checkpointed" and desk.gone:
                return  # what was learnt is kept; figures and a report can wait for a resumption
            if event.kind == "checkpointed" and desk.stopped:
                speaker.say("ending")
            _look(desk, live, speaker)
            if fitting.control.paused and not resting:
                # A checkpoint comes first; not where one pause follows another at once.
                resting = event.kind == "checkpointed" or (event.kind == "progress" and expected)
                expected = expected or event.kind == "progress"
                if resting:
                    expected = False
                    desk.owes_a_pause()
                    speaker.say("paused")
            if resting and event.kind in {"checkpointed", "progress"}:
                resting = _rest(desk, fitting, live, speaker)


def _look(desk: Desk, live: Live, speaker: Speaker) -> None:
    """Leave the present weights or codes where somebody asked for them."""
    with desk.changed:
        wanted, desk.wanted = desk.wanted, set()
    for what in sorted(wanted):
        speaker.say(what, step=live.leave(what))


def _rest(desk: Desk, fitting: Fit, live: Live, speaker: Speaker) -> bool:
    """Wait until the training may go on; True while only a single step was asked for."""
    began = time.perf_counter()
    while True:
        _look(desk, live, speaker)
        if desk.owes_a_pause():
            # "Go" and the next "pause" came before this thread woke: it has never left its rest.
            speaker.say("paused")
        with desk.changed:
            if desk.stopped or not desk.paused:
                still = False
                break
            if desk.steps:
                desk.steps -= 1
                still = True
                break
            if not (desk.wanted or desk.unanswered):
                desk.changed.wait(1.0)
    fitting.control.rested += time.perf_counter() - began
    return still


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


# --- jobs -----------------------------------------------------------------------------------------


def job(order: dict[str, Any], desk: Desk, speaker: Speaker) -> None:
    """Make one answer and say when it is there."""
    from isthmus.studio import jobs

    def share(done: float) -> None:
        speaker.say("job", job=order["job"], state="working", share=round(done, 3))

    jobs.make(order, share)
    speaker.say("job", job=order["job"], state="done", share=1.0)


# --- the Apply page -------------------------------------------------------------------------------


def look(order: dict[str, Any], desk: Desk, speaker: Speaker) -> None:
    """Look into a file that was dropped on the page."""
    from isthmus.errors import IsthmusError
    from isthmus.studio.apply import looks

    try:
        found = looks.look(order)
    except IsthmusError as error:
        found = {"message": str(error).replace(order["path"], order["label"])}
    speaker.say("looked", job=order["job"], state="done", **found)


def apply(order: dict[str, Any], desk: Desk, speaker: Speaker) -> None:
    """Do with files what the page asks for."""
    from isthmus.studio.apply import work

    name = order["job"]

    def say(done: float) -> None:
        speaker.say("job", job=name, state="working", share=done)

    with work.guarded(speaker.say, name):
        share = work.shares(say, lambda: name in desk.cancelled or desk.gone)
        made = work.apply(order, share)
        speaker.say("applied", job=name, state="done", outcomes=made)


def _bound_memory() -> None:
    """A network that is too large ends this process, in words, and not the whole machine."""
    if sys.platform == "win32":
        return
    import resource

    try:
        limit = int(os.environ.get("ISTHMUS_STUDIO_MEMORY", "0"))
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        most = limit or int(_MEMORY_SHARE * whole)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    except (ValueError, OSError):
        return


if __name__ == "__main__":
    main()
