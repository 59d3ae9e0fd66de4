"""Encoders and decoders as a recipe names them. What they are made of: ``isthmus.plan``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from isthmus.recipe.base import Spec

Activation = Literal["relu", "leaky_relu", "gelu", "silu", "elu", "tanh", "sigmoid", "none"]
Width = Annotated[int, Field(ge=1, le=65_536)]
Channels = Annotated[int, Field(ge=1, le=8_192)]


class _Network(Spec):
    activation: Activation = Field("relu", title="Activation")
    """The bend after every layer but the last."""
    dropout: float = Field(0.0, ge=0.0, lt=1.0, title="Dropout")
    """Share of activations set to zero at random while training."""
    start: Literal["random", "pca"] = Field("random", title="Start")
    """"pca" adds a straight line from input to code that starts as principal components; the
    network starts at zero and adds what a line cannot say (Hinton & Salakhutdinov 2006 began
    near a good code too, by pretraining). Fit on the training data before the first step."""


class Dense(_Network):
    """Fully connected layers on the flattened item (Rumelhart, Hinton & Williams 1986)."""

    kind: Literal["dense"] = "dense"
    layers: tuple[Width, ...] = Field(
        (512, 256),
        max_length=32,
        title="Layers",
        description="Neurons of each hidden layer, from the input to the bottleneck.",
    )
    norm: Literal["none", "batch", "layer"] = Field("none", title="Normalisation")
    tied: bool = Field(False, title="Tied weights")
    """The decoder uses the encoder's matrices, transposed: half the weights."""


class Conv(_Network):
    """Convolutions that halve the grid stage by stage (Masci et al. 2011)."""

    kind: Literal["conv"] = "conv"
    channels: tuple[Channels, ...] = Field(
        (32, 64),
        min_length=1,
        max_length=12,
        title="Channels",
        description="Feature maps after each stage.",
    )
    kernel: int = Field(
        3, ge=1, le=31, title="Kernel", description="Side of the filter, in pixels."
    )
    stride: int = Field(
        2, ge=1, le=8, title="Stride", description="By how much each stage shrinks the grid."
    )
    down: Literal["stride", "max", "average"] = Field(
        "stride", title="Shrinking", description="By a strided convolution, or by pooling after it."
    )
    convs: int = Field(1, ge=1, le=8, title="Convolutions per stage")
    layers: tuple[Width, ...] = Field(
        (),
        max_length=8,
        title="Dense layers",
        description="Fully connected layers between the last grid and the bottleneck.",
    )
    norm: Literal["none", "batch", "group"] = Field("none", title="Normalisation")


class Residual(_Network):
    """Stages of residual blocks (He et al. 2016), halving the grid between stages."""

    kind: Literal["residual"] = "residual"
    channels: tuple[Channels, ...] = Field(
        (32, 64),
        min_length=1,
        max_length=12,
        title="Channels",
        description="Feature maps of each stage.",
    )
    blocks: int = Field(2, ge=1, le=32, title="Blocks per stage")
    kernel: int = Field(
        3,
        ge=1,
        le=31,
        title="Kernel",
        description="Side of the filter, in pixels (odd).",
        json_schema_extra={"multipleOf": 1},
    )
    stride: int = Field(
        2, ge=1, le=8, title="Stride", description="By how much each stage shrinks the grid."
    )
    layers: tuple[Width, ...] = Field(
        (),
        max_length=8,
        title="Dense layers",
        description="Fully connected layers between the last grid and the bottleneck.",
    )
    norm: Literal["none", "batch", "group"] = Field("none", title="Normalisation")


class Temporal(_Network):
    """Dilated residual convolutions along time (Bai et al. 2018), for sequences (channels, steps)."""

    kind: Literal["temporal"] = "temporal"
    channels: tuple[Channels, ...] = Field(
        (32, 64),
        min_length=1,
        max_length=12,
        title="Channels",
        description="Feature rows of each stage.",
    )
    dilations: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = Field(
        (1, 2, 4),
        min_length=1,
        max_length=12,
        title="Dilations",
        description="Gaps between filter taps of the blocks in a stage, in steps.",
    )
    kernel: int = Field(3, ge=1, le=63, title="Kernel", description="Taps of a filter (odd).")
    stride: int = Field(
        2, ge=1, le=16, title="Stride", description="By how much each stage shortens the sequence."
    )
    layers: tuple[Width, ...] = Field((), max_length=8, title="Dense layers")
    norm: Literal["none", "batch", "group"] = Field("none", title="Normalisation")


class Recurrent(_Network):
    """Gated recurrent units (Cho et al. 2014): the last state is the item (Srivastava et al. 2015)."""

    kind: Literal["recurrent"] = "recurrent"
    hidden: int = Field(128, ge=1, le=8_192, title="Hidden size")
    depth: int = Field(
        1, ge=1, le=8, title="Layers", description="Recurrent layers on top of each other."
    )
    bidirectional: bool = Field(
        True,
        title="Both directions",
        description="The encoder reads the sequence forwards and backwards.",
    )


class UShape(Spec):
    """A U-shaped network (Ronneberger et al. 2015), without biases as it is (Mohan et al. 2020).

    Space is folded into channels first, so that most work is done on a coarse grid. Skip paths go
    round the bottleneck and carry what is fine; the code carries what needs a wide view. Without
    biases the network treats a picture twice as bright, with twice the noise, in the same way.
    """

    kind: Literal["ushape"] = "ushape"
    channels: tuple[Channels, ...] = Field(
        (32, 64, 128),
        min_length=1,
        max_length=8,
        title="Channels",
        description="Feature maps of each level; every level halves the grid.",
    )
    blocks: tuple[Annotated[int, Field(ge=1, le=32)], ...] = Field(
        (1,),
        min_length=1,
        max_length=8,
        title="Blocks",
        description="Residual blocks of each level on the way down, and as many on the way up; one number is for all.",
    )
    fold: int = Field(
        2,
        ge=1,
        le=8,
        title="Fold",
        description="Side of the squares of pixels that become channels at the entry.",
    )
    residual: bool = Field(
        True,
        title="Correct the input",
        description="The output is the input plus what the network says.",
    )
    bias: bool = Field(
        False,
        title="Biases",
        description="For networks that name what they see, rather than correct it.",
    )
    attention: int = Field(
        0,
        ge=0,
        le=8,
        title="Attention",
        description="In so many of the deepest levels every place also looks at all places (Vaswani et al. 2017).",
    )
    norm: Literal["none", "batch"] = Field("none", title="Normalisation")
    opponent: bool = Field(
        False,
        title="Gray and colours apart",
        description="Red, green and blue are turned so that gray is one axis of three.",
    )
    level: bool = Field(
        False,
        title="See the noise",
        description="The last channel of the input is a level of noise; where it is 0 a small network estimates it.",
    )

    def blocks_of(self, level: int) -> int:
        """Residual blocks of a level; the last number holds for all levels after it."""
        return self.blocks[min(level, len(self.blocks) - 1)]


class Bands(Spec):
    """Sound as bands of a short-time spectrum, by recurrent layers along time and across bands.

    The input's spectrum is split into bands (Luo & Yu 2023) that share all weights but the first and
    the last layer; each layer runs a gated recurrent unit along time in every band and another across
    the bands of a frame (dual path; Le, Chen et al. 2021; Rong et al. 2024). One recurrent code for
    all bands is the strip; skip paths go round it. The decoder says by which complex number each bin
    of the spectrum is multiplied. Only the past is looked at, so that it can run live.
    """

    kind: Literal["bands"] = "bands"
    window: Annotated[int, Field(ge=16, le=4096)] = Field(
        512, title="Window", description="Samples of a frame; twice the hop."
    )
    bands: Annotated[int, Field(ge=2, le=256)] = Field(
        32, title="Bands", description="Narrow where the ear is fine, wide above."
    )
    width: Annotated[int, Field(ge=4, le=512)] = Field(
        48, title="Width", description="Numbers that describe a band in a frame."
    )
    hidden: Annotated[int, Field(ge=4, le=512)] = Field(
        48, title="Hidden size", description="Of the recurrent units along time."
    )
    across: Literal["recurrent", "mixing"] = Field(
        "recurrent",
        title="Across bands",
        description="How the bands of a frame learn of each other: both ways by a recurrent unit, or by a convolution and a matrix over all bands.",
    )
    layers: tuple[Annotated[int, Field(ge=0, le=16)], Annotated[int, Field(ge=0, le=16)]] = Field(
        (1, 1), title="Layers", description="Before and after the strip."
    )

    @property
    def hop(self) -> int:
        """Samples between frames."""
        return self.window // 2


class Mirror(Spec):
    """The encoder's layers in reverse."""

    kind: Literal["mirror"] = "mirror"


EncoderSpec = Annotated[
    Dense | Conv | Residual | Temporal | Recurrent | UShape | Bands, Field(discriminator="kind")
]
DecoderSpec = Annotated[
    Mirror | Dense | Conv | Residual | Temporal | Recurrent, Field(discriminator="kind")
]
