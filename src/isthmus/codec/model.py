"""The prior: which probability table holds for a coefficient, and what its symbols stand for.

Everything is fitted on photographs in closed form (``scripts/fit_codec.py``) and shipped as whole
numbers in ``models/photo-codec``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.codec.contexts import FEATURES, LATTICES, Magnitudes
from isthmus.codec.layout import DIAGONALS
from isthmus.codec.network import Network
from isthmus.codec.rans import BITS, Tables

Array = NDArray[Any]
SCALE = 1024
"""One unit of magnitude in the weights' sums."""
_THRESHOLDS = np.unique(np.rint(SCALE * 0.004 * 2 ** (np.arange(44) / 3)).astype(np.int64))
BINS = len(_THRESHOLDS) + 1
BIN = np.searchsorted(_THRESHOLDS, np.arange(_THRESHOLDS[-1] + 1), side="right").astype(np.int32)
"""The bin of each expected magnitude, in 1/SCALE."""
# Tables: six kinds of place with BINS rows each, then the means', then the partition's.
_GROUPS = np.array([0, 0, 1, 1, 1] + [2] * 10)
MEAN_ROWS = 6 * BINS
MEAN_BINS = 16
SPLIT_ROWS = MEAN_ROWS + 2 * MEAN_BINS
ROWS = SPLIT_ROWS + 48
STEPS = np.rint(2.0 ** (np.arange(448) / 32)).astype(np.int64)
"""Quantiser steps in units of 2^-FRACTION of a pixel's level, 32 to an octave."""


def rate_feature(step: int) -> int:
    """What the weights are told of the step: eighths of an octave around 32 levels (index 288)."""
    return (step >> 3) - 36


@dataclass(frozen=True)
class Pass:
    """Coefficients that are coded together: plane, diagonal of bands, lattice of cells."""

    plane: int
    diagonal: int
    lattice: int
    features: Array
    expected: Array
    rows: Array
    """Of the probability tables, (bands, tiles, rows, columns)."""
    skip: Array
    """Where a coefficient is so surely zero that it is not coded."""


@dataclass(frozen=True)
class Model:
    """``weights`` (3 planes, 3 sizes, 64 bands, 7 lattices, FEATURES) int16, in 1/SCALE.

    ``freq`` (ROWS, 16) uint16; ``shift`` (6 * BINS, 4) int8: by how many 1/64 a magnitude of 1, 2, 3
    and more is reconstructed nearer to zero than it says. ``lossless`` (32, 16) are the tables of
    ``exact``, ``smooth`` (RATES, 2, CLASSES, offsets) int16 the weights of ``smoothing``; ``network``
    those of the correction after the synthesis (prior 1 has none).
    """

    weights: Array
    freq: Array
    shift: Array
    lossless: Array | None = None
    smooth: Array | None = None
    network: Network | None = None
    id: int = 1
    digest: bytes = b"\0" * 8
    tables: Tables = field(init=False, compare=False)
    bits: Array = field(init=False, compare=False)
    exact: Tables = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", Tables(self.freq))
        if self.lossless is not None:
            object.__setattr__(self, "exact", Tables(self.lossless))
        object.__setattr__(self, "bits", (BITS - np.log2(self.freq)).astype(np.float32))
        object.__setattr__(self, "_floats", self.weights.astype(np.float32))

    def passes(self, known: Magnitudes, sizes: Array, step: int, last: list[int]) -> Iterator[Pass]:
        """Every pass in order. Who iterates stores each pass's magnitudes in ``known`` first.

        ``sizes`` (tiles, rows, columns): 0, 1, 2 where the block is 8, 16, 32 pixels wide. ``last``
        has for each plane how many diagonals are coded. The means are not among them.
        """
        told = rate_feature(step)
        for diagonal, (low, high) in enumerate(DIAGONALS):
            for plane, count in enumerate(last):
                if diagonal >= count:
                    continue
                for lattice, (y, x, stride) in enumerate(LATTICES):
                    if diagonal == 0 and lattice == 0:
                        continue
                    seen = known.features(plane, diagonal, lattice)
                    seen[..., FEATURES - 1] = told
                    size = sizes[:, y::stride, x::stride]
                    yield self._pass(plane, diagonal, lattice, low, high, seen, size)
                known.finish(plane, diagonal)

    def _pass(
        self, plane: int, diagonal: int, lattice: int, low: int, high: int, seen: Array, size: Array
    ) -> Pass:
        weights = self._floats[plane, :, low:high, lattice].transpose(1, 2, 0)  # type: ignore[attr-defined]
        sums = np.matmul(seen.reshape(high - low, -1, FEATURES), weights).reshape(
            *seen.shape[:-1], 3
        )
        chosen = np.where(size == 0, sums[..., 0], np.where(size == 1, sums[..., 1], sums[..., 2]))
        expected = np.clip(chosen, 0, _THRESHOLDS[-1]).astype(np.int32)
        bins = BIN[expected]
        kind = (0 if plane == 0 else 3) + int(_GROUPS[diagonal])
        return Pass(plane, diagonal, lattice, seen, expected, bins + kind * BINS, bins == 0)


NEWEST = 2
"""The prior that files are made with; all from 1 on are read."""


@cache
def shipped(number: int = NEWEST) -> Model | None:
    """A model that comes with Isthmus, by its number in the files; None if there is none."""
    from safetensors.numpy import load

    place = files("isthmus.models") / "photo-codec" / f"{number}.safetensors"
    if not place.is_file():
        return None
    data = place.read_bytes()
    held = load(data)
    network = {k[8:]: v for k, v in held.items() if k.startswith("network.")}
    return Model(
        held["weights"],
        held["freq"],
        held["shift"],
        held["exact"],
        held["smooth"],
        Network(**network) if network else None,
        number,
        hashlib.sha256(data).digest()[:8],
    )
