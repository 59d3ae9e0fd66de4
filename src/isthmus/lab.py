"""Colour apart from lightness: CIELAB (D65), and a fixed lattice of colours to choose from.

L* is a function of luminance alone, so that colour added at equal L* leaves the black-and-white
picture as it was. Pictures are (N, 3, H, W) sRGB with 1 for white; L* is 0..100, a* and b* reach
about -110..110.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

_TO_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
_FROM_XYZ = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)
_WHITE = tuple(sum(row) for row in _TO_XYZ)
LUMINANCE = _TO_XYZ[1]
"""Shares of linear red, green and blue in luminance."""
_EDGE = 6 / 29

SPACING = 7.0
"""Between neighbours of the lattice, in the compressed plane."""
_KNEE = 20.0
_MOST = 45.0


def to_linear(rgb: Tensor) -> Tensor:
    """sRGB 0..1 to linear light."""
    low = rgb / 12.92
    return torch.where(rgb <= 0.04045, low, ((rgb.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4)


def to_display(light: Tensor) -> Tensor:
    """Linear light to sRGB, the inverse of ``to_linear``."""
    high = 1.055 * light.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(light <= 0.0031308, light * 12.92, high)


def lightness(luminance: Tensor) -> Tensor:
    """Luminance 0..1 to L* 0..100."""
    return 116 * _root(luminance) - 16


def to_lab(rgb: Tensor) -> Tensor:
    """sRGB (N, 3, H, W) to L*, a*, b*."""
    light = to_linear(rgb)
    x, y, z = (_root(_mixed(light, row) / w) for row, w in zip(_TO_XYZ, _WHITE, strict=True))
    return torch.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), 1)


def to_rgb(lab: Tensor) -> Tensor:
    """L*, a*, b* (N, 3, H, W) to sRGB; colours that no screen shows leave 0..1."""
    y = (lab[:, 0] + 16) / 116
    roots = torch.stack((y + lab[:, 1] / 500, y, y - lab[:, 2] / 200), 1)
    cubes = torch.where(roots > _EDGE, roots**3, 3 * _EDGE**2 * (roots - 4 / 29))
    xyz = cubes * lab.new_tensor(_WHITE).view(1, 3, 1, 1)
    return to_display(torch.stack([_mixed(xyz, row) for row in _FROM_XYZ], 1))


def compressed(ab: Tensor, axis: int = 1) -> Tensor:
    """a*, b* in a plane where pale colours lie as far apart as they count: most of any picture is pale."""
    chroma = ab.square().sum(axis, keepdim=True).sqrt().clamp_min(1e-6)
    return ab * (_KNEE * torch.log1p(chroma / _KNEE) / chroma)


def expanded(plane: Tensor, axis: int = 1) -> Tensor:
    """The inverse of ``compressed``."""
    radius = plane.square().sum(axis, keepdim=True).sqrt().clamp_min(1e-6)
    return plane * (_KNEE * torch.expm1(radius / _KNEE) / radius)


@cache
def lattice() -> Tensor:
    """(classes, 2): the hexagonal lattice in the compressed plane, as far as sRGB reaches.

    A point stays if some colour of sRGB lies within half a spacing and a little.
    """
    count = int(_MOST / SPACING) + 2
    rows = [
        (SPACING * (j + 0.5 * (i % 2)), SPACING * i * 0.75**0.5)
        for i in range(-count, count + 1)
        for j in range(-count, count + 1)
    ]
    points = torch.tensor(rows, dtype=torch.float64)
    steps = torch.linspace(0, 1, 33, dtype=torch.float64)
    cube = torch.stack(torch.meshgrid(steps, steps, steps, indexing="ij"), -1).view(-1, 3, 1, 1)
    colors = compressed(to_lab(cube)[:, 1:, 0, 0])
    nearest = torch.cdist(points, colors).amin(1)
    return points[nearest < 0.52 * SPACING].float()


def _root(t: Tensor) -> Tensor:
    low = t / (3 * _EDGE**2) + 4 / 29
    return torch.where(t > _EDGE**3, t.clamp_min(_EDGE**3) ** (1 / 3), low)


def _mixed(planes: Tensor, row: tuple[float, float, float]) -> Tensor:
    return row[0] * planes[:, 0] + row[1] * planes[:, 1] + row[2] * planes[:, 2]
