"""Magnitudes as one of 16 symbols and some plain bits; streams of plain bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.codec.errors import Damaged

Array = NDArray[Any]
# Symbols 0..8 are the magnitude; 9..15 hold 2, 4, 8, 16, 32, 64 and 2^20 magnitudes each.
EXTRA = np.array([0] * 9 + [1, 2, 3, 4, 5, 6, 20], np.int64)
BASE = np.array([*range(9), 9, 11, 15, 23, 39, 71, 135], np.int64)
LARGEST = int(BASE[-1]) + (1 << 20) - 1
_SMALL = np.searchsorted(BASE, np.arange(136), side="right").astype(np.uint8) - 1


def split(magnitudes: Array) -> tuple[Array, Array, Array]:
    """(symbols uint8, plain bits' values, how many plain bits) of magnitudes 0..LARGEST."""
    symbols = _SMALL[np.minimum(magnitudes, 135)]
    return symbols, magnitudes - BASE[symbols], EXTRA[symbols]


def pack(values: Array, lengths: Array) -> bytes:
    """Numbers of given lengths in bits, most significant bit first, one after the other."""
    keep = lengths > 0
    values, lengths = values[keep].astype(np.int64), lengths[keep].astype(np.int64)
    if not len(values):
        return b""
    ends = np.cumsum(lengths)
    place = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
    shift = np.repeat(lengths, lengths) - 1 - place
    return np.packbits((np.repeat(values, lengths) >> shift & 1).astype(np.uint8)).tobytes()


class Bits:
    """A stream of plain bits to read numbers from. Raises Damaged beyond its end."""

    def __init__(self, data: bytes) -> None:
        self.bits = np.unpackbits(np.frombuffer(data or b"", np.uint8)).astype(np.int64)
        self.place = 0

    def take(self, lengths: Array) -> Array:
        """Numbers of the given lengths (each 0..21 bits)."""
        ends = self.place + np.cumsum(lengths)
        if len(ends) and ends[-1] > len(self.bits):
            raise Damaged("the plain bits end too early")
        out = np.zeros(len(lengths), np.int64)
        starts = ends - lengths
        for bit in range(int(lengths.max(initial=0))):
            more = lengths > bit
            out[more] = out[more] << 1 | self.bits[starts[more] + bit]
        if len(ends):
            self.place = int(ends[-1])
        return out


def varint(value: int) -> bytes:
    """A number in groups of 7 bits, lowest first; the top bit says that more follow (LEB128)."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, place: int) -> tuple[int, int]:
    """(the number, the place behind it). Raises Damaged."""
    value = 0
    for shift in range(0, 35, 7):
        if place >= len(data):
            break
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise Damaged("is cut off in its head")
