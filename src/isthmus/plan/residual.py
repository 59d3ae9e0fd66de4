"""Residual stages: for pictures (``Residual``) and, dilated along time, for sequences (``Temporal``)."""

from __future__ import annotations

import math

from isthmus.errors import PlanError
from isthmus.plan import layers as L
from isthmus.plan.conv import grid_of, head, tail
from isthmus.plan.layers import Layer, Shape
from isthmus.plan.network import chain
from isthmus.recipe import Residual, Temporal

Spec = Residual | Temporal


def encoder(spec: Spec, item: Shape, latent: Shape) -> list[Layer]:
    """Each stage: a strided convolution that shrinks the grid, then residual blocks."""
    _check(spec, item)
    return [*_trunk(spec, item), *head(spec, grid_after(spec, item), latent)]


def grid_after(spec: Spec, item: Shape) -> Shape:
    """The shape the last stage leaves: the grid of a spatial code."""
    return chain("encoder", _trunk(spec, item), item).shapes[-1]


def decoder(spec: Spec, code: Shape, item: Shape, raw: Shape) -> list[Layer]:
    """Each stage: residual blocks, then a transposed convolution back to the size on the way in."""
    _check(spec, item)
    channels_out = math.prod(raw) // math.prod(grid_of(item)[1:])
    stages = [grid_of(item)]
    for index in range(len(spec.channels)):
        part = spec.model_copy(update={"channels": spec.channels[: index + 1]})
        stages.append(grid_after(part, item))
    layers = tail(spec, code, stages[-1])
    for index in reversed(range(len(spec.channels))):
        outputs = spec.channels[index - 1] if index > 0 else channels_out
        layers += _blocks(spec, index)
        layers += [
            L.Activation(index, spec.activation),
            L.ConvTranspose(index, outputs, _stem(spec), spec.stride, stages[index][1:]),
        ]
    return [*layers, L.Reshape(shape=raw)] if len(raw) == 1 else layers


def _trunk(spec: Spec, item: Shape) -> list[Layer]:
    layers: list[Layer] = [L.Reshape(shape=grid_of(item))] if len(item) == 1 else []
    for index, channels in enumerate(spec.channels):
        layers.append(L.Conv(index, channels, _stem(spec), spec.stride))
        layers += _blocks(spec, index)
    return [*layers, L.Activation(name=spec.activation)]


def _stem(spec: Spec) -> int:
    """A shrinking kernel covers every input: at least as wide as the stride."""
    if spec.stride <= 2:
        return max(spec.kernel, spec.stride)
    # As wide as ``kernel`` squares of the stride: what a kernel sees after folding squares away.
    return spec.kernel * spec.stride


def _blocks(spec: Spec, index: int) -> list[Layer]:
    gaps = spec.dilations if isinstance(spec, Temporal) else (1,) * spec.blocks
    return [
        L.ResidualBlock(index, spec.kernel, gap, spec.norm, spec.activation, spec.dropout)
        for gap in gaps
    ]


def _check(spec: Spec, item: Shape) -> None:
    if isinstance(spec, Temporal) and len(item) > 2:
        raise PlanError(
            f"encoder: a temporal network needs sequences (channels, steps); got {item}", "encoder"
        )
