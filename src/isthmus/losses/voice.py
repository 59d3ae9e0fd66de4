"""How wrong speech sounds: compressed spectra and the scale-invariant ratio of signal to distortion."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus.losses.base import Loss

_TINY = 1e-8
# Below this power there is no speech, and the ratio of a signal to anything has no meaning.
_SILENT = 1e-8
_LARGEST = 40.0


class Function(Loss):
    """100 x the error of magnitudes to a power, with and without phases, less decibels of SI-SDR.

    Compressed as loudness is, a spectrum's quiet parts count (Braun & Tashev 2021, "A consolidated
    view of loss functions for supervised deep learning-based speech enhancement").
    """

    def per_item(self, raw: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Samples along the last axis; items of several rows get the mean of their rows."""
        spec, rows = self.spec, raw.flatten(1, -2).flatten(0, 1) if raw.dim() > 2 else raw
        wanted = target.reshape(rows.shape)
        out, out_size = self._compressed(rows)
        aim, aim_size = self._compressed(wanted)
        phases = (out - aim).square().sum(-1).mean((1, 2))
        gap = out_size - aim_size
        sizes = gap.square() * torch.where(gap < 0, 1 + spec.over, 1.0)
        loss = 100 * (spec.complex_share * phases + (1 - spec.complex_share) * sizes.mean((1, 2)))
        if spec.si_sdr:
            loss = loss - spec.si_sdr * _si_sdr(rows, wanted)
        made = loss.view(len(raw), -1)
        if weight is None:
            whole: Tensor = made.mean(1)
            return whole
        shares = weight.expand_as(raw).reshape(len(raw), made.shape[1], -1).mean(2)
        counted: Tensor = (made * shares).sum(1) / shares.sum(1).clamp_min(1e-12)
        return counted

    def _compressed(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """(rows, samples) -> compressed numbers (rows, bins, frames, 2) and their magnitudes."""
        window = self.spec.window
        short = max(window - rows.shape[1], 0)
        taper = torch.hann_window(window, dtype=rows.dtype, device=rows.device)
        made = torch.stft(
            F.pad(rows, (0, short)),
            window,
            window // 2,
            window=taper,
            center=False,
            return_complex=True,
        )
        parts = torch.view_as_real(made) * (8 / 3 / window) ** 0.5
        square = parts.square().sum(-1) + _TINY
        less = square ** ((self.spec.compression - 1) / 2)
        return parts * less[..., None], square.sqrt() * less


def si_sdr(made: Tensor, wanted: Tensor) -> Tensor:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019): (N, samples) -> (N,)."""
    made, wanted = made - made.mean(1, keepdim=True), wanted - wanted.mean(1, keepdim=True)
    power = wanted.square().sum(1, keepdim=True) + 1e-12
    part = (made * wanted).sum(1, keepdim=True) / power * wanted
    rest = (made - part).square().sum(1) + 1e-12
    ratio: Tensor = 10 * torch.log10(part.square().sum(1) / rest + 1e-12)
    return ratio


def _si_sdr(rows: Tensor, wanted: Tensor) -> Tensor:
    """What counts of it: nothing for silence, and no more than can be heard."""
    heard = wanted.square().mean(1) > _SILENT
    return torch.where(heard, si_sdr(rows, wanted).clamp(-_LARGEST, _LARGEST), 0.0)
