"""Effort 2: what a coefficient costs others, and smaller files for the same decoder."""

from __future__ import annotations

import numpy as np
import pytest
from tests.photos import photograph, psnr

from isthmus.codec import photos, picture, tile_pixels
from isthmus.codec.contexts import FEATURES, LATTICES, Magnitudes
from isthmus.codec.errors import FormatError
from isthmus.codec.layout import DIAGONALS
from isthmus.codec.model import Pass
from isthmus.codec.quantise import last_diagonals, quantise
from isthmus.codec.refine import Influence
from isthmus.errors import DataError
from isthmus.media.photo import Photo

PHOTO = photograph()[100:164, 200:296]


@pytest.mark.parametrize("planes", [1, 3])
def test_influence_is_the_features_in_reverse(planes: int) -> None:
    """The sum of features x slopes over all passes is that of magnitudes x influence."""
    rng = np.random.default_rng(planes)
    rows, columns = 8, 12
    magnitudes = rng.integers(0, 3, (64, planes, rows, columns))
    magnitudes[0, :, ::4, ::4] = 0  # the means
    known, into = Magnitudes(planes, 1, rows, columns), Influence(planes, rows, columns)
    there, empty = 0.0, np.zeros(0)
    for diagonal, (low, high) in enumerate(DIAGONALS):
        for plane in range(planes):
            for lattice, (y, x, stride) in enumerate(LATTICES):
                if diagonal == lattice == 0:
                    continue
                features = known.features(plane, diagonal, lattice)[:, 0]
                slopes = rng.integers(-9, 9, features.shape).astype(np.float32)
                slopes[..., 22:] = 0  # a constant and the step
                there += float((features * slopes).sum(dtype=np.float64))
                into.add(Pass(plane, diagonal, lattice, empty, empty, empty, empty), slopes)
                known.store(
                    plane, diagonal, lattice,
                    magnitudes[low:high, plane, None, y::stride, x::stride],
                )  # fmt: skip
            known.finish(plane, diagonal)
    assert slopes.shape[-1] == FEATURES
    assert (magnitudes * into.finish()).sum(dtype=np.float64) == pytest.approx(there)


def test_effort_makes_smaller_files_for_the_same_decoder() -> None:
    sizes, qualities = [], []
    for effort in picture.EFFORTS:
        data = picture.encode(PHOTO, 270, effort=effort)
        made = picture.decode(data)
        assert not made.damaged
        sizes.append(len(data))
        qualities.append(psnr(PHOTO, made.pixels))
    # A twentieth of a decibel is worth about 1 % of rate.
    assert np.log(sizes[1] / sizes[0]) < 0.2 * (qualities[1] - qualities[0]) - 0.003


def test_effort_through_all_doors() -> None:
    made = {e: photos.pack(Photo(PHOTO), size=2500, effort=e) for e in picture.EFFORTS}
    assert len(made[2].data) == pytest.approx(2500, rel=0.02)
    assert made[2].data != made[1].data
    gray = photos.pack(Photo(PHOTO[..., :1]), quality=40, effort=2)
    assert photos.unpack(gray.data)[0].pixels.shape == (*PHOTO.shape[:2], 1)
    with pytest.raises(DataError, match="effort is 1 or 2; got 3"):
        photos.pack(Photo(PHOTO), effort=3)
    with pytest.raises(FormatError, match="effort 0"):
        picture.encode(PHOTO, 270, effort=0)


def test_a_dearer_magnitude_is_chosen_less() -> None:
    scaled = np.abs(tile_pixels.analysed(PHOTO)[0]) / np.float32(20)
    sizes, last = np.zeros(scaled.shape[2:], np.uint8), last_diagonals(scaled)
    model, total = picture.prior(), []
    for more in (-1.0, 0.0, 2.0):
        beyond = np.full(scaled.shape, more, np.float32)
        total.append(
            sum(
                int(c.made.sum())
                for c in quantise(model, scaled, sizes, 270, 0.14, last, False, beyond)
            )
        )
    assert total[0] > total[1] > total[2] > 0
