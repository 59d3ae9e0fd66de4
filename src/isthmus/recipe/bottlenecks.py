"""Bottlenecks as a recipe names them. What they do: ``isthmus.bottlenecks``, a file a kind.

``weight`` multiplies the code's cost, which is in nats per item. The objective is
``loss + weight x cost / numbers`` with ``loss`` the mean over the item's ``numbers`` values; so
with a likelihood as loss, weight 1 of a variational bottleneck is the evidence lower bound.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from isthmus.recipe.base import Spec


class _Bottleneck(Spec):
    latents_per_number: ClassVar[int] = 1
    """How many encoder outputs make one code number (two for a mean and a variance)."""

    size: int = Field(
        64,
        ge=1,
        le=65_536,
        title="Size",
        description="Numbers in the code (of each grid point, if spatial).",
    )
    spatial: bool = Field(
        False,
        title="Spatial",
        description="Keep the grid: a code of `size` numbers at every point the encoder's last stage has left.",
    )


class Plain(_Bottleneck):
    """Nothing but narrowness (Rumelhart et al. 1986; Hinton & Salakhutdinov 2006)."""

    kind: Literal["plain"] = "plain"


class Simplex(_Bottleneck):
    """Shares of materials: numbers of at least 0 that sum to 1 (Palsson et al. 2018, unmixing).

    With one straight layer as decoder the code says how much of each material a pixel shows, and
    the decoder's weights are the materials' spectra.
    """

    kind: Literal["simplex"] = "simplex"
    start: Literal["random", "vca"] = Field(
        "vca",
        title="Start",
        description="Where the materials' spectra begin: anywhere, or at the purest pixels (vertex component analysis, Nascimento & Dias 2005; N-FINDR, Winter 1999).",
    )
    hold: float = Field(
        0.03,
        ge=0,
        le=1,
        title="Hold",
        description="How far every step pulls the materials back to the purest pixels: 0 lets them go, 1 keeps them.",
    )
    weight: float = Field(
        0.0,
        ge=0,
        title="Weight",
        description="Price of mixing: how much fewer materials are better.",
    )


class Sparse(_Bottleneck):
    """Few numbers of the code may be active at once."""

    kind: Literal["sparse"] = "sparse"
    penalty: Literal["l1", "kl", "topk"] = Field(
        "l1",
        title="Penalty",
        description="L1 on the code; KL to a target activity (Ng 2011); or keep exactly the k largest (Makhzani & Frey 2013).",
    )
    weight: float = Field(
        1.0, ge=0, title="Weight", description="Strength of the penalty (not used by topk)."
    )
    activity: float = Field(
        0.05,
        gt=0,
        lt=1,
        title="Activity",
        description="Target mean activity of a unit, for the KL penalty.",
    )
    k: int = Field(8, ge=1, title="k", description="Numbers kept, for topk.")


class Contractive(_Bottleneck):
    """The code may move little when the input moves: Frobenius norm of its Jacobian (Rifai et al. 2011)."""

    kind: Literal["contractive"] = "contractive"
    weight: float = Field(0.1, ge=0, title="Weight")
    probes: int = Field(
        4,
        ge=1,
        title="Probes",
        description="Random directions that estimate the norm (Hutchinson); with `size` or more it is exact.",
    )


class Variational(_Bottleneck):
    """A Gaussian per item, pulled to the standard normal (Kingma & Welling 2014; Higgins et al. 2017)."""

    latents_per_number: ClassVar[int] = 2
    kind: Literal["variational"] = "variational"
    size: int = Field(16, ge=1, le=65_536, title="Size", description="Numbers in the code.")
    weight: float = Field(
        1.0, ge=0, title="Beta", description="Weight of the KL divergence (beta)."
    )
    free_nats: float = Field(
        0.0,
        ge=0,
        title="Free nats",
        description="KL per dimension that costs nothing, in nats (Kingma et al. 2016).",
    )
    warmup: float = Field(
        0.0,
        ge=0,
        le=1,
        title="KL annealing",
        description="Share of the training over which beta rises from 0 (Bowman et al. 2016).",
    )


class Wasserstein(_Bottleneck):
    """All codes together look like the prior, by maximum mean discrepancy (Tolstikhin et al. 2018)."""

    kind: Literal["wasserstein"] = "wasserstein"
    size: int = Field(16, ge=1, le=65_536, title="Size", description="Numbers in the code.")
    weight: float = Field(100.0, ge=0, title="Weight")
    kernel: Literal["imq", "rbf"] = Field(
        "imq", title="Kernel", description="Inverse multiquadratic or Gaussian, at several widths."
    )


class Adversarial(_Bottleneck):
    """All codes together fool a critic that knows the prior (Makhzani et al. 2016)."""

    kind: Literal["adversarial"] = "adversarial"
    size: int = Field(16, ge=1, le=65_536, title="Size", description="Numbers in the code.")
    weight: float = Field(1.0, ge=0, title="Weight")
    critic: tuple[Annotated[int, Field(ge=1, le=8192)], ...] = Field(
        (256, 256), max_length=8, title="Critic", description="Hidden layers of the critic."
    )
    critic_learning_rate: float = Field(1e-3, gt=0, le=1, title="Critic learning rate")


class VectorQuantized(_Bottleneck):
    """Each group of numbers is replaced by its nearest codebook entry (van den Oord et al. 2017).

    Codebook by moving averages, dead entries revived (Razavi et al. 2019; Dhariwal et al. 2020);
    more than one level quantises the remainder again (residual VQ: Zeghidour et al. 2021).
    """

    kind: Literal["vector_quantized"] = "vector_quantized"
    codebook: int = Field(
        256, ge=2, le=65_536, title="Codebook", description="Entries to choose from."
    )
    groups: int = Field(
        16,
        ge=1,
        title="Groups",
        description="Words per code (per grid point): the size is split into that many vectors.",
    )
    levels: int = Field(1, ge=1, le=32, title="Levels", description="Residual quantisation steps.")
    weight: float = Field(
        0.25, ge=0, title="Commitment", description="Weight of the commitment cost."
    )
    decay: float = Field(
        0.99, ge=0, lt=1, title="Decay", description="Of the codebook's moving averages."
    )
    revive_below: float = Field(
        0.03,
        ge=0,
        le=1,
        title="Revive below",
        description="An entry used less than this share of an even use is moved onto a present item.",
    )


class FiniteScalar(_Bottleneck):
    """Each number is rounded to one of a few levels (FSQ: Mentzer et al. 2024)."""

    kind: Literal["finite_scalar"] = "finite_scalar"
    levels: int = Field(
        8, ge=2, le=65_536, title="Levels", description="Values each code number can take."
    )


class EntropyCoded(_Bottleneck):
    """Rounded numbers that cost bits under a learned density (Ballé et al. 2017, 2018)."""

    kind: Literal["entropy_coded"] = "entropy_coded"
    weight: float = Field(
        0.01, ge=0, title="Rate weight", description="What a nat of code costs against the loss."
    )
    step: float = Field(
        0.1,
        gt=0,
        title="Step",
        description="Width of the rounding step at the start (it is learned per number).",
    )


BottleneckSpec = Annotated[
    Plain
    | Simplex
    | Sparse
    | Contractive
    | Variational
    | Wasserstein
    | Adversarial
    | VectorQuantized
    | FiniteScalar
    | EntropyCoded,
    Field(discriminator="kind"),
]
