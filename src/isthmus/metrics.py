"""Picture quality per item, on tensors: what losses lower and reports quote.

Pictures are (N, C, H, W) with values in 0..1.
"""

from __future__ import annotations

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
