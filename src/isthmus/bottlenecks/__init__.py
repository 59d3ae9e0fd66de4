"""Bottlenecks: one module a kind, named as the kind, with a class ``Module``."""

from __future__ import annotations

from importlib import import_module

from isthmus.bottlenecks.base import Bottleneck as Bottleneck
from isthmus.bottlenecks.base import Code as Code
from isthmus.plan import BottleneckPlan
from isthmus.recipe import BottleneckSpec


def build_bottleneck(spec: BottleneckSpec, plan: BottleneckPlan) -> Bottleneck:
    """The module of a bottleneck's spec."""
    module = import_module(f"isthmus.bottlenecks.{spec.kind}")
    made: Bottleneck = module.Module(spec, plan.code)
    return made
