"""Noise out of sound as it comes: any rate, any number of channels, blocks of any size.

What a block gives is what the same samples give in one piece. The network hears 16 kHz and says, of
each bin of each frame, what share is speech; what is taken away is computed there, brought to the
recording's own rate and subtracted, so that nothing else changes and nothing is delayed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isthmus.autoencoder import Autoencoder
from isthmus.errors import DataError, RunError
from isthmus.networks import bands as B
from isthmus.networks.modules import Join, Keep
from isthmus.recipe import Bands, Recipe, Speech

Array = NDArray[Any]
_FRAMES = 512
"""Frames that go through the network at once: bounds memory, changes nothing."""
_TOP = (0.62, 0.92)
"""The part of the network's spectrum that speaks for what lies above it, as shares of its bins."""
_RISE, _FALL = 0.6, 0.25


class Masker:
    """The network between spectrum and mask, remembering what was."""

    def __init__(self, model: Autoencoder) -> None:
        held = [m for m in model.encoder.layers if not isinstance(m, B.Spectrum)][1:]
        self.into: list[torch.nn.Module] = held
        self.out = [m for m in model.decoder.layers if not isinstance(m, B.Masked | B.Wave)]
        self.states: dict[int, Tensor] = {}

    def __call__(self, spectrum: Tensor) -> Tensor:
        """(1, frames, bins, 2) -> a complex factor for each: (1, frames, bins, 2)."""
        kept: list[Tensor] = []
        x = spectrum
        for layer in self.into:
            if isinstance(layer, Keep):
                kept.append(x)
            else:
                x = self._through(layer, x)
        for layer in self.out:
            x = layer(x, kept.pop()) if isinstance(layer, Join) else self._through(layer, x)
        return x

    def _through(self, layer: torch.nn.Module, x: Tensor) -> Tensor:
        if not isinstance(layer, B.Causal):
            made: Tensor = layer(x)
            return made
        made, self.states[id(layer)] = layer.follow(x, self.states.get(id(layer)))
        return made


class Core:
    """At the network's own rate: samples in, what is to be taken away out, one hop later.

    All channels get one mask, made from the power of all, so that nothing moves in the picture.
    """

    def __init__(self, model: Autoencoder, window: int, channels: int) -> None:
        self.masker = Masker(model)
        self.spectrum, self.wave = B.Spectrum(window), B.Wave(0, window)
        self.hop, self.channels = window // 2, channels
        self.waiting = np.zeros((0, channels), np.float32)
        self.past = np.zeros((self.hop, channels), np.float32)
        self.over = torch.zeros(channels, self.hop)
        self.top = 1.0
        self.tops: list[float] = []
        """How much of the highest bands is kept, a number for each frame."""
        self.fed = self.given = 0
        self.first = True

    def push(self, x: Array) -> Array:
        """(n, channels) float32 -> what is to be taken away of earlier samples (m, channels)."""
        self.fed += len(x)
        self.waiting = np.concatenate([self.waiting, x])
        made = [np.zeros((0, self.channels), np.float32)]
        while len(self.waiting) >= self.hop:
            count = min(len(self.waiting) // self.hop, _FRAMES)
            made.append(self._frames(self.waiting[: count * self.hop]))
            self.waiting = self.waiting[count * self.hop :]
        whole = np.concatenate(made)
        if self.first and len(whole):
            self.first, whole = False, whole[self.hop :]
        self.given += len(whole)
        return whole

    def flush(self) -> Array:
        """The rest; as many samples have come out as went in."""
        fed, missing = self.fed, self.fed - self.given
        if not missing:
            return np.zeros((0, self.channels), np.float32)
        short = -len(self.waiting) % self.hop
        rest = self.push(np.zeros((short + self.hop, self.channels), np.float32))
        self.fed = fed
        return rest[:missing]

    @torch.inference_mode()
    def _frames(self, x: Array) -> Array:
        whole = np.concatenate([self.past, x])
        self.past = whole[len(whole) - self.hop :]
        cut = torch.from_numpy(np.ascontiguousarray(whole.T))[None].unfold(
            2, 2 * self.hop, self.hop
        )
        seen = self.spectrum.of_frames(cut)
        mask = self.masker(_together(seen, self.channels))
        self._hear(seen, mask)
        taken = B.times((_ONE - mask).repeat_interleave(self.channels, 3), seen)
        pieces = self.wave.to_frames(taken)[0]
        sums = pieces[:, :, : self.hop].clone()
        sums[:, 0] += self.over
        sums[:, 1:] += pieces[:, :-1, self.hop :]
        self.over = pieces[:, -1, self.hop :].clone()
        made: Array = sums.flatten(1).t().numpy()
        return made

    def _hear(self, seen: Tensor, mask: Tensor) -> None:
        """Follow how much the mask leaves of the highest bands: quickly up, slowly down."""
        low, high = (round(share * seen.shape[2]) for share in _TOP)
        power = seen[0, :, low:high].square().sum(2)
        size = mask[0, :, low:high].square().sum(2)
        whole = power.sum(1)
        shares = torch.where(whole > 1e-12, (power * size).sum(1) / whole.clamp_min(1e-12), -1.0)
        for share in shares.clamp(max=1).tolist():
            if share >= 0:
                now = share**0.5
                self.top += (_RISE if now > self.top else _FALL) * (now - self.top)
            self.tops.append(self.top)


_ONE = torch.tensor([1.0, 0.0])


def _together(seen: Tensor, channels: int) -> Tensor:
    """(1, frames, bins, 2 channels) -> one channel: the mean power of all, the phase of their sum.

    What is equal and opposite in two channels does not vanish, as it would in their sum.
    """
    if channels == 1:
        return seen
    real, imaginary = seen.chunk(2, 3)
    size = (real.square() + imaginary.square()).mean(3, keepdim=True).sqrt()
    # A thousandth of the first channel decides where the sum is nothing.
    a = real.sum(3, keepdim=True) + 1e-3 * real[..., :1]
    b = imaginary.sum(3, keepdim=True) + 1e-3 * imaginary[..., :1]
    scale = size / (a.square() + b.square() + 1e-20).sqrt()
    return torch.cat([a * scale, b * scale], 3)


class Denoiser:
    """One recording, in blocks.

    >>> cleaner = Denoiser(model.autoencoder, model.recipe, rate=48_000, channels=2)
    >>> for block in blocks: write(cleaner.push(block))
    >>> write(cleaner.flush())

    ``strength`` 0..1 is how much of what is not speech goes; ``limit`` (dB) is the most that any
    sound is lowered by. With ``noise_only`` the blocks are what was taken away: the two sum to the
    input. After ``flush`` as many samples have come out as went in, each at its place.
    """

    def __init__(
        self,
        model: Autoencoder,
        recipe: Recipe,
        rate: int,
        channels: int = 1,
        strength: float = 1.0,
        limit: float | None = None,
        noise_only: bool = False,
    ) -> None:
        spec, data = recipe.encoder, recipe.data
        if not isinstance(spec, Bands) or not isinstance(data, Speech):
            raise RunError(f"{recipe.name}: was not trained to take noise out of sound")
        if rate < 1 or channels < 1:
            raise DataError(f"sound has a rate and channels; got {rate} Hz and {channels}")
        self.rate, self.own, self.channels = rate, data.sample_rate, channels
        self.strength = strength * (1 if limit is None else 1 - 10 ** (-limit / 20))
        self.noise_only = noise_only
        self.core = Core(model, spec.window, channels)
        self.hop = spec.hop
        self.waiting = np.zeros((0, channels))
        self.taken = np.zeros((0, channels))
        self.heard = np.zeros((0, channels), np.float32)
        self.fed = self.given = self.forgotten = 0
        self.high = rate > self.own
        if rate != self.own:
            import soxr

            self.down = soxr.ResampleStream(rate, self.own, channels, dtype="float32")
            both = channels * (2 if self.high else 1)
            self.up = soxr.ResampleStream(self.own, rate, both, dtype="float32")

    @property
    def latency(self) -> float:
        """Seconds between a sound and its clean self, when live at the network's own rate."""
        return 2 * self.hop / self.own

    def push(self, block: Array) -> Array:
        """The next samples (n, channels) or (n,) -> clean ones that are ready (m, channels)."""
        x = np.asarray(block, np.float64)
        x = x[:, None] if x.ndim == 1 else x
        if x.ndim != 2 or x.shape[1] != self.channels:
            raise DataError(f"a block has shape (samples, {self.channels}); got {np.shape(block)}")
        self._check(x)
        self.fed += len(x)
        self.waiting = np.concatenate([self.waiting, x])
        own = x.astype(np.float32)
        if self.rate != self.own:
            own = self.down.resample_chunk(np.ascontiguousarray(own))
        self._take(own, self.core.push(own), False)
        return self._give()

    def flush(self) -> Array:
        """What is still to come."""
        none = np.zeros((0, self.channels), np.float32)
        if self.rate != self.own:
            own = self.down.resample_chunk(none, last=True)
            self._take(own, self.core.push(own), False)
        self._take(none, self.core.flush(), True)
        # Where the rates' rounding leaves the end a sample short, that stays as it is.
        missing = max(len(self.waiting) - len(self.taken), 0)
        self.taken = np.concatenate([self.taken, np.zeros((missing, self.channels))])
        return self._give()

    def _take(self, heard: Array, taken: Array, last: bool) -> None:
        """Keep what was taken away at the network's rate, at the recording's."""
        if self.rate == self.own:
            self.taken = np.concatenate([self.taken, taken.astype(np.float64)])
            return
        original = self.waiting[len(self.taken) :]
        if not self.high:
            low = self.up.resample_chunk(taken, last=last)[: len(original)]
            self.taken = np.concatenate([self.taken, low.astype(np.float64)])
            return
        self.heard = np.concatenate([self.heard, heard])
        now, self.heard = self.heard[: len(taken)], self.heard[len(taken) :]
        both = np.ascontiguousarray(np.concatenate([taken, now], 1))
        made = self.up.resample_chunk(both, last=last)[: len(original)].astype(np.float64)
        low, below = made[:, : self.channels], made[:, self.channels :]
        # What the network cannot hear is lowered as the highest bands it hears are.
        above = original[: len(made)] - below
        lost = 1 - self._top(self.given + len(self.taken), len(made))
        self.taken = np.concatenate([self.taken, low + lost[:, None] * above])

    def _top(self, start: int, count: int) -> Array:
        """How much of what is above the network's band stays, at samples from ``start`` on."""
        tops = np.array(self.core.tops or [1.0])
        # Frame k is centred on its own rate's sample k x hop.
        places = np.arange(start, start + count) * (self.own / self.rate / self.hop)
        made: Array = np.interp(places - self.forgotten, np.arange(len(tops)), tops)
        if count:
            old = int(places[0]) - self.forgotten - 1
            if old > 0:
                del self.core.tops[:old]
                self.forgotten += old
        return made

    def _give(self) -> Array:
        """What is ready of the recording, and out of the way with it."""
        count = len(self.taken)
        x, self.waiting = self.waiting[:count], self.waiting[count:]
        away, self.taken = self.strength * self.taken, self.taken[:0]
        self.given += count
        return away if self.noise_only else x - away

    def _check(self, x: Array) -> None:
        bad = ~np.isfinite(x).all(1)
        if bad.any():
            at = self.fed + int(bad.argmax())
            raise DataError(
                f"holds samples that are not numbers, the first at {at / self.rate:.3f} s"
            )
