"""Rate-distortion quantisation: which whole numbers stand for a tile's coefficients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.codec import tokens
from isthmus.codec.contexts import LARGEST, LATTICES, Magnitudes
from isthmus.codec.layout import DIAGONALS, TILT
from isthmus.codec.model import Model, Pass

Array = NDArray[Any]
TRADE = 0.14
"""What a bit is worth, in squared steps (found on training photographs)."""


@dataclass(frozen=True)
class Chosen:
    """What a pass codes: ``made`` (bands, 1, rows, columns) magnitudes for the ``wanted`` ones.

    ``place`` is where in (64, planes, rows, columns); ``lost`` the squared steps lost to places that the
    model takes for certain zeros.
    """

    of: Pass
    place: tuple[slice, int, slice, slice]
    wanted: Array
    made: Array
    lost: float

    def cost(self, model: Model, trade: float) -> Array:
        """Squared error in steps + trade x bits of each coefficient, like ``made``."""
        symbols, _, extra = tokens.split(self.made)
        bits = model.bits[self.of.rows, symbols] + extra + (self.made > 0)
        error = np.square(self.wanted - reconstructed(model, self.of.rows, self.made) / 64)
        made: Array = error + trade * TILT[self.of.diagonal] * bits
        return made


def last_diagonals(scaled: Array) -> list[int]:
    """How many diagonals of each plane hold anything but zeros; ``scaled`` (64, planes, …) in steps."""
    peaks = [
        scaled[low:high].max((0, *range(2, scaled.ndim)), initial=0) for low, high in DIAGONALS
    ]
    return [
        max((s + 1 for s, peak in enumerate(peaks) if peak[plane] >= 0.6), default=0)
        for plane in range(scaled.shape[1])
    ]


def quantise(
    model: Model,
    scaled: Array,
    sizes: Array,
    step: int,
    trade: float,
    last: list[int],
    everything: bool = False,
    beyond: Array | None = None,
) -> Iterator[Chosen]:
    """Every pass of a tile in order, quantised.

    ``scaled`` (64, planes, rows, columns) magnitudes in steps; ``trade`` what a bit is worth in squared
    steps, before TILT; ``everything``: nothing is taken for certain zeros; ``beyond`` of the shape of
    ``scaled``: the bits that each unit of a magnitude costs others (``refine``).
    """
    planes, rows, columns = scaled.shape[1:]
    known = Magnitudes(planes, 1, rows, columns)
    for p in model.passes(known, sizes[None], step, last):
        low, high = DIAGONALS[p.diagonal]
        y, x, stride = LATTICES[p.lattice]
        place = (slice(low, high), p.plane, slice(y, None, stride), slice(x, None, stride))
        wanted = scaled[place][:, None]
        more = None if beyond is None else beyond[place][:, None]
        made = cheapest(model, p, wanted, trade * TILT[p.diagonal], more)
        lost = 0.0
        if not everything:
            lost = float(np.square(wanted[p.skip & (made > 0)]).sum())
            made[p.skip] = 0
        known.store(p.plane, p.diagonal, p.lattice, made)
        yield Chosen(p, place, wanted, made, lost)


def cheapest(
    model: Model, p: Pass, wanted: Array, trade: float, beyond: Array | None = None
) -> Array:
    """Magnitudes that cost least in squared error + trade x bits: the nearest, one less, or zero."""
    near = np.floor(wanted + 0.5).astype(np.int64)
    found = np.nonzero(near)
    if not len(found[0]):
        return near
    x, row = wanted[found], p.rows[found]
    more = np.float32(0) if beyond is None else beyond[found]
    most = np.minimum(near[found], tokens.LARGEST)
    best, cost = np.zeros_like(most), np.square(x) + trade * model.bits[row, 0]
    for candidate in (most, most - 1):
        symbols, _, extra = tokens.split(np.maximum(candidate, 0))
        value = reconstructed(model, row, candidate) / 64
        bits = model.bits[row, symbols] + extra + 1 + more * np.minimum(candidate, LARGEST)
        price = np.square(x - value) + trade * bits
        better = (price < cost) & (candidate > 0)
        best, cost = np.where(better, candidate, best), np.where(better, price, cost)
    near[found] = best
    return near


def reconstructed(model: Model, rows: Array, magnitudes: Array) -> Array:
    """Where in its interval a magnitude most likely lies, in 1/64."""
    moved = model.shift[rows, np.minimum(magnitudes, 3)]
    made: Array = np.where(magnitudes > 0, 64 * magnitudes - moved, 0)
    return made
