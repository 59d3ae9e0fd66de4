"""From a ``NetworkPlan`` to the module that runs it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from isthmus.networks import bands as B
from isthmus.networks import modules as M
from isthmus.plan import NetworkPlan
from isthmus.plan import colors as C
from isthmus.plan import layers as L
from isthmus.plan import sound as S
from isthmus.plan.attention import Attention


class Network(nn.Module):
    """The planned layers in a row, plus the straight line beside them where one is planned.

    Input (N, *plan.shapes[0]), output (N, *plan.shapes[-1]).
    """

    center: Tensor
    spread: Tensor

    def __init__(self, plan: NetworkPlan, encoder: Network | None = None) -> None:
        super().__init__()
        self.plan = plan
        ties = [m for m in encoder.layers if isinstance(m, nn.Linear)] if encoder else []
        self.layers: nn.ModuleList = nn.ModuleList(
            module_for(layer, shape, ties) for layer, shape in plan.steps
        )
        if self.layers and isinstance(self.layers[-1], M.Join):
            # What corrects its input begins by leaving it nearly as it is.
            last = self.weighted()[-1]
            last.weight.data.mul_(0.05)  # type: ignore[operator]
        self.line: nn.Linear | None = None
        if plan.linear_start is not None:
            self.line = nn.Linear(math.prod(plan.shapes[0]), plan.linear_start.outputs)
            # The network beside the line sees its input centred and at spread 1; fit with the line.
            self.register_buffer("center", torch.zeros(plan.shapes[0]))
            self.register_buffer("spread", torch.ones(()))

    def forward(self, x: Tensor, kept: list[Tensor] | None = None) -> Tensor:
        """``kept`` takes what skip paths set aside (encoder) and gives it back (decoder)."""
        y = x if self.line is None else (x - self.center) / self.spread
        for layer in self.layers:
            if isinstance(layer, M.Join):
                y = layer(y, kept.pop() if kept else None)
                continue
            y = layer(y)
            if isinstance(layer, M.Keep) and kept is not None:
                kept.append(y)
        if self.line is not None:
            y = y + self.line(x.flatten(1)).reshape(y.shape)
        return y

    def weighted(self) -> list[nn.Module]:
        """The layers that have a ``weight``, in order: the last is the one a line start zeroes."""
        kinds = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)
        return [m for m in self.layers if isinstance(m, kinds)]


def build_network(plan: NetworkPlan, encoder: Network | None = None) -> Network:
    """The module of a plan; a decoder with tied weights needs its ``encoder``."""
    return Network(plan, encoder)


def module_for(layer: L.Layer, shape: L.Shape, ties: Sequence[nn.Linear] = ()) -> nn.Module:
    """The module of one planned layer for an input of ``shape`` (without the batch)."""
    axes = len(shape) - 1
    match layer:
        case L.Flatten():
            return nn.Flatten()
        case L.Reshape():
            return M.Reshape(layer.shape)
        case L.TiedLinear():
            return M.TiedLinear(ties[layer.source])
        case L.Linear():
            return nn.Linear(shape[0], layer.outputs)
        case L.Conv():
            return M.make_conv(layer, shape[0], axes)
        case L.ConvTranspose():
            cls = nn.ConvTranspose1d if axes == 1 else nn.ConvTranspose2d
            return cls(
                shape[0],
                layer.outputs,
                layer.kernel,
                layer.stride,
                layer.padding,
                layer.output_padding(shape),  # type: ignore[arg-type]
            )
        case L.Pool():
            if layer.how == "max":
                return (nn.MaxPool1d, nn.MaxPool2d)[axes - 1](layer.factor, ceil_mode=True)
            return (nn.AvgPool1d, nn.AvgPool2d)[axes - 1](layer.factor, ceil_mode=True)
        case L.Upsample():
            return M.Upsample(layer.to)
        case L.Norm():
            return M.make_norm(layer.how, shape[0], axes)
        case L.Activation():
            return M.make_activation(layer.name)
        case L.Dropout():
            return M.Dropout(layer.share)
        case L.PlainBlock():
            return M.PlainBlock(shape[0], layer.bias, layer.norm)
        case Attention():
            return M.Attention(shape[0])
        case C.Opponent():
            return M.Opponent()
        case C.NoiseLevel():
            return M.NoiseLevel(layer, shape[0] - 1)
        case L.Fold():
            return nn.PixelUnshuffle(layer.side)
        case L.Unfold():
            return nn.PixelShuffle(layer.side)
        case L.Keep():
            return M.Keep()
        case L.ResidualBlock():
            return M.ResidualBlock(layer, shape[0], axes)
        case L.GruEncoder():
            return M.GruEncoder(layer, shape[0])
        case S.Spectrum():
            return B.Spectrum(layer.window)
        case S.Split():
            return B.Split(layer, shape[2])
        case S.DualPath():
            return B.DualPath(layer, shape[2])
        case S.Squeeze():
            return B.Squeeze(layer, shape[1] * shape[2])
        case S.Spread():
            return B.Spread(layer, shape[0])
        case S.Masks():
            return B.Masks(layer, shape[1], shape[2])
        case S.Masked():
            return B.Masked(layer)
        case S.Wave():
            return B.Wave(layer.samples, 2 * (shape[1] - 1))
        case L.GruDecoder():
            return M.GruDecoder(layer, shape[0])
        case L.Join():
            return M.Join()
        case _:
            raise TypeError(
                f"no module for {type(layer).__name__}; add one to isthmus.networks.build"
            )
