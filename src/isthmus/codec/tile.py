"""One tile's quantised coefficients to bytes and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.codec import means as M
from isthmus.codec import rans, tokens
from isthmus.codec.contexts import LATTICES, Magnitudes
from isthmus.codec.errors import Damaged
from isthmus.codec.layout import DIAGONALS
from isthmus.codec.model import (
    MEAN_BINS,
    MEAN_ROWS,
    SPLIT_ROWS,
    Model,
    rate_feature,
)
from isthmus.codec.quantise import last_diagonals, quantise, reconstructed

Array = NDArray[Any]
_NOTICED = 0.0002
"""Squared steps a coefficient lost to what is taken for certain zeros before that is questioned."""
_ALL = 16  # in the first byte: nothing is skipped; the lower bits are the lanes (log2)


@dataclass(frozen=True)
class Coded:
    """A tile between pixels and bytes.

    ``values`` (64, planes, rows, columns) int32: the quantised coefficients. ``levels`` of the same
    shape: what they are reconstructed as, in 1/64 of a step. ``sizes`` (rows, columns): 0, 1, 2 for
    blocks of 8, 16, 32 pixels.
    """

    values: Array
    levels: Array
    sizes: Array


class _Writer:
    def __init__(self) -> None:
        self.calls: list[tuple[Array, Array]] = []
        self.plain: list[tuple[Array, Array]] = []
        self.signs: list[Array] = []

    def bytes(self, model: Model, everything: bool, last: list[int]) -> bytes:
        count = sum(len(rows) for rows, _ in self.calls)
        signs = np.concatenate(self.signs) if self.signs else np.zeros(0, np.uint8)
        # A lane is free only when its state has 16 signs to carry.
        power = int(np.clip(np.log2(max(min(count / 200, len(signs) / 16), 1)), 2, 8))
        lanes = 1 << power
        first = np.zeros(16 * lanes, np.uint8)
        carried = min(len(signs), 16 * lanes)
        first[:carried] = signs[len(signs) - carried :]
        payload = (first.reshape(lanes, 16) << np.arange(16, dtype=np.uint16)).sum(1)
        states, words = rans.encode(model.tables, self.calls, lanes, payload.astype(np.uint16))
        plain = tokens.pack(
            np.concatenate([v for v, _ in self.plain] or [np.zeros(0, np.int64)]),
            np.concatenate([n for _, n in self.plain] or [np.zeros(0, np.int64)]),
        )
        head = bytes([power | _ALL * everything]) + b"".join(
            tokens.varint(n) for n in (len(words), len(plain), len(signs))
        )
        return b"".join(
            (
                head,
                bytes(last),
                rans.pack_states(states),
                words.astype("<u2").tobytes(),
                plain,
                np.packbits(signs[: len(signs) - carried]).tobytes(),
            )
        )


def split_contexts(sizes: Array, step: int) -> list[tuple[Array, Array]]:
    """Two halves of a chequerboard of superblocks: (places, rows of the tables)."""
    large = sizes[::4, ::4] == 2
    kind = SPLIT_ROWS + 6 * _rate_class(step)
    y, x = np.indices(large.shape)
    odd = (y + x) % 2 == 1
    padded = np.pad(large.astype(np.int64), 1)
    around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return [
        (np.flatnonzero(~odd), np.full(int((~odd).sum()), kind)),
        (np.flatnonzero(odd), kind + 1 + around.ravel()[odd.ravel()]),
    ]


def _rate_class(step: int) -> int:
    return int(np.clip((rate_feature(step) + 24) // 8, 0, 5))


@dataclass(frozen=True)
class _Tried:
    """A tile quantised in one of two ways; ``taken``: plane, diagonal, rows, magnitudes, signs of passes."""

    everything: bool
    values: Array
    levels: Array
    taken: list[tuple[int, int, Array, Array, Array]]
    cost: float
    lost: float


def _tried(
    model: Model, coefficients: Array, scaled: Array, sizes: Array, step: int, trade: float,
    everything: bool, beyond: Array | None,
) -> _Tried:  # fmt: skip
    values = np.zeros(coefficients.shape, np.int32)
    levels = np.zeros(coefficients.shape, np.int32)
    taken, cost, lost = [], 0.0, 0.0
    last = last_diagonals(scaled)
    for c in quantise(model, scaled, sizes, step, trade, last, everything, beyond):
        values[c.place] = c.made[:, 0]
        levels[c.place] = reconstructed(model, c.of.rows, c.made)[:, 0]
        coded = np.ones_like(c.of.skip) if everything else ~c.of.skip
        made, negative = c.made[coded], coefficients[c.place][:, None][coded] < 0
        # Not the pass itself: its features are a hundred times as large.
        taken.append((c.of.plane, c.of.diagonal, c.of.rows[coded], made, negative))
        each = c.cost(model, trade)
        cost += float(
            each.sum() if everything else np.where(coded, each, np.square(c.wanted)).sum()
        )
        lost += c.lost
    return _Tried(everything, values, levels, taken, cost, lost)


def encode(
    model: Model,
    coefficients: Array,
    sizes: Array,
    step: int,
    scale: float,
    trade: float,
    beyond: Array | None = None,
) -> tuple[bytes, Coded]:
    """Quantise and code one tile.

    ``coefficients`` (64, planes, rows, columns) floats in the arrangement of ``layout``; ``scale`` the
    step in the same units; ``trade`` and ``beyond`` as ``quantise`` wants them.
    """
    planes = coefficients.shape[1]
    out = _Writer()
    values = np.zeros(coefficients.shape, np.int32)
    levels = np.zeros(coefficients.shape, np.int32)
    _write_sizes(out, sizes, step)
    for plane in range(planes):
        small = np.rint(coefficients[0, plane, ::4, ::4] / scale).astype(np.int64)
        values[0, plane, ::4, ::4] = _write_means(out, small, plane)
        levels[0, plane, ::4, ::4] = 64 * values[0, plane, ::4, ::4]
    scaled = np.abs(coefficients) * np.float32(1 / scale)
    tries = [_tried(model, coefficients, scaled, sizes, step, trade, False, beyond)]
    # A pattern that the model cannot foresee may be worth coding what it takes for certain zeros.
    if tries[0].lost > _NOTICED * scaled.size:
        tries.append(_tried(model, coefficients, scaled, sizes, step, trade, True, beyond))
    best = min(tries, key=lambda t: t.cost)
    values += best.values
    levels += best.levels
    last = [0] * planes
    for plane, diagonal, _, made, _ in best.taken:
        if made.any():
            last[plane] = diagonal + 1
    for plane, diagonal, row, made, negative in best.taken:
        if diagonal < last[plane]:
            symbols, extra, length = tokens.split(made)
            out.calls.append((row, symbols))
            out.plain.append((extra, length))
            out.signs.append(negative[made > 0].astype(np.uint8))
    signed = np.where(coefficients < 0, -1, 1).astype(np.int32)
    signed[0, :, ::4, ::4] = 1
    return out.bytes(model, best.everything, last), Coded(values * signed, levels * signed, sizes)


def _write_sizes(out: _Writer, sizes: Array, step: int) -> None:
    large = (sizes[::4, ::4] == 2).ravel()
    for places, rows in split_contexts(sizes, step):
        out.calls.append((rows, large[places].astype(np.uint8)))
    fours = sizes[::2, ::2].reshape(sizes.shape[0] // 4, 2, sizes.shape[1] // 4, 2) == 1
    mask = (fours.transpose(0, 2, 1, 3).reshape(-1, 4) << np.arange(4)).sum(1)[~large]
    out.calls.append(
        (np.full(len(mask), SPLIT_ROWS + 36 + _rate_class(step)), mask.astype(np.uint8))
    )


def _write_means(out: _Writer, wanted: Array, plane: int) -> Array:
    """The means as they will be read (clipped where a residual would be too large)."""
    made = np.zeros_like(wanted)
    base = MEAN_ROWS + MEAN_BINS * (plane > 0)
    for ys, xs, half, around in M.stages(*wanted.shape):
        expected, unsure = M.expect(made, ys, xs, half, around)
        rest = np.clip(wanted[ys, xs] - expected, -M.LARGEST, M.LARGEST)
        made[ys, xs] = expected + rest
        size = np.abs(rest)
        symbols = M.lengths(size)
        out.calls.append((base + unsure, symbols.astype(np.uint8)))
        digits = np.where(size > 0, size - (1 << np.maximum(symbols - 1, 0)), 0)
        out.plain.append((2 * digits + (rest < 0), symbols))
    return made


def decode(
    model: Model,
    data: bytes,
    planes: int,
    rows: int,
    columns: int,
    step: int,
    diagonals: int = 15,
) -> Coded:
    """A tile's coefficients, or those of its first ``diagonals`` of bands. Raises Damaged."""
    if len(data) < 1 + planes:
        raise Damaged("is cut off in its head")
    power, everything = data[0] & 15, bool(data[0] & _ALL)
    words, place = tokens.read_varint(data, 1)
    plain, place = tokens.read_varint(data, place)
    signs, place = tokens.read_varint(data, place)
    last = list(data[place : place + planes])
    lanes, place = 1 << power, place + planes
    carried = min(signs, 16 * lanes)
    if (
        power > 8
        or data[0] > 31
        or len(last) < planes
        or max(last) > 15
        or signs > 64 * planes * rows * columns
    ):
        raise Damaged("has a head that no encoder writes")
    states, used = rans.unpack_states(data[place:], lanes)
    place += used
    start = place + 2 * words
    if len(data) != start + plain + (signs - carried + 7) // 8:
        raise Damaged("has another length than it says")
    coder = rans.Decoder(model.tables, states, np.frombuffer(data[place:start], "<u2"))
    bits = tokens.Bits(data[start : start + plain])
    sizes = _read_sizes(coder, rows, columns, step)
    levels = np.zeros((64, planes, rows, columns), np.int32)
    for plane in range(planes):
        levels[0, plane, ::4, ::4] = 64 * _read_means(coder, bits, rows // 4, columns // 4, plane)
    known = Magnitudes(planes, 1, rows, columns)
    found: list[tuple[Any, Array]] = []
    count = 0
    some = [min(count, diagonals) for count in last]
    for p in model.passes(known, sizes[None], step, some):
        low = DIAGONALS[p.diagonal][0]
        y, x, stride = LATTICES[p.lattice]
        if everything:
            where, coded_rows = None, p.rows.ravel()
        else:
            where = np.flatnonzero(~p.skip)
            if not len(where):
                continue
            coded_rows = p.rows.ravel()[where]
        symbols = coder.take(coded_rows)
        hit = np.flatnonzero(symbols)
        if not len(hit):
            continue
        symbols = symbols[hit]
        made = tokens.BASE[symbols] + bits.take(tokens.EXTRA[symbols])
        at = hit if where is None else where[hit]
        magnitudes = np.zeros(p.rows.shape, np.int64)
        magnitudes.ravel()[at] = made
        known.store(p.plane, p.diagonal, p.lattice, magnitudes)
        b, _, i, j = np.unravel_index(at, p.rows.shape)
        found.append(
            (
                (low + b, p.plane, y + stride * i, x + stride * j),
                reconstructed(model, coded_rows[hit], made),
            )
        )
        count += len(hit)
    first = np.zeros(carried, np.int64)
    if some == last:
        if count != signs:
            raise Damaged("has another number of signs than of coefficients")
        first[:] = (coder.finish()[:, None] >> np.arange(16) & 1).ravel()[:carried]
    elif count > signs - carried:  # the signs wanted are known only when all has been read
        return decode(model, data, planes, rows, columns, step)
    rest = np.unpackbits(np.frombuffer(data[start + plain :] or b"\0", np.uint8))[: signs - carried]
    negative = np.concatenate([rest, first]).astype(np.int64)
    done = 0
    for places, level in found:
        levels[places] = level * (1 - 2 * negative[done : done + len(level)])
        done += len(level)
    return Coded(levels, levels, sizes)


def _read_sizes(coder: rans.Decoder, rows: int, columns: int, step: int) -> Array:
    height, width = rows // 4, columns // 4
    sizes = np.zeros((rows, columns), np.uint8)
    large = np.zeros(height * width, bool)
    for half in range(2):
        places, row = split_contexts(sizes, step)[half]
        large[places] = coder.take(row) == 1
        sizes[:] = 2 * large.reshape(height, width).repeat(4, 0).repeat(4, 1)
    mask = coder.take(np.full(int((~large).sum()), SPLIT_ROWS + 36 + _rate_class(step)))
    four = np.zeros((height * width, 4), np.uint8)
    four[~large] = mask[:, None] >> np.arange(4) & 1
    four[large] = 2
    spread = (
        four.reshape(height, width, 2, 2).transpose(0, 2, 1, 3).reshape(rows // 2, columns // 2)
    )
    return spread.repeat(2, 0).repeat(2, 1)


def _read_means(
    coder: rans.Decoder, bits: tokens.Bits, rows: int, columns: int, plane: int
) -> Array:
    made = np.zeros((rows, columns), np.int64)
    base = MEAN_ROWS + MEAN_BINS * (plane > 0)
    for ys, xs, half, around in M.stages(rows, columns):
        expected, unsure = M.expect(made, ys, xs, half, around)
        symbols = coder.take(base + unsure).astype(np.int64)
        plain = bits.take(symbols)
        size = np.where(symbols > 0, (plain >> 1) + (1 << np.maximum(symbols - 1, 0)), 0)
        made[ys, xs] = expected + np.where(plain & 1, -size, size)
    return made
