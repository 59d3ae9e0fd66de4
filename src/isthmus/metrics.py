"""Picture quality per item, on tensors: what losses lower and reports quote.

Pictures are (N, C, H, W) with values in 0..1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

_C1, _C2 = 0.01**2, 0.03**2
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ssim(x: Tensor, y: Tensor, window: int = 11) -> Tensor:
    """Structural similarity (Wang, Bovik, Sheikh & Simoncelli 2004) of each pair: (N,), at most 1.

    Gaussian window of spread 1.5 pixels, as in the paper; pictures smaller than ``window`` use the
    largest odd window that fits.
    """
    return _structure(x, y, window)[0]


def ms_ssim(x: Tensor, y: Tensor, window: int = 11) -> Tensor:
    """Multi-scale structural similarity (Wang, Simoncelli & Bovik 2003) of each pair: (N,).

    Five scales, or as many as leave the picture at least as large as the window; the weights of
    the scales used are normalised to one.
    """
    scales = 1
    while scales < 5 and min(x.shape[2:]) // 2**scales >= window:
        scales += 1
    weights = [w / sum(_SCALE_WEIGHTS[:scales]) for w in _SCALE_WEIGHTS[:scales]]
    product = x.new_ones(len(x))
    for scale, weight in enumerate(weights):
        whole, contrast = _structure(x, y, window)
        value = whole if scale == scales - 1 else contrast
        # A negative similarity has no real root; it counts as none.
        product = product * value.clamp_min(1e-6) ** weight
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    return product


def _structure(x: Tensor, y: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """(whole similarity, contrast-structure part) averaged over each picture: two (N,)."""
    side = min(window, *x.shape[2:])
    side -= 1 - side % 2
    taps = torch.arange(side, dtype=x.dtype, device=x.device) - side // 2
    line = torch.exp(-taps.square() / (2 * 1.5**2))
    line = line / line.sum()
    channels = x.shape[1]
    down = line.view(1, 1, side, 1).expand(channels, 1, side, 1)
    across = line.view(1, 1, 1, side).expand(channels, 1, 1, side)

    def blur(z: Tensor) -> Tensor:
        return F.conv2d(F.conv2d(z, down, groups=channels), across, groups=channels)

    mean_x, mean_y = blur(x), blur(y)
    var_x = blur(x * x) - mean_x.square()
    var_y = blur(y * y) - mean_y.square()
    both = blur(x * y) - mean_x * mean_y
    contrast = (2 * both + _C2) / (var_x + var_y + _C2)
    light = (2 * mean_x * mean_y + _C1) / (mean_x.square() + mean_y.square() + _C1)
    return (light * contrast).flatten(1).mean(1), contrast.flatten(1).mean(1)


def colorfulness(x: Tensor) -> Tensor:
    """How colourful sRGB pictures (N, 3, H, W) are, on a scale of pixels 0..255: (N,).

    0 is black and white, 33 moderate, 59 quite colourful (Hasler & Suesstrunk 2003).
    """
    red, green, blue = (255 * x).flatten(2).unbind(1)
    one, other = red - green, (red + green) / 2 - blue
    spread = (one.var(1, correction=0) + other.var(1, correction=0)).sqrt()
    return spread + 0.3 * (one.mean(1).square() + other.mean(1).square()).sqrt()


def ciede2000(x: Tensor, y: Tensor) -> Tensor:
    """The colour difference of each place of two pictures (N, 3, H, W) of L*, a*, b*: (N, H, W).

    CIE 142-2001 as Sharma, Wu & Dalal (2005) spell it; 1 is about the least difference one sees.
    """
    mean_chroma = (_length(x[:, 1], x[:, 2]) + _length(y[:, 1], y[:, 2])) / 2
    more = 1.5 - 0.5 * _saturating(mean_chroma)
    a, b = x[:, 1] * more, y[:, 1] * more
    chroma_x, chroma_y = _length(a, x[:, 2]), _length(b, y[:, 2])
    hue_x, hue_y = _hue(a, x[:, 2]), _hue(b, y[:, 2])
    gray = chroma_x * chroma_y == 0
    turn = hue_y - hue_x
    turn = turn - 2 * math.pi * (turn > math.pi) + 2 * math.pi * (turn < -math.pi)
    turn = torch.where(gray, 0.0, turn)
    light, chroma = (x[:, 0] + y[:, 0]) / 2, (chroma_x + chroma_y) / 2
    apart = (hue_x - hue_y).abs() > math.pi
    around = hue_x + hue_y
    hue = torch.where(
        apart, around + torch.where(around < 2 * math.pi, 1, -1) * 2 * math.pi, around
    )
    hue = torch.where(gray, around, hue / 2)
    turned = (
        1 - 0.17 * torch.cos(hue - math.radians(30)) + 0.24 * torch.cos(2 * hue)
        + 0.32 * torch.cos(3 * hue + math.radians(6)) - 0.20 * torch.cos(4 * hue - math.radians(63))
    )  # fmt: skip
    off = (light - 50).square()
    d_light = (y[:, 0] - x[:, 0]) / (1 + 0.015 * off / (20 + off).sqrt())
    d_chroma = (chroma_y - chroma_x) / (1 + 0.045 * chroma)
    d_hue = 2 * (chroma_x * chroma_y).sqrt() * torch.sin(turn / 2) / (1 + 0.015 * chroma * turned)
    angle = math.radians(30) * torch.exp(-(((torch.rad2deg(hue) - 275) / 25) ** 2))
    blue = -2 * _saturating(chroma) * torch.sin(2 * angle)
    total = d_light.square() + d_chroma.square() + d_hue.square() + blue * d_chroma * d_hue
    return total.clamp_min(0).sqrt()


def _length(a: Tensor, b: Tensor) -> Tensor:
    return (a.square() + b.square()).sqrt()


def _hue(a: Tensor, b: Tensor) -> Tensor:
    return torch.atan2(b, a) % (2 * math.pi)


def _saturating(chroma: Tensor) -> Tensor:
    """Near 0 for pale colours, near 1 for vivid ones."""
    power = chroma**7
    return (power / (power + 25.0**7)).sqrt()
