"""From steps between neighbours back to a picture: Poisson's equation, freely and within a region."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.marks.grid import ends

Array = NDArray[Any]


def freely(across: Array, down: Array) -> Array:
    """The picture (H, W) whose steps are nearest to ``across`` (H, W-1) and ``down`` (H-1, W).

    Least squares by cosine transforms; its mean is zero.
    """
    from scipy.fft import dctn, idctn

    height, width = across.shape[0], down.shape[1]
    bend = np.zeros((height, width))
    bend[:, :-1] += across
    bend[:, 1:] -= across
    bend[:-1] += down
    bend[1:] -= down
    waves = (
        2 * np.cos(np.pi * np.arange(height) / height)[:, None]
        + 2 * np.cos(np.pi * np.arange(width) / width)
        - 4
    )
    waves[0, 0] = 1
    made = dctn(bend, norm="ortho") / waves
    made[0, 0] = 0
    back: Array = idctn(made, norm="ortho")
    return back


def within(
    region: Array,
    across: Array,
    down: Array,
    trust: tuple[Array, Array],
    start: Array,
    around: Array | float = 0.0,
    rounds: int = 400,
) -> Array:
    """The same in a region (H, W) of true pixels only; ``around`` holds outside of it.

    ``trust`` weighs the squares of the errors of the steps, ``start`` (H, W) is a first guess.
    Conjugate gradients, preconditioned by the diagonal.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.linalg import LinearOperator, cg

    count = int(region.sum())
    out = np.broadcast_to(np.asarray(around, np.float64), region.shape).copy()
    if not count:
        return out
    number = np.full(region.shape, -1)
    number[region] = np.arange(count)
    rows: list[Array] = []
    columns: list[Array] = []
    values: list[Array] = []
    diagonal, right = np.zeros(count), np.zeros(count)
    for axis, steps, weight in ((1, across, trust[0]), (0, down, trust[1])):
        first, second = ends(number, axis)
        before, after = ends(out, axis)
        for own, other, beyond, sign in ((first, second, after, -1), (second, first, before, 1)):
            here = own >= 0
            index, w = own[here], weight[here].astype(np.float64)
            diagonal += np.bincount(index, w, count)
            right += np.bincount(index, sign * w * steps[here], count)
            inside = other[here] >= 0
            rows.append(index[inside])
            columns.append(other[here][inside])
            values.append(-w[inside])
            known = w[~inside] * beyond[here][~inside]
            right += np.bincount(index[~inside], known, count)
    matrix = coo_array(
        (
            np.concatenate([*values, diagonal]),
            (
                np.concatenate([*rows, np.arange(count)]),
                np.concatenate([*columns, np.arange(count)]),
            ),
        ),
        shape=(count, count),
    ).tocsr()
    scale = LinearOperator((count, count), lambda x: x / np.maximum(diagonal, 1e-12))
    made, _ = cg(
        matrix, right, x0=start[region].astype(np.float64), rtol=1e-4, maxiter=rounds, M=scale
    )
    out[region] = made
    return out
