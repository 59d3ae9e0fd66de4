"""Muon: momentum made orthogonal before every step (Jordan et al. 2024), here for convolutions too.

A hidden layer's gradient is dominated by a few directions; replacing it by the nearest orthogonal
matrix lets all directions learn at one speed. A convolution's filters (out, in, k, k) are taken as
a matrix (out, k k in). What is not a hidden layer's matrix (first and last layer, biases, scales)
takes AdamW's step. On the photo denoiser it needs half of AdamW's time for the same error
(``docs/log.md``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

_MOMENTUM = 0.95
_BETAS = (0.9, 0.99)
# Of x -> a x + b x^3 + c x^5, iterated: drives every singular value to about one in five rounds.
_POLYNOMIAL = (3.4445, -4.7750, 2.0315)
_ROUNDS = 5
# A step of Muon moves all directions: so many times AdamW's rate suits it.
_RATE = 12.0


class Muon(torch.optim.Optimizer):
    """``hidden`` weights (two or more axes) take Muon's step, ``rest`` AdamW's; one rate for both."""

    def __init__(
        self,
        hidden: Iterable[Tensor],
        rest: Iterable[Tensor],
        lr: float,
        weight_decay: float = 0.0,
    ) -> None:
        groups: list[dict[str, Any]] = [
            {"params": list(hidden), "orthogonal": True},
            {"params": list(rest), "orthogonal": False},
        ]
        groups = [g for g in groups if g["params"]]
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every weight that has a gradient."""
        for group in self.param_groups:
            moving = [p for p in group["params"] if p.grad is not None]
            if group["weight_decay"]:
                # Steps of one size let weights grow without end; with decay their largest singular
                # value settles near 1 / weight_decay.
                rate = group["lr"] * (_RATE if group["orthogonal"] else 1)
                torch._foreach_mul_(moving, 1 - rate * group["weight_decay"])
            if group["orthogonal"]:
                self._muon(moving, group["lr"])
            else:
                self._adam(moving, group["lr"])

    def _muon(self, weights: list[Tensor], rate: float) -> None:
        by_shape: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = defaultdict(list)
        for p in weights:
            state = self.state[p]
            if not state:
                state["momentum"] = torch.zeros_like(p)
            gradient = p.grad
            assert gradient is not None
            momentum = state["momentum"].lerp_(gradient, 1 - _MOMENTUM)
            # Nesterov's look ahead; the filter's taps come last so that channels-last is no copy.
            matrix = as_matrix(gradient.lerp(momentum, _MOMENTUM))
            by_shape[(matrix.shape[0], matrix.shape[1])].append((p, matrix))
        for (rows, columns), pairs in by_shape.items():
            made = orthogonal(torch.stack([matrix for _, matrix in pairs]))
            scale = rate * _RATE * max(1.0, rows / columns) ** 0.5
            for (p, _), update in zip(pairs, made, strict=True):
                p.add_(as_weight(update, p), alpha=-scale)

    def _adam(self, weights: list[Tensor], rate: float) -> None:
        first, second = _BETAS
        for p in weights:
            state = self.state[p]
            if not state:
                state["step"] = torch.zeros(())
                state["mean"], state["square"] = torch.zeros_like(p), torch.zeros_like(p)
            gradient = p.grad
            assert gradient is not None
            state["step"] += 1
            count = float(state["step"])
            mean = state["mean"].lerp_(gradient, 1 - first) / (1 - first**count)
            square = state["square"].lerp_(gradient.square(), 1 - second) / (1 - second**count)
            p.addcdiv_(mean, square.sqrt_().add_(1e-8), value=-rate)


def orthogonal(matrices: Tensor) -> Tensor:
    """(N, rows, columns) -> the same shape, every singular value near one (Newton-Schulz)."""
    a, b, c = _POLYNOMIAL
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = x / x.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None]
    # All rounds are one polynomial in X X', which is small: X itself is multiplied once, at the end.
    square = x @ x.transpose(1, 2)
    whole = torch.eye(x.shape[1], dtype=x.dtype, device=x.device).expand_as(square)
    for _ in range(_ROUNDS):
        factor = torch.baddbmm(square, square, square, beta=b, alpha=c)
        factor.diagonal(dim1=1, dim2=2).add_(a)
        whole = factor @ whole
        square = factor @ square @ factor
    made: Tensor = whole @ x
    return made.transpose(1, 2) if tall else made


def as_matrix(weight: Tensor) -> Tensor:
    """(out, in, *taps) -> (out, taps x in)."""
    return weight.movedim(1, -1).reshape(len(weight), -1)


def as_weight(matrix: Tensor, like: Tensor) -> Tensor:
    """The inverse of ``as_matrix`` for a weight of the shape of ``like``."""
    taps = like.shape[2:]
    return matrix.reshape(len(like), *taps, like.shape[1]).movedim(-1, 1)
