"""Each group of numbers is replaced by its nearest codebook entry (van den Oord et al. 2017).

Moving-average codebook: van den Oord et al. 2017, appendix A.1. Dead entries revived: Dhariwal et
al. 2020. Residual levels: Zeghidour et al. 2021.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus.bottlenecks.base import Bottleneck, Code


class Module(Bottleneck):
    """The code is words from codebooks; gradients pass straight through the choice.

    ``extras["indices"]`` (N, *grid, groups, levels) int64 are the words; ``lookup`` is the way back.
    One codebook a level, shared by all groups, of entries of ``size / groups`` numbers.
    """

    codebooks: Tensor
    counts: Tensor
    sums: Tensor
    seeded: Tensor

    def __init__(self, spec: object, code_shape: tuple[int, ...]) -> None:
        super().__init__(spec, code_shape)  # type: ignore[arg-type]
        levels, entries, width = (
            self.spec.levels,
            self.spec.codebook,
            self.spec.size // self.spec.groups,
        )
        self.register_buffer("codebooks", torch.randn(levels, entries, width))
        self.register_buffer("counts", torch.ones(levels, entries))
        self.register_buffer("sums", self.codebooks.clone())
        self.register_buffer("seeded", torch.zeros((), dtype=torch.int64))

    def forward(self, latent: Tensor, x: Tensor | None = None) -> Code:
        words = self._words(latent)  # (tokens, width)
        if self.training and not self.seeded:
            self._seed(words.detach())
        rest, chosen, indices = words.detach(), torch.zeros_like(words), []
        for level in range(self.spec.levels):
            index = nearest(rest, self.codebooks[level])
            if self.training:
                self._learn(level, rest, index)
            entry = F.embedding(index, self.codebooks[level])
            chosen = chosen + entry
            rest = rest - entry
            indices.append(index)
        commitment = self._unwords((words - chosen.detach()).square(), latent)
        values = self._unwords(words + (chosen - words).detach(), latent)
        shape = (len(latent), *latent.shape[2:], self.spec.groups, self.spec.levels)
        words_of = torch.stack(indices, 1).view(shape)
        return Code(values, commitment.flatten(1).sum(1), {"indices": words_of})

    def lookup(self, indices: Tensor) -> Tensor:
        """Words (N, *grid, groups, levels) -> code values (N, size, *grid)."""
        parts = [
            F.embedding(indices[..., level], self.codebooks[level])
            for level in range(self.spec.levels)
        ]
        values = torch.stack(parts).sum(0).flatten(-2)  # (N, *grid, size)
        return values.movedim(-1, 1)

    def _words(self, latent: Tensor) -> Tensor:
        """(N, size, *grid) -> (N x grid x groups, size / groups)."""
        return latent.movedim(1, -1).reshape(-1, self.spec.size // self.spec.groups)

    def _unwords(self, words: Tensor, like: Tensor) -> Tensor:
        """The inverse of ``_words``."""
        return words.view(len(like), *like.shape[2:], self.spec.size).movedim(-1, 1)

    @torch.no_grad()
    def _seed(self, words: Tensor) -> None:
        """Begin with entries that the data uses: the first batch's own words, level by level."""
        rest = words
        for level in range(self.spec.levels):
            picked = rest[self._pick(len(rest), self.spec.codebook)]
            self.codebooks[level] = picked
            self.sums[level] = picked
            rest = rest - F.embedding(nearest(rest, picked), picked)
        self.seeded.fill_(1)

    @torch.no_grad()
    def _learn(self, level: int, words: Tensor, index: Tensor) -> None:
        """Move entries to the mean of the words that chose them; move dead ones onto present words."""
        decay, entries = self.spec.decay, self.spec.codebook
        # index_add, not a one-hot product: memory and time grow with the words, not words x entries.
        used = torch.zeros(entries, device=words.device).index_add_(
            0, index, torch.ones(len(index), device=words.device)
        )
        summed = torch.zeros_like(self.sums[level]).index_add_(0, index, words)
        self.counts[level].lerp_(used, 1 - decay)
        self.sums[level].lerp_(summed, 1 - decay)
        self.codebooks[level] = self.sums[level] / self.counts[level].clamp_min(1e-6)[:, None]
        even = len(words) / entries
        dead = (self.counts[level] < self.spec.revive_below * even).nonzero()[:, 0]
        if len(dead):
            fresh = words[self._pick(len(words), len(dead))]
            self.codebooks[level, dead] = fresh
            # As if used evenly until now, so that it is not declared dead again at once.
            self.counts[level, dead] = even
            self.sums[level, dead] = fresh * even

    def _pick(self, among: int, count: int) -> Tensor:
        device = self.codebooks.device
        return torch.randint(among, (count,), generator=self.generator, device=device)

    def diagnostics(self, code: Code) -> dict[str, float]:
        indices = code.extras["indices"]
        used, perplexity = [], []
        for level in range(self.spec.levels):
            share = torch.bincount(
                indices[..., level].flatten(), minlength=self.spec.codebook
            ).float()
            share = share / share.sum()
            used.append(float((share > 0).float().mean()))
            perplexity.append(float(torch.special.entr(share).sum().exp()))
        words = indices[0].numel()
        return {
            **super().diagnostics(code),
            "codebook_use": min(used),
            "perplexity": sum(perplexity) / len(perplexity),
            "bits_per_item": words * math.log2(self.spec.codebook),
        }


def nearest(words: Tensor, codebook: Tensor) -> Tensor:
    """The index of the nearest entry (Euclidean) of each word: (tokens, width) -> (tokens,)."""
    # |w - c|^2 without |w|^2, which is the same for every entry.
    return torch.addmm(codebook.square().sum(1)[None], words, codebook.t(), alpha=-2).argmin(1)
