"""Damaged, hostile and foreign files: a clear error or a picture whose damaged tiles are named."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.codec import container, exact, picture, tile, tile_pixels
from isthmus.codec.crc import crc32c
from isthmus.codec.errors import FormatError

GOLDEN = Path(__file__).parent / "golden"
FILE = (GOLDEN / "v1-color.isth").read_bytes()
SMALL = (GOLDEN / "v1-gray.isth").read_bytes()
FRONT = 40  # the header before the metadata


def _with(data: bytes, place: int, content: bytes) -> bytes:
    """A file with other bytes in its header and the right checksum for them."""
    file = container.read(data)
    end = file.pixels[0].start
    front = bytearray(data[: end - 4])
    front[place : place + len(content)] = content
    return bytes(front) + crc32c(bytes(front)).to_bytes(4, "little") + data[end:]


@pytest.mark.parametrize("name", ["v1-gray.isth", "v1-drawn.isth", "v1-one.isth"])
def test_cut_off_at_every_length(name: str) -> None:
    data = (GOLDEN / name).read_bytes()
    start = container.read(data).pixels[0].start
    for length in range(len(data)):
        if length < start:
            with pytest.raises(FormatError):
                picture.decode(data[:length])
        elif length % 7 == 0 or length < start + 9:
            made = picture.decode(data[:length])
            assert made.damaged, length
            assert "cut off" in made.damaged[0]


def test_every_byte_of_a_payload_is_guarded() -> None:
    start = container.read(SMALL).pixels[0].start
    for place in range(start, len(SMALL), 5):
        data = bytearray(SMALL)
        data[place] ^= 0x10
        made = picture.decode(bytes(data))
        assert "tile 0 (pixels 0, 0 to 50, 40) does not match its checksum" in made.damaged
        assert (made.pixels == 127).all()


def test_every_byte_of_the_header_is_guarded() -> None:
    start = container.read(FILE).pixels[0].start
    for place in range(start):
        data = bytearray(FILE)
        data[place] ^= 0x01
        with pytest.raises(FormatError):
            picture.decode(bytes(data))


@pytest.mark.parametrize(
    ("place", "content", "said"),
    [
        (0, b"\x89PNG\r\n\x1a\n", "not an .isth"),
        (8, b"\x02", "version 2"),
        (9, b"\x07", "no encoder writes"),
        (10, b"\x02", "no encoder writes"),
        (11, b"\x0c", "no encoder writes"),
        (13, b"\x09", "no encoder writes"),
        (14, b"\x00", "no encoder writes"),
        (14, b"\x21", "no encoder writes"),
        (16, b"\x63\x00", "model 99"),
        (18, b"\xff\xff", "no encoder writes"),
        (20, struct.pack("<II", 0, 40), "0 x 40"),
        (20, struct.pack("<II", 2**32 - 1, 2**32 - 1), "more than the limit"),
        (20, struct.pack("<II", 1_000_000, 100_000), "more than the limit"),
        (20, struct.pack("<II", 100_000, 1000), "index|no encoder writes|damaged header"),
        (28, b"\0" * 8, "hash"),
    ],
)
def test_headers_that_lie_are_refused_before_anything_is_allocated(
    place: int, content: bytes, said: str
) -> None:
    data = _with(SMALL, place, content)
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match=said):
            picture.decode(data)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_the_damaged_tile_is_named_and_the_others_are_whole() -> None:
    data = bytearray((GOLDEN / "v1-tiles.isth").read_bytes())
    whole = picture.decode(bytes(data))
    file = container.read(bytes(data))
    data[file.pixels[4].start + 20] ^= 0xFF
    made = picture.decode(bytes(data))
    assert [text.split(" does")[0] for text in made.damaged] == [
        "tile 4 (pixels 64, 64 to 128, 100)"
    ]
    assert (made.pixels[64:, 64:128] == 127).all()
    same = np.ones(made.pixels.shape[:2], bool)
    same[64:, 64:128] = False
    assert (made.pixels[same] == whole.pixels[same]).all()


def test_damaged_transparency_becomes_opaque() -> None:
    data = bytearray((GOLDEN / "v1-deep-alpha.isth").read_bytes())
    data[-3] ^= 4
    made = picture.decode(bytes(data))
    assert made.alpha is not None
    assert (made.alpha == 65535).all()
    assert made.damaged[0].startswith("transparency of tile 0")


@given(st.sampled_from(["v1-p2-gray.isth", "v1-p2-drawn.isth", "v1-p2-one.isth"]), st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damage_is_never_silent(name: str, data: st.DataObject) -> None:
    """Bytes changed, cut out, put in, moved: an error, a tile that is named, or the same pixels."""
    whole = (GOLDEN / name).read_bytes()
    start = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(start, min(start + 40, len(whole))))
    put = data.draw(st.one_of(st.binary(max_size=9), st.just(whole[start:end] * 2)))
    held = whole[:start] + put + whole[end:]
    try:
        made = picture.decode(held, most_pixels=1 << 20)
    except FormatError:
        return
    if not made.damaged:
        assert (made.pixels == picture.decode(whole).pixels).all()


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_tile_of_any_bytes_is_read_or_refused(data: st.DataObject) -> None:
    """Behind the checksum: payloads that an attacker wrote."""
    model = picture.prior()
    file = container.read(SMALL)
    payload = bytearray(file.payload(file.pixels[0]))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(payload) - 1))
        payload[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([0, 0, 1, 9]))
    held = bytes(payload[: len(payload) - cut])
    try:
        coded = tile.decode(model, held, 1, 8, 8, 200)
        tile_pixels.synthesised(model, coded, file.header, 40, 50)
    except FormatError:
        pass


@given(st.binary(max_size=400), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_planes_of_any_bytes_are_read_or_refused(data: bytes, kind: int) -> None:
    try:
        planes = exact.decode(picture.prior().exact, bytes([kind]) + data, 3, 5, 6)
        exact.to_pixels(planes, np.uint8)
    except FormatError:
        pass


def test_a_file_of_many_small_tiles_is_refused() -> None:
    """Or a few megabytes would take hours."""
    head = bytearray(SMALL[:FRONT])
    head[14] = 1
    head[20:28] = struct.pack("<II", 32 * 100, 32 * 100)
    with pytest.raises(FormatError, match="more tiles"):
        container.read(bytes(head) + b"\0" + bytes(100_000))


@given(st.binary(max_size=600))
@settings(max_examples=100, deadline=None)
def test_files_of_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        picture.decode(data)
    with pytest.raises(FormatError):
        picture.decode(FILE[:FRONT] + data)


def test_a_deflated_bomb_does_not_grow() -> None:
    import zlib

    bomb = bytes([1]) + zlib.compress(bytes(50_000_000), 9)
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match="length"):
            exact.decode(picture.prior().exact, bomb, 1, 10, 10)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
