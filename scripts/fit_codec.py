"""Fit the photo codec's prior on a folder of photographs, in closed form.

    python scripts/fit_codec.py PHOTOS LOSSLESS -o src/isthmus/models/photo-codec/1.safetensors

PHOTOS may have been JPEG once (their 8 x 8 grid is moved away from ours, steps below 20 levels see
them halved); LOSSLESS have not. Rounds of: quantise with the tables so far, fit every set of weights
by weighted least squares to the magnitudes (the variance of a geometric magnitude is m + m^2), count
symbols. Some minutes on one core.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

from isthmus.codec import analysis, exact, smoothing, synthesis, tile, tile_pixels, tokens
from isthmus.codec.colors import color_planes
from isthmus.codec.contexts import FEATURES, LATTICES, Magnitudes
from isthmus.codec.layout import DIAGONALS, TILT
from isthmus.codec.model import BINS, MEAN_BINS, MEAN_ROWS, ROWS, SCALE, SPLIT_ROWS, STEPS, Model
from isthmus.codec.quantise import cheapest
from isthmus.codec.rans import frequencies
from isthmus.codec.transform import COLOR

SIDE = 256
STEP_INDICES = (128, 160, 184, 208, 232, 256, 280, 304, 328)  # 1 to 76 levels
MOST = 1500  # elements of one pass that are looked at for one set of weights
TRADE = 0.14


def load(photos: Path, lossless: Path, count: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """(crops for all steps, crops for steps of 10 and more), uint8 (n, SIDE, SIDE, 3)."""
    clean = [np.asarray(Image.open(p).convert("RGB")) for p in sorted(lossless.glob("*.*"))]
    clean = [a[:SIDE, :SIDE] for a in clean if min(a.shape[:2]) >= SIDE]
    files = sorted(photos.glob("*.*"))
    rng.shuffle(files)
    rest: list[Any] = []
    for path in files:
        a = np.asarray(Image.open(path).convert("RGB"))
        if min(a.shape[:2]) < SIDE or len(rest) == count:
            continue
        y, x = (int(rng.integers(0, n - SIDE + 1)) for n in a.shape[:2])
        rest.append(a[y : y + SIDE, x : x + SIDE])
    rng.shuffle(clean)
    return np.stack(clean), np.stack(rest)


def coefficients(crops: Any) -> list[Any]:
    flat = (crops.reshape(-1, 3).astype(np.float32) - 128) @ COLOR.T.astype(np.float32)
    return analysis.candidates(
        np.ascontiguousarray(flat.reshape(crops.shape).transpose(3, 0, 1, 2))
    )


def start() -> Model:
    """A prior that knows no more than that magnitudes are like those around."""
    weights = np.zeros((3, 3, 64, 7, FEATURES))
    weights[..., [0, 1]], weights[..., 10:14], weights[..., 15] = 0.2, 0.1, 0.1
    weights[..., FEATURES - 2] = 0.02
    bins = np.concatenate([[0.002], 0.004 * 2 ** (np.arange(BINS - 1) / 3)])
    counts = np.full((ROWS, 16), 1.0)
    low, width = tokens.BASE, 2.0**tokens.EXTRA
    for kind in range(6):
        p = bins / (1 + bins)
        counts[kind * BINS : (kind + 1) * BINS] = p[:, None] ** low - p[:, None] ** (low + width)
    counts[MEAN_ROWS:SPLIT_ROWS] = np.exp(
        -np.abs(np.arange(16) - 0.8 * np.tile(np.arange(16), 2)[:, None]) / 1.5
    )
    counts[SPLIT_ROWS:, 2:] *= 1.0
    shift = np.tile(np.array([0, 3, 2, 1], np.int8), (6 * BINS, 1))
    return Model(whole(weights), frequencies(counts + 1e-9), shift)


def whole(weights: Any) -> Any:
    """Weights as int16 whose sums stay exact in float32 (below 2^24)."""
    most = np.array(
        [31] * 7 + [124] * 2 + [255] + [31] * 4 + [255, 31, 124, 124, 255, 31, 124, 255, 1, 36]
    )
    made = np.rint(weights * SCALE)
    bound = (np.abs(made) * most).sum(-1, keepdims=True)
    made *= np.minimum(1, (1 << 23) / np.maximum(bound, 1))
    return np.clip(np.trunc(made), -32767, 32767).astype(np.int16)


class Sums:
    def __init__(self) -> None:
        self.normal = np.zeros((3, 3, 64, 7, FEATURES, FEATURES), np.float32)
        self.right = np.zeros((3, 3, 64, 7, FEATURES), np.float32)
        self.counts = np.zeros((ROWS, 16))
        self.offset = np.zeros((6 * BINS, 4))
        self.hits = np.zeros((6 * BINS, 4))

    def fit(self, p: Any, size: Any, made: Any, rng: np.random.Generator) -> None:
        low, _ = DIAGONALS[p.diagonal]
        kinds = [np.flatnonzero(size.ravel() == k) for k in range(3)]
        for band in range(len(made)):
            x, y = p.features[band].reshape(-1, FEATURES), made[band].ravel()
            guess = np.maximum(p.expected[band].ravel() / SCALE, 0.003)
            for k, where in enumerate(kinds):
                if not len(where):
                    continue
                if len(where) > MOST:
                    where = where[rng.integers(0, len(where), MOST)]
                g = guess[where]
                rows = x[where]
                weighted = rows * (1 / (g + g * g)).astype(np.float32)[:, None]
                place = (p.plane, k, low + band, p.lattice)
                self.normal[place] += weighted.T @ rows
                self.right[place] += weighted.T @ np.minimum(y[where], 60).astype(np.float32)

    def count(self, p: Any, wanted: Any, made: Any) -> None:
        symbols, _, _ = tokens.split(made)
        rows = p.rows.ravel()
        self.counts += np.bincount(rows * 16 + symbols.ravel(), minlength=ROWS * 16).reshape(
            ROWS, 16
        )
        hit = np.flatnonzero(made)
        place = rows[hit] * 4 + np.minimum(made.ravel()[hit], 3)
        rest = np.clip(made.ravel()[hit] - wanted.ravel()[hit], -0.6, 0.6)
        self.offset += np.bincount(place, rest, minlength=24 * BINS).reshape(-1, 4)
        self.hits += np.bincount(place, minlength=24 * BINS).reshape(-1, 4)


def visit(
    model: Model, sums: Sums, found: list[Any], index: int, fits: bool, counts: bool, rng: Any
) -> float:
    """Quantise crops at one step; returns the bits spent on magnitudes and signs."""
    scale = STEPS[index] / 16
    sizes = analysis.divide(found, scale, TRADE)
    coefs = analysis.chosen(found, sizes)
    scaled = np.abs(coefs) / np.float32(scale)
    planes, tiles, rows, columns = coefs.shape[1:]
    known, bits = Magnitudes(planes, tiles, rows, columns), 0.0
    for p in model.passes(known, sizes, index, [15] * planes):
        low, high = DIAGONALS[p.diagonal]
        y, x, stride = LATTICES[p.lattice]
        wanted = scaled[low:high, p.plane, :, y::stride, x::stride]
        made = cheapest(model, p, wanted, TRADE * TILT[p.diagonal])
        known.store(p.plane, p.diagonal, p.lattice, made)
        if fits:
            sums.fit(p, sizes[:, y::stride, x::stride], made, rng)
        if counts:
            sums.count(p, wanted, made)
            symbols, _, extra = tokens.split(made)
            bits += float(model.bits[p.rows, symbols].sum() + extra.sum() + (made > 0).sum())
    if counts:
        rest(sums, coefs, sizes, index, scale)
    return bits / (tiles * rows * columns * 64)


def rest(sums: Sums, coefs: Any, sizes: Any, index: int, scale: float) -> None:
    """Count the symbols of means and of sizes, as the encoder writes them."""
    model = start()
    for t in range(sizes.shape[0]):
        out = tile._Writer()
        tile._write_sizes(out, sizes[t], index)
        for plane in range(coefs.shape[1]):
            tile._write_means(
                out, np.rint(coefs[0, plane, t, ::4, ::4] / scale).astype(np.int64), plane
            )
        for rows, symbols in out.calls:
            sums.counts += np.bincount(rows * 16 + symbols, minlength=ROWS * 16).reshape(ROWS, 16)
    del model


def solve(model: Model, sums: Sums) -> Model:
    held = model.weights.astype(np.float64) / SCALE
    normal, right = sums.normal.astype(np.float64), sums.right.astype(np.float64)
    diagonal = np.einsum("...ii->...i", normal)
    ridge = 1e-3 * diagonal + 20.0
    matrix = normal + ridge[..., None] * np.eye(FEATURES)
    made = np.linalg.solve(matrix, (right + ridge * held)[..., None])[..., 0]
    return Model(whole(made), model.freq, model.shift)


def tabulate(model: Model, sums: Sums) -> Model:
    counts = sums.counts.copy()
    # Rows that were seldom met lean on the same row of all kinds together.
    places = counts[: 6 * BINS].reshape(6, BINS, 16)
    shared = places.sum(0, keepdims=True) + places.sum((0, 1)) * 1e-6 + 1e-3
    places += 50 * shared / shared.sum(-1, keepdims=True)
    near = counts[MEAN_ROWS:SPLIT_ROWS].reshape(2, MEAN_BINS, 16)
    near += 4 * np.exp(-np.abs(np.arange(16) - 0.8 * np.arange(MEAN_BINS)[:, None]) / 1.2)
    counts[SPLIT_ROWS:] += 1
    shift = np.rint(64 * sums.offset / np.maximum(sums.hits, 30)).clip(-31, 31).astype(np.int8)
    return Model(model.weights, frequencies(counts), shift)


def exact_tables(clean: Any, free: Any) -> Any:
    """The tables for pictures without loss (32, 16), counted on photographs and on flat planes."""
    counts = np.zeros((2 * exact.UNSURE, 16))
    for crop in [*clean, *free[:: max(len(free) // 20, 1)]]:
        for number, plane in enumerate(exact.to_planes(crop)):
            for unsure, rest_ in exact.symbols(plane):
                symbols, _, _ = tokens.split(np.abs(rest_))
                place = (unsure + exact.UNSURE * (number > 0)) * 16 + symbols
                counts += np.bincount(place, minlength=counts.size).reshape(counts.shape)
    # Flat planes (transparency, graphics) are foreseen wherever their neighbours agree.
    counts[:, 0] += np.where(np.arange(len(counts)) % exact.UNSURE == 0, 4 * counts[0].sum(), 0)
    return frequencies(counts + 0.5).astype(np.uint16)


def smooth_weights(model: Model, clean: Any, free: Any, rng: np.random.Generator) -> Any:
    """The smoothing's weights by least squares on coded photographs, rate by rate."""
    made = np.zeros((smoothing.RATES, 2, smoothing.CLASSES, len(smoothing.OFFSETS)), np.int16)
    k = len(smoothing.OFFSETS)
    for rate in range(smoothing.RATES):
        normal = np.zeros((2, smoothing.CLASSES, k, k))
        right = np.zeros((2, smoothing.CLASSES, k))
        for index in (144 + 32 * rate + 8, 144 + 32 * rate + 24):
            pool = clean if index < 232 else free
            for crop in pool[rng.permutation(len(pool))[:12]]:
                wanted = np.rint(color_planes(crop) * 16)
                _, coded = tile_pixels.encode(model, tile_pixels.analysed(crop), index)
                step = int(STEPS[index])
                planes = synthesis.planes(coded.levels, coded.sizes, step)
                near = smoothing.borders(coded.sizes)
                for number, plane in enumerate(planes):
                    rows = np.pad(np.clip(plane, -32000, 32000).astype(np.int16), 3, "edge")
                    where = smoothing.classes(rows, near, step).ravel()
                    x = np.stack(smoothing.differences(rows, step), -1).reshape(-1, k) / step
                    y = (wanted[number] - plane).ravel() / step
                    order = np.argsort(where, kind="stable")
                    ends = np.searchsorted(where[order], np.arange(smoothing.CLASSES + 1))
                    for c in range(smoothing.CLASSES):
                        chosen = order[ends[c] : ends[c + 1]]
                        normal[min(number, 1), c] += x[chosen].T @ x[chosen]
                        right[min(number, 1), c] += x[chosen].T @ y[chosen]
        ridge = np.eye(k) * 2.0
        weights = np.linalg.solve(normal + ridge, right[..., None])[..., 0]
        made[rate] = np.rint(weights * (1 << smoothing.BITS)).clip(-128, 128)
    return made


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("photos", type=Path)
    ask.add_argument("lossless", type=Path)
    ask.add_argument("-o", "--output", type=Path, required=True)
    ask.add_argument("--count", type=int, default=120)
    ask.add_argument("--rounds", type=int, default=5)
    ask.add_argument("--batch", type=int, default=24)
    ask.add_argument("--begin", type=Path)
    given = ask.parse_args()
    rng = np.random.default_rng(0)
    clean, free = load(given.photos, given.lossless, given.count, rng)
    model = start()
    began = time.process_time()
    lossless = exact_tables(clean[::4], free)
    for number in range(given.rounds):
        final = number == given.rounds - 1
        sums, spent = Sums(), {}
        for index in STEP_INDICES:
            pool = clean if index < 232 else free
            if final:
                take = rng.permutation(len(pool))[: 3 * given.batch]
            else:
                take = rng.permutation(len(pool))[: given.batch if number else given.batch // 2]
            for first in range(0, len(take), given.batch):
                found = coefficients(pool[take[first : first + given.batch]])
                spent[index] = visit(model, sums, found, index, not final, True, rng)
        print(
            number,
            {k: round(v, 4) for k, v in spent.items()},
            f"{time.process_time() - began:.0f} s",
            flush=True,
        )
        if not final:
            model = solve(model, sums)
        if number:  # the first tables fit the first weights, which are about to be better
            model = tabulate(model, sums)
        held = {
            "weights": model.weights,
            "freq": model.freq.astype(np.uint16),
            "shift": model.shift,
        }
        held["exact"] = lossless
    held["smooth"] = smooth_weights(model, clean, free, rng)
    save_file(held, given.output)


if __name__ == "__main__":
    main()
