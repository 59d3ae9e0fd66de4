"""Speech and noise in one recording, the speech out: pairs mixed anew at every step."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from isthmus.autoencoder import Autoencoder, Reconstruction
from isthmus.errors import DataError
from isthmus.losses.voice import si_sdr
from isthmus.recipe import Recipe
from isthmus.tasks import mixing as M
from isthmus.tasks.base import Array, Pair, Task
from isthmus.tasks.streaming import Denoiser

_RATE = 16_000


class Application(Task):
    """Items are (2, samples): speech, and a noise that is mixed with another item's speech."""

    def __init__(self, spec: Any) -> None:
        super().__init__(spec)
        self.echoes: tuple[Tensor, Tensor] | None = None

    def pair(self, batch: Tensor, generator: torch.Generator) -> Pair:
        """The mixture (N, 1, samples), and what it is made of: speech, and all that is not."""
        spec, count = self.spec, len(batch)
        speech, early = self._spoken(batch[:, 0], generator)
        noise = self._noise(batch, generator)
        snr = M.uniform(count, spec.snr[0], spec.snr[1], generator)
        noise = noise / M.level(noise).clamp_min(1e-5)
        heard = M.level(early)
        # A pause is a pause: its hiss is not blown up to a voice.
        speech_gain = torch.where(heard > 1e-3, 1 / heard.clamp_min(1e-3), 0.0)
        speech, early = speech * speech_gain, early * speech_gain
        noise = noise * 10 ** (-snr / 20)
        kind = M.uniform(count, 0, 1, generator)
        noise = torch.where(kind < spec.clean, 0.0, noise)
        silent = kind > 1 - spec.empty
        speech, early = torch.where(silent, 0.0, speech), torch.where(silent, 0.0, early)
        size = speech.shape[1]
        limit = M.limits(count, size // 2 + 1, _RATE, spec.limited, generator)
        mixed = _through(torch.stack([speech + noise, early]), limit, size)
        loudness = 10 ** (M.uniform(count, -38, -15, generator) / 20)
        gain = loudness / mixed[0].square().mean(1, keepdim=True).sqrt().clamp_min(1e-6)
        mixture, clean = mixed[0] * gain, mixed[1] * gain
        peak = mixture.abs().amax(1, keepdim=True)
        cut = peak * torch.where(
            M.coin(count, spec.clipped, generator), M.uniform(count, 0.3, 0.9, generator), 1.0
        )
        mixture = torch.minimum(torch.maximum(mixture, -cut), cut)
        return Pair(mixture[:, None], torch.stack([clean, mixture - clean], 1))

    any_size = True

    def apply(self, model: Autoencoder, recipe: Recipe, item: Array, **options: Any) -> Array:
        """Sound (samples,) or (samples, channels) in -1..1 without its noise, of the same shape.

        ``rate`` in hertz is 16,000 unless given; the other options are ``Denoiser``'s.
        """
        flat = item[:, None] if item.ndim == 1 else item
        if flat.ndim != 2 or item.dtype.kind != "f":
            raise DataError(
                f"sound is floats of shape (samples,) or (samples, channels); got {item.dtype} {item.shape}"
            )
        rate = int(options.pop("rate", _RATE))
        cleaner = Denoiser(model, recipe, rate, flat.shape[1], **options)
        made = np.concatenate([cleaner.push(flat), cleaner.flush()])
        return made.reshape(item.shape).astype(item.dtype)

    def look(self, items: Tensor) -> Tensor:
        """Speech and noise at the levels they have."""
        return items.sum(1, keepdim=True)

    def objective(self, model: Autoencoder, pair: Pair) -> tuple[Tensor, Tensor, Reconstruction]:
        """The recipe's loss of the speech; what is taken away is the rest, and as good."""
        made: Reconstruction = model(pair.input)
        loss = model.loss.per_item(made.raw[:, :1], pair.target[:, :1])
        return loss.mean(), made.code.cost.mean(), made

    def metrics(self, output: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Beside the squared error, SI-SDR of the speech and how much of it the model gained, in dB."""
        speech = target[:, 0].square().mean(1) > 1e-8
        after = si_sdr(output[:, 0], target[:, 0])
        before = si_sdr(target.sum(1), target[:, 0])
        return {
            **super().metrics(output, target),
            "si_sdr": torch.where(speech, after.clamp(-40, 40), 0.0),
            "si_sdr_gain": torch.where(speech, (after - before).clamp(-40, 40), 0.0),
        }

    def _spoken(self, speech: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Voices through tone controls and rooms: all that is heard, and the part to be kept."""
        count, size = speech.shape
        if self.echoes is None:
            fixed = torch.Generator(speech.device).manual_seed(1)
            self.echoes = M.rooms(_RATE, fixed)
        whole, early = self.echoes
        long = size + whole.shape[1]
        room = torch.randint(len(whole), (count,), generator=generator, device=speech.device)
        inside = M.coin(count, self.spec.rooms, generator)
        spectrum = torch.fft.rfft(speech, long)
        spectrum = spectrum * M.colours(count, spectrum.shape[1], _RATE, generator)
        made = []
        for taps in (whole, early):
            response = torch.where(inside, torch.fft.rfft(taps[room], long), 1.0)
            made.append(torch.fft.irfft(spectrum * response, long)[:, :size])
        return made[0], made[1]

    def _noise(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """One noise or two, or other voices, or what is computed."""
        spec, (count, _, size) = self.spec, batch.shape
        order = torch.randperm(count, generator=generator, device=batch.device)
        first = batch[order, 1]
        first = first / M.level(first).clamp_min(1e-4)
        second = first.roll(1, 0).roll(size // 3, 1) * 10 ** (
            M.uniform(count, -15, 0, generator) / 20
        )
        noise = torch.where(M.coin(count, 0.35, generator), first + second, first)
        noise = _through(noise[None], M.colours(count, size // 2 + 1, _RATE, generator), size)[0]
        kind = M.uniform(count, 0, 1, generator)
        talk = kind < spec.babble
        if talk.any():
            noise = torch.where(talk, M.babble(batch[:, 0], generator), noise)
        made = kind > 1 - spec.made
        if made.any():
            noise = torch.where(made, M.computed(count, size, _RATE, generator), noise)
        return noise


def _through(x: Tensor, gains: Tensor, size: int) -> Tensor:
    """Rows (…, samples) with the gains of each frequency."""
    if bool((gains == 1).all()):
        return x
    made: Tensor = torch.fft.irfft(torch.fft.rfft(x) * gains, size)
    return made
