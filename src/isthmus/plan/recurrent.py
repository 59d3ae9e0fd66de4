"""Recurrent encoders and decoders for sequences (channels, steps)."""

from __future__ import annotations

import math

from isthmus.errors import PlanError
from isthmus.plan import layers as L
from isthmus.plan.conv import grid_of
from isthmus.plan.layers import Layer, Shape
from isthmus.recipe import Recurrent


def encoder(spec: Recurrent, item: Shape, latent: Shape) -> list[Layer]:
    """The sequence read to the end; its last state, projected, is the latent."""
    if len(item) > 2 or len(latent) > 1:
        what = f"items of shape {item}" if len(item) > 2 else "a spatial code"
        raise PlanError(
            f"encoder: a recurrent network reads sequences (channels, steps) into one vector; got {what}",
            "encoder",
        )
    start: list[Layer] = [L.Reshape(shape=grid_of(item))] if len(item) == 1 else []
    reader = L.GruEncoder(hidden=spec.hidden, depth=spec.depth, bidirectional=spec.bidirectional)
    drop = [L.Dropout(share=spec.dropout)] if spec.dropout > 0 else []
    return [*start, reader, *drop, L.Linear(outputs=latent[0])]


def decoder(spec: Recurrent, item: Shape, raw: Shape) -> list[Layer]:
    """The code at every step of an unrolled network, projected to the item's channels."""
    grid = grid_of(item)
    channels_out = math.prod(raw) // math.prod(grid[1:])
    layers: list[Layer] = [
        L.GruDecoder(hidden=spec.hidden, depth=spec.depth, steps=grid[1]),
        L.Conv(outputs=channels_out, kernel=1),
    ]
    return [*layers, L.Reshape(shape=raw)] if len(raw) == 1 else layers
