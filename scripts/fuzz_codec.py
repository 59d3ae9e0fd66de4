"""Coverage-guided fuzzing of the .isth decoder (needs atheris, which is no dependency of Isthmus).

    python scripts/fuzz_codec.py CORPUS [-max_total_time=1800] [other libFuzzer options]

The first byte of an input says what is fuzzed: the file as it is, the file with all checksums taken
for right (so that what lies behind them is reached), one tile, or one tile without loss. Only
FormatError may come out, in bounded time and memory.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import atheris
import numpy as np

with atheris.instrument_imports(include=["isthmus.codec"]):
    from isthmus.codec import container, exact, picture, tile
    from isthmus.codec.errors import FormatError

MOST = 1 << 14
MODEL = picture.prior()


class _Right(int):
    """A checksum that is always the expected one."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = int.__hash__


CHECKED = container.crc32c


def one(data: bytes) -> None:
    if len(data) < 2:
        return
    kind, rest = data[0] % 4, data[1:]
    container.crc32c = (lambda _: _Right(0)) if kind == 1 else CHECKED
    try:
        if kind < 2:
            made = picture.decode(rest, most_pixels=MOST, threads=1)
            assert made.pixels.dtype in (np.uint8, np.uint16)
            picture.thumbnail(rest, most_pixels=MOST)
        elif kind == 2:
            planes, step = (1, 3)[rest[0] & 1], picture.LEAST_STEP + rest[0]
            coded = tile.decode(MODEL, rest[1:], planes, 4, 8, step)
            header = container.Header(0, planes, 8, False, 64, 32, 1024, step, 1, b"")
            header = replace(header, after=picture.most_after(MODEL, header))
            picture.synthesised(MODEL, coded, header, 32, 64)
        else:
            exact.to_pixels(
                exact.decode(MODEL.exact, rest[1:], (1, 3)[rest[0] & 1], 9, 7), np.uint8
            )
    except FormatError:
        pass


def seeds(folder: Path) -> None:
    """Small files of every kind."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[:40, :72]
    smooth = np.stack([x * 3, y * 5, x + y], 2).astype(np.uint8)
    noise = rng.integers(0, 256, (40, 72, 3)).astype(np.uint8)
    alpha = (x * 3).astype(np.uint8)
    files: list[bytes] = []
    for pixels in (smooth, noise):
        for step in (180, 280):
            files += [picture.encode(pixels, step), picture.encode(pixels[..., :1], step, alpha)]
        files += [picture.encode_exact(pixels), picture.encode_exact(pixels[..., :1], drawn=True)]
    files.append(picture.encode(smooth.astype(np.uint16) * 257, 200, None, ((b"ICCP", b"icc"),)))
    for number, data in enumerate(files):
        for kind in (0, 1):
            (folder / f"file-{number}-{kind}").write_bytes(bytes([kind]) + data)
    for planes in (1, 3):
        small: Any = smooth[:32, :64, :planes]
        payload, _ = picture.encode_tile(MODEL, picture.analysed(small), 200)
        (folder / f"tile-{planes}").write_bytes(bytes([2, 104 + (planes > 1)]) + payload)
        held = exact.encode(MODEL.exact, exact.to_planes(small[:9, :7]), True)
        (folder / f"exact-{planes}").write_bytes(bytes([3, planes > 1]) + held)


if __name__ == "__main__":
    corpus = Path(next(a for a in sys.argv[1:] if not a.startswith("-")))
    seeds(corpus)
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
