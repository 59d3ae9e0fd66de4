"""What a person says about colours: points of a photograph, and how they reach the whole object.

The network takes hints as advice. So that each is obeyed, what is missing at its point is carried
over the picture as far as the lightness does not change (Levin, Lischinski & Weiss 2004,
"Colorization using optimization"), and fades with distance.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isthmus import lab
from isthmus.errors import DataError

Array = Any
SIDE = 5
"""Side of the square that tells the network of a hint, in pixels of its view."""
_HOLD = 3
"""Side of the square that is held to the hint's colour: what the full size is taken from."""
_LIKE = 4.0
"""Neighbours this far apart in L* hardly speak to each other."""
_FADE = 3e-5
"""How much every place prefers what was said of it."""


@dataclass(frozen=True)
class Hint:
    """Column ``x`` and row ``y`` of the upright photograph, from 0, and a colour as a*, b*."""

    x: int
    y: int
    a: float
    b: float

    @classmethod
    def parse(cls, text: str) -> Hint:
        """ "X,Y,#RRGGBB" as a hint. Raises DataError."""
        found = re.fullmatch(r"\s*(\d{1,6})\s*,\s*(\d{1,6})\s*,\s*#?([0-9a-fA-F]{6})\s*", text)
        if not found:
            raise DataError(
                f"{text!r} is no hint; give X,Y,#RRGGBB, for example 120,80,#C03020 "
                "(pixels from the left and from the top, and a colour)"
            )
        return cls.of(int(found[1]), int(found[2]), found[3])

    @classmethod
    def of(cls, x: int, y: int, color: str) -> Hint:
        """A hint from a colour of six hexadecimal digits. Raises DataError."""
        digits = color.removeprefix("#")
        if not re.fullmatch(r"[0-9a-fA-F]{6}", digits):
            raise DataError(f"{color!r} is no colour; give #RRGGBB, for example #C03020")
        values = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        _, a, b = lab.to_lab(torch.tensor(values).view(1, 3, 1, 1)).flatten().tolist()
        return cls(x, y, a, b)


def checked(hints: Sequence[Hint], height: int, width: int) -> None:
    """Raise DataError for a hint outside a picture of that size."""
    for hint in hints:
        if not (0 <= hint.x < width and 0 <= hint.y < height):
            raise DataError(
                f"the hint at {hint.x},{hint.y} lies outside the picture, "
                f"which has columns 0 to {width - 1} and rows 0 to {height - 1}"
            )


def drawn(hints: Sequence[Hint], size: tuple[int, int], grid: tuple[int, int], side: int) -> Tensor:
    """Hints of a picture of ``size`` as squares of ``side`` on a ``grid``: (1, 3, h, w), a*, b*, mask.

    Where squares overlap the later hint counts.
    """
    told = torch.zeros(1, 3, *grid)
    for hint in hints:
        row, column = place(hint, size, grid)
        reach = side // 2
        square = (
            slice(max(row - reach, 0), row + reach + 1),
            slice(max(column - reach, 0), column + reach + 1),
        )
        told[0, 0, *square], told[0, 1, *square], told[0, 2, *square] = hint.a, hint.b, 1.0
    return told


def place(hint: Hint, size: tuple[int, int], grid: tuple[int, int]) -> tuple[int, int]:
    """(row, column) of a hint on a grid over a picture of ``size`` (height, width)."""
    row = min(int((hint.y + 0.5) * grid[0] / size[0]), grid[0] - 1)
    return row, min(int((hint.x + 0.5) * grid[1] / size[1]), grid[1] - 1)


def obeyed(light: Tensor, ab: Tensor, hints: Sequence[Hint], size: tuple[int, int]) -> Tensor:
    """Colours (1, 2, h, w) changed so that every hint has its own, and what looks like its place follows.

    ``light`` (1, 1, h, w) is L*. The changes u are least in sum of w_ij (u_i - u_j)^2 over neighbours
    plus a little of u_i^2, given what they must be at the hints: one sparse system.
    """
    if not hints:
        return ab
    told = drawn(hints, size, (ab.shape[2], ab.shape[3]), _HOLD)[0]
    held = (told[2] > 0).numpy().ravel()
    missing = (told[:2] - ab[0]).numpy().reshape(2, -1)[:, held]
    change = spread(light[0, 0].numpy(), held, missing.astype(np.float64), _FADE)
    return ab + torch.from_numpy(change.reshape(ab.shape).astype(np.float32))


def spread(light: Array, held: Array, values: Array, fade: float) -> Array:
    """``values`` (2, held places) carried to all places of a picture of L* (h, w): (2, h x w).

    ``fade`` is how much every place prefers zero.
    """
    from scipy.sparse import coo_matrix, diags
    from scipy.sparse.linalg import splu

    count = light.size
    index = np.arange(count).reshape(light.shape)
    pairs = [
        (index[:, :-1], index[:, 1:]), (index[:-1], index[1:]),
        (index[:-1, :-1], index[1:, 1:]), (index[:-1, 1:], index[1:, :-1]),
    ]  # fmt: skip
    first = np.concatenate([a.ravel() for a, _ in pairs])
    second = np.concatenate([b.ravel() for _, b in pairs])
    flat = light.ravel().astype(np.float64)
    weight = np.exp(-np.square((flat[first] - flat[second]) / _LIKE)) + 1e-5
    half = coo_matrix((weight, (first, second)), (count, count)).tocsr()
    whole = half + half.T
    system = diags(np.asarray(whole.sum(1)).ravel() + fade) - whole
    free = np.flatnonzero(~held)
    out = np.zeros((2, count))
    out[:, held] = values
    if len(free):
        rows = system.tocsr()[free]
        known = rows[:, np.flatnonzero(held)]
        # The system is symmetric and needs no pivots: half the time of the general way.
        solver = splu(
            rows[:, free].tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        out[:, free] = solver.solve(-(known @ values.T)).T
    return out
