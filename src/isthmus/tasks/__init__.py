"""Tasks: one module a kind, named as the kind, with a class ``Application``."""

from __future__ import annotations

from importlib import import_module

from isthmus.recipe import TaskSpec
from isthmus.tasks.base import Pair as Pair
from isthmus.tasks.base import Task as Task


def build_task(spec: TaskSpec) -> Task:
    """The task of a recipe's spec."""
    made: Task = import_module(f"isthmus.tasks.{spec.kind}").Application(spec)
    return made
