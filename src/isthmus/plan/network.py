"""A network's plan: its layers with the shapes between them, and its price."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from isthmus.errors import PlanError
from isthmus.plan.layers import Activation, Dropout, Layer, Linear, Norm, Shape


@dataclass(frozen=True)
class NetworkPlan:
    """Layers from ``shapes[0]`` to ``shapes[-1]``; ``linear_start`` adds a straight line beside them."""

    role: str
    """"encoder" or "decoder"."""
    layers: tuple[Layer, ...]
    shapes: tuple[Shape, ...]
    linear_start: Linear | None = None

    @property
    def parameters(self) -> int:
        return sum(layer.parameters(shape) for layer, shape in self.steps) + self._line(
            "parameters"
        )

    @property
    def macs(self) -> int:
        return sum(layer.macs(shape) for layer, shape in self.steps) + self._line("macs")

    @property
    def steps(self) -> list[tuple[Layer, Shape]]:
        """Each layer with the shape that enters it."""
        return list(zip(self.layers, self.shapes, strict=False))

    def _line(self, what: str) -> int:
        if self.linear_start is None:
            return 0
        flat = 1
        for side in self.shapes[0]:
            flat *= side
        return int(getattr(self.linear_start, what)((flat,)))


def chain(
    role: str, layers: Iterable[Layer], shape: Shape, linear_start: Linear | None = None
) -> NetworkPlan:
    """Run the shape arithmetic through the layers; PlanError names the network and the layer."""
    listed = tuple(layers)
    shapes = [shape]
    for number, layer in enumerate(listed):
        try:
            shapes.append(layer.output_shape(shapes[-1]))
        except PlanError as error:
            where = (
                f"layer {layer.spec_index + 1}" if layer.spec_index >= 0 else f"step {number + 1}"
            )
            raise PlanError(f"{role}, {where}: {error}", role, layer.spec_index) from None
    return NetworkPlan(role, listed, tuple(shapes), linear_start)


def finish(index: int, norm: str, activation: str, dropout: float) -> list[Layer]:
    """What follows a weighted layer: normalisation, bend, dropout, each only if asked for."""
    layers: list[Layer] = []
    if norm != "none":
        layers.append(Norm(index, norm))
    if activation != "none":
        layers.append(Activation(index, activation))
    if dropout > 0:
        layers.append(Dropout(index, dropout))
    return layers


def at(layer: Layer, index: int) -> Layer:
    """The same layer, said to come from another entry of the recipe's list."""
    return replace(layer, spec_index=index)
