"""How wrong a distribution over colours is: cross-entropy with the colours near the true one.

A mean over what a thing might be coloured is grey-brown; a distribution keeps the red car and the
blue one apart until a colour is taken (Zhang, Isola & Efros 2016, "Colorful image colorization").
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus import lab
from isthmus.losses.base import Loss

_SOFT = lab.SPACING / 2
"""Spread of the truth over its neighbours in the lattice."""
SHARP = 0.5
"""Temperature of the colour that is shown: between the mean (1) and the likeliest (0)."""
_LIGHT = 60.0


class Function(Loss):
    """``raw`` (N, classes, h, w) are logits over ``lab.lattice()``; the target is (N, 3, H, W) sRGB."""

    def output(self, raw: Tensor, item: tuple[int, ...]) -> Tensor:
        """The colours alone, at one lightness: the loss does not know the picture's own."""
        with torch.no_grad():
            ab = F.interpolate(taken(raw.float(), SHARP), item[1:], mode="bilinear")
            return lab.to_rgb(torch.cat([torch.full_like(ab[:, :1], _LIGHT), ab], 1))

    def per_item(self, raw: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        grid = (raw.shape[2], raw.shape[3])
        ab = F.adaptive_avg_pool2d(lab.to_lab(target)[:, 1:], grid)
        plane = lab.compressed(ab).permute(0, 2, 3, 1)
        points = lab.lattice().to(raw)
        far = (plane[..., None, :] - points).square().sum(-1)
        share = torch.softmax(far / (-2 * _SOFT**2), -1)
        surprise = -(share * torch.log_softmax(raw.permute(0, 2, 3, 1), -1)).sum(-1)
        # Vivid colours are rare, and would drown in what is nearly grey.
        rare = (1 + plane.square().sum(-1).sqrt() / lab.SPACING) ** self.spec.rebalance
        if weight is not None:
            rare = rare * F.adaptive_avg_pool2d(weight.expand_as(target), grid).mean(1)
        loss: Tensor = (surprise * rare).flatten(1).mean(1)
        return loss


def taken(logits: Tensor, temperature: float) -> Tensor:
    """(N, classes, h, w) to a*, b* (N, 2, h, w): the mean of the distribution, sharpened first.

    ``temperature`` 1 is the mean, towards 0 the likeliest colour ("annealed mean").
    """
    share = torch.softmax(logits / temperature, 1)
    plane = torch.einsum("nkhw,kc->nchw", share, lab.lattice().to(logits))
    return lab.expanded(plane)
