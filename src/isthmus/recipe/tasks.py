"""Tasks as a recipe names them. What they do: ``isthmus.tasks``, a file a kind."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from isthmus.recipe.base import Spec
from isthmus.recipe.losses import LossSpec, Mse


class _Task(Spec):
    loss: LossSpec = Field(default_factory=Mse, title="Loss")


class Reconstruct(_Task):
    """The item in, the item out: what is left is what fits through the bottleneck."""

    kind: Literal["reconstruct"] = "reconstruct"


class Denoise(_Task):
    """The item with noise in, the clean item out (Vincent et al. 2008)."""

    kind: Literal["denoise"] = "denoise"
    noise: Literal["gaussian", "masking", "salt_pepper"] = Field(
        "gaussian",
        title="Noise",
        description="Added normal noise; values set to zero; values set to black or white.",
    )
    amount: float = Field(
        0.3,
        gt=0,
        le=10,
        title="Amount",
        description="Standard deviation of the noise, or the share of values it hits.",
    )


TaskSpec = Annotated[Reconstruct | Denoise, Field(discriminator="kind")]
