"""The codec's parts alone: every there-and-back is the identity."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from isthmus.codec import analysis, exact, layout, picture, rans, synthesis, tokens, transform
from isthmus.codec.crc import crc32c
from isthmus.codec.errors import Damaged

TABLES = rans.Tables(
    rans.frequencies(np.random.default_rng(0).exponential(1, (5, rans.SYMBOLS)) ** 4)
)


def test_the_checksum_is_castagnolis() -> None:
    assert crc32c(b"") == 0
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    assert crc32c(b"\xff" * 32) == 0x62A8AB43


@given(st.binary(max_size=3000), st.binary(max_size=1500))
@settings(max_examples=20, deadline=None)
def test_the_checksum_does_not_depend_on_how_bytes_are_grouped(a: bytes, b: bytes) -> None:
    def slow(data: bytes) -> int:
        state = 0xFFFFFFFF
        for byte in data:
            state ^= byte
            for _ in range(8):
                state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
        return state ^ 0xFFFFFFFF

    assert crc32c(a + b) == slow(a + b)


@given(
    st.lists(st.integers(0, 700), max_size=4), st.sampled_from([1, 4, 64]), st.integers(0, 2**31)
)
@settings(max_examples=25, deadline=None)
def test_symbols_come_back_and_so_does_the_payload(
    counts: list[int], lanes: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    calls = [
        (rng.integers(0, 5, n), rng.integers(0, rans.SYMBOLS, n).astype(np.uint8)) for n in counts
    ]
    payload = rng.integers(0, 1 << 16, lanes).astype(np.uint16)
    states, words = rans.encode(TABLES, calls, lanes, payload)
    decoder = rans.Decoder(TABLES, states, words)
    for rows, symbols in calls:
        assert (decoder.take(rows) == symbols).all()
    assert (decoder.finish() == payload).all()


def test_missing_and_left_over_words_are_noticed() -> None:
    rng = np.random.default_rng(1)
    rows, symbols = rng.integers(0, 5, 900), rng.integers(0, rans.SYMBOLS, 900)
    states, words = rans.encode(TABLES, [(rows, symbols)], 4, np.zeros(4, np.uint16))
    short = rans.Decoder(TABLES, states, words[:-1])
    with pytest.raises(Damaged, match="too early"):
        short.take(rows)
    more = rans.Decoder(TABLES, states, np.append(words, words[-1:]))
    more.take(rows)
    with pytest.raises(Damaged, match="where they should"):
        more.finish()


def test_the_coder_spends_what_the_probabilities_say() -> None:
    rng = np.random.default_rng(2)
    p = TABLES.freq[3] / 8192
    symbols = rng.choice(rans.SYMBOLS, 40_000, p=p)
    payload = rng.integers(0, 1 << 16, 64).astype(np.uint16)
    states, words = rans.encode(TABLES, [(np.full(40_000, 3), symbols)], 64, payload)
    packed = rans.pack_states(states)
    again, used = rans.unpack_states(packed, 64)
    assert (again == states).all()
    assert used == len(packed)
    spent = 16 * len(words) + 8 * len(packed) - 16 * 64  # the payload is not the symbols'
    ideal = -np.log2(p[symbols]).sum()
    assert ideal < spent < 1.005 * ideal + 4 * 64


@given(hnp.arrays(np.int64, st.integers(0, 80), elements=st.integers(0, tokens.LARGEST)))
@settings(max_examples=50, deadline=None)
def test_magnitudes_are_symbols_and_plain_bits(magnitudes: np.ndarray) -> None:
    symbols, extra, lengths = tokens.split(magnitudes)
    bits = tokens.Bits(tokens.pack(extra, lengths))
    assert (tokens.BASE[symbols] + bits.take(lengths) == magnitudes).all()


@pytest.mark.parametrize("size", transform.SIZES)
def test_bands_hold_every_coefficient_of_a_block_once(size: int) -> None:
    blocks = np.arange(2 * 3 * size * size).reshape(2, 3, size, size)
    assert (layout.from_bands(layout.to_bands(blocks), size) == blocks).all()


@pytest.mark.parametrize("size", transform.SIZES)
def test_the_whole_number_transform_undoes_the_encoders(size: int) -> None:
    planes = np.random.default_rng(0).normal(0, 60, (1, 64, 96)).astype(np.float32)
    blocks = transform.forward(planes, size)
    assert np.square(blocks).sum() == pytest.approx(np.square(planes).sum(), rel=1e-4)
    fine = np.rint(blocks[0] * 16).astype(np.int32).reshape(-1, size, size)
    back = transform.inverse(fine).reshape(64 // size, 96 // size, size, size)
    assert np.abs(back.swapaxes(1, 2).reshape(64, 96) / 16 - planes[0]).max() < 0.25


def test_the_haar_step_undoes_itself() -> None:
    means = 64 * np.random.default_rng(0).integers(-5000, 5000, (3, 8, 12)).astype(np.int32)
    there = analysis.haar(means.astype(np.float64))
    assert np.abs(synthesis.unhaar(there.astype(np.int32)) - means).max() <= 1


@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.uint16]),
        st.tuples(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3])),
    ),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_planes_without_loss_come_back(pixels: np.ndarray, drawn: bool) -> None:
    planes = exact.to_planes(pixels)
    tables = picture.prior().exact
    back = exact.decode(tables, exact.encode(tables, planes, drawn), *planes.shape)
    assert (back == planes).all()
    assert (exact.to_pixels(back, pixels.dtype) == pixels).all()


def test_the_priors_sums_are_exact_in_float32() -> None:
    most = np.array(
        [31] * 7 + [124, 124, 255] + [31] * 4 + [124, 31, 124, 124, 255, 31, 124, 255, 1, 47]
    )
    weights = np.abs(picture.prior().weights.astype(np.int64))
    assert (weights * most).sum(-1).max() < 1 << 24


def test_the_manual_lists_the_thresholds_of_the_code() -> None:
    from isthmus.codec import model, smoothing

    text = (Path(__file__).parents[2] / "docs/isth.md").read_text()

    def listed(begin: str) -> list[int]:
        return [int(n) for n in re.findall(r"\d+", text.split(begin)[1].split(".")[0])]

    assert listed("not above it: ") == model._THRESHOLDS.tolist()
    assert listed("c step / 256), c = ")[: smoothing.ACTIVITIES - 1] == smoothing._BORDERS.tolist()
