"""Tasks as a recipe names them. What they do: ``isthmus.tasks``, a file a kind."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from isthmus.recipe.base import Spec
from isthmus.recipe.losses import L1, Colors, LossSpec, Mse, Voice

Shape = tuple[int, ...]


class _Task(Spec):
    loss: LossSpec = Field(default_factory=Mse, title="Loss")

    def view(self, item: Shape) -> Shape:
        """The shape the encoder sees of an item: more channels where a task says something beside it."""
        return item

    def truth(self, item: Shape) -> Shape:
        """The shape of the target: the item, unless the task wants to be told more."""
        return item

    def raw(self, item: Shape) -> Shape:
        """The shape the decoder leaves of an item: what the loss needs, unless a task says otherwise."""
        return self.loss.outputs(item)


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


class DenoisePhoto(_Task):
    """A noisy photograph in, the clean one out; colour and gray, noise level known or not."""

    kind: Literal["denoise_photo"] = "denoise_photo"
    loss: LossSpec = Field(default_factory=L1, title="Loss")
    sigma: float = Field(
        75.0,
        gt=0,
        le=255,
        title="Largest noise",
        description="Largest standard deviation of the noise, for pixels of 0..255.",
    )
    known: float = Field(
        0.65,
        ge=0,
        le=1,
        title="Level told",
        description="Share of the pictures whose noise level the network is told; for the others it must see it.",
    )
    gray: float = Field(
        0.35, ge=0, le=1, title="Gray", description="Share of the pictures shown without colour."
    )
    camera: float = Field(
        0.2,
        ge=0,
        le=1,
        title="Camera noise",
        description="Share with noise that depends on brightness, spreads over neighbours, and went through JPEG.",
    )
    impulses: float = Field(
        0.03, ge=0, le=1, title="Impulses", description="Share with black and white dots."
    )
    clean: float = Field(
        0.04,
        ge=0,
        le=1,
        title="Clean",
        description="Share without any noise, which must come back untouched.",
    )

    def view(self, item: Shape) -> Shape:
        """One channel more: the noise level of each pixel, or zero where it is not known."""
        return (item[0] + 1, *item[1:])


class Colorize(_Task):
    """Lightness in, colour out; what a person says about colours, if anything, goes in too."""

    kind: Literal["colorize"] = "colorize"
    loss: LossSpec = Field(default_factory=Colors, title="Loss")
    hinted: float = Field(
        0.55,
        ge=0,
        le=1,
        title="Hinted",
        description="Share of the pictures of which the network is told some colours.",
    )
    hints: int = Field(
        48,
        ge=1,
        le=1000,
        title="Most hints",
        description="Points of known colour; few are likelier than many.",
    )
    old: float = Field(
        0.3,
        ge=0,
        le=1,
        title="Old photographs",
        description="Share shown as old ones are: blind to red, faded, soft, grainy, scratched.",
    )
    recolored: float = Field(
        0.15,
        ge=0,
        le=1,
        title="Recoloured",
        description="Share of the pictures with many hints whose hues are turned, so that hints count more than habit.",
    )

    def view(self, item: Shape) -> Shape:
        """Lightness, the a* and b* that were told, and where."""
        return (4, *item[1:])


class Unwatermark(_Task):
    """A marked photograph in; the mark's place, opacity and colour, and the photograph without it out."""

    kind: Literal["unwatermark"] = "unwatermark"
    loss: LossSpec = Field(default_factory=L1, title="Loss")
    marks: str = Field(
        "",
        title="Logos",
        description="A folder of logos with transparency; without one, text and drawn emblems alone.",
    )
    apart: tuple[str, ...] = Field(
        (),
        title="Kept apart",
        description="Beginnings of the file names of logos and fonts that are never trained on.",
    )
    texts: int = Field(
        1200,
        ge=8,
        le=20_000,
        title="Texts",
        description="Texts and emblems that are drawn once, before training.",
    )
    opacity: tuple[float, float] = Field(
        (0.2, 0.9), title="Opacity", description="Lowest and highest opacity of a mark."
    )
    clean: float = Field(
        0.2, ge=0, le=1, title="Clean", description="Share without a mark, to come back untouched."
    )
    coded: float = Field(
        0.4, ge=0, le=1, title="JPEG", description="Share that went through JPEG after marking."
    )

    def truth(self, item: Shape) -> Shape:
        """The picture, the mark's opacity, and the light it adds."""
        return (7, *item[1:])

    def raw(self, item: Shape) -> Shape:
        """Mask, opacity, three of colour, three of what un-mixing leaves."""
        return (8, *item[1:])


class Detect(_Task):
    """Rows of a table in, how surprising each is out: an ensemble of denoisers that explains itself."""

    kind: Literal["detect"] = "detect"
    training_rows: Literal["auto", "clean", "mixed"] = Field(
        "auto",
        title="Training rows",
        description="Whether the training rows may hold what is looked for. auto: a table that is judged itself may, a table given for training alone does not.",
    )
    suspect: float = Field(
        0.1,
        ge=0,
        lt=0.5,
        title="Left out at first sight",
        description="Share of mixed training rows that no network learns from: the strangest to two simple views.",
    )
    rows: int = Field(
        50_000, ge=2, title="Training rows used", description="A larger table is sampled evenly."
    )
    members: int = Field(
        4, ge=1, le=64, title="Networks", description="Each learns from half the rows."
    )
    width: int = Field(128, ge=4, le=4096, title="Width", description="Neurons of each layer.")
    blocks: int = Field(2, ge=0, le=16, title="Residual blocks")
    steps: int = Field(400, ge=1, le=1_000_000, title="Steps")
    batch_size: int = Field(256, ge=1, le=65_536, title="Rows per step")
    learning_rate: float = Field(3e-3, gt=0, le=1, title="Learning rate")
    prototypes: int = Field(
        4000,
        ge=1,
        le=100_000,
        title="Prototypes",
        description="Training rows that new rows are measured against, beside the networks.",
    )
    scoring: Literal["auto", "full", "fast"] = Field(
        "auto",
        title="Scoring",
        description="full: every network is asked of every column. fast: one of them, in turn, which takes two fifths of the time. auto: fast where the training table has more than 100,000 rows.",
    )


class DenoiseSound(_Task):
    """Speech and noise mixed, the speech out and what was taken away beside it."""

    kind: Literal["denoise_sound"] = "denoise_sound"
    loss: LossSpec = Field(default_factory=Voice, title="Loss")
    snr: tuple[float, float] = Field(
        (-10.0, 20.0),
        title="Speech to noise",
        description="Lowest and highest level of speech above that of noise, in dB.",
    )
    clean: float = Field(
        0.05, ge=0, le=1, title="Clean", description="Share without noise, to come back untouched."
    )
    empty: float = Field(
        0.05, ge=0, le=1, title="Empty", description="Share without speech, to become silent."
    )
    rooms: float = Field(
        0.35,
        ge=0,
        le=1,
        title="Rooms",
        description="Share spoken in a room; its late echoes are noise.",
    )
    babble: float = Field(
        0.12, ge=0, le=1, title="Babble", description="Share with several other voices as noise."
    )
    made: float = Field(
        0.12,
        ge=0,
        le=1,
        title="Made noise",
        description="Share with computed noise: coloured, hum of the mains, clicks.",
    )
    limited: float = Field(
        0.1,
        ge=0,
        le=1,
        title="Band limit",
        description="Share that holds nothing above 3.4 to 6 kHz, as telephones leave it.",
    )
    clipped: float = Field(
        0.05, ge=0, le=1, title="Clipped", description="Share recorded too loudly."
    )

    def view(self, item: Shape) -> Shape:
        """The mixture: one row of samples instead of two."""
        return (1, *item[1:])


TaskSpec = Annotated[
    Reconstruct | Denoise | DenoisePhoto | DenoiseSound | Colorize | Unwatermark | Detect,
    Field(discriminator="kind"),
]
