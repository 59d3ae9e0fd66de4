"""CRC-32C (Castagnoli 1993, as in iSCSI and ext4), many bytes at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78  # reflected
_LANE = 512


def _table() -> NDArray[np.uint32]:
    values = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        values = np.where(values & 1, values >> 1 ^ np.uint32(_POLYNOMIAL), values >> 1)
    return values.astype(np.uint32)


_TABLE = _table()


def _zeros(states: NDArray[Any], count: int) -> NDArray[Any]:
    for _ in range(count):
        states = states >> np.uint32(8) ^ _TABLE[states & np.uint32(255)]
    return states


def _advance() -> list[list[int]]:
    """What a lane of zero bytes makes of each byte of a state (a CRC is linear)."""
    return [
        _zeros(np.arange(256, dtype=np.uint32) << np.uint32(8 * k), _LANE).tolist()
        for k in range(4)
    ]


_ADVANCE = _advance()


def crc32c(data: bytes | memoryview) -> int:
    """The checksum, 0..2^32 - 1. ``crc32c(b"123456789") == 0xE3069283``."""
    values = np.frombuffer(data, np.uint8) if len(data) else np.zeros(0, np.uint8)
    state = 0xFFFFFFFF
    lanes = len(values) // _LANE
    if lanes:
        columns = np.ascontiguousarray(values[: lanes * _LANE].reshape(lanes, _LANE).T)
        states = np.zeros(lanes, np.uint32)
        for column in columns:
            states = states >> np.uint32(8) ^ _TABLE[(states ^ column) & np.uint32(255)]
        a, b, c, d = _ADVANCE
        for lane in states.tolist():
            state = (
                a[state & 255] ^ b[state >> 8 & 255] ^ c[state >> 16 & 255] ^ d[state >> 24] ^ lane
            )
    for value in values[lanes * _LANE :].tolist():
        state = state >> 8 ^ int(_TABLE[(state ^ value) & 255])
    return state ^ 0xFFFFFFFF
