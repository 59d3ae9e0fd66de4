"""What hints say of the rest of a picture: their errors carried to what is near or like their place.

A network that is wrong at a hint is wrong in the same way on the same thing elsewhere. Its errors at
the hints are taken for samples of a random field (kriging: Krige 1951; Gaussian process regression),
whose mean given these samples is added to what it said. Unlike a flow of colour from neighbour to
neighbour this reaches the other leaves of a tree behind a branch. What is like what, lightness says,
and the network itself: places it holds possible the same colours for are made of the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus.tasks.hints import Hint, place

Array = Any
_EVERYWHERE, _PALE = 12.0, 15.0
"""Standard deviation of an error that the whole picture shares, in a* and b* (likewise the next two), and
how large the error at a hint may be to count half as one of these: a red dress must not tint the sky."""
_EQUALLY_LIGHT, _LIKE = 6.0, 10.0
"""Of one that all places of a lightness share, and how far apart in L* still counts as one."""
_HELD_ALIKE = 8.0
"""Of one that all places of a lightness share by how alike the network holds their colours."""
_NEAR, _REACH = 12.0, 0.6
"""Of one that near places of a lightness share, and how far it reaches, by the picture's longer side."""
_LOOSE = 2.0
"""How far off a hint may be from its surroundings."""
_HALF = 2.0
"""So many hints halve what the network's own colours count."""
_AT_ONCE = 1 << 20
"""Covariances held in memory."""


def corrected(
    light: Tensor, ab: Tensor, logits: Tensor, hints: Sequence[Hint], size: tuple[int, int]
) -> Tensor:
    """Colours (1, 2, h, w) of a picture of ``size`` and L* ``light`` (1, 1, h, w), with its hints' news.

    ``logits`` (1, classes, rows, columns) are the network's of each place's colour, on its own grid.
    """
    if not hints:
        return ab
    height, width = light.shape[2:]
    said = ab[0].numpy().reshape(2, -1).T.astype(np.float64) / (1 + len(hints) / _HALF)
    rows, columns = np.mgrid[:height, :width] / max(height, width)
    places = np.stack([rows, columns, light[0, 0].numpy()], -1).reshape(-1, 3).astype(np.float64)
    at = [y * width + x for y, x in (place(hint, size, (height, width)) for hint in hints)]
    known = places[at]
    held = _amplitudes(logits, (height, width))
    wanted = np.array([[hint.a, hint.b] for hint in hints])
    errors = wanted - said[at]
    shared = 1 / (1 + np.square(errors / _PALE).sum(1))
    among = _covariance(known, known, held[at] @ held[at].T) + _EVERYWHERE**2 * np.outer(
        shared, shared
    )
    weights = np.linalg.solve(among + _LOOSE**2 * np.eye(len(known)), errors)
    said += _EVERYWHERE**2 * (shared @ weights)
    step = max(_AT_ONCE // len(known), 1)
    for start in range(0, len(places), step):
        part = slice(start, start + step)
        said[part] += _covariance(places[part], known, held[part] @ held[at].T) @ weights
    return torch.from_numpy(said.T.reshape(ab.shape).astype(np.float32))


def _covariance(places: Array, known: Array, affinity: Array) -> Array:
    """Of the errors that only like places share, at (N, 3) and (M, 3) of row, column and L*: (N, M).

    ``affinity`` (N, M) is how alike the network holds their colours, 0 to 1.
    """
    apart = places[:, None] - known
    far = np.sqrt(np.square(apart[..., :2]).sum(-1))
    alike = np.exp(-0.5 * np.square(apart[..., 2] / _LIKE))
    anywhere = _EQUALLY_LIGHT**2 + _HELD_ALIKE**2 * affinity
    made: Array = alike * (anywhere + _NEAR**2 * np.exp(far / -_REACH))
    return made


def _amplitudes(logits: Tensor, grid: tuple[int, int]) -> Array:
    """Roots of the probabilities at (h, w) places: (h w, classes) of length 1.

    The product of two is the affinity of their distributions (Bhattacharyya 1946), and a covariance.
    """
    roots = F.interpolate(torch.softmax(logits, 1).sqrt(), grid, mode="bilinear")
    flat = F.normalize(roots, dim=1)[0].flatten(1).T
    return flat.numpy().astype(np.float64)
