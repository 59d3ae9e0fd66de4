"""Networks on the bands of a short-time spectrum: recurrent along time, causal, of any length."""

from __future__ import annotations

import math

from isthmus.errors import PlanError
from isthmus.plan import layers as L
from isthmus.plan import sound as S
from isthmus.plan.layers import Layer, Shape
from isthmus.recipe import Bands


def encoder(spec: Bands, view: Shape, latent: Shape) -> list[Layer]:
    """Spectrum, bands, layers, and one recurrent code of a frame for all bands."""
    if len(view) != 2:
        raise PlanError(f"encoder: bands need sound (channels, samples); got {view}", "encoder")
    if len(latent) != 2:
        raise PlanError(
            "bottleneck: bands need a code for every frame; set bottleneck.spatial = true",
            "bottleneck",
        )
    if spec.window // 2 + 1 < 2 * spec.bands:
        raise PlanError(
            f"encoder: {spec.window // 2 + 1} bins of the spectrum are too few for {spec.bands} bands",
            "encoder",
        )
    return [
        S.Spectrum(window=spec.window),
        L.Keep(),
        S.Split(edges=edges(spec), width=spec.width),
        *_paths(spec, spec.layers[0]),
        L.Keep(),
        S.Squeeze(size=latent[0]),
    ]


def decoder(spec: Bands, code: Shape, view: Shape, raw: Shape) -> list[Layer]:
    """The code spread over the bands, the skip path, layers, and a mask for the input's spectrum."""
    if len(code) != 2:
        raise PlanError("decoder: bands need a code for every frame", "decoder")
    if len(raw) != 2 or raw[0] not in (view[0], 2 * view[0]):
        raise PlanError(f"decoder: bands cannot make {raw} of sound {view}", "decoder")
    return [
        S.Spread(bands=spec.bands, width=spec.width),
        L.Join(),
        *_paths(spec, spec.layers[1]),
        S.Masks(edges=edges(spec), outputs=2 * view[0]),
        S.Masked(outputs=2 * raw[0]),
        S.Wave(samples=raw[1]),
    ]


def grid_after(spec: Bands, view: Shape) -> Shape:
    """The frames of an item: a code for each."""
    return (S.frames(view[-1], spec.hop),)


def edges(spec: Bands) -> tuple[int, ...]:
    """First bin of each band and the number of bins: even steps on the ear's scale, at least two bins.

    The scale is that of Glasberg & Moore (1990), ERB-rate, for 16 kHz and windows of 32 ms.
    """
    bins = spec.window // 2 + 1
    turn = 228.8 / 8000 * (bins - 1)

    def rate(bin_: float) -> float:
        return math.log1p(bin_ / turn)

    found = [0]
    for left in range(spec.bands, 0, -1):
        start = found[-1]
        step = (rate(bins) - rate(start)) / left
        end = round(turn * math.expm1(rate(start) + step))
        found.append(min(max(end, start + 2), bins - 2 * (left - 1)))
    return tuple(found)


def _paths(spec: Bands, count: int) -> list[Layer]:
    return [S.DualPath(index, spec.hidden, spec.across, spec.bands) for index in range(count)]
