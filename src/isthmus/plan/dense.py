"""Fully connected encoders and decoders."""

from __future__ import annotations

import math

from isthmus.errors import PlanError
from isthmus.plan.layers import Flatten, Layer, Linear, Reshape, Shape, TiedLinear
from isthmus.plan.network import finish
from isthmus.recipe import Dense


def encoder(spec: Dense, item: Shape, latent: Shape) -> list[Layer]:
    """Item -> flat -> hidden layers -> latent."""
    layers: list[Layer] = [Flatten()]
    for index, width in enumerate(spec.layers):
        layers += [Linear(index, width), *finish(index, spec.norm, spec.activation, spec.dropout)]
    return [*layers, Linear(outputs=math.prod(latent)), Reshape(shape=latent)]


def decoder(spec: Dense, item: Shape, raw: Shape, encoder_spec: object) -> list[Layer]:
    """Code -> hidden layers in reverse -> the raw output."""
    if spec.tied and not (isinstance(encoder_spec, Dense) and encoder_spec.layers == spec.layers):
        raise PlanError(
            "decoder: tied weights need a dense encoder with the same layers", "decoder"
        )
    widths = [*reversed(list(enumerate(spec.layers)))]
    layers: list[Layer] = [Flatten()]
    source = len(spec.layers)
    for index, width in widths:
        layers.append(_linear(spec.tied, index, width, source))
        layers += finish(index, spec.norm, spec.activation, spec.dropout)
        source -= 1
    return [*layers, _linear(spec.tied, -1, math.prod(raw), source), Reshape(shape=raw)]


def _linear(tied: bool, index: int, outputs: int, source: int) -> Linear:
    return TiedLinear(index, outputs, source) if tied else Linear(index, outputs)
