"""Layers of networks on sound. Shapes: (channels, samples), (frames, bins, numbers), (frames, bands, width)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from isthmus.errors import PlanError
from isthmus.plan.layers import Join, Layer, Shape

TAPS = 5
"""Neighbouring bands that a mixing layer's convolution sees."""


def frames(samples: int, hop: int) -> int:
    """Frames of two hops that cover every sample twice, the first half before the beginning."""
    return -(-samples // hop) + 1


@dataclass(frozen=True)
class Spectrum(Layer):
    """Samples to frames of complex numbers, real and imaginary parts side by side."""

    window: int = 512

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 2:
            raise PlanError(f"a spectrum is made of (channels, samples); got {shape}")
        return (frames(shape[1], self.window // 2), self.window // 2 + 1, 2 * shape[0])


@dataclass(frozen=True)
class Split(Layer):
    """Bins compressed in magnitude, then a matrix of its own for each band."""

    edges: tuple[int, ...] = ()
    width: int = 0

    @property
    def bands(self) -> int:
        return len(self.edges) - 1

    @property
    def widest(self) -> int:
        """Bins of the widest band; narrow ones are filled up with zeros."""
        return max(b - a for a, b in zip(self.edges, self.edges[1:], strict=False))

    def inputs(self, shape: Shape) -> int:
        """Numbers of a band: real part, imaginary part and magnitude of each channel's bins."""
        return self.widest * shape[2] // 2 * 3

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 3 or shape[1] != self.edges[-1]:
            raise PlanError(f"bands up to bin {self.edges[-1]} do not fit a spectrum of {shape}")
        return (shape[0], self.bands, self.width)

    def parameters(self, shape: Shape) -> int:
        return self.bands * self.width * (self.inputs(shape) + 1)

    def macs(self, shape: Shape) -> int:
        return shape[0] * self.bands * self.width * self.inputs(shape)


@dataclass(frozen=True)
class DualPath(Layer):
    """x + what a recurrent unit along time says of each band; then the same across the bands."""

    hidden: int = 0
    across: str = "recurrent"
    bands: int = 0

    def parameters(self, shape: Shape) -> int:
        width = shape[2]
        time = 2 * width + 3 * self.hidden * (width + self.hidden + 2) + width * (self.hidden + 1)
        if self.across == "recurrent":
            half = width // 2
            units = 2 * 3 * half * (width + half + 2)
            return time + 2 * width + units + width * (2 * half + 1)
        mixed = width * width * TAPS + width + self.bands**2 + self.bands
        return time + 2 * width + mixed + width * (width + 1)

    def macs(self, shape: Shape) -> int:
        points, width = shape[0] * shape[1], shape[2]
        time = 3 * self.hidden * (width + self.hidden) + width * self.hidden
        if self.across == "recurrent":
            half = width // 2
            return points * (time + 6 * half * (width + half) + 2 * width * half)
        return points * (time + width * width * TAPS + width * self.bands + width * width)


@dataclass(frozen=True)
class Squeeze(Layer):
    """All bands of a frame to ``size`` numbers, which remember: the code."""

    size: int = 0

    def output_shape(self, shape: Shape) -> Shape:
        return (self.size, shape[0])

    def parameters(self, shape: Shape) -> int:
        wide = shape[1] * shape[2]
        return wide * self.size + self.size + 6 * self.size * (self.size + 1)

    def macs(self, shape: Shape) -> int:
        return shape[0] * self.size * (shape[1] * shape[2] + 6 * self.size)


@dataclass(frozen=True)
class Spread(Layer):
    """The code of each frame to ``width`` numbers for each band."""

    bands: int = 0
    width: int = 0

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[1], self.bands, self.width)

    def parameters(self, shape: Shape) -> int:
        return (shape[0] + 1) * self.bands * self.width

    def macs(self, shape: Shape) -> int:
        return math.prod(shape) * self.bands * self.width


@dataclass(frozen=True)
class Masks(Layer):
    """Each band's numbers to a complex factor for each of its bins, at most one in magnitude."""

    edges: tuple[int, ...] = ()
    outputs: int = 2

    @property
    def widest(self) -> int:
        return max(b - a for a, b in zip(self.edges, self.edges[1:], strict=False))

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], self.edges[-1], self.outputs)

    def parameters(self, shape: Shape) -> int:
        return 2 * shape[2] + shape[1] * self.widest * self.outputs * (shape[2] + 1)

    def macs(self, shape: Shape) -> int:
        return shape[0] * shape[1] * shape[2] * self.widest * self.outputs


@dataclass(frozen=True)
class Masked(Join):
    """The first spectrum that was set aside, multiplied; then, if more is wanted, what that leaves."""

    outputs: int = 2

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:2], self.outputs)


@dataclass(frozen=True)
class Wave(Layer):
    """Frames back to samples: the inverse of ``Spectrum``."""

    samples: int = 0

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[2] // 2, self.samples)
