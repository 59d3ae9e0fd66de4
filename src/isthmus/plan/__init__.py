"""From a recipe alone, without torch: the shape, the weights and the work of every layer.

    plan(Recipe.load("digits"), (1, 28, 28)).table()

The Studio asks for this at every edit; ``isthmus.networks`` builds the modules from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from isthmus.errors import PlanError
from isthmus.plan import bands, conv, dense, recurrent, residual, ushape
from isthmus.plan.bottleneck import BottleneckPlan as BottleneckPlan
from isthmus.plan.bottleneck import bottleneck
from isthmus.plan.layers import Keep, Layer, Linear, Shape
from isthmus.plan.network import NetworkPlan as NetworkPlan
from isthmus.plan.network import chain
from isthmus.recipe import (
    Bands,
    Conv,
    Dense,
    Mirror,
    Recipe,
    Recurrent,
    Residual,
    Temporal,
    UShape,
)


@dataclass(frozen=True)
class Plan:
    """The hourglass: encoder, bottleneck, decoder, with warnings a person should see."""

    item: Shape
    encoder: NetworkPlan
    bottleneck: BottleneckPlan
    decoder: NetworkPlan
    warnings: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """All trained numbers."""
        return self.encoder.parameters + self.bottleneck.parameters + self.decoder.parameters

    @property
    def macs(self) -> int:
        """Multiply-adds to encode and decode one item."""
        return self.encoder.macs + self.bottleneck.macs + self.decoder.macs

    @property
    def skips(self) -> bool:
        """Whether paths go round the bottleneck: then the code alone does not rebuild the item."""
        return any(isinstance(layer, Keep) for layer in self.encoder.layers)

    @property
    def ratio(self) -> float:
        """Numbers in the item for each number in the code."""
        return math.prod(self.item) / self.bottleneck.numbers

    def table(self) -> list[dict[str, Any]]:
        """One JSON-able row a step: network, layer, input and output shape, parameters, macs."""
        rows: list[dict[str, Any]] = []
        for network in (self.encoder, self.decoder):
            for (layer, shape), after in zip(network.steps, network.shapes[1:], strict=True):
                rows.append(_row(network.role, layer, shape, after))
            if network.linear_start is not None:
                flat = (math.prod(network.shapes[0]),)
                rows.append(_row(network.role, network.linear_start, flat, network.shapes[-1]))
                rows[-1]["layer"] = "linear start"
            if network.role == "encoder":
                rows.append(
                    {
                        "network": "bottleneck",
                        "layer": self.bottleneck.kind,
                        "index": -1,
                        "input": list(self.bottleneck.latent),
                        "output": list(self.bottleneck.code),
                        "parameters": self.bottleneck.parameters,
                        "macs": self.bottleneck.macs,
                    }
                )
        return rows


def _row(role: str, layer: Layer, shape: Shape, after: Shape) -> dict[str, Any]:
    return {
        "network": role,
        "layer": type(layer).__name__,
        "index": layer.spec_index,
        "input": list(shape),
        "output": list(after),
        "parameters": layer.parameters(shape),
        "macs": layer.macs(shape),
    }


def plan(recipe: Recipe, item: Shape) -> Plan:
    """The plan of a recipe for items of shape ``item``. Raises PlanError at the layer that does not fit."""
    if not item or any(side < 1 for side in item) or len(item) > 3:
        raise PlanError(
            f"items must be (features,), (channels, steps) or (channels, height, width); got {item}"
        )
    view = recipe.task.view(item)
    narrow = bottleneck(recipe.bottleneck, _grid(recipe, view))
    into = chain(
        "encoder",
        _encoder(recipe.encoder, view, narrow.latent),
        view,
        _line(recipe.encoder, narrow.latent),
    )
    raw = recipe.task.raw(item)
    spec = recipe.encoder if isinstance(recipe.decoder, Mirror) else recipe.decoder
    out = chain("decoder", _decoder(spec, recipe, narrow, item, raw), narrow.code, _line(spec, raw))
    return Plan(item, into, narrow, out, _warnings(item, narrow))


def _grid(recipe: Recipe, item: Shape) -> Shape:
    if not recipe.bottleneck.spatial:
        return ()
    match recipe.encoder:
        case Conv():
            return conv.grid_after(recipe.encoder, item)[1:]
        case Residual() | Temporal():
            return residual.grid_after(recipe.encoder, item)[1:]
        case UShape():
            return ushape.grid_after(recipe.encoder, item)[1:]
        case Bands():
            return bands.grid_after(recipe.encoder, item)
        case _:
            raise PlanError(
                f"bottleneck: a spatial code needs a convolutional encoder; got {recipe.encoder.kind!r}",
                "bottleneck",
            )


def _encoder(
    spec: Dense | Conv | Residual | Temporal | Recurrent | UShape | Bands,
    item: Shape,
    latent: Shape,
) -> list[Layer]:
    match spec:
        case Dense():
            return dense.encoder(spec, item, latent)
        case Conv():
            return conv.encoder(spec, item, latent)
        case Residual() | Temporal():
            return residual.encoder(spec, item, latent)
        case Recurrent():
            return recurrent.encoder(spec, item, latent)
        case UShape():
            return ushape.encoder(spec, item, latent)
        case Bands():
            return bands.encoder(spec, item, latent)


def _decoder(
    spec: Dense | Conv | Residual | Temporal | Recurrent | UShape | Bands,
    recipe: Recipe,
    narrow: BottleneckPlan,
    item: Shape,
    raw: Shape,
) -> list[Layer]:
    match spec:
        case Dense():
            if spec.tied and (narrow.latent != narrow.code or raw != item):
                raise PlanError(
                    "decoder: tied weights need one latent per code number and one output per value",
                    "decoder",
                )
            return dense.decoder(spec, item, raw, recipe.encoder)
        case Conv():
            return conv.decoder(spec, narrow.code, item, raw)
        case Residual() | Temporal():
            return residual.decoder(spec, narrow.code, item, raw)
        case Recurrent():
            if len(narrow.code) > 1:
                raise PlanError(
                    "decoder: a recurrent network cannot start from a spatial code", "decoder"
                )
            return recurrent.decoder(spec, item, raw)
        case UShape():
            return ushape.decoder(spec, narrow.code, raw, recipe.task.view(item))
        case Bands():
            return bands.decoder(spec, narrow.code, recipe.task.view(item), raw)


def _line(
    spec: Dense | Conv | Residual | Temporal | Recurrent | UShape | Bands, outputs: Shape
) -> Linear | None:
    if isinstance(spec, UShape | Bands) or spec.start != "pca":
        return None
    return Linear(outputs=math.prod(outputs))


def _warnings(item: Shape, narrow: BottleneckPlan) -> tuple[str, ...]:
    numbers = math.prod(item)
    if narrow.numbers >= numbers and narrow.kind in {"plain", "contractive"}:
        return (
            f"the bottleneck holds {narrow.numbers} numbers and the item only {numbers}: "
            "nothing is squeezed, so the network may simply copy",
        )
    return ()
