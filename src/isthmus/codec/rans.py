"""An entropy coder: lane-interleaved rANS in array operations, all of it whole numbers.

Asymmetric numeral systems (Duda 2013) with 32-bit states, 16-bit words and 13-bit probabilities. A
call codes many symbols at once; symbol k of a call belongs to lane k mod LANES, and lanes take their
words in order. The encoder walks backwards, so the decoder's last states are the encoder's first
ones: they carry 16 bits of payload each, so that lanes cost nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.codec import tokens
from isthmus.codec.errors import Damaged

Array = NDArray[Any]
BITS = 13
SYMBOLS = 16
_MASK = np.uint32((1 << BITS) - 1)
_LOW = 1 << 16


def frequencies(counts: Array) -> NDArray[np.int64]:
    """Counts (rows, 16), floats >= 0, as whole frequencies >= 1 that sum to 2^13."""
    total = 1 << BITS
    share = counts / counts.sum(1, keepdims=True) * (total - SYMBOLS)
    whole: NDArray[np.int64] = np.floor(share).astype(np.int64) + 1
    whole[np.arange(len(whole)), counts.argmax(1)] += total - whole.sum(1)
    return whole


class Tables:
    """Rows of frequencies (rows, 16) made ready for coding."""

    def __init__(self, freq: Array) -> None:
        freq = np.asarray(freq, np.int64)
        if freq.min() < 1 or (freq.sum(1) != 1 << BITS).any():
            raise ValueError("each row of frequencies must be >= 1 and sum to 2^13")
        self.freq = freq.astype(np.uint32)
        self.start = (np.cumsum(freq, 1) - freq).astype(np.uint32)
        self._lookup: Array | None = None

    @property
    def lookup(self) -> Array:
        """For each row and slot: symbol, frequency and place within it, packed in 32 bits."""
        if self._lookup is None:
            rows = len(self.freq)
            symbols = np.tile(np.arange(SYMBOLS, dtype=np.uint32), rows)
            f, first = self.freq.reshape(-1), self.start.reshape(-1)
            slots = np.tile(np.arange(1 << BITS, dtype=np.uint32), rows)
            packed = np.repeat((symbols << 28) | (f << 14), f)
            self._lookup = packed | (slots - np.repeat(first, f))
        return self._lookup


def encode(
    tables: Tables, calls: list[tuple[Array, Array]], lanes: int, payload: Array
) -> tuple[Array, Array]:
    """(states uint32 (lanes,), words uint16) of calls of (rows, symbols), both flat, in order.

    ``payload`` uint16 (lanes,) travels in the first states.
    """
    state = np.uint64(_LOW) | payload.astype(np.uint64)
    out: list[Array] = []
    for rows, symbols in reversed(calls):
        freq = tables.freq[rows, symbols].astype(np.uint64)
        start = tables.start[rows, symbols].astype(np.uint64)
        for first in range((len(rows) - 1) // lanes * lanes, -1, -lanes):
            f, b = freq[first : first + lanes], start[first : first + lanes]
            s = state[: len(f)]
            full = s >= f << np.uint64(32 - BITS)
            out.append(s[full].astype(np.uint16))
            s = np.where(full, s >> np.uint64(16), s)
            high = s // f
            state[: len(f)] = (high << np.uint64(BITS)) + (s - high * f) + b
    words = np.concatenate(out[::-1]) if out else np.zeros(0, np.uint16)
    return state.astype(np.uint32), words


def pack_states(states: Array) -> bytes:
    """For each lane 4 bits that say how many digits a state has, then the digits below the first."""
    digits = np.frexp(states.astype(np.float64))[1].astype(np.int64) - 1  # 16..31
    lengths = tokens.pack(digits - 16, np.full(len(states), 4))
    return lengths + tokens.pack(states.astype(np.int64) - (1 << digits), digits)


def unpack_states(data: bytes, lanes: int) -> tuple[Array, int]:
    """(states uint32 (lanes,), how many bytes they took). Raises Damaged."""
    first = (lanes + 1) // 2
    digits = tokens.Bits(data[:first]).take(np.full(lanes, 4)) + 16
    used = first + (int(digits.sum()) + 7) // 8
    low = tokens.Bits(data[first:used]).take(digits)
    return (low + (1 << digits)).astype(np.uint32), used


class Decoder:
    """Symbols back from states and words. Raises Damaged when words run out."""

    def __init__(self, tables: Tables, states: Array, words: Array) -> None:
        self.lookup = tables.lookup
        self.state = states.astype(np.uint32)
        self.words = words.astype(np.uint32)
        self.place = 0

    def take(self, rows: Array) -> Array:
        """The symbols (uint8) of a call, given each one's row."""
        lanes, lookup, words, place = len(self.state), self.lookup, self.words, self.place
        out = np.empty(len(rows), np.uint32)
        bases = rows.astype(np.uint32) << np.uint32(BITS)
        for first in range(0, len(rows), lanes):
            base = bases[first : first + lanes]
            count = len(base)
            s = self.state[:count] if count < lanes else self.state
            found = lookup[base | (s & _MASK)]
            out[first : first + count] = found
            s = ((found >> np.uint32(14)) & np.uint32(0x3FFF)) * (s >> np.uint32(BITS)) + (
                found & np.uint32(0x3FFF)
            )
            low = np.flatnonzero(s < _LOW)
            if len(low):
                taken = words[place : place + len(low)]
                if len(taken) < len(low):
                    raise Damaged("the coded words end too early")
                s[low] = (s[low] << np.uint32(16)) | taken
                place += len(low)
            self.state[:count] = s
        self.place = place
        return (out >> np.uint32(28)).astype(np.uint8)

    def finish(self) -> Array:
        """The payload of the first states, uint16 (lanes,). Raises Damaged if anything is left over."""
        if self.place != len(self.words) or (self.state >> np.uint32(16) != 1).any():
            raise Damaged("the coded words do not end where they should")
        return (self.state & np.uint32(0xFFFF)).astype(np.uint16)
