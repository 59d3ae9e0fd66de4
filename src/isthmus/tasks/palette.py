"""Colours taken from another photograph, by weighing the distributions that the network says."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus import lab

_BANDS = 5
"""Of lightness: what is dark takes the colours of what is dark."""
_ROUNDS = 8
_STEP = 0.5
_RARE = 2e-3
"""Least share of a colour that is reckoned with: what nobody expects is not forced in."""


def histogram(light: Tensor, ab: Tensor) -> Tensor:
    """(bands, classes): how often each colour of the lattice comes at each lightness, rows sum to 1.

    ``light`` (1, 1, h, w) is L*, ``ab`` (1, 2, h, w).
    """
    plane = lab.compressed(ab)[0].flatten(1).T
    nearest = torch.cdist(plane, lab.lattice()).argmin(1)
    classes = F.one_hot(nearest, len(lab.lattice())).float()
    counts = bands(light)[0].flatten(1) @ classes
    # A band that the reference hardly has takes its colours as a whole.
    counts = counts + 0.02 * counts.sum(0) + 1e-6
    return counts / counts.sum(1, keepdim=True)


def bands(light: Tensor) -> Tensor:
    """(N, bands, h, w): how much each place belongs to each band of lightness, 1 in all."""
    centers = torch.linspace(0, 100, _BANDS).view(1, -1, 1, 1)
    return (1 - (light - centers).abs() * ((_BANDS - 1) / 100)).clamp_min(0)


def toward(logits: Tensor, light: Tensor, wanted: Tensor) -> Tensor:
    """Logits (1, classes, h, w) whose colours come about as often as in ``wanted`` (bands, classes).

    ``light`` (1, 1, h, w) is L* on the grid of the logits. Each round weighs every colour, at each
    lightness, by how much too seldom it comes; where things lie stays the network's decision.
    """
    share = bands(light)[0].flatten(1)
    mass = share.sum(1, keepdim=True).clamp_min(1e-6)
    factors = torch.zeros_like(wanted)
    flat = logits[0].flatten(1)
    for _ in range(_ROUNDS):
        now = torch.softmax(flat + factors.T @ share, 0)
        comes = share @ now.T / mass
        factors += _STEP * ((wanted + _RARE) / (comes + _RARE)).log()
    return (flat + factors.T @ share).view_as(logits)
