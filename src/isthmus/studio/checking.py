"""A recipe's arithmetic for the page: every layer's shape and price, and what does not fit. No torch."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any

from isthmus.datasets.named import is_here
from isthmus.datasets.registry import REGISTRY
from isthmus.errors import PlanError
from isthmus.plan import Plan, plan
from isthmus.recipe import FiniteScalar, Named, Recipe, VectorQuantized
from isthmus.studio import graph, spelling
from isthmus.studio.faults import Fault, Faulty, of_plan

Shapes = Mapping[str, tuple[int, ...]]
"""Own files that runs here were trained on -> the shape of one item."""


def check(recipe: Recipe, own: Shapes) -> dict[str, Any]:
    """Everything the Lab shows of a recipe."""
    tree: dict[str, Any] = {
        "recipe": recipe.model_dump(mode="json"),
        "hash": recipe.hash,
        "here": _is_here(recipe),
        "spellings": spelling.spell(recipe),
        "layers": [],
        "warnings": [],
    }
    try:
        item = item_of(recipe, own)
        tree["here"] = tree["here"] or not isinstance(recipe.data, Named)
        planned = plan(recipe, item)
    except PlanError as error:
        return {**tree, "ok": False, "faults": [of_plan(error).to_json()]}
    except Faulty as error:
        return refused(error) | tree | {"ok": False}
    return {
        **tree,
        "ok": True,
        "faults": [],
        "layers": rows(planned),
        "warnings": list(planned.warnings),
        "skips": planned.skips,
        **figures(recipe, planned),
    }


def refused(error: Faulty) -> dict[str, Any]:
    """The answer where there is no recipe at all."""
    return {
        "ok": False, "recipe": None, "spellings": None, "layers": [], "warnings": [],
        "faults": [fault.to_json() for fault in error.faults],
    }  # fmt: skip


def figures(recipe: Recipe, planned: Plan) -> dict[str, Any]:
    """A plan's size in numbers."""
    return {
        "item": list(planned.item),
        "code": list(planned.bottleneck.code),
        "numbers": planned.bottleneck.numbers,
        "ratio": round(planned.ratio, 4),
        "bits": bits(recipe, planned),
        "parameters": planned.parameters,
        "macs": planned.macs,
        "lite": graph.fits(planned),
    }


def bits(recipe: Recipe, planned: Plan) -> float | None:
    """Bits of an item's code where it is made of words or levels; None for real numbers."""
    narrow = recipe.bottleneck
    points = math.prod(planned.bottleneck.code[1:])
    if isinstance(narrow, VectorQuantized):
        return points * narrow.groups * narrow.levels * math.log2(narrow.codebook)
    if isinstance(narrow, FiniteScalar):
        return planned.bottleneck.numbers * math.log2(narrow.levels)
    return None


def item_of(recipe: Recipe, own: Shapes) -> tuple[int, ...]:
    """The shape of one item, without reading any file. Raises Faulty."""
    data = recipe.data
    if isinstance(data, Named):
        if data.name in REGISTRY:
            return REGISTRY[data.name].shape
        close = difflib.get_close_matches(data.name, REGISTRY, 1, 0.4)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(REGISTRY)}"
        raise Faulty(Fault(f"no data set named {data.name!r}; {hint}", key="data.name"))
    if data.path in own:
        return own[data.path]
    raise Faulty(
        Fault(
            "own files are trained on from the command line: isthmus train RECIPE --data PATH "
            "(the run then appears here)",
            key="data.path",
        )
    )


def _is_here(recipe: Recipe) -> bool:
    data = recipe.data
    return isinstance(data, Named) and data.name in REGISTRY and is_here(REGISTRY[data.name])


def rows(planned: Plan) -> list[dict[str, Any]]:
    """The plan's table with what the picture of a layer needs."""
    table = planned.table()
    layers = [*planned.encoder.layers, *planned.decoder.layers]
    own = (
        row for row in table if row["network"] != "bottleneck" and row["layer"] != "linear start"
    )
    for row, layer in zip(own, layers, strict=True):
        for name in ("kernel", "stride", "factor", "name", "how", "share"):
            if hasattr(layer, name):
                row[name] = getattr(layer, name)
    return table
