"""Units that have died, brought back before a training goes on."""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.autoencoder import Autoencoder
from isthmus.networks.modules import PlainBlock

_DEAD = 0.05
"""A channel whose weights are shorter than this share of the longest says nothing any more."""


@torch.no_grad()
def revive(model: Autoencoder, generator: torch.Generator) -> int:
    """Draw the dead channels inside residual blocks anew; how many there were. What the model says stays.

    A rectified channel that is never above zero gets no gradient, and weight decay takes what is left of
    it ("dying ReLU", Lu et al. 2019): high learning rates leave a network with a part of its channels. The new
    weights are as long as the median of the living; nothing comes of them until training says what.
    """
    count = 0
    for block in (m for m in model.modules() if isinstance(m, PlainBlock)):
        into, out = block.first.weight, block.second.weight
        lengths = into.flatten(1).norm(dim=1)
        dead = _short(lengths) & _short(out.transpose(0, 1).flatten(1).norm(dim=1))
        if not dead.any():
            continue
        drawn = torch.randn(into[dead].shape, generator=generator)
        drawn *= lengths[~dead].median() / drawn.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        into[dead] = drawn
        out[:, dead] = 0
        if block.first.bias is not None:
            block.first.bias[dead] = 0
        count += int(dead.sum())
    return count


def _short(lengths: Tensor) -> Tensor:
    return (lengths < _DEAD * lengths.max()) & (lengths.max() > 0)
