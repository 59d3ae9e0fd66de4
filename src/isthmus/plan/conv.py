"""Convolutional encoders and decoders, for pictures and sequences of any size."""

from __future__ import annotations

import math

from isthmus.errors import PlanError
from isthmus.plan import layers as L
from isthmus.plan.layers import Layer, Shape
from isthmus.plan.network import chain, finish
from isthmus.recipe import Conv, Residual, Temporal


def grid_of(item: Shape) -> Shape:
    """An item as (channels, grid…): a plain vector is a sequence of one channel."""
    return (1, *item) if len(item) == 1 else item


def encoder(spec: Conv, item: Shape, latent: Shape) -> list[Layer]:
    """Stages of convolutions, each shrinking the grid; then dense layers, or a 1x1 if spatial."""
    return [*_trunk(spec, item), *head(spec, grid_after(spec, item), latent)]


def grid_after(spec: Conv, item: Shape) -> Shape:
    """The shape the last stage leaves: the grid of a spatial code."""
    return chain("encoder", _trunk(spec, item), item).shapes[-1]


def _trunk(spec: Conv, item: Shape) -> list[Layer]:
    layers: list[Layer] = [L.Reshape(shape=grid_of(item))] if len(item) == 1 else []
    for index, channels in enumerate(spec.channels):
        for number in range(spec.convs):
            last = number == spec.convs - 1
            stride = spec.stride if last and spec.down == "stride" else 1
            layers.append(L.Conv(index, channels, spec.kernel, stride))
            layers += finish(index, spec.norm, spec.activation, spec.dropout)
        if spec.down != "stride" and spec.stride > 1:
            layers.append(L.Pool(index, spec.down, spec.stride))
    return layers


def decoder(spec: Conv, code: Shape, item: Shape, raw: Shape) -> list[Layer]:
    """The stages in reverse; every grid grows to exactly the size it had on the way in."""
    channels_out = math.prod(raw) // math.prod(grid_of(item)[1:])
    stages = _stage_shapes(spec, item)
    layers = tail(spec, code, stages[-1])
    for index in reversed(range(len(spec.channels))):
        target = stages[index]
        outputs = spec.channels[index - 1] if index > 0 else channels_out
        bend = finish(index, spec.norm, spec.activation, spec.dropout)
        if spec.down == "stride":
            for number in range(spec.convs - 1):
                layers += [L.Conv(index, spec.channels[index], spec.kernel, 1), *bend]
            layers.append(L.ConvTranspose(index, outputs, spec.kernel, spec.stride, target[1:]))
        else:
            layers.append(L.Upsample(index, target[1:]))
            for number in range(spec.convs - 1):
                layers += [L.Conv(index, spec.channels[index], spec.kernel, 1), *bend]
            layers.append(L.Conv(index, outputs, spec.kernel, 1))
        if index > 0:
            layers += bend
    return [*layers, L.Reshape(shape=raw)] if len(raw) == 1 else layers


def _stage_shapes(spec: Conv, item: Shape) -> list[Shape]:
    """The shape before the first stage and after each."""
    shapes = [grid_of(item)]
    for index in range(len(spec.channels)):
        part = spec.model_copy(update={"channels": spec.channels[: index + 1]})
        shapes.append(grid_after(part, item))
    return shapes


def head(spec: Conv | Residual | Temporal, grid: Shape, latent: Shape) -> list[Layer]:
    """From the last grid to the latent: dense layers, or one 1x1 convolution if spatial."""
    if len(latent) > 1:
        return [L.Conv(outputs=latent[0], kernel=1)]
    layers: list[Layer] = [L.Flatten()]
    for width in spec.layers:
        layers += [L.Linear(outputs=width), *finish(-1, "none", spec.activation, spec.dropout)]
    return [*layers, L.Linear(outputs=latent[0])]


def tail(spec: Conv | Residual | Temporal, code: Shape, grid: Shape) -> list[Layer]:
    """From the code back to the last grid, the mirror of ``head``."""
    bend = finish(-1, "none", spec.activation, spec.dropout)
    if len(code) > 1:
        if code[1:] != grid[1:]:
            raise PlanError(
                f"decoder: a code grid of {code[1:]} cannot start at {grid[1:]}", "decoder"
            )
        return [L.Conv(outputs=grid[0], kernel=1), *bend]
    layers: list[Layer] = []
    for width in reversed(spec.layers):
        layers += [L.Linear(outputs=width), *bend]
    return [*layers, L.Linear(outputs=math.prod(grid)), *bend, L.Reshape(shape=grid)]
