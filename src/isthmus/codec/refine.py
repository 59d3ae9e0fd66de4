"""Effort 2: the encoder looks further, for smaller files that the same decoder reads.

Three things that effort 1 guesses or leaves out are worked out here. The sizes of blocks are chosen by
what the prior really asks for each; a coefficient is charged with the bits that it costs those whose
tables it decides (``Influence``: the sums of ``contexts`` in reverse); and what the filter and the network
behind the synthesis will add is taken off before quantising.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.codec import analysis, model, network, smoothing, synthesis, tile, tile_pixels, tokens
from isthmus.codec.contexts import AROUND, LATTICES, LOWER, MORE, NONE, PAD
from isthmus.codec.layout import DIAGONALS
from isthmus.codec.model import Model, Pass
from isthmus.codec.quantise import last_diagonals, quantise
from isthmus.codec.transform import FRACTION

Array = NDArray[Any]
_WORTH = 0.9
"""Of what a bit is worth: the prices are fuller than those of effort 1 (found on training crops)."""
_SHARE = 0.6
"""Of the bits that a magnitude costs others, which are right for one change at a time only."""
_REACH, _LEAST_REACH = 0.5, 60
"""How far up and down an expected magnitude the slope of its bits is taken: a share, and 1/1024."""


def encode(
    prior: Model, planes: Array, found: list[Array], step: int, trade: float
) -> tuple[bytes, tile.Coded]:
    """Choose blocks, quantise and code one tile.

    ``planes`` (planes, height, width) floats, multiples of 32 wide and high; ``found`` its coefficients for
    each block size (``analysis.candidates``).
    """
    trade *= _WORTH
    scale = float(model.STEPS[step]) / (1 << FRACTION)
    sizes = analysis.cheapest_sizes(
        [_price(prior, bands, kind, step, scale, trade) for kind, bands in enumerate(found)], trade
    )
    coefficients = analysis.chosen(found, sizes)
    beyond = _influence(prior, coefficients, sizes, step, scale, trade)
    _, first = tile.encode(prior, coefficients, sizes, step, scale, trade, beyond)
    if prior.smooth is not None:
        width = int(model.STEPS[step])
        made = synthesis.planes(first.levels, sizes, width)
        weights = prior.smooth[smoothing.rate_class(step)]
        added = smoothing.smoothed(made, sizes, width, weights) - made
        if tile_pixels.corrects(prior, len(planes), step):
            assert prior.network is not None
            added += network.correction(prior.network, made, sizes, step, width)
        wanted = planes - added.astype(np.float32) / (1 << FRACTION)
        coefficients = analysis.chosen(analysis.candidates(wanted), sizes)
    return tile.encode(prior, coefficients, sizes, step, scale, trade, beyond)


def _price(
    prior: Model, coefficients: Array, kind: int, step: int, scale: float, trade: float
) -> Array:
    """Squared error + trade x bits of every cell (rows, columns) if all blocks were of one size."""
    scaled = np.abs(coefficients) * np.float32(1 / scale)
    sizes = np.full(scaled.shape[2:], kind, np.uint8)
    cost: Array = np.square(scaled).sum((0, 1))
    cost[::4, ::4] -= np.square(scaled[0, :, ::4, ::4]).sum(0)  # means: the same for all sizes
    for c in quantise(prior, scaled, sizes, step, trade, last_diagonals(scaled), everything=True):
        cost[c.place[2:]] += (c.cost(prior, trade) - np.square(c.wanted))[:, 0].sum(0)
    return cost


def _influence(
    prior: Model, coefficients: Array, sizes: Array, step: int, scale: float, trade: float
) -> Array:
    """Bits that each unit of a magnitude costs all others, (64, planes, rows, columns)."""
    scaled = np.abs(coefficients) * np.float32(1 / scale)
    into = Influence(*scaled.shape[1:])
    for c in quantise(prior, scaled, sizes, step, trade, last_diagonals(scaled), everything=True):
        weights = prior.weights[c.of.plane, :, c.place[0], c.of.lattice].astype(np.float32)
        of_size = weights[sizes[c.place[2:]]].transpose(2, 0, 1, 3) * np.float32(1 / model.SCALE)
        into.add(c.of, _slope(prior, c.of, c.made)[:, 0, :, :, None] * of_size)
    return np.asarray(_SHARE * into.finish())


def _slope(prior: Model, p: Pass, made: Array) -> Array:
    """How many bits more a pass's coefficients cost for each unit that more is expected."""
    reach = np.maximum(p.expected * _REACH, _LEAST_REACH)
    low = np.maximum(p.expected - reach, 0).astype(np.int64)
    high = np.minimum(p.expected + reach, len(model.BIN) - 1).astype(np.int64)
    first = p.rows - model.BIN[p.expected]
    symbols = tokens.split(made)[0]

    more, less = (prior.bits[first + model.BIN[e], symbols] for e in (high, low))
    return np.asarray((more - less) / (high - low) * model.SCALE)


class Influence:
    """Slopes of features carried back to the magnitudes that ``contexts.Magnitudes`` took them from."""

    def __init__(self, planes: int, rows: int, columns: int) -> None:
        shape = (planes, NONE + 1, rows + 2 * PAD, columns + 2 * PAD)
        self.values, self.crosses = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        # By the first diagonal that a total no longer holds.
        self.totals = np.zeros((planes, len(DIAGONALS) + 1, *shape[2:]), np.float32)
        self.rows, self.columns = rows, columns

    def add(self, p: Pass, slopes: Array) -> None:
        """The slopes (bands, rows, columns, FEATURES) of a pass, FEATURES as numbered there."""
        plane, s = p.plane, p.diagonal
        bands = slice(*DIAGONALS[s])
        y, x, step = LATTICES[p.lattice]

        def at(dy: int, dx: int) -> tuple[slice, slice]:
            return (
                slice(PAD + y + dy, PAD + self.rows + dy, step),
                slice(PAD + x + dx, PAD + self.columns + dx, step),
            )

        here, by = at(0, 0), np.moveaxis(slopes, -1, 0)
        values, crosses = self.values[plane], self.crosses[plane]
        for number, places in enumerate(LOWER[s]):
            values[(places, *here)] += by[number]  # no two bands of a diagonal take the same one
        crosses[(LOWER[s][0], *here)] += by[7]
        crosses[(LOWER[s][1], *here)] += by[8]
        self.totals[plane, s][here] += by[9].sum(0)
        for number, offsets in enumerate(AROUND[p.lattice]):
            for offset in offsets:
                values[(bands, *at(*offset))] += by[10 + number]
        for offset in MORE[p.lattice]:
            values[(bands, *at(*offset))] += by[14]
        for other in range(plane):
            first = 15 if other == 0 else 19
            self.values[other][(bands, *here)] += by[first]
            self.crosses[other][(bands, *here)] += by[first + 1]
            if other == 0:
                for offset in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
                    self.values[0][(bands, *at(*offset))] += by[17]
            self.totals[other, s + 1][here] += by[18 if other == 0 else 21].sum(0)

    def finish(self) -> Array:
        """(64, planes, rows, columns)."""
        made, crosses = self.values, self.crosses[:, :, 1:-1, 1:-1]
        made[:, :, :-2, 1:-1] += crosses
        made[:, :, 2:, 1:-1] += crosses
        made[:, :, 1:-1, :-2] += crosses
        made[:, :, 1:-1, 2:] += crosses
        later = np.cumsum(self.totals[:, ::-1], 1)[:, ::-1]
        for s, (low, high) in enumerate(DIAGONALS):
            made[:, low:high] += later[:, s + 1, None]
        return made[:, :NONE, PAD:-PAD, PAD:-PAD].swapaxes(0, 1)
