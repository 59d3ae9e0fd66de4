"""The file: what stands where in an ``.isth``. Described byte by byte in ``docs/isth.md``."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from isthmus.codec.crc import crc32c
from isthmus.codec.errors import Damaged, FormatError
from isthmus.codec.tokens import varint

MAGIC = b"\x89ISTH\r\n\x1a"
VERSION = 1
LOSSY, EXACT = 0, 1
SMOOTHED, CORRECTED = 1, 2
MOST_PIXELS = 200_000_000
LONGEST = 1 << 20
_HEAD = struct.Struct("<8sBBBBBBBBHHII8s")
KINDS = (b"ICCP", b"EXIF", b"XMP ", b"TEXT")
_MOST_BESIDE = 64 << 20
LARGEST_TILE = 1024
"""Pixels of a tile's side: what one tile takes in memory stays within reason."""
_MOST_TILES = 1 << 13


@dataclass(frozen=True)
class Header:
    """What a file says of itself.

    ``mode`` LOSSY or EXACT; ``channels`` 1 or 3; ``depth`` 8 or 16 bits; ``orientation`` 1..8 as in
    EXIF, to be applied when shown; ``tile`` the side of a tile, a multiple of 32; ``model`` the number
    and ``digest`` the hash of the prior; ``step`` the quantiser's index; ``after`` what
    follows the synthesis: 0 nothing, SMOOTHED the fitted filter, CORRECTED that and the network.
    ``beside`` is metadata by kind.
    """

    mode: int
    channels: int
    depth: int
    alpha: bool
    width: int
    height: int
    tile: int
    step: int
    model: int
    digest: bytes
    after: int = 0
    orientation: int = 1
    beside: tuple[tuple[bytes, bytes], ...] = ()

    def places(self) -> list[tuple[int, int, int, int]]:
        """(top, bottom, left, right) of every tile in pixels, in reading order."""
        side = self.tile
        return [
            (y, min(y + side, self.height), x, min(x + side, self.width))
            for y in range(0, self.height, side)
            for x in range(0, self.width, side)
        ]

    @property
    def count(self) -> int:
        """How many tiles there are."""
        return -(-self.height // self.tile) * -(-self.width // self.tile)


@dataclass(frozen=True)
class Entry:
    """Where a tile's bytes are, and their checksum."""

    start: int
    length: int
    crc: int


@dataclass(frozen=True)
class File:
    """A file's header, its index, and all its bytes."""

    header: Header
    pixels: list[Entry]
    alpha: list[Entry]
    data: bytes

    def payload(self, entry: Entry) -> bytes:
        """A tile's bytes. Raises Damaged when they are cut off or not what they were."""
        held = self.data[entry.start : entry.start + entry.length]
        if len(held) < entry.length:
            raise Damaged("is cut off")
        if crc32c(held) != entry.crc:
            raise Damaged("does not match its checksum")
        return held


def write(header: Header, pixels: list[bytes], alpha: list[bytes]) -> bytes:
    """The whole file."""
    head = _HEAD.pack(
        MAGIC,
        VERSION,
        header.mode,
        header.channels,
        header.depth,
        int(header.alpha),
        header.orientation,
        header.tile // 32,
        header.after,
        header.model,
        header.step,
        header.width,
        header.height,
        header.digest,
    )
    parts = [head, varint(len(header.beside))]
    for kind, content in header.beside:
        parts += [kind, varint(len(content)), content]
    payloads = [*pixels, *alpha]
    parts += [varint(len(payload)) + crc32c(payload).to_bytes(4, "little") for payload in payloads]
    front = b"".join(parts)
    return b"".join([front, crc32c(front).to_bytes(4, "little"), *payloads])


def read(data: bytes, most_pixels: int = MOST_PIXELS) -> File:
    """The header and the index, checked before anything is allocated. Raises FormatError."""
    if data[:8] != MAGIC:
        cut = MAGIC.startswith(data[:8]) and len(data) < 8
        raise FormatError("is cut off in its first bytes" if cut else "is not an .isth file")
    if len(data) > 8 and data[8] != VERSION:
        raise FormatError(
            f"is of version {data[8]} of the format; this Isthmus reads version {VERSION} "
            "(a newer Isthmus wrote it: pip install --upgrade isthmus)"
        )
    if len(data) < _HEAD.size:
        raise FormatError("is cut off in its header")
    _, _, mode, channels, depth, alpha, turn, tile, after, model, step, width, height, digest = (
        _HEAD.unpack_from(data)
    )
    if width == 0 or height == 0:
        raise FormatError(f"says it is {width} x {height} pixels")
    if width > LONGEST or height > LONGEST or width * height > most_pixels:
        raise FormatError(
            f"says it has {width} x {height} = {width * height:,} pixels, more than the limit of "
            f"{most_pixels:,}"
        )
    good = (
        mode in (LOSSY, EXACT)
        and channels in (1, 3)
        and depth in (8, 16)
        and alpha in (0, 1)
        and 1 <= turn <= 8
        and 0 < tile <= LARGEST_TILE // 32
    )
    if not good:
        raise FormatError("has a header that no encoder writes")
    reader = _Reader(data, _HEAD.size)
    count = reader.varint()
    if count > 64:
        raise FormatError("has a header that no encoder writes")
    beside = []
    for _ in range(count):
        kind = reader.take(4)
        length = reader.varint()
        if length > _MOST_BESIDE:
            raise FormatError("says it holds more metadata than a file may")
        beside.append((kind, reader.take(length)))
    header = Header(
        mode, channels, depth, bool(alpha), width, height, tile * 32, step, model, digest, after,
        turn, tuple(beside),
    )  # fmt: skip
    tiles = header.count
    if tiles > _MOST_TILES or tiles * 5 > len(data):
        raise FormatError("is cut off in its index, or says it has more tiles than a file may")
    index = [
        (reader.varint(), int.from_bytes(reader.take(4), "little"))
        for _ in range(tiles * (1 + alpha))
    ]
    said = int.from_bytes(reader.take(4), "little")
    if crc32c(data[: reader.place - 4]) != said:
        raise FormatError("has a damaged header (its checksum does not match)")
    entries = list(_entries(index, reader.place))
    return File(header, entries[:tiles], entries[tiles:], data)


def _entries(index: list[tuple[int, int]], start: int) -> Iterator[Entry]:
    for length, crc in index:
        yield Entry(start, length, crc)
        start += length


class _Reader:
    def __init__(self, data: bytes, place: int) -> None:
        self.data = data
        self.place = place

    def take(self, count: int) -> bytes:
        held = self.data[self.place : self.place + count]
        if len(held) < count:
            raise FormatError("is cut off in its header")
        self.place += count
        return held

    def varint(self) -> int:
        value = 0
        for shift in range(0, 35, 7):
            (byte,) = self.take(1)
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise FormatError("has a header that no encoder writes")
