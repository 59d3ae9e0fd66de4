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
    """The encoder's layers undone one by one, so every grid comes back to the size it had."""
    channels_out = math.prod(raw) // math.prod(grid_of(item)[1:])
    trunk = chain("encoder", _trunk(spec, item), item)
    entry = next(layer for layer in trunk.layers if isinstance(layer, L.Conv))
    layers = tail(spec, code, trunk.shapes[-1])
    for layer, before in reversed(trunk.steps):
        match layer:
            case L.Pool():
                layers.append(L.Upsample(layer.spec_index, before[1:]))
            case L.Conv():
                first = layer is entry
                layers.append(_undo(layer, channels_out if first else before[0], before[1:]))
                if not first:
                    layers += finish(layer.spec_index, spec.norm, spec.activation, spec.dropout)
            case _:
                pass
    return [*layers, L.Reshape(shape=raw)] if len(raw) == 1 else layers


def _undo(layer: L.Conv, outputs: int, grid: Shape) -> Layer:
    """The layer that brings a convolution's grid back: a plain one where the grid did not change."""
    if layer.stride == 1 and layer.kernel % 2 == 1:
        return L.Conv(layer.spec_index, outputs, layer.kernel, 1)
    return L.ConvTranspose(layer.spec_index, outputs, layer.kernel, layer.stride, grid)


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
