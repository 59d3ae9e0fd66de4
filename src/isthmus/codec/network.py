"""After the synthesis: a small network that puts back what quantising took, in whole numbers.

A residual network (He et al. 2016) at a quarter of the picture's size. It looks at the synthesis and
learned, on coded photographs, what the fitted filter (``smoothing``) still lacks there. All numbers are whole: activations of at most
``TOP``, weights whose magnitudes sum to less than 2^24 / ``TOP`` for every output, so that float32
products are exact in whatever order a BLAS adds them up and every machine makes the same pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
CELL = 4
"""A place of the network is CELL x CELL pixels."""
FLAGS = 7
TOP = 1024
"""Activations are 0..TOP, in 1/256."""
SHIFT = 8
"""One unit of weight is 2^-8."""
GAIN, LAST = 24, 22
"""Bits after the point of the first layer's factors, and of the last one's."""
LEAST, MOST = 304, 384
"""Indices of the quantiser's steps that the network is for: finer ones leave it little to do."""
_WIDE = 1023
_PLACES = 400
"""Of a strip: their neighbourhoods, a megabyte, stay in a core's cache."""


@dataclass(frozen=True)
class Network:
    """``first`` (9 * inputs, width), ``middle`` (layers, 9 * width, width), ``last`` (9 * width, 48).

    int16 each; rows by (down, across, channel). For every eighth index from LEAST on: ``gain`` (width,)
    int64 and ``bias`` (1 + layers, width) int32 before the activations, ``out_gain`` int32 and
    ``out_bias`` (48,) int64 of the last layer.
    """

    first: Array
    middle: Array
    last: Array
    gain: Array
    bias: Array
    out_gain: Array
    out_bias: Array

    @property
    def size(self) -> int:
        """Multiplications for one pixel."""
        return int((self.first.size + self.middle.size + self.last.size) / CELL**2)


def correction(network: Network, planes: Array, sizes: Array, index: int, step: int) -> Array:
    """Planes (3, height, width) int32, multiples of 32 wide and high: what to add once they are filtered.

    ``sizes`` (rows, columns) of the blocks; ``index`` LEAST..MOST of the quantiser's step, ``step`` in
    the planes' unit.
    """
    kind = (min(index, MOST) >> 3) - (LEAST >> 3)
    count, height, width = planes.shape
    rows, columns = height // CELL, width // CELL
    near = np.clip((planes + 2) >> 2, -_WIDE, _WIDE).astype(np.float32)
    seen = np.zeros((rows + 2, columns + 2, count * CELL**2 + FLAGS), np.float32)
    seen[1:-1, 1:-1, :-FLAGS] = _folded(near)
    seen[1:-1, 1:-1, -FLAGS:] = flags(sizes) * np.float32((step + 2) >> 2)
    # The first layer's sums are divided by the step: by a whole factor, exactly, in float64.
    factor = (network.gain[kind] // step).astype(np.float64) * 2.0**-GAIN
    bias = network.bias[kind].astype(np.float32)
    held = np.zeros((rows + 2, columns + 2, bias.shape[1]), np.float32)
    for top, sums in _products(seen, network.first):
        made = sums * factor
        made += bias[0]
        held[1 + top : 1 + top + len(made), 1:-1] = np.clip(np.floor(made), 0, TOP)
    for layer in range(0, len(network.middle), 2):
        between = np.zeros_like(held)
        for top, sums in _products(held, network.middle[layer]):
            _activated(sums, bias[1 + layer], 0, between[1 + top : 1 + top + len(sums), 1:-1])
        for top, sums in _products(between, network.middle[layer + 1]):
            here = held[1 + top : 1 + top + len(sums), 1:-1]
            _activated(sums, bias[2 + layer], here, here)
    out = np.empty((rows, columns, count * CELL**2), np.float32)
    unit = 2.0 ** -(8 + LAST)
    for top, sums in _products(held, network.last):
        made = sums * network.out_gain[kind].astype(np.float64)
        made += network.out_bias[kind]
        made *= step * unit
        out[top : top + len(made)] = np.floor(made + 0.5)
    return _unfolded(out, count).astype(np.int32)


def flags(sizes: Array) -> Array:
    """(rows, columns, FLAGS) 0 or 1 of every place: at its block's top, bottom, left, right border,
    and whether the block is 8, 16 or 32 pixels wide."""
    k = 8 // CELL
    kind = sizes.repeat(k, 0).repeat(k, 1)
    side = k << kind.astype(np.int64)
    down, across = np.arange(len(kind))[:, None] & (side - 1), np.arange(kind.shape[1]) & (side - 1)
    return np.stack(
        [down == 0, down == side - 1, across == 0, across == side - 1, kind == 0, kind == 1, kind == 2],
        -1,
    ).astype(np.float32)  # fmt: skip


def _products(padded: Array, weights: Array) -> Any:
    """(first row, sums (rows, columns, outputs)) of a 3 x 3 convolution, strip by strip."""
    height, width, channels = padded.shape
    rows, columns = height - 2, width - 2
    matrix = weights.astype(np.float32)
    y, x, z = padded.strides
    strip = max(_PLACES // columns, 1)
    for top in range(0, rows, strip):
        count = min(strip, rows - top)
        # Three neighbours in a row lie side by side in memory: one copy for each of three rows.
        around = np.lib.stride_tricks.as_strided(
            padded[top:], (count, columns, 3, 3 * channels), (y, x, y, z), writeable=False
        )
        flat = np.ascontiguousarray(around).reshape(count * columns, 9 * channels)
        yield top, (flat @ matrix).reshape(count, columns, -1)


def _activated(sums: Array, bias: Array, beside: Any, out: Array) -> None:
    sums += bias
    sums *= np.float32(2.0**-SHIFT)
    np.floor(sums, out=sums)
    sums += beside
    np.clip(sums, 0, TOP, out=out)


def _folded(planes: Array) -> Array:
    count, height, width = planes.shape
    split = planes.reshape(count, height // CELL, CELL, width // CELL, CELL)
    return split.transpose(1, 3, 0, 2, 4).reshape(height // CELL, width // CELL, -1)


def _unfolded(cells: Array, count: int) -> Array:
    rows, columns, _ = cells.shape
    split = cells.reshape(rows, columns, count, CELL, CELL).transpose(2, 0, 3, 1, 4)
    return split.reshape(count, rows * CELL, columns * CELL)
