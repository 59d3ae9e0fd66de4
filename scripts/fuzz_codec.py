"""Coverage-guided fuzzing of the .isth decoder (needs atheris, which is no dependency of Isthmus).

    pip install atheris
    python scripts/fuzz_codec.py CORPUS -max_total_time=1800 -timeout=20 -rss_limit_mb=1000

The options are libFuzzer's; CORPUS is a folder that is made and filled. The first byte of an input
says what is fuzzed (``KINDS``). Checksums are taken for right where what lies behind them is to be
reached. Only FormatError may come out, in bounded time and memory.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import atheris
import numpy as np

with atheris.instrument_imports(include=["isthmus.codec", "isthmus.pillow"]):
    from isthmus import pillow
    from isthmus.codec import (
        codes,
        container,
        exact,
        photos,
        picture,
        rans,
        tile,
        tile_pixels,
        tokens,
    )
    from isthmus.codec.errors import FormatError

MOST = 1 << 12
MODEL = picture.prior()
GOLDEN = Path(__file__).parents[1] / "tests/codec/golden"
BOOK = codes.CodeBook.fit(np.random.default_rng(0).integers(-40, 40, (60, 5)), pages=3)


class _Right(int):
    """A checksum that is always the expected one."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = int.__hash__


CHECKED = container.crc32c


def _unchecked(data: bytes) -> Any:
    return _Right(0)


def a_file(data: bytes) -> None:
    """The whole file, a region of it, its thumbnail."""
    made = picture.decode(data, most_pixels=MOST, threads=1)
    assert made.pixels.dtype in (np.uint8, np.uint16)
    height, width = made.header.height, made.header.width
    picture.decode(data, (height // 2, height, 0, (width + 1) // 2), MOST, threads=1)
    picture.thumbnail(data, most_pixels=MOST)


def an_unchecked_file(data: bytes) -> None:
    """The same with all checksums taken for right."""
    container.crc32c = _unchecked
    a_file(data)


def an_image(data: bytes) -> None:
    """As Pillow opens it, checksums taken for right: OSError and SyntaxError are what it expects."""
    container.crc32c = _unchecked
    if (
        len(data) > 28
        and int.from_bytes(data[20:24], "little") * int.from_bytes(data[24:28], "little") > MOST
    ):
        return
    with suppress(OSError, SyntaxError):
        pillow.IsthImageFile(io.BytesIO(data)).load()


def metadata(data: bytes) -> None:
    """What a file brings beside its pixels."""
    container.crc32c = _unchecked
    photos.unpack(data, most_pixels=MOST)


def a_tile(data: bytes) -> None:
    """A payload of 32 x 64 pixels; its first byte says how many planes and which step."""
    planes, step = (1, 3)[data[0] & 1], picture.LEAST_STEP + data[0]
    coded = tile.decode(MODEL, data[1:], planes, 4, 8, step)
    header = container.Header(0, planes, 8, False, 64, 32, 1024, step, 1, b"")
    header = replace(header, after=picture.most_after(MODEL, header))
    tile_pixels.synthesised(MODEL, coded, header, 32, 64)


def a_fitting_tile(data: bytes) -> None:
    """The same with a head whose lengths are right, so that every input gets behind it."""
    planes, power = (1, 3)[data[0] & 1], data[1] % 9
    last, rest = bytes(b & 15 for b in data[4 : 4 + planes]), data[4 + planes :]
    used = rans.unpack_states(rest, 1 << power)[1]
    signs = data[2] | data[3] >> 5 << 8
    loose = (max(signs - (16 << power), 0) + 7) // 8
    left = len(rest) - used - loose
    if left < 0:
        return
    words = left * (data[3] & 31) // 64
    head = bytes([power | data[1] & 16])
    head += b"".join(tokens.varint(n) for n in (words, left - 2 * words, signs))
    a_tile(data[:1] + head + last + rest)


def an_exact_tile(data: bytes) -> None:
    """A payload without loss, of 9 x 7 pixels."""
    exact.to_pixels(exact.decode(MODEL.exact, data[1:], (1, 3)[data[0] & 1], 9, 7), np.uint8)


def a_sheet(data: bytes) -> None:
    """A sheet of codes, its checksum taken for right."""
    codes.crc32c = _unchecked
    codes.unpack(BOOK, data, most_items=1000)


KINDS: tuple[Callable[[bytes], None], ...] = (
    a_file, an_unchecked_file, an_image, metadata, a_tile, a_fitting_tile, an_exact_tile, a_sheet,
)  # fmt: skip


def one(data: bytes) -> None:
    if len(data) < 12:
        return
    container.crc32c = codes.crc32c = CHECKED
    with suppress(FormatError):
        KINDS[data[0] % len(KINDS)](data[1:])


def seeds(folder: Path) -> None:
    """Small files of every kind, and the golden ones."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)

    def keep(name: str, data: bytes, *kinds: Callable[[bytes], None]) -> None:
        for kind in kinds:
            number = KINDS.index(kind)
            (folder / f"{name}-{number}").write_bytes(bytes([number]) + data)

    y, x = np.mgrid[:40, :72]
    smooth = np.stack([x * 3, y * 5, x + y], 2).astype(np.uint8)
    noise = rng.integers(0, 256, (33, 34, 3)).astype(np.uint8)
    alpha = (x * 3).astype(np.uint8)
    files = [path.read_bytes() for path in sorted(GOLDEN.glob("*.isth"))]
    files = [data for data in files if container.read(data).header.width < 100]
    for step in (180, 280, 350):
        files.append(picture.encode(smooth, step))
        files.append(picture.encode(smooth[..., :1], step, alpha))
    files.append(picture.encode(noise, 300))
    picture.TILE = 32
    files.append(picture.encode(smooth[:, :40], 320, alpha[:, :40]))
    picture.TILE = container.LARGEST_TILE
    files += [picture.encode_exact(smooth), picture.encode_exact(smooth[..., :1], drawn=True)]
    beside = ((b"ICCP", b"icc"), (b"EXIF", b"Exif\0\0"), (b"TEXT", b'{"a": "b"}'))
    files.append(picture.encode(smooth[:8, :8].astype(np.uint16) * 257, 300, None, beside))
    for number, data in enumerate(files):
        keep(f"file-{number}", data, a_file, an_unchecked_file, an_image, metadata)
    for planes in (1, 3):
        small: Any = smooth[:32, :64, :planes]
        which = bytes([104 + (planes > 1)])
        payload, _ = tile_pixels.encode(MODEL, tile_pixels.analysed(small), 200)
        keep(f"tile-{planes}", which + payload, a_tile)
        keep(f"fitting-{planes}", which + b"\4\40\20" + payload[4:], a_fitting_tile)
        keep(f"any-{planes}", which + b"\20\40\20" + rng.bytes(300), a_fitting_tile)
        held = exact.encode(MODEL.exact, exact.to_planes(small[:9, :7]), True)
        keep(f"exact-{planes}", bytes([planes > 1]) + held, an_exact_tile)
    keep("sheet", codes.pack(BOOK, rng.integers(-60, 60, (9, 5))), a_sheet)


if __name__ == "__main__":
    seeds(Path(next(a for a in sys.argv[1:] if not a.startswith("-"))))
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
