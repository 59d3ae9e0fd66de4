"""The code may move little when the input moves (Rifai, Vincent, Muller, Glorot & Bengio 2011)."""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.bottlenecks.base import Bottleneck, Code, free


class Module(Bottleneck):
    """Cost: the squared Frobenius norm of the Jacobian of the code with respect to the input.

    Estimated from ``probes`` random orthogonal directions of the code (Hutchinson 1990, with less
    variance); exact when there are as many as the code has numbers. Zero without gradients.
    """

    needs_jacobian = True

    def forward(self, latent: Tensor, x: Tensor | None = None) -> Code:
        if x is None:
            return Code(latent, free(latent))
        return Code(latent, self._norm(latent, x))

    def _norm(self, latent: Tensor, x: Tensor) -> Tensor:
        flat = latent.flatten(1)
        numbers = flat.shape[1]
        probes = min(int(self.spec.probes), numbers)
        directions = torch.eye(numbers, device=flat.device)
        if probes < numbers:
            noise = torch.empty(numbers, probes, device=flat.device).normal_(
                generator=self.generator
            )
            directions = torch.linalg.qr(noise).Q.t()  # (probes, numbers), orthonormal rows
        total = flat.new_zeros(len(flat))
        for direction in directions:
            (gradient,) = torch.autograd.grad((flat @ direction).sum(), x, create_graph=True)
            total = total + gradient.square().flatten(1).sum(1)
        # Orthonormal rows see probes / numbers of the norm on average.
        return total * (numbers / probes)
