"""The modules that torch does not bring, and torch's own with this project's conventions."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.plan import attention as A
from isthmus.plan import colors as C
from isthmus.plan import layers as L


class Dropout(nn.Module):
    """Dropout whose randomness is its ``generator``, never torch's global one."""

    generator: torch.Generator | None = None

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.share == 0:
            return x
        keep = torch.empty_like(x).bernoulli_(1 - self.share, generator=self.generator)
        return x * keep / (1 - self.share)


class Reshape(nn.Module):
    """(N, …) -> (N, *shape)."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), *self.shape)


class TiedLinear(nn.Module):
    """x W^T + b with W the transpose of another dense layer's matrix: only the bias is its own."""

    def __init__(self, other: nn.Linear) -> None:
        super().__init__()
        # In a list the other layer stays out of this module's own parameters: it is saved once.
        self._other = [other]
        self.bias = nn.Parameter(torch.zeros(other.in_features))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self._other[0].weight.t(), self.bias)


class Upsample(nn.Module):
    """Nearest-neighbour growth to a fixed grid."""

    def __init__(self, to: tuple[int, ...]) -> None:
        super().__init__()
        self.to_grid = to

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, size=self.to_grid, mode="nearest")


class ResidualBlock(nn.Module):
    """x + conv(act(norm(drop(conv(act(norm(x))))))) with the channels unchanged.

    The second convolution starts at zero, so that a new block is the identity
    (Goyal et al. 2017; Zhang et al. 2019, "Fixup").
    """

    def __init__(self, layer: L.ResidualBlock, channels: int, axes: int) -> None:
        super().__init__()

        def half() -> list[nn.Module]:
            norm = [] if layer.norm == "none" else [make_norm(layer.norm, channels, axes)]
            conv = L.Conv(outputs=channels, kernel=layer.kernel, dilation=layer.dilation)
            return [*norm, make_activation(layer.activation), make_conv(conv, channels, axes)]

        drop = [Dropout(layer.dropout)] if layer.dropout > 0 else []
        self.body = nn.Sequential(*half(), *drop, *half())
        last = self.body[-1]
        nn.init.zeros_(last.weight)  # type: ignore[arg-type]
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)  # type: ignore[no-any-return]


class PlainBlock(nn.Module):
    """x + conv(relu(norm(conv(x)))); the second convolution starts at zero."""

    def __init__(self, channels: int, bias: bool = False, norm: str = "none") -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=bias)
        self.norm = nn.Identity() if norm == "none" else make_norm(norm, channels, 2)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=bias)
        nn.init.zeros_(self.second.weight)
        if bias:
            nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.norm(self.first(x)), inplace=True))  # type: ignore[no-any-return]


class Attention(nn.Module):
    """x + what every place takes from all places of the grid; it starts as nothing.

    What is looked at is first brought to one length at every place, and so are queries and keys, so
    that a place's strength does not decide whom it listens to (Henry et al. 2020).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = A.Attention.heads(channels)
        self.scale = nn.Parameter(torch.ones(channels))
        self.into = nn.Conv2d(channels, 3 * channels, 1, bias=False)
        self.back = nn.Conv2d(channels, channels, 1)
        self.sharpness = nn.Parameter(torch.full((self.heads,), 8.0))
        for start in self.back.parameters():
            nn.init.zeros_(start)

    def forward(self, x: Tensor) -> Tensor:
        count, channels, height, width = x.shape
        even = F.normalize(x, dim=1) * (channels**0.5 * self.scale.view(1, -1, 1, 1))
        asked = self.into(even).reshape(count, 3, self.heads, -1, height * width).transpose(3, 4)
        query, key, value = asked.unbind(1)
        query = F.normalize(query, dim=3) * self.sharpness.view(1, -1, 1, 1)
        taken = F.scaled_dot_product_attention(query, F.normalize(key, dim=3), value, scale=1.0)
        seen = taken.transpose(2, 3).reshape(count, channels, height, width)
        return x + self.back(seen)  # type: ignore[no-any-return]


class Opponent(nn.Module):
    """(N, 3 or more, H, W) -> the same shape, with gray along the first axis; undoes itself."""

    turn: Tensor

    def __init__(self) -> None:
        super().__init__()
        # The mirroring that swaps the first axis and the gray one (Householder 1958).
        apart = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64) - 3**-0.5
        turn = torch.eye(3, dtype=torch.float64) - 2 * apart.outer(apart) / apart.dot(apart)
        self.register_buffer("turn", turn.float().reshape(3, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        # In full: what bfloat16 leaves of the colours of a gray picture would count as colour.
        with torch.autocast(x.device.type, enabled=False):
            turned = F.conv2d(x[:, :3].to(self.turn.dtype), self.turn)
        return turned if x.shape[1] == 3 else torch.cat([turned, x[:, 3:]], 1)


class NoiseLevel(nn.Module):
    """(N, channels + 1, H, W): the last channel filled with an estimate where it is zero."""

    def __init__(self, layer: C.NoiseLevel, channels: int) -> None:
        super().__init__()
        self.cell = layer.cell
        self.first = nn.Conv2d(channels * 4, layer.width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(layer.width, layer.width, 3, padding=1, bias=False)
        self.third = nn.Conv2d(layer.width, layer.width, 3, padding=1, bias=False)
        self.last = nn.Conv2d(layer.width, 1, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        told = x[:, -1:]
        # Of a gray picture the same noise is told three times, and along gray (``Opponent``) adds up.
        gray = x[:, 1:-1].abs().amax((1, 2, 3), keepdim=True) < 1e-5
        along = torch.where(gray, told * 3**0.5, told)
        return torch.cat([x[:, :-1], torch.where(told > 0, along, self.estimate(x))], 1)

    def estimate(self, x: Tensor) -> Tensor:
        """The level of the noise in the first channel of x, (N, 1, H, W), as ``x`` is scaled."""
        seen = F.relu(self.first(F.pixel_unshuffle(x[:, :-1], 2)))
        seen = F.avg_pool2d(F.relu(self.second(seen)), self.cell // 2)
        coarse = self.last(F.relu(self.third(seen))).abs()
        return F.interpolate(coarse, scale_factor=self.cell, mode="bilinear", align_corners=False)


class Keep(nn.Identity):
    """Where a skip path begins; the network that holds this sets the value aside."""


class Join(nn.Module):
    """Where a skip path ends: adds as many of its channels as ``x`` has."""

    def forward(self, x: Tensor, kept: Tensor | None = None) -> Tensor:
        return x if kept is None else x + kept[:, : x.shape[1]]


class GruEncoder(nn.Module):
    """(N, channels, steps) -> (N, directions x hidden): the top layer's last state."""

    def __init__(self, layer: L.GruEncoder, channels: int) -> None:
        super().__init__()
        self.gru = nn.GRU(
            channels, layer.hidden, layer.depth, batch_first=True, bidirectional=layer.bidirectional
        )
        self.directions = layer.directions

    def forward(self, x: Tensor) -> Tensor:
        _, state = self.gru(x.transpose(1, 2))  # state: (depth x directions, N, hidden)
        return state[-self.directions :].transpose(0, 1).flatten(1)  # type: ignore[no-any-return]


class GruDecoder(nn.Module):
    """(N, features) -> (N, hidden, steps): the vector is the input of every step."""

    def __init__(self, layer: L.GruDecoder, features: int) -> None:
        super().__init__()
        self.gru = nn.GRU(features, layer.hidden, layer.depth, batch_first=True)
        self.steps = layer.steps

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.gru(x[:, None].expand(-1, self.steps, -1))
        return states.transpose(1, 2)  # type: ignore[no-any-return]


def make_activation(name: str) -> nn.Module:
    """The module of an activation's recipe name; in place where that is safe and saves memory."""
    made: dict[str, nn.Module] = {
        "relu": nn.ReLU(),
        "leaky_relu": nn.LeakyReLU(0.1),
        "gelu": nn.GELU(approximate="tanh"),
        "silu": nn.SiLU(),
        "elu": nn.ELU(),
        "tanh": nn.Tanh(),
        "sigmoid": nn.Sigmoid(),
        "none": nn.Identity(),
    }
    return made[name]


def make_norm(how: str, channels: int, axes: int) -> nn.Module:
    """Normalisation over ``channels``; ``axes`` is the number of grid axes (0 for vectors)."""
    match how:
        case "batch":
            return [nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d][axes](channels)
        case "layer":
            return nn.LayerNorm(channels)
        case _:
            return nn.GroupNorm(L.Norm.groups(channels), channels)


def make_conv(layer: L.Conv, channels: int, axes: int) -> nn.Conv1d | nn.Conv2d:
    """A convolution over one or two grid axes."""
    cls = nn.Conv1d if axes == 1 else nn.Conv2d
    return cls(
        channels,
        layer.outputs,
        layer.kernel,
        layer.stride,
        layer.padding,
        dilation=layer.dilation,
        bias=layer.bias,
    )
