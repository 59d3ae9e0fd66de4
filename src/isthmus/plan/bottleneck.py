"""What a bottleneck does to shapes, and the numbers it trains itself."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from isthmus.errors import PlanError
from isthmus.plan.layers import Shape
from isthmus.recipe import (
    Adversarial,
    BottleneckSpec,
    EntropyCoded,
    Sparse,
    VectorQuantized,
)

ENTROPY_WIDTHS = (1, 3, 3, 3, 1)
"""Layers of the learned cumulative density of one code number (Ballé et al. 2018, appendix 6.1)."""


@dataclass(frozen=True)
class BottleneckPlan:
    """``latent`` comes from the encoder, ``code`` goes to the decoder; ``parameters`` it trains itself."""

    kind: str
    latent: Shape
    code: Shape
    parameters: int
    macs: int

    @property
    def numbers(self) -> int:
        """Numbers in one item's code."""
        return math.prod(self.code)


def bottleneck(spec: BottleneckSpec, grid: Shape) -> BottleneckPlan:
    """``grid`` is () for a code vector, else the (height, width) or (steps,) the encoder leaves."""
    code = (spec.size, *grid)
    latent = (spec.size * spec.latents_per_number, *grid)
    parameters = macs = 0
    points = math.prod(grid)
    if isinstance(spec, Sparse) and spec.penalty == "topk" and spec.k > math.prod(code):
        raise PlanError(
            f"bottleneck: k = {spec.k} exceeds the {math.prod(code)} numbers of the code",
            "bottleneck",
        )
    if isinstance(spec, VectorQuantized):
        if spec.size % spec.groups:
            raise PlanError(
                f"bottleneck: size = {spec.size} must be divisible by groups = {spec.groups}",
                "bottleneck",
            )
        macs = points * spec.levels * spec.codebook * spec.size
    if isinstance(spec, Adversarial):
        widths = (math.prod(code), *spec.critic, 1)
        parameters = sum(a * b + b for a, b in itertools.pairwise(widths))
    if isinstance(spec, EntropyCoded):
        widths = ENTROPY_WIDTHS
        pairs = list(itertools.pairwise(widths))
        one = sum(a * b + b for a, b in pairs) + sum(b for _, b in pairs[:-1])
        parameters = spec.size * (one + 1)
    return BottleneckPlan(spec.kind, latent, code, parameters, macs)
