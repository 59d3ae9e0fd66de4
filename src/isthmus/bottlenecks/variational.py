"""A Gaussian per item, pulled to the standard normal (Kingma & Welling 2014).

beta: Higgins et al. 2017. Free nats: Kingma et al. 2016. Annealing: Bowman et al. 2016. Active
units: Burda, Grosse & Salakhutdinov 2016.
"""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.bottlenecks.base import Bottleneck, Code


class Module(Bottleneck):
    """Latents are means, then log variances. Codes are samples while training, means afterwards."""

    @property
    def weight(self) -> float:
        beta = float(self.spec.weight)
        if self.spec.warmup == 0:
            return beta
        return beta * min(self.progress / float(self.spec.warmup), 1.0)

    def forward(self, latent: Tensor, x: Tensor | None = None) -> Code:
        mean, log_variance = latent.chunk(2, 1)
        # exp of an early wild guess must not overflow; the bounds are far outside what is learnt.
        log_variance = log_variance.clamp(-12, 8)
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
        cost = kl.flatten(1)
        if self.spec.free_nats:
            # Per dimension and on the mean of the batch: what is below the floor has no gradient.
            floor = cost.mean(0).clamp_min(self.spec.free_nats)
            cost = cost + (floor - cost.mean(0))
        values = mean
        if self.training:
            noise = torch.empty_like(mean).normal_(generator=self.generator)
            values = mean + (0.5 * log_variance).exp() * noise
        return Code(values, cost.sum(1), {"kl": kl.flatten(1).detach(), "mean": mean.detach()})

    def diagnostics(self, code: Code) -> dict[str, float]:
        spread = code.extras["mean"].flatten(1).var(0, correction=0)
        kl = code.extras["kl"].mean(0)
        return {
            **super().diagnostics(code),
            "active_units": float((spread > 0.01).sum()),
            "kl": float(kl.sum()),
            "kl_largest": float(kl.max()),
            "kl_smallest": float(kl.min()),
        }
