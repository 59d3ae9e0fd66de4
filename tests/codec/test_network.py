"""The network behind the synthesis: whole numbers only, and worth its cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.photos import photograph, psnr

from isthmus.codec import container, network, picture, tile_pixels
from isthmus.codec.errors import FormatError
from isthmus.codec.model import STEPS, shipped
from isthmus.codec.network import CELL, FLAGS, LEAST, SHIFT, TOP, Network

PHOTO = photograph()[100:260, 200:440]
KINDS = (network.MOST >> 3) - (LEAST >> 3) + 1
INPUTS = 3 * CELL**2


def _random(width: int = 5, layers: int = 2, seed: int = 0) -> Network:
    rng = np.random.default_rng(seed)
    whole = rng.integers
    return Network(
        whole(-30, 31, (9 * (INPUTS + FLAGS), width)).astype(np.int16),
        whole(-200, 201, (layers, 9 * width, width)).astype(np.int16),
        whole(-200, 201, (9 * width, INPUTS)).astype(np.int16),
        whole(1, 1 << 30, (KINDS, width)),
        whole(-5000, 5000, (KINDS, 1 + layers, width)).astype(np.int32),
        whole(1, 4000, (KINDS, INPUTS)).astype(np.int32),
        whole(-(1 << 28), 1 << 28, (KINDS, INPUTS)),
    )


def _convolved(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """3 x 3 over (rows, columns, channels), int64, one product after the other."""
    rows, columns, channels = values.shape
    padded = np.pad(values, ((1, 1), (1, 1), (0, 0)))
    taps = weights.astype(np.int64).reshape(3, 3, channels, -1)
    out = np.zeros((rows, columns, taps.shape[-1]), np.int64)
    for y in range(3):
        for x in range(3):
            for c in range(channels):
                out += padded[y : y + rows, x : x + columns, c, None] * taps[y, x, c]
    return out


def _slowly(net: Network, planes: np.ndarray, sizes: np.ndarray, index: int) -> np.ndarray:
    """What docs/isth.md says, in Python's whole numbers."""
    step, kind = int(STEPS[index]), (index >> 3) - (LEAST >> 3)
    cells = np.clip((planes.astype(np.int64) + 2) >> 2, -1023, 1023)
    count, height, width = planes.shape
    folded = cells.reshape(count, height // 4, 4, width // 4, 4).transpose(1, 3, 0, 2, 4)
    marks = network.flags(sizes).astype(np.int64) * ((step + 2) >> 2)
    seen = np.concatenate([folded.reshape(height // 4, width // 4, -1), marks], 2)
    sums = _convolved(seen, net.first)
    held = np.clip((sums * (net.gain[kind] // step) >> network.GAIN) + net.bias[kind, 0], 0, TOP)
    for layer in range(0, len(net.middle), 2):
        inner = np.clip(
            (_convolved(held, net.middle[layer]) + net.bias[kind, 1 + layer]) >> SHIFT, 0, TOP
        )
        more = (_convolved(inner, net.middle[layer + 1]) + net.bias[kind, 2 + layer]) >> SHIFT
        held = np.clip(held + more, 0, TOP)
    sums = _convolved(held, net.last) * net.out_gain[kind] + net.out_bias[kind]
    bits = 8 + network.LAST
    found = (sums * step + (1 << (bits - 1))) >> bits
    back = found.reshape(height // 4, width // 4, count, 4, 4).transpose(2, 0, 3, 1, 4)
    return back.reshape(planes.shape)


@pytest.mark.parametrize("index", [LEAST, 330, network.MOST])
def test_floats_carry_whole_numbers_exactly(index: int) -> None:
    rng = np.random.default_rng(index)
    net = _random(seed=index)
    planes = rng.integers(-4500, 4500, (3, 64, 96)).astype(np.int32)
    sizes = np.kron(rng.integers(0, 3, (2, 3)), np.ones((4, 4), int)).astype(np.uint8)
    made = network.correction(net, planes, sizes, index, int(STEPS[index]))
    assert (made == _slowly(net, planes, sizes, index)).all()
    assert made.any()


def test_the_shipped_network_cannot_leave_what_floats_hold_exactly() -> None:
    model = shipped(2)
    assert model is not None
    net = model.network
    assert net is not None
    step = int(STEPS[LEAST])
    first = np.abs(net.first.astype(np.int64)).sum(0).max() * 1023
    assert first < 1 << 24
    assert first * int((net.gain // step).max()) < 1 << 53
    assert np.abs(net.bias.astype(np.int64)).max() < 1 << 22
    for weights in (*net.middle, net.last):
        most = np.abs(weights.astype(np.int64)).sum(0).max() * TOP
        assert most + np.abs(net.bias.astype(np.int64)).max() < 1 << 24
    sums = np.abs(net.last.astype(np.int64)).sum(0) * TOP * net.out_gain
    assert int((sums + np.abs(net.out_bias)).max()) * int(STEPS[network.MOST]) < 1 << 53


def test_a_file_takes_the_network_where_that_is_nearer() -> None:
    """On a photograph it never saw, against the fitted filter alone, for the same bytes."""
    model = picture.prior()
    height, width = PHOTO.shape[:2]
    taken = []
    for step in (312, 352):
        _, coded = tile_pixels.encode(model, tile_pixels.analysed(PHOTO), step)
        header = container.read(picture.encode(PHOTO, step)).header
        smoothed, corrected = (
            psnr(
                PHOTO,
                tile_pixels.synthesised(model, coded, replace(header, after=n), height, width),
            )
            for n in (container.SMOOTHED, container.CORRECTED)
        )
        assert (header.after == container.CORRECTED) == (corrected > smoothed)
        data, error = picture.Coder(PHOTO).code(step)
        assert container.read(data).header.after == header.after
        assert 10 * np.log10(255**2 / error) == pytest.approx(max(smoothed, corrected), abs=1e-3)
        taken.append(header.after)
    assert container.CORRECTED in taken


def test_a_file_cannot_ask_for_a_network_that_its_prior_does_not_have() -> None:
    fine = container.read(picture.encode(PHOTO[:32, :32], 150))
    assert fine.header.after == container.SMOOTHED
    payloads = [fine.payload(entry) for entry in fine.pixels]
    for after in (container.CORRECTED, 3):
        data = container.write(replace(fine.header, after=after), payloads, [])
        with pytest.raises(FormatError, match="no encoder writes"):
            picture.decode(data)
