"""Losses as a recipe names them. What they compute: ``isthmus.losses``."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from isthmus.recipe.base import Spec

Shape = tuple[int, ...]


class _Loss(Spec):
    outputs_per_value: ClassVar[int] = 1
    """How many decoder outputs describe one value of the item (two for a mean and a spread)."""

    def outputs(self, item: Shape) -> Shape:
        """The shape the decoder must give for an item."""
        if self.outputs_per_value == 1:
            return item
        channels, *grid = item if len(item) > 1 else (1, *item)
        return (channels * self.outputs_per_value, *grid)


class Mse(_Loss):
    """Mean squared error."""

    kind: Literal["mse"] = "mse"
    clipped: bool = Field(
        False,
        title="Clipped",
        description="For values in 0..1: an output beyond an end is no error where the target is at that end, as it is clipped before it is shown.",
    )


class L1(_Loss):
    """Mean absolute error."""

    kind: Literal["l1"] = "l1"


class Charbonnier(_Loss):
    """Smooth absolute error sqrt(d^2 + epsilon^2) (Charbonnier et al. 1994)."""

    kind: Literal["charbonnier"] = "charbonnier"
    epsilon: float = Field(
        1e-3, gt=0, le=1, title="Epsilon", description="Where it turns from square to straight."
    )


class Bce(_Loss):
    """Bernoulli likelihood of values in 0..1; the decoder's outputs are logits."""

    kind: Literal["bce"] = "bce"


class Ssim(_Loss):
    """1 - structural similarity (Wang et al. 2004), mixed with the mean absolute error."""

    kind: Literal["ssim"] = "ssim"
    window: int = Field(
        11, ge=3, le=33, title="Window", description="Side of the Gaussian window, in pixels (odd)."
    )
    mix: float = Field(
        0.84,
        ge=0,
        le=1,
        title="Mix",
        description="Share of SSIM; the rest is L1 (Zhao et al. 2017).",
    )


class MsSsim(_Loss):
    """1 - multi-scale structural similarity (Wang et al. 2003), mixed with L1."""

    kind: Literal["ms_ssim"] = "ms_ssim"
    window: int = Field(
        11, ge=3, le=33, title="Window", description="Side of the Gaussian window, in pixels (odd)."
    )
    mix: float = Field(
        0.84,
        ge=0,
        le=1,
        title="Mix",
        description="Share of MS-SSIM; the rest is L1 (Zhao et al. 2017).",
    )


class Sad(_Loss):
    """Spectral angle distance in radians (Kruse et al. 1993): blind to brightness."""

    kind: Literal["sad"] = "sad"
    mse: float = Field(
        0.0,
        ge=0,
        title="MSE share",
        description="Weight of an added mean squared error, which the angle alone does not fix.",
    )


class Cosine(_Loss):
    """1 - the cosine of the spectral angle: blind to brightness, flat where the angle is small."""

    kind: Literal["cosine"] = "cosine"
    mse: float = Field(
        0.0, ge=0, title="MSE share", description="Weight of an added mean squared error."
    )


class Sid(_Loss):
    """Spectral information divergence (Chang 2000); values must be positive."""

    kind: Literal["sid"] = "sid"
    mse: float = Field(
        0.0, ge=0, title="MSE share", description="Weight of an added mean squared error."
    )


class Gaussian(_Loss):
    """Negative log-likelihood of a normal with a learned mean and spread per value, in nats."""

    outputs_per_value: ClassVar[int] = 2
    kind: Literal["gaussian"] = "gaussian"
    min_std: float = Field(1e-2, gt=0, title="Smallest spread")


class Laplace(_Loss):
    """Negative log-likelihood of a Laplace with a learned centre and width per value, in nats."""

    outputs_per_value: ClassVar[int] = 2
    kind: Literal["laplace"] = "laplace"
    min_width: float = Field(1e-2, gt=0, title="Smallest width")


class Voice(_Loss):
    """Compressed spectra (Braun & Tashev 2021) and SI-SDR (Le Roux et al. 2019) of sound."""

    kind: Literal["voice"] = "voice"
    window: Annotated[int, Field(ge=16, le=4096)] = Field(
        512, title="Window", description="Samples of a frame, two hops."
    )
    compression: float = Field(
        0.3, gt=0, le=1, title="Compression", description="Power that magnitudes are raised to."
    )
    complex_share: float = Field(
        0.3,
        ge=0,
        le=1,
        title="Complex share",
        description="How much of the spectral error counts phases; the rest is of magnitudes.",
    )
    over: float = Field(
        0.5,
        ge=0,
        title="Over-suppression",
        description="How much more an error counts where speech was taken away than where noise was left.",
    )
    si_sdr: float = Field(0.1, ge=0, title="SI-SDR", description="Weight of a decibel of it.")


class Colors(_Loss):
    """Cross-entropy of a distribution over colours, for a share of the grid of the picture."""

    kind: Literal["colors"] = "colors"
    classes: ClassVar[int] = 95
    """Colours to choose from: the points of ``isthmus.lab.lattice``."""
    rebalance: float = Field(
        0.5,
        ge=0,
        le=2,
        title="Rare colours",
        description="How much more vivid colours count than pale ones, which are most of any picture; 0 is off.",
    )
    step: Annotated[int, Field(ge=1, le=8)] = Field(
        4, title="Step", description="Pixels from one predicted colour to the next."
    )

    def outputs(self, item: Shape) -> Shape:
        """Logits over the colours for every square of ``step`` pixels."""
        return (self.classes, *(-(-side // self.step) for side in item[1:]))


LossSpec = Annotated[
    Mse
    | L1
    | Charbonnier
    | Bce
    | Ssim
    | MsSsim
    | Sad
    | Cosine
    | Sid
    | Gaussian
    | Laplace
    | Voice
    | Colors,
    Field(discriminator="kind"),
]
