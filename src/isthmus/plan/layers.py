"""Layers as plain values: what shape goes in, what comes out, what it costs. No torch.

A family of networks is a function that lists layers (``plan/dense.py``, ``plan/conv.py``, …).
``isthmus.networks.build`` makes the module of each, so the arithmetic here and the network that
runs cannot disagree; a test compares them layer by layer.

Shapes leave out the batch: ``(features,)``, ``(channels, steps)`` or ``(channels, height, width)``.
Costs: ``parameters`` counts trained numbers, ``macs`` multiply-adds for one item.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from isthmus.errors import PlanError

Shape = tuple[int, ...]


def _area(side: int, shape: Shape) -> int:
    """Taps of a filter of that side over the axes of a grid (channels, …)."""
    return math.prod([side] * (len(shape) - 1))


@dataclass(frozen=True)
class Layer:
    """One step of a network. ``spec_index`` is the entry of the recipe's list it comes from."""

    spec_index: int = -1

    def output_shape(self, shape: Shape) -> Shape:
        """The shape that leaves, for the shape that enters. Raises PlanError if it does not fit."""
        return shape

    def parameters(self, shape: Shape) -> int:
        """How many numbers are trained."""
        return 0

    def macs(self, shape: Shape) -> int:
        """Multiply-adds for one item of the given input shape."""
        return 0


@dataclass(frozen=True)
class Flatten(Layer):
    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)


@dataclass(frozen=True)
class Reshape(Layer):
    shape: Shape = ()

    def output_shape(self, shape: Shape) -> Shape:
        if math.prod(shape) != math.prod(self.shape):
            raise PlanError(f"{shape} has {math.prod(shape)} values and cannot become {self.shape}")
        return self.shape


@dataclass(frozen=True)
class Linear(Layer):
    outputs: int = 0

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise PlanError(f"a dense layer needs a flat input; got {shape}")
        return (self.outputs,)

    def parameters(self, shape: Shape) -> int:
        return shape[0] * self.outputs + self.outputs

    def macs(self, shape: Shape) -> int:
        return shape[0] * self.outputs


@dataclass(frozen=True)
class TiedLinear(Linear):
    """A dense layer whose matrix is the transpose of the encoder's ``source``-th dense layer."""

    source: int = 0

    def parameters(self, shape: Shape) -> int:
        return self.outputs


@dataclass(frozen=True)
class Conv(Layer):
    """A convolution over one or two axes, padded so that stride 1 keeps an odd kernel's grid."""

    outputs: int = 0
    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    bias: bool = True

    @property
    def padding(self) -> int:
        return self.dilation * (self.kernel - 1) // 2

    def output_shape(self, shape: Shape) -> Shape:
        reach = self.dilation * (self.kernel - 1) + 1
        grid = []
        for side in shape[1:]:
            room = side + 2 * self.padding - reach
            if room < 0:
                raise PlanError(
                    f"a kernel of {self.kernel} does not fit a side of {side} "
                    f"(padded {side + 2 * self.padding}); use fewer stages, a smaller kernel, or stride 1"
                )
            grid.append(room // self.stride + 1)
        return (self.outputs, *grid)

    def parameters(self, shape: Shape) -> int:
        weights = shape[0] * self.outputs * _area(self.kernel, shape)
        return weights + self.outputs if self.bias else weights

    def macs(self, shape: Shape) -> int:
        weights = shape[0] * self.outputs * _area(self.kernel, shape)
        return weights * math.prod(self.output_shape(shape)[1:])


@dataclass(frozen=True)
class ConvTranspose(Layer):
    """The grid-growing twin of a strided ``Conv``: returns exactly to the grid ``to``."""

    outputs: int = 0
    kernel: int = 3
    stride: int = 2
    to: Shape = ()

    @property
    def padding(self) -> int:
        return (self.kernel - 1) // 2

    def output_padding(self, shape: Shape) -> Shape:
        """Rows and columns to add so that every side comes out as ``to`` says."""
        return tuple(
            target - ((side - 1) * self.stride - 2 * self.padding + self.kernel)
            for side, target in zip(shape[1:], self.to, strict=True)
        )

    def output_shape(self, shape: Shape) -> Shape:
        if any(not 0 <= extra < max(self.stride, 1) for extra in self.output_padding(shape)):
            raise PlanError(
                f"a grid of {shape[1:]} cannot grow to {self.to} by stride {self.stride}"
            )
        return (self.outputs, *self.to)

    def parameters(self, shape: Shape) -> int:
        return shape[0] * self.outputs * _area(self.kernel, shape) + self.outputs

    def macs(self, shape: Shape) -> int:
        return shape[0] * self.outputs * _area(self.kernel, shape) * math.prod(shape[1:])


@dataclass(frozen=True)
class Pool(Layer):
    """Largest or mean value of each ``factor`` x ``factor`` patch; the last patch may be partial."""

    how: str = "max"
    factor: int = 2

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], *(-(-side // self.factor) for side in shape[1:]))


@dataclass(frozen=True)
class Upsample(Layer):
    """Repeat values to the grid ``to`` (nearest neighbour)."""

    to: Shape = ()

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], *self.to)


@dataclass(frozen=True)
class Norm(Layer):
    """``batch``, ``layer`` or ``group`` normalisation with a scale and a shift per channel."""

    how: str = "batch"

    @staticmethod
    def groups(channels: int) -> int:
        """The largest divisor of the channels up to 8."""
        return next(g for g in range(8, 0, -1) if channels % g == 0)

    def parameters(self, shape: Shape) -> int:
        return 2 * shape[0]


@dataclass(frozen=True)
class Activation(Layer):
    name: str = "relu"


@dataclass(frozen=True)
class Dropout(Layer):
    share: float = 0.0


@dataclass(frozen=True)
class ResidualBlock(Layer):
    """x + conv(act(norm(conv(act(norm(x)))))), channels unchanged (He et al. 2016, identity form)."""

    kernel: int = 3
    dilation: int = 1
    norm: str = "none"
    activation: str = "relu"
    dropout: float = 0.0

    def _conv(self, shape: Shape) -> Conv:
        return Conv(outputs=shape[0], kernel=self.kernel, dilation=self.dilation)

    def output_shape(self, shape: Shape) -> Shape:
        if self.kernel % 2 == 0:
            raise PlanError(f"a residual block needs an odd kernel; got {self.kernel}")
        return shape

    def parameters(self, shape: Shape) -> int:
        norms = 0 if self.norm == "none" else 4 * shape[0]
        return 2 * self._conv(shape).parameters(shape) + norms

    def macs(self, shape: Shape) -> int:
        return 2 * self._conv(shape).macs(shape)


@dataclass(frozen=True)
class PlainBlock(Layer):
    """x + conv(relu(norm(conv(x)))). Without biases scaling x scales the output (Mohan et al. 2020)."""

    bias: bool = False
    norm: str = "none"

    def _conv(self, shape: Shape) -> Conv:
        return Conv(outputs=shape[0], bias=self.bias)

    def parameters(self, shape: Shape) -> int:
        norm = 0 if self.norm == "none" else Norm().parameters(shape)
        return 2 * self._conv(shape).parameters(shape) + norm

    def macs(self, shape: Shape) -> int:
        return 2 * self._conv(shape).macs(shape)


@dataclass(frozen=True)
class Fold(Layer):
    """Squares of ``side`` x ``side`` pixels become channels (space to depth; Shi et al. 2016)."""

    side: int = 2

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 3 or shape[1] % self.side or shape[2] % self.side:
            raise PlanError(
                f"a grid of {shape[1:]} cannot be folded into squares of {self.side}; its sides "
                f"must be multiples of {self.side}"
            )
        return (shape[0] * self.side**2, shape[1] // self.side, shape[2] // self.side)


@dataclass(frozen=True)
class Unfold(Layer):
    """Channels become squares of ``side`` x ``side`` pixels: the inverse of ``Fold``."""

    side: int = 2

    def output_shape(self, shape: Shape) -> Shape:
        if shape[0] % self.side**2:
            raise PlanError(f"{shape[0]} channels do not fill squares of {self.side}")
        return (shape[0] // self.side**2, shape[1] * self.side, shape[2] * self.side)


@dataclass(frozen=True)
class Keep(Layer):
    """Sets what passes aside for a skip path round the bottleneck."""


@dataclass(frozen=True)
class Join(Layer):
    """Adds what the last unused ``Keep`` set aside: as many of its channels as pass here."""


@dataclass(frozen=True)
class GruEncoder(Layer):
    """Reads (channels, steps) and leaves the last state of the top layer, both directions joined."""

    hidden: int = 0
    depth: int = 1
    bidirectional: bool = True

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 2:
            raise PlanError(f"a recurrent layer needs (channels, steps); got {shape}")
        return (self.directions * self.hidden,)

    def _weights(self, channels: int) -> int:
        """Matrix entries per step (torch.nn.GRU: three gates, one input and one state matrix each)."""
        total, width = 0, channels
        for _ in range(self.depth):
            total += self.directions * 3 * self.hidden * (width + self.hidden)
            width = self.directions * self.hidden
        return total

    def parameters(self, shape: Shape) -> int:
        return self._weights(shape[0]) + self.depth * self.directions * 6 * self.hidden

    def macs(self, shape: Shape) -> int:
        return self._weights(shape[0]) * shape[1]


@dataclass(frozen=True)
class GruDecoder(Layer):
    """Unrolls a vector to (hidden, steps): the vector is the input of every step."""

    hidden: int = 0
    depth: int = 1
    steps: int = 0

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise PlanError(f"a recurrent decoder needs a flat code; got {shape}")
        return (self.hidden, self.steps)

    def _weights(self, width: int) -> int:
        return sum(
            3 * self.hidden * ((width if level == 0 else self.hidden) + self.hidden)
            for level in range(self.depth)
        )

    def parameters(self, shape: Shape) -> int:
        return self._weights(shape[0]) + self.depth * 6 * self.hidden

    def macs(self, shape: Shape) -> int:
        return self._weights(shape[0]) * self.steps
