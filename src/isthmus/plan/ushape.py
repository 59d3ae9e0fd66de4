"""U-shaped networks: skip paths round the bottleneck, for pictures of any size."""

from __future__ import annotations

import math

from isthmus.errors import PlanError
from isthmus.plan import colors as C
from isthmus.plan import layers as L
from isthmus.plan.attention import Attention
from isthmus.plan.layers import Layer, Shape
from isthmus.plan.network import chain
from isthmus.recipe import UShape


def encoder(spec: UShape, view: Shape, latent: Shape) -> list[Layer]:
    """Fold, then level by level: blocks, a skip path, and a strided convolution downwards."""
    if len(view) != 3:
        raise PlanError(f"encoder: a U-shape needs pictures; got items of {view}", "encoder")
    if len(latent) != 3:
        raise PlanError(
            "bottleneck: a U-shape needs a spatial code; set bottleneck.spatial = true",
            "bottleneck",
        )
    return [*_trunk(spec), L.Conv(outputs=latent[0], kernel=1, bias=spec.bias)]


def grid_after(spec: UShape, view: Shape) -> Shape:
    """The shape the last level leaves: the grid of the code."""
    return chain("encoder", _trunk(spec), view).shapes[-1]


def side(spec: UShape) -> int:
    """Sides of pictures must be multiples of this, in pixels."""
    finest = spec.fold * 2 ** (len(spec.channels) - 1)
    return math.lcm(finest, C.NoiseLevel().cell) if spec.level else finest


def reach(spec: UShape) -> int:
    """How far from a pixel the network looks, in pixels: what a tile's margin must cover."""
    pixels = float(spec.fold * 2)  # the first and the last convolution
    for level in range(len(spec.channels)):
        pixels += 4 * spec.blocks_of(level) * spec.fold * 2**level
    if spec.level:
        pixels = max(pixels, 3 * C.NoiseLevel().cell)
    return int(pixels) + side(spec)


def _trunk(spec: UShape) -> list[Layer]:
    layers: list[Layer] = [
        L.Keep(),
        *([C.Opponent()] if spec.opponent else []),
        *([C.NoiseLevel()] if spec.level else []),
        L.Fold(side=spec.fold),
        L.Conv(0, spec.channels[0], bias=spec.bias),
        L.Keep(),
    ]
    for index in range(len(spec.channels)):
        layers += _level(spec, index)
        if index + 1 < len(spec.channels):
            layers += [L.Keep(), L.Conv(index + 1, spec.channels[index + 1], 2, 2, bias=spec.bias)]
    return layers


def _level(spec: UShape, index: int) -> list[Layer]:
    """Blocks, and a look at the whole picture where the grid is coarse enough for one."""
    blocks: list[Layer] = [L.PlainBlock(index, spec.bias, spec.norm)] * spec.blocks_of(index)
    if index >= len(spec.channels) - spec.attention:
        blocks.append(Attention(index))
    return blocks


def decoder(spec: UShape, code: Shape, raw: Shape, view: Shape) -> list[Layer]:
    """The way back: grow by unfolding, join the skip path, blocks.

    Where ``raw`` has the grid of the ``view`` the entry's fold is undone; where it has the folded
    grid, it is not.
    """
    if len(code) != 3:
        raise PlanError("decoder: a U-shape needs a spatial code", "decoder")
    last = len(spec.channels) - 1
    layers: list[Layer] = [L.Conv(last, spec.channels[last], 1, bias=spec.bias)]
    layers += _level(spec, last)
    for index in reversed(range(last)):
        layers += [
            L.Conv(index, spec.channels[index] * 4, 1, bias=spec.bias),
            L.Unfold(index),
            L.Join(index),
        ]
        layers += _level(spec, index)
    layers += [L.Join()]
    if raw[1:] == tuple(side // spec.fold for side in view[1:]) and spec.fold > 1:
        if spec.residual:
            raise PlanError(
                "decoder: an output coarser than the input cannot correct it; "
                "set encoder.residual = false",
                "decoder",
            )
        return [*layers, L.Conv(outputs=raw[0], bias=spec.bias)]
    layers += [
        L.Conv(outputs=raw[0] * spec.fold**2, bias=spec.bias),
        L.Unfold(side=spec.fold),
        *([C.Opponent()] if spec.opponent else []),
    ]
    return [*layers, L.Join()] if spec.residual else layers
