"""The modules of networks on the bands of a spectrum: sound in, sound out, nothing of the future.

What remembers is ``Causal``: ``follow(x, state)`` takes the frames that come next and what was
remembered, so that a recording in pieces gives what it gives whole.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.networks.modules import Join
from isthmus.plan import sound as S

_TINY = 1e-9  # of squared magnitudes: -90 dB of full scale


class Causal(nn.Module):
    """A layer along time. Subclasses implement ``follow``."""

    def forward(self, x: Tensor) -> Tensor:
        return self.follow(x, None)[0]

    def follow(self, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """(N, frames, …) and the state after the frames before (None at the beginning)."""
        raise TypeError(f"{type(self).__name__} must implement follow")


class Spectrum(nn.Module):
    """(N, channels, samples) -> (N, frames, bins, 2 channels): all real parts, all imaginary parts.

    Frames under a square-root Hann window; the first begins one hop before the first sample. White
    noise of spread 1 has bins of spread 1.
    """

    taper: Tensor

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window, self.hop = window, window // 2
        self.register_buffer("taper", taper(window), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        samples = x.shape[-1]
        count = S.frames(samples, self.hop)
        wide = F.pad(x, (self.hop, (count * self.hop) - samples))
        return self.of_frames(wide.unfold(-1, self.window, self.hop))

    def of_frames(self, cut: Tensor) -> Tensor:
        """(N, channels, frames, window) -> (N, frames, bins, 2 channels)."""
        made = torch.fft.rfft(cut * self.taper) * (2 / self.window) ** 0.5
        return torch.cat([made.real, made.imag], 1).permute(0, 2, 3, 1)


class Wave(nn.Module):
    """(N, frames, bins, 2 channels) -> (N, channels, samples): overlapping frames added."""

    taper: Tensor

    def __init__(self, samples: int, window: int) -> None:
        super().__init__()
        self.samples, self.window, self.hop = samples, window, window // 2
        self.register_buffer("taper", taper(window), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        pieces = self.to_frames(x)
        whole = (pieces[:, :, :-1, self.hop :] + pieces[:, :, 1:, : self.hop]).flatten(2)
        return (
            whole[..., : self.samples] if S.frames(self.samples, self.hop) == x.shape[1] else whole
        )

    def to_frames(self, x: Tensor) -> Tensor:
        """(N, frames, bins, 2 channels) -> (N, channels, frames, window), ready to be added."""
        real, imaginary = x.permute(0, 3, 1, 2).chunk(2, 1)
        made = torch.fft.irfft(torch.complex(real, imaginary), self.window)
        pieces: Tensor = made * self.taper * (self.window / 2) ** 0.5
        return pieces


def taper(window: int) -> Tensor:
    """The root of a periodic Hann window: squared and overlapped by half it adds up to one."""
    return torch.hann_window(window, dtype=torch.float64).sqrt().float()


class Split(nn.Module):
    """(N, frames, bins, 2 channels) -> (N, frames, bands, width)."""

    places: Tensor

    def __init__(self, layer: S.Split, numbers: int) -> None:
        super().__init__()
        inputs = layer.inputs((0, 0, numbers))
        self.register_buffer("places", _places(layer.edges, layer.widest), persistent=False)
        bins = torch.tensor(layer.edges).diff().float()
        weight = torch.randn(layer.bands, inputs, layer.width)
        self.weight = nn.Parameter(weight / (3 * bins[:, None, None]).sqrt())
        self.bias = nn.Parameter(torch.zeros(layer.bands, 1, layer.width))

    def forward(self, x: Tensor) -> Tensor:
        real, imaginary = x.chunk(2, 3)
        square = real.square() + imaginary.square() + _TINY
        # Magnitudes to the power 0.3, as loudness grows; phases stay.
        less = square**-0.35
        seen = torch.cat([real * less, imaginary * less, square.sqrt() * less], 3)
        seen = F.pad(seen, (0, 0, 0, 1))  # the last "bin" is the zero that fills narrow bands up
        count, frames = seen.shape[:2]
        cut = seen[:, :, self.places].flatten(3)  # (N, frames, bands, inputs)
        rows = cut.permute(2, 0, 1, 3).reshape(len(self.weight), count * frames, -1)
        made = torch.baddbmm(self.bias, rows, self.weight)
        return made.view(len(made), count, frames, -1).permute(1, 2, 0, 3)


class DualPath(Causal):
    """Along time in each band, then across the bands of each frame; each beside a straight path."""

    def __init__(self, layer: S.DualPath, width: int) -> None:
        super().__init__()
        self.before = nn.LayerNorm(width)
        self.time = nn.GRU(width, layer.hidden)
        self.back = nn.Linear(layer.hidden, width)
        self.between = nn.LayerNorm(width)
        make = _Recurrent if layer.across == "recurrent" else _Mixing
        self.across: nn.Module = make(width, layer.bands)
        self.out = nn.Linear(width // 2 * 2 if layer.across == "recurrent" else width, width)
        for last in (self.back, self.out):
            last.weight.data.mul_(0.3)

    def follow(self, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """x (N, frames, bands, width); the state is the recurrent unit's, (1, N x bands, hidden)."""
        count, frames, bands, width = x.shape
        along = self.before(x).transpose(0, 1).reshape(frames, count * bands, width)
        said, state = self.time(along, state)
        x = x + self.back(said).view(frames, count, bands, width).transpose(0, 1)
        return x + self.out(self.across(self.between(x))), state


class _Recurrent(nn.Module):
    """A recurrent unit up and down the bands of each frame."""

    def __init__(self, width: int, bands: int) -> None:
        super().__init__()
        self.units = nn.GRU(width, width // 2, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, 1).transpose(0, 1)
        made: Tensor = self.units(rows)[0]
        return made.transpose(0, 1).reshape(*x.shape[:3], -1)


class _Mixing(nn.Module):
    """A convolution over neighbouring bands, and a matrix over all of them."""

    def __init__(self, width: int, bands: int) -> None:
        super().__init__()
        self.near = nn.Conv1d(width, width, S.TAPS, padding=S.TAPS // 2)
        self.far = nn.Linear(bands, bands)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, 1).transpose(1, 2)  # (N x frames, width, bands)
        made = F.silu(self.near(rows))
        whole: Tensor = made + self.far(made)
        return whole.transpose(1, 2).reshape(x.shape)


class Squeeze(Causal):
    """(N, frames, bands, width) -> (N, size, frames)."""

    def __init__(self, layer: S.Squeeze, wide: int) -> None:
        super().__init__()
        self.into = nn.Linear(wide, layer.size)
        self.time = nn.GRU(layer.size, layer.size)

    def follow(self, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """The state is the recurrent unit's, (1, N, size)."""
        said, state = self.time(F.silu(self.into(x.flatten(2))).transpose(0, 1), state)
        return said.permute(1, 2, 0), state


class Spread(nn.Module):
    """(N, size, frames) -> (N, frames, bands, width)."""

    def __init__(self, layer: S.Spread, size: int) -> None:
        super().__init__()
        self.out = nn.Linear(size, layer.bands * layer.width)
        self.out.weight.data.mul_(0.3)
        self.shape = (layer.bands, layer.width)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(x.transpose(1, 2)).unflatten(2, self.shape)  # type: ignore[no-any-return]


class Masks(nn.Module):
    """(N, frames, bands, width) -> (N, frames, bins, outputs), magnitudes below one."""

    places: Tensor

    def __init__(self, layer: S.Masks, bands: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.outputs, self.widest = layer.outputs, layer.widest
        wide = layer.widest * layer.outputs
        self.weight = nn.Parameter(torch.randn(bands, width, wide) * (0.3 / width**0.5))
        # The first masks let nearly everything pass: real parts near 0.8.
        first = torch.zeros(bands, 1, layer.widest, layer.outputs)
        first[..., : layer.outputs // 2] = 1.1
        self.bias = nn.Parameter(first.flatten(2))
        held = _places(layer.edges, layer.widest).flatten()
        self.register_buffer(
            "places", held.argsort(stable=True)[: layer.edges[-1]], persistent=False
        )

    def forward(self, x: Tensor) -> Tensor:
        count, frames, bands, width = x.shape
        rows = self.norm(x).permute(2, 0, 1, 3).reshape(bands, count * frames, width)
        made = torch.baddbmm(self.bias, rows, self.weight)
        made = made.view(bands, count, frames, self.widest, self.outputs)
        flat = made.permute(1, 2, 0, 3, 4).flatten(2, 3)[:, :, self.places]
        real, imaginary = flat.chunk(2, 3)
        size = (real.square() + imaginary.square() + 1e-8).sqrt()
        bounded: Tensor = flat * (torch.tanh(size) / size).repeat(1, 1, 1, 2)
        return bounded


class Masked(Join):
    """The kept spectrum times the mask; with more outputs than that, what is left of it as well."""

    def __init__(self, layer: S.Masked) -> None:
        super().__init__()
        self.outputs = layer.outputs

    def forward(self, x: Tensor, kept: Tensor | None = None) -> Tensor:
        kept = torch.ones_like(x) if kept is None else kept
        made = times(x, kept)
        if self.outputs == x.shape[3]:
            return made
        (real, imaginary), (left, right) = made.chunk(2, 3), (kept - made).chunk(2, 3)
        return torch.cat([real, left, imaginary, right], 3)


def times(x: Tensor, y: Tensor) -> Tensor:
    """The product of complex numbers as ``Spectrum`` lays them out: real parts, imaginary parts."""
    (a, b), (c, d) = x.chunk(2, 3), y.chunk(2, 3)
    return torch.cat([a * c - b * d, a * d + b * c], 3)


def _places(edges: tuple[int, ...], widest: int) -> Tensor:
    """(bands, widest): which bin each input of a band is; ``edges[-1]`` where there is none."""
    starts, ends = torch.tensor(edges[:-1]), torch.tensor(edges[1:])
    held = starts[:, None] + torch.arange(widest)
    return torch.where(held < ends[:, None], held, edges[-1])
