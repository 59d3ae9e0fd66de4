"""How near two pictures are, and how far apart two curves of rate and quality."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import correlate1d

Pixels = Any
Curve = list[tuple[float, float]]
LEAST, MOST = 0.07, 2.6
"""Bits a pixel between which curves are compared."""
_TAPS = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
_TAPS /= _TAPS.sum()
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def psnr(a: Pixels, b: Pixels) -> float:
    """Of two pictures of 8 bits, in dB."""
    error = np.mean((a.astype(np.float64) - b) ** 2)
    return 99.0 if error == 0 else 10 * math.log10(255**2 / error)


class Reference:
    """MS-SSIM against one picture: what does not depend on the other is worked out once.

    Wang, Simoncelli & Bovik 2003: five scales, 11 taps of sigma 1.5, mean of the three channels.
    """

    def __init__(self, pixels: Pixels) -> None:
        self.scales = []
        x = np.ascontiguousarray(pixels.transpose(2, 0, 1)).astype(np.float32)
        for _ in _WEIGHTS:
            mean = _blur(x)
            self.scales.append((x, mean, _blur(x * x) - mean * mean))
            x = _half(x)

    def ms_ssim(self, other: Pixels) -> float:
        """0..1 of another picture of 8 bits, (height, width, 3)."""
        y = np.ascontiguousarray(other.transpose(2, 0, 1)).astype(np.float32)
        out = np.ones(3)
        for (x, mx, sxx), weight in zip(self.scales, _WEIGHTS, strict=True):
            my = _blur(y)
            syy, sxy = _blur(y * y) - my * my, _blur(x * y) - mx * my
            found = (2 * sxy + _C2) / (sxx + syy + _C2)
            if weight == _WEIGHTS[-1]:
                found = found * (2 * mx * my + _C1) / (mx * mx + my * my + _C1)
            out *= np.maximum(found.mean((1, 2), dtype=np.float64), 0) ** weight
            y = _half(y)
        return float(out.mean())


def _blur(t: Pixels) -> Pixels:
    return correlate1d(correlate1d(t, _TAPS, axis=1)[:, 5:-5], _TAPS, axis=2)[:, :, 5:-5]


def _half(t: Pixels) -> Pixels:
    t = t[:, : t.shape[1] // 2 * 2, : t.shape[2] // 2 * 2]
    return (t[:, ::2, ::2] + t[:, 1::2, ::2] + t[:, ::2, 1::2] + t[:, 1::2, 1::2]) / 4


def bd_rate(anchor: Curve, test: Curve) -> float:
    """Mean difference of the rate in % at equal quality; nan where the curves do not meet.

    Bjontegaard's, by PCHIP over the logarithm of the rate, of points within LEAST..MOST bits a pixel.
    """

    def rising(points: Curve) -> tuple[Any, Any]:
        kept: Curve = []
        for rate, quality in sorted(points, key=lambda p: p[1]):
            if LEAST <= rate <= MOST and (
                not kept or (quality > kept[-1][1] + 1e-9 and rate > kept[-1][0])
            ):
                kept.append((rate, quality))
        return np.array([q for _, q in kept]), np.log([r for r, _ in kept])

    (qa, ra), (qt, rt) = rising(anchor), rising(test)
    low, high = max(qa[0], qt[0]), min(qa[-1], qt[-1])
    if high <= low:
        return math.nan
    at = np.linspace(low, high, 400)
    difference = PchipInterpolator(qt, rt)(at) - PchipInterpolator(qa, ra)(at)
    return float((np.exp(np.trapezoid(difference, at) / (high - low)) - 1) * 100)
