"""A task as the page draws it: its title, the files it takes, its options, what comes back.

A task names a verb of the command line. Types, bounds, defaults and helps of its options are the verb's
own (``click``), said once there; the description adds what a page needs. Values that come back from the
page are checked against the same bounds and become the verb's arguments.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

import click

from isthmus.studio.refusals import Refusal

Kind = Literal["picture", "sound", "table", "isth"]
Control = Literal["auto", "number", "points", "mask", "file", "column", "also"]
_LONGEST_TEXT = 200
_MOST_POINTS = 200


@dataclass(frozen=True)
class Option:
    """One option of a verb.

    ``name`` is the verb's parameter. ``control`` is ``auto`` (from its type) or what the page must offer:
    a ``number`` to be typed where a slider would be too coarse,
    ``points`` of colour set by clicking, a ``mask`` painted with a brush, another ``file`` of the kind
    ``takes``, a ``column`` of the table, ``also`` for a switch that asks for a second result, which the
    verb writes to a path. Options of one ``group`` exclude each other; the first is the usual choice.
    """

    name: str
    title: str
    control: Control = "auto"
    help: str = ""
    start: Any = None
    """What the page begins with where the verb itself has no default."""
    least: float | None = None
    most: float | None = None
    step: float | None = None
    unit: str = ""
    group: str = ""
    takes: Kind = "picture"
    needs: tuple[str, ...] = ()
    """Suffixes of results for which this option matters; shown for all files if empty."""
    together: bool = False
    """Whether files are given to the verb all at once when this is set."""


@dataclass(frozen=True)
class Task:
    """One thing that can be done with files. ``named`` is put behind the names of results."""

    name: str
    verb: str
    title: str
    help: str
    takes: tuple[Kind, ...]
    gives: Kind
    icon: str
    order: int
    named: str = ""
    models: tuple[str, ...] = ()
    """Shipped models it needs: without one of them the task is not offered."""
    options: tuple[Option, ...] = ()
    always: tuple[str, ...] = ()
    """Arguments that are always given."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """Group -> its title."""
    note: str = ""
    """What a person should know before using it."""

    def command(self) -> click.Command | None:
        """The verb, or None where this Isthmus has none of that name."""
        from isthmus.cli import VERBS

        if self.verb not in VERBS:
            return None
        module = import_module(f"isthmus.cli.{self.verb}")
        command: click.Command = getattr(module, self.verb)
        return command

    def offered(self) -> bool:
        """Whether it can be done here: the verb is there and a model that it needs ships."""
        from isthmus.models import names

        shipped = names()
        return self.command() is not None and (
            not self.models or any(model in shipped for model in self.models)
        )

    def fields(self) -> list[tuple[Option, click.Option]]:
        """The options that the verb has."""
        command = self.command()
        found = (
            {p.name: p for p in command.params if isinstance(p, click.Option)} if command else {}
        )
        return [(option, found[option.name]) for option in self.options if option.name in found]

    def titles(self) -> dict[str, str]:
        """Flag -> what the page calls it, for messages that name flags."""
        return {flag_of(parameter): option.title for option, parameter in self.fields()}

    def to_json(self) -> dict[str, Any]:
        """The description as the page reads it."""
        return {
            "name": self.name, "verb": self.verb, "title": self.title, "help": self.help,
            "takes": list(self.takes), "gives": self.gives, "icon": self.icon, "note": self.note,
            "groups": [
                {"name": name, "title": title} for name, title in self.groups.items()
            ],
            "options": [_shown(option, parameter) for option, parameter in self.fields()],
        }  # fmt: skip


def tasks() -> list[Task]:
    """Every task that is offered, in order: one module of ``apply/tasks`` each, found by looking."""
    import pkgutil

    from isthmus.studio.apply import tasks as room

    found = [
        import_module(f"{room.__name__}.{module.name}").TASK
        for module in pkgutil.iter_modules(room.__path__)
    ]
    return sorted((task for task in found if task.offered()), key=lambda task: task.order)


def flag_of(parameter: click.Option) -> str:
    """An option as it is spelled in full."""
    return next(name for name in parameter.opts if name.startswith("--"))


def _shown(option: Option, parameter: click.Option) -> dict[str, Any]:
    kind = parameter.type
    control: str = option.control
    least, most = _bounds(option, parameter)
    if control == "auto":
        if parameter.is_flag:
            control = "flag"
        elif isinstance(kind, click.Choice):
            control = "choice"
        elif isinstance(kind, click.types.IntParamType | click.types.FloatParamType):
            control = "number" if least is None or most is None else "range"
        else:
            control = "text"
    whole = isinstance(kind, click.types.IntParamType)
    return {
        "name": option.name, "title": option.title, "control": control,
        "help": option.help or str(parameter.help or "").partition("  [default")[0],
        "default": _default(option, parameter), "least": least, "most": most,
        "step": option.step or (1 if whole else None), "whole": whole, "unit": option.unit,
        "choices": list(kind.choices) if isinstance(kind, click.Choice) else [],
        "group": option.group, "takes": option.takes, "needs": list(option.needs),
        "together": option.together,
    }  # fmt: skip


def _default(option: Option, parameter: click.Option) -> Any:
    """What the page begins with: the description's start, else the verb's default; None for none."""
    if option.start is not None:
        return option.start
    if parameter.is_flag:
        return False
    value = parameter.default
    plain = isinstance(value, bool | int | float | str)
    return value if plain and not parameter.multiple else None


def _bounds(option: Option, parameter: click.Option) -> tuple[float | None, float | None]:
    kind = parameter.type
    ranged = isinstance(kind, click.IntRange | click.FloatRange)
    least = option.least if option.least is not None else (kind.min if ranged else None)  # type: ignore[attr-defined]
    most = option.most if option.most is not None else (kind.max if ranged else None)  # type: ignore[attr-defined]
    return least, most


# --- from the page's values to arguments --------------------------------------------------------


@dataclass(frozen=True)
class Arguments:
    """What the worker is told: plain ``words``; ``files`` (flag -> id of an upload); ``also`` flags."""

    words: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    masks: tuple[str, ...] = ()
    """Those of ``files`` that are masks, and are made as large as their picture."""
    also: tuple[str, ...] = ()


def arguments(task: Task, values: Mapping[str, Any]) -> Arguments:
    """Values of options, as the page sends them, to arguments. Raises Refusal that names the option."""
    known = {option.name: (option, parameter) for option, parameter in task.fields()}
    for name in values:
        if name not in known:
            raise Refusal(400, "bad_request", f"{task.title} has no option {str(name)[:40]!r}")
    words: list[str] = []
    files: dict[str, str] = {}
    masks: list[str] = []
    also: list[str] = []
    grouped: dict[str, str] = {}
    for name, value in values.items():
        option, parameter = known[name]
        if value is None or value is False or value == "" or value == []:
            continue
        if option.group:
            if option.group in grouped:
                text = f"{grouped[option.group]} and {option.title} exclude each other"
                raise Refusal(400, "bad_request", text)
            grouped[option.group] = option.title
        # The long spelling with "=": no value can become another option.
        flag = flag_of(parameter)
        match option.control:
            case "points":
                words += [f"{flag}={text}" for text in _points(option, value)]
            case "mask" | "file":
                files[flag] = _text(option, value)
                if option.control == "mask":
                    masks.append(flag)
            case "also":
                also.append(flag)
            case _ if parameter.is_flag:
                if value is not True:
                    raise _wrong(option, "must be true or false")
                words.append(flag)
            case _:
                words.append(f"{flag}={_word(option, parameter, value)}")
    return Arguments((*task.always, *words), files, tuple(masks), tuple(also))


def _word(option: Option, parameter: click.Option, value: Any) -> str:
    kind = parameter.type
    if isinstance(kind, click.types.IntParamType | click.types.FloatParamType):
        return _number(option, parameter, value)
    text = _text(option, str(value) if isinstance(value, int | float) else value)
    if isinstance(kind, click.Choice) and text not in kind.choices:
        raise _wrong(option, f"must be one of {', '.join(kind.choices)}")
    return text


def _number(option: Option, parameter: click.Option, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _wrong(option, "must be a number")
    whole = isinstance(parameter.type, click.types.IntParamType)
    if whole and value != int(value):
        raise _wrong(option, "must be a whole number")
    least, most = _bounds(option, parameter)
    if (least is not None and value < least) or (most is not None and value > most):
        span = f"from {least:g} to {most:g}" if most is not None else f"{least:g} or more"
        raise _wrong(option, f"must be {span}; got {value:g}")
    return str(int(value)) if whole else repr(float(value))


def _points(option: Option, value: Any) -> list[str]:
    """[{x, y, colour}] in pixels of the upright picture to ``X,Y,#RRGGBB``."""
    if not isinstance(value, list) or len(value) > _MOST_POINTS:
        raise _wrong(option, f"must be a list of at most {_MOST_POINTS}")
    made = []
    for point in value:
        try:
            x, y, colour = int(point["x"]), int(point["y"]), str(point["colour"])
            good = len(colour) == 7 and colour[0] == "#" and int(colour[1:], 16) >= 0
        except (KeyError, TypeError, ValueError, OverflowError):
            good = False
        if not good or not (0 <= x < 100_000 and 0 <= y < 100_000) or not colour[1:].isalnum():
            raise _wrong(option, "must be places x, y with a colour like #ff8800")
        made.append(f"{x},{y},{colour}")
    return made


def _text(option: Option, value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or not value.isprintable():
        raise _wrong(option, f"must be a text of at most {_LONGEST_TEXT} characters")
    return value


def _wrong(option: Option, what: str) -> Refusal:
    return Refusal(400, "bad_request", f"{option.title}: {what}")
