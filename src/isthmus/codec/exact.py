"""Planes without loss: transparency, graphics, or a whole picture bit by bit.

A plane is read coarse to fine, each value foreseen from its neighbours on both sides (``means``);
what is left over is coded in tables chosen by how much the neighbours disagree. Colours pass
through the reversible YCoCg-R (Malvar & Sullivan 2003).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.codec import means as M
from isthmus.codec import rans, tokens
from isthmus.codec.errors import Damaged

Array = NDArray[Any]
UNSURE = 16
"""Rows of the tables: 16 for brightness, gray and transparency, 16 for colour."""
_FORESEEN, _DEFLATED, _DEFLATED_DEEP = 0, 1, 2
_MOST = 1 << 18


def to_planes(pixels: Array) -> Array:
    """(height, width, 1 or 3) unsigned to (planes, height, width) int64."""
    wide = pixels.astype(np.int64)
    if pixels.shape[2] == 1:
        return np.ascontiguousarray(wide.transpose(2, 0, 1))
    r, g, b = wide[..., 0], wide[..., 1], wide[..., 2]
    co = r - b
    t = b + (co >> 1)
    cg = g - t
    return np.stack([t + (cg >> 1), co, cg])


def to_pixels(planes: Array, dtype: Any) -> Array:
    """The reverse, clipped to the type (which changes nothing in an undamaged file)."""
    if len(planes) == 1:
        made = planes.transpose(1, 2, 0)
    else:
        y, co, cg = planes
        t = y - (cg >> 1)
        g = cg + t
        b = t - (co >> 1)
        made = np.stack([b + co, g, b], 2)
    top = np.iinfo(dtype).max
    return np.ascontiguousarray(np.clip(made, 0, top).astype(dtype))


def symbols(plane: Array) -> Iterator[tuple[Array, Array]]:
    """(how unsure, what is left over) of each stage of a plane of integers within 17 bits."""
    for ys, xs, half, around in M.stages(*plane.shape):
        expected, unsure = M.expect(plane, ys, xs, half, around)
        yield unsure, plane[ys, xs] - expected


def encode(tables: rans.Tables, planes: Array, drawn: bool = False) -> bytes:
    """(planes, height, width) integers within 17 bits to bytes.

    ``drawn`` also tries to find repetitions (differences to the row above, mod 2^8 or 2^16, then
    Deflate), which drawings and flat planes are full of.
    """
    made = bytes([_FORESEEN]) + _foreseen(tables, planes)
    if drawn:
        pixels = to_pixels(planes, np.uint16)
        deep = pixels.max() > 255
        pixels = pixels.astype("<u2" if deep else np.uint8)
        raw = pixels.copy()
        raw[1:] -= pixels[:-1]
        kind = bytes([_DEFLATED_DEEP if deep else _DEFLATED])
        made = min(made, kind + zlib.compress(raw.tobytes(), 9), key=len)
    return made


def decode(tables: rans.Tables, data: bytes, count: int, height: int, width: int) -> Array:
    """(count, height, width) int64. Raises Damaged."""
    if data[:1] == bytes([_FORESEEN]):
        return _recalled(tables, data[1:], count, height, width)
    if data[:1] not in (bytes([_DEFLATED]), bytes([_DEFLATED_DEEP])):
        raise Damaged("is of a kind that no encoder writes")
    dtype = np.dtype("<u2" if data[0] == _DEFLATED_DEEP else np.uint8)
    length = dtype.itemsize * count * height * width
    try:
        raw = zlib.decompressobj().decompress(data[1:], length + 1)
    except zlib.error:
        raise Damaged("cannot be inflated") from None
    if len(raw) != length:
        raise Damaged("has another length than its picture")
    rows = np.frombuffer(raw, dtype).reshape(height, width, count)
    return to_planes(np.add.accumulate(rows, axis=0, dtype=dtype))


def _foreseen(tables: rans.Tables, planes: Array) -> bytes:
    calls, plain, lengths = [], [], []
    for number, plane in enumerate(planes):
        for unsure, rest in symbols(plane):
            found, extra, count = tokens.split(np.abs(rest))
            calls.append((unsure + UNSURE * (number > 0), found))
            plain.append(2 * extra + (rest < 0))
            lengths.append(np.where(found > 0, count + 1, 0))
    total = sum(len(rows) for rows, _ in calls)
    power = int(np.clip(np.log2(max(total, 1) / 1000), 0, 9))
    states, words = rans.encode(tables, calls, 1 << power, np.zeros(1 << power, np.uint16))
    bits = tokens.pack(np.concatenate(plain), np.concatenate(lengths))
    return b"".join(
        (
            bytes([power]),
            tokens.varint(len(words)),
            tokens.varint(len(bits)),
            rans.pack_states(states),
            words.astype("<u2").tobytes(),
            bits,
        )
    )


def _recalled(tables: rans.Tables, data: bytes, count: int, height: int, width: int) -> Array:
    if not data or data[0] > 9:
        raise Damaged("has a head that no encoder writes")
    words, place = tokens.read_varint(data, 1)
    plain, place = tokens.read_varint(data, place)
    states, used = rans.unpack_states(data[place:], 1 << data[0])
    start = place + used + 2 * words
    if len(data) != start + plain:
        raise Damaged("has another length than it says")
    coder = rans.Decoder(tables, states, np.frombuffer(data[place + used : start], "<u2"))
    bits = tokens.Bits(data[start:])
    out = np.zeros((count, height, width), np.int64)
    for number, plane in enumerate(out):
        for ys, xs, half, around in M.stages(height, width):
            expected, unsure = M.expect(plane, ys, xs, half, around)
            found = coder.take(unsure + UNSURE * (number > 0))
            more = bits.take(np.where(found > 0, tokens.EXTRA[found] + 1, 0))
            size = tokens.BASE[found] + (more >> 1)
            plane[ys, xs] = np.clip(expected + np.where(more & 1, -size, size), -_MOST, _MOST)
    coder.finish()
    return out
