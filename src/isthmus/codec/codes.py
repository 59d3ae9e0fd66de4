"""Codes of an autoencoder as bytes: whole numbers of known spread, many items in one sheet.

An ``entropy_coded`` bottleneck rounds its numbers; ``CodeBook.fit`` counts, on training items, how
often each number takes each value, as whole-number probabilities; ``pack`` then spends what those
say. Items of different kinds (the ten digits) have different spreads: a book may have several
pages, and each item is coded with the page on which it is shortest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.codec import rans, tokens
from isthmus.codec.crc import crc32c
from isthmus.codec.errors import Damaged, FormatError

Array = NDArray[Any]
MAGIC = b"\x89ISTC\r\n\x1a"
_MOST_PAGES = 16


@dataclass(frozen=True)
class CodeBook:
    """``freq`` (pages, numbers, 16) of the symbols of each number; ``center`` (numbers,) its middle.

    ``page`` (16,) are the frequencies of the pages themselves.
    """

    freq: Array
    center: Array
    page: Array

    @property
    def numbers(self) -> int:
        """How many numbers an item has."""
        return int(self.freq.shape[1])

    def tables(self) -> rans.Tables:
        """A row for each number of each page, then one for the pages."""
        return rans.Tables(np.concatenate([self.freq.reshape(-1, rans.SYMBOLS), self.page[None]]))

    @classmethod
    def fit(cls, indices: Array, pages: int = 1, rounds: int = 12, seed: int = 0) -> CodeBook:
        """Count training codes (items, numbers), whole numbers. ``pages`` 1..16.

        With several pages, items and pages are matched in turn (as k-means does, with bits for
        distances). Raises FormatError for numbers that cannot be coded.
        """
        if not 1 <= pages <= _MOST_PAGES or indices.ndim != 2 or not len(indices):
            raise FormatError(f"a book has 1 to {_MOST_PAGES} pages of (items, numbers)")
        center = np.rint(np.median(indices, 0)).astype(np.int64)
        symbols, _ = _symbols(indices, center)
        belongs = np.random.default_rng(seed).integers(0, pages, len(indices))
        if pages > 1:
            belongs = _grouped(symbols, pages, seed)
        freq, page = _counted(symbols, belongs, pages)
        for _ in range(rounds if pages > 1 else 0):
            belongs = _costs(freq, page, symbols).argmin(1)
            freq, page = _counted(symbols, belongs, pages)
        return cls(freq, center, page)


def pack(book: CodeBook, indices: Array) -> bytes:
    """Codes (items, numbers) as one sheet."""
    if indices.ndim != 2 or indices.shape[1] != book.numbers:
        raise FormatError(f"holds codes {indices.shape}; the book is for {book.numbers} numbers")
    items, numbers = indices.shape
    symbols, folded = _symbols(indices, book.center)
    pages = len(book.freq)
    belongs = (
        _costs(book.freq, book.page, symbols).argmin(1) if pages > 1 else np.zeros(items, np.int64)
    )
    last = pages * numbers
    calls = [(np.full(items, last), belongs.astype(np.uint8))] if pages > 1 else []
    calls.append(((belongs[:, None] * numbers + np.arange(numbers)).ravel(), symbols.ravel()))
    lanes = 1 << int(np.clip(np.log2(max(symbols.size, 1) / 1000), 0, 8))
    states, words = rans.encode(book.tables(), calls, lanes, np.zeros(lanes, np.uint16))
    plain = tokens.pack(
        folded.ravel() - tokens.BASE[symbols.ravel()], tokens.EXTRA[symbols.ravel()]
    )
    body = b"".join(
        (
            tokens.varint(items),
            tokens.varint(lanes),
            tokens.varint(len(words)),
            rans.pack_states(states),
            words.astype("<u2").tobytes(),
            plain,
        )
    )
    return MAGIC + crc32c(body).to_bytes(4, "little") + body


def unpack(book: CodeBook, data: bytes, most_items: int = 10_000_000) -> Array:
    """The codes (items, numbers) int64 of a sheet. Raises FormatError."""
    if data[:8] != MAGIC:
        raise FormatError("is not a sheet of codes")
    body = data[12:]
    if len(data) < 12 or crc32c(body) != int.from_bytes(data[8:12], "little"):
        raise Damaged("does not match its checksum")
    items, place = tokens.read_varint(body, 0)
    lanes, place = tokens.read_varint(body, place)
    words, place = tokens.read_varint(body, place)
    if items > most_items or not 1 <= lanes <= 256:
        raise Damaged("has a head that no encoder writes")
    states, used = rans.unpack_states(body[place:], lanes)
    start = place + used + 2 * words
    if len(body) < start:
        raise Damaged("is cut off")
    coder = rans.Decoder(book.tables(), states, np.frombuffer(body[place + used : start], "<u2"))
    numbers, pages = book.numbers, len(book.freq)
    belongs = np.zeros(items, np.int64)
    if pages > 1:
        belongs = coder.take(np.full(items, pages * numbers)).astype(np.int64)
        if belongs.max(initial=0) >= pages:
            raise Damaged("names a page that the book does not have")
    symbols = coder.take((belongs[:, None] * numbers + np.arange(numbers)).ravel())
    coder.finish()
    folded = tokens.BASE[symbols] + tokens.Bits(body[start:]).take(tokens.EXTRA[symbols])
    values = np.where(folded & 1, -((folded + 1) >> 1), folded >> 1)
    return values.reshape(items, numbers) + book.center


def _symbols(indices: Array, center: Array) -> tuple[Array, Array]:
    """(symbols uint8, what they stand for: 0, -1, 1, -2, 2 … as 0, 1, 2, 3, 4 …)."""
    values = indices.astype(np.int64) - center
    folded = np.where(values < 0, -2 * values - 1, 2 * values)
    if folded.max(initial=0) > tokens.LARGEST:
        raise FormatError("holds numbers too large to code")
    return tokens.split(folded)[0], folded


def _counted(symbols: Array, belongs: Array, pages: int) -> tuple[Array, Array]:
    numbers = symbols.shape[1]
    row = belongs[:, None] * numbers + np.arange(numbers)
    counts = np.bincount(
        (row * rans.SYMBOLS + symbols).ravel(), minlength=pages * numbers * rans.SYMBOLS
    ).reshape(pages, numbers, rans.SYMBOLS)
    shared = counts.sum(0, keepdims=True) + 0.5
    counts = counts + 8 * shared / shared.sum(-1, keepdims=True)
    freq = rans.frequencies(counts.reshape(-1, rans.SYMBOLS)).reshape(counts.shape)
    page = np.bincount(belongs, minlength=rans.SYMBOLS).astype(np.float64)
    return freq, rans.frequencies(page[None] + 1e-3)[0]


def _costs(freq: Array, page: Array, symbols: Array) -> Array:
    """(items, pages) in bits."""
    pages, numbers, _ = freq.shape
    bits = rans.BITS - np.log2(freq.astype(np.float64))
    each = np.arange(numbers)
    made = np.stack([bits[k][each, symbols].sum(1) for k in range(pages)], 1)
    return np.asarray(made + rans.BITS - np.log2(page[:pages].astype(np.float64)))


def _grouped(symbols: Array, pages: int, seed: int) -> Array:
    """A first guess: items near to one of a few (k-means++ like, on the symbols)."""
    rng = np.random.default_rng(seed)
    some = symbols[rng.permutation(len(symbols))[: 200 * pages]].astype(np.float64)
    chosen = some[:1]
    for _ in range(pages - 1):
        far = np.square(some[:, None] - chosen[None]).sum(2).min(1)
        chosen = np.concatenate(
            [chosen, some[[rng.choice(len(some), p=far / max(far.sum(), 1e-9))]]]
        )
    flat = symbols.astype(np.float64)
    near = (chosen**2).sum(1) - 2 * flat @ chosen.T
    return np.asarray(near.argmin(1))
