"""Layers that know what the channels of a photograph are."""

from __future__ import annotations

from dataclasses import dataclass

from isthmus.errors import PlanError
from isthmus.plan.layers import Conv, Layer, Shape


@dataclass(frozen=True)
class Opponent(Layer):
    """The first three channels turned: their sum over the root of three, and two differences.

    Gray is then the first axis alone, with the noise of a colour photograph's gray part. The turn is
    a mirroring, which undoes itself; channels after the third pass.
    """


@dataclass(frozen=True)
class NoiseLevel(Layer):
    """The last channel says how strong the noise is; where it says nothing (0), an estimate does.

    A small network without biases looks at squares of ``cell`` x ``cell`` pixels, so that noise
    twice as strong is estimated twice as strong (Guo et al. 2019, "CBDNet").
    """

    cell: int = 16
    width: int = 24

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 3 or shape[0] < 2 or shape[1] % self.cell or shape[2] % self.cell:
            raise PlanError(
                f"a noise level is seen in pictures of a multiple of {self.cell} pixels with one "
                f"channel more for the level; got {shape}"
            )
        return shape

    def _convs(self, shape: Shape) -> tuple[tuple[Conv, Shape], ...]:
        folded = ((shape[0] - 1) * 4, shape[1] // 2, shape[2] // 2)
        coarse = (self.width, shape[1] // self.cell, shape[2] // self.cell)
        wide = Conv(outputs=self.width, bias=False)
        return (
            (wide, folded),
            (wide, (self.width, *folded[1:])),
            (wide, coarse),
            (Conv(outputs=1, kernel=1, bias=False), coarse),
        )

    def parameters(self, shape: Shape) -> int:
        return sum(conv.parameters(seen) for conv, seen in self._convs(shape))

    def macs(self, shape: Shape) -> int:
        return sum(conv.macs(seen) for conv, seen in self._convs(shape))
