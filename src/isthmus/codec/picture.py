"""Whole pictures to bytes and back, tile by tile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.codec import container, exact, refine, synthesis, tile, tile_pixels
from isthmus.codec.colors import color_pixels
from isthmus.codec.container import CORRECTED, EXACT, LOSSY, SMOOTHED, File, Header
from isthmus.codec.errors import Damaged, FormatError
from isthmus.codec.model import NEWEST, STEPS, Model, shipped
from isthmus.codec.quantise import TRADE
from isthmus.media.photo import turned

Array = NDArray[Any]
Progress = Callable[[float], None]
TILE = container.LARGEST_TILE
_HELD = 4
LEAST_STEP, MOST_STEP = 96, 384
EFFORTS = (1, 2)
# Quality as people know it from JPEG: (quality, index of the step).
_QUALITIES = np.array(
    [[1, 368], [10, 340], [30, 304], [50, 282], [75, 250], [90, 212], [95, 190], [100, 128]]
)


def step_of(quality: float) -> int:
    """The quantiser's index for a quality of 1..100."""
    return int(np.rint(np.interp(quality, _QUALITIES[:, 0], _QUALITIES[:, 1])))


@dataclass(frozen=True)
class Decoded:
    """A picture from a file.

    ``pixels`` (height, width, 1 or 3) uint8 or uint16, upright; ``alpha`` (height, width) of the same
    type or None; ``damaged`` names what could not be read and is gray (pixels) or opaque (alpha).
    """

    pixels: Array
    alpha: Array | None
    header: Header
    damaged: tuple[str, ...] = field(default=())


def prior(header: Header | None = None) -> Model:
    """The newest prior, or the one that a file names. Raises FormatError for one that is not here."""
    number = NEWEST if header is None else header.model
    model = shipped(number)
    if model is None:
        raise FormatError(
            f"was made with model {number}, which this Isthmus does not have "
            "(pip install --upgrade isthmus)"
        )
    if header is not None and model.digest != header.digest:
        raise FormatError(
            f"was made with a model {number} of hash {header.digest.hex()}; the one here has "
            f"{model.digest.hex()}"
        )
    return model


def _head(
    pixels: Array, alpha: Array | None, mode: int, step: int, model: Model, beside: Any
) -> Header:
    height, width, channels = pixels.shape
    return Header(
        mode, channels, 8 * pixels.dtype.itemsize, alpha is not None, width, height, TILE, step,
        model.id, model.digest, beside=tuple(beside),
    )  # fmt: skip


def most_after(model: Model, header: Header) -> int:
    """The last of what may follow the synthesis."""
    known = tile_pixels.corrects(model, header.channels, header.step)
    return CORRECTED if known else SMOOTHED


def check(pixels: Array, alpha: Array | None) -> None:
    """Raises FormatError for arrays that are not pictures."""
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or 0 in pixels.shape:
        raise FormatError(f"has shape {pixels.shape}; a picture is (height, width, 1 or 3)")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise FormatError(f"holds {pixels.dtype}; a picture holds uint8 or uint16")
    if alpha is not None and (alpha.shape != pixels.shape[:2] or alpha.dtype != pixels.dtype):
        raise FormatError("has transparency of another size or type than its pixels")
    if max(pixels.shape[:2]) > container.LONGEST:
        raise FormatError(f"is longer than {container.LONGEST:,} pixels")


class Coder:
    """One picture to be coded, ``again`` and again perhaps. Raises FormatError for what is none.

    ``effort`` 2 takes four times as long as 1, for smaller files (``refine``).
    """

    def __init__(
        self,
        pixels: Array,
        alpha: Array | None = None,
        beside: tuple[tuple[bytes, bytes], ...] = (),
        again: bool = False,
        effort: int = 1,
    ) -> None:
        check(pixels, alpha)
        if effort not in EFFORTS:
            raise FormatError(f"is to be coded with effort {effort}; there are {EFFORTS}")
        self.again, self.effort = again, effort
        self.model = prior()
        self.pixels = pixels
        self.beside = beside
        self.header = _head(pixels, alpha, LOSSY, LEAST_STEP, self.model, beside)
        self.alpha = _alpha(self.model, self.header, alpha)
        self.held: dict[int, list[Array]] = {}

    def code(
        self, step: int, trade: float = TRADE, judged: bool = True, progress: Progress | None = None
    ) -> tuple[bytes, float]:
        """(the file, its mean squared error in squared levels of 0..255; 0 if not ``judged``)."""
        header = replace(self.header, step=step)
        kinds = range(SMOOTHED, most_after(self.model, header) + 1)
        made, errors = [], np.zeros(len(kinds))
        for number, (top, bottom, left, right) in enumerate(header.places()):
            part = self.pixels[top:bottom, left:right]
            found = self.held.get(number)
            if found is None:
                found = tile_pixels.analysed(part)
                if self.again and number < _HELD:  # of more tiles memory would not be bounded
                    self.held[number] = found
            if self.effort > 1:
                planes = tile_pixels.grown(part)
                data, coded = refine.encode(self.model, planes, found, step, trade)
            else:
                data, coded = tile_pixels.encode(self.model, found, step, trade)
            made.append(data)
            # Which of them a file gets is tried: on all of it, or on its first tile.
            for k, kind in enumerate(kinds if judged or (len(kinds) > 1 and number == 0) else ()):
                asked = replace(header, after=kind)
                back = tile_pixels.synthesised(self.model, coded, asked, bottom - top, right - left)
                errors[k] += np.square(back.astype(np.float32) - part).sum(dtype=np.float64)
            if progress is not None:
                progress((number + 1) / header.count)
        header = replace(header, after=kinds[int(errors.argmin())])
        error = float(errors.min()) if judged else 0.0
        scale = 1.0 if header.depth == 8 else 257.0
        return container.write(header, made, self.alpha), error / self.pixels.size / scale**2


def encode(
    pixels: Array,
    step: int,
    alpha: Array | None = None,
    beside: tuple[tuple[bytes, bytes], ...] = (),
    progress: Progress | None = None,
    effort: int = 1,
) -> bytes:
    """A picture as a file, quantised with a step of the given index (``step_of`` a quality).

    ``pixels`` (height, width, 1 or 3) uint8 or uint16; ``alpha`` (height, width) of the same type is
    kept without loss; ``beside``: (kind, content) of metadata; ``effort`` as for ``Coder``. Raises
    FormatError.
    """
    coder = Coder(pixels, alpha, beside, effort=effort)
    return coder.code(step, judged=False, progress=progress)[0]


def encode_exact(
    pixels: Array,
    alpha: Array | None = None,
    beside: tuple[tuple[bytes, bytes], ...] = (),
    progress: Progress | None = None,
    drawn: bool = False,
) -> bytes:
    """A picture as a file that gives back every bit; ``drawn`` looks for repetitions too."""
    check(pixels, alpha)
    model = prior()
    header = _head(pixels, alpha, EXACT, 0, model, beside)
    made = []
    for number, (top, bottom, left, right) in enumerate(header.places()):
        planes = exact.to_planes(pixels[top:bottom, left:right])
        made.append(exact.encode(model.exact, planes, drawn))
        if progress is not None:
            progress((number + 1) / header.count)
    return container.write(header, made, _alpha(model, header, alpha))


def _alpha(model: Model, header: Header, alpha: Array | None) -> list[bytes]:
    if alpha is None:
        return []
    return [
        exact.encode(model.exact, alpha[None, top:bottom, left:right].astype(np.int64), True)
        for top, bottom, left, right in header.places()
    ]


def tiles(file: File, region: tuple[int, int, int, int]) -> Iterator[int]:
    """The numbers of the tiles that a region (top, bottom, left, right) touches."""
    for number, (top, bottom, left, right) in enumerate(file.header.places()):
        if top < region[1] and bottom > region[0] and left < region[3] and right > region[2]:
            yield number


def decode(
    data: bytes,
    region: tuple[int, int, int, int] | None = None,
    most_pixels: int = container.MOST_PIXELS,
    threads: int = 2,
    progress: Progress | None = None,
) -> Decoded:
    """A picture from a file, or its ``region`` (top, bottom, left, right; before orientation).

    Only the tiles that are asked for are read. A damaged one becomes gray and is named. Raises
    FormatError when the file as a whole cannot be read.
    """
    file = container.read(data, most_pixels)
    header = file.header
    model = prior(header)
    _check(header, model)
    whole = (0, header.height, 0, header.width)
    region = whole if region is None else region
    if not (
        0 <= region[0] < region[1] <= header.height and 0 <= region[2] < region[3] <= header.width
    ):
        raise FormatError(f"has no region {region}: it is {header.width} x {header.height} pixels")
    dtype = np.uint8 if header.depth == 8 else np.uint16
    shape = (region[1] - region[0], region[3] - region[2])
    pixels = np.empty((*shape, header.channels), dtype)
    alpha = np.empty(shape, dtype) if header.alpha else None
    places, wanted = header.places(), list(tiles(file, region))
    damaged: list[str] = []

    def one(number: int) -> list[str]:
        place = places[number]
        to, of = _overlap(place, region)
        said = []
        try:
            pixels[to] = _tile(model, file, number)[of]
        except Damaged as error:
            pixels[to] = np.iinfo(dtype).max // 2
            said.append(
                f"tile {number} (pixels {place[2]}, {place[0]} to {place[3]}, {place[1]}) {error}"
            )
        if alpha is not None:
            try:
                held = file.payload(file.alpha[number])
                made = exact.decode(model.exact, held, 1, place[1] - place[0], place[3] - place[2])
                alpha[to] = np.clip(made[0], 0, np.iinfo(dtype).max)[of]
            except Damaged as error:
                alpha[to] = np.iinfo(dtype).max
                said.append(f"transparency of tile {number} {error}")
        return said

    with ThreadPoolExecutor(min(threads, len(wanted))) as pool:
        each = pool.map if min(threads, len(wanted)) > 1 else map
        for done, said in enumerate(each(one, wanted)):
            damaged += said
            if progress is not None:
                progress((done + 1) / len(wanted))
    return Decoded(
        turned(pixels, header.orientation),
        None if alpha is None else turned(alpha, header.orientation),
        header,
        tuple(damaged),
    )


def thumbnail(data: bytes, most_pixels: int = container.MOST_PIXELS) -> Array:
    """The picture at an eighth of its size, (height / 8, width / 8, channels) rounded up.

    Reads the first diagonal of bands only: of a file with loss about a tenth of the work. Damaged
    tiles are gray. Raises FormatError.
    """
    file = container.read(data, most_pixels)
    header = file.header
    model = prior(header)
    _check(header, model)
    shape = (-(-header.height // 8), -(-header.width // 8), header.channels)
    dtype = np.uint8 if header.depth == 8 else np.uint16
    out = np.full(shape, np.iinfo(dtype).max // 2, dtype)
    for number, (top, bottom, left, right) in enumerate(header.places()):
        to = out[top // 8 : -(-bottom // 8), left // 8 : -(-right // 8)]
        with suppress(Damaged):
            if header.mode == EXACT:
                to[:] = _tile(model, file, number)[::8, ::8]
                continue
            held = file.payload(file.pixels[number])
            rows, columns = -(-(bottom - top) // 32) * 4, -(-(right - left) // 32) * 4
            coded = tile.decode(
                model, held, header.channels, rows, columns, header.step, diagonals=1
            )
            small = synthesis.small_planes(coded.levels, coded.sizes, int(STEPS[header.step]))
            to[:] = color_pixels(small[:, : to.shape[0], : to.shape[1]], header.depth)
    return turned(out, header.orientation)


def _check(header: Header, model: Model) -> None:
    """Raises FormatError where a header asks for what its prior does not have."""
    if header.mode == LOSSY and not (
        LEAST_STEP <= header.step <= MOST_STEP and header.after <= most_after(model, header)
    ):
        raise FormatError("has a header that no encoder writes")


def _tile(model: Model, file: File, number: int) -> Array:
    header = file.header
    top, bottom, left, right = header.places()[number]
    height, width = bottom - top, right - left
    held = file.payload(file.pixels[number])
    if header.mode == EXACT:
        dtype = np.uint8 if header.depth == 8 else np.uint16
        planes = exact.decode(model.exact, held, header.channels, height, width)
        return exact.to_pixels(planes, dtype)
    rows, columns = -(-height // 32) * 4, -(-width // 32) * 4
    coded = tile.decode(model, held, header.channels, rows, columns, header.step)
    return tile_pixels.synthesised(model, coded, header, height, width)


def _overlap(
    place: tuple[int, int, int, int], region: tuple[int, int, int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a tile's part of a region lies in the region, and in the tile."""
    top, bottom = max(place[0], region[0]), min(place[1], region[1])
    left, right = max(place[2], region[2]), min(place[3], region[3])
    return (
        (slice(top - region[0], bottom - region[0]), slice(left - region[2], right - region[2])),
        (slice(top - place[0], bottom - place[0]), slice(left - place[2], right - place[2])),
    )
