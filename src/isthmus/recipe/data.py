"""Where a recipe's data comes from. Who reads it: ``isthmus.datasets``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from isthmus.recipe.base import Spec


class _Data(Spec):
    limit: int | None = Field(
        None, ge=1, title="Limit", description="Use at most this many training items."
    )
    validation: float = Field(
        0.1,
        ge=0,
        lt=1,
        title="Validation share",
        description="Share of the training items held out to watch the training.",
    )
    shift: int = Field(
        0,
        ge=0,
        le=64,
        title="Shift",
        description="Move each training picture by up to this many pixels, at random (augmentation).",
    )
    flip: bool = Field(
        False,
        title="Flip",
        description="Mirror training pictures left to right, at random (augmentation).",
    )


class _Own(_Data):
    path: str = Field(title="Path", min_length=1)
    test: float = Field(
        0.2,
        ge=0,
        lt=1,
        title="Test share",
        description="Share of the items kept for the final figures, where the data brings no test part.",
    )
    scaling: Literal["auto", "none", "unit", "standard"] = Field(
        "auto",
        title="Scaling",
        description="How numbers become network inputs: as they are, to 0..1, or to mean 0 and spread 1, measured on the training part.",
    )


class Named(_Data):
    """A data set known by name: `isthmus data list`."""

    kind: Literal["named"] = "named"
    name: str = Field("digits", title="Name", min_length=1)


class Images(_Own):
    """A folder of pictures; a folder in it is a class."""

    kind: Literal["images"] = "images"
    size: Annotated[int, Field(ge=4, le=4096)] | None = Field(
        None,
        title="Size",
        description="Side to which pictures are cropped and scaled, in pixels; needed if they differ in size.",
    )
    color: Literal["auto", "gray", "rgb"] = Field("auto", title="Colour")
    patch: Annotated[int, Field(ge=4, le=512)] | None = Field(
        None,
        title="Patch",
        description="Cut pictures into squares of this side, in pixels, instead of scaling them.",
    )


class Photos(_Own):
    """A folder of photographs, for restoration: every step sees random windows of them."""

    kind: Literal["photos"] = "photos"
    window: Annotated[int, Field(ge=16, le=512)] = Field(
        64, title="Window", description="Side of what a step sees of a photograph, in pixels."
    )
    last_window: Annotated[int, Field(ge=16, le=512)] | None = Field(
        None,
        title="Last window",
        description="Side of the windows in the last fifth of the training; the batch shrinks with their area.",
    )
    scales: tuple[Annotated[float, Field(gt=0.05, le=1)], ...] = Field(
        (1.0,),
        min_length=1,
        max_length=4,
        title="Scales",
        description="Each photograph is also used at these sizes: small ones are free of coding noise.",
    )
    upright: bool = Field(
        False,
        title="Upright",
        description="Windows are mirrored left to right only, never turned: for networks that must know the sky.",
    )
    zoom: Annotated[float, Field(ge=1, le=8)] = Field(
        1.0,
        title="Zoom",
        description="Windows span up to so many times their side and are scaled down to it: things of many sizes.",
    )

    @property
    def square(self) -> int:
        """Side of the squares that photographs are cut into, in pixels."""
        return max(3 * self.window // 2, self.last_window or 0)


class Arrays(_Own):
    """A NumPy file (.npz or .npy): x or x_train / x_test, y or y_train / y_test."""

    kind: Literal["arrays"] = "arrays"


Window = Annotated[str, Field(pattern=r"^[1-9]\d{0,5}[smhd]$")]


class Keys(Spec):
    """What a card, a customer or a terminal did before a row: features that never look ahead."""

    columns: tuple[str, ...] = Field(
        (), max_length=16, title="Keys", description="Columns that name who acts; none is off."
    )
    time: str = Field("", title="Time", description="The column that says when.")
    amount: str | None = Field(None, title="Amount", description="The column that says how much.")
    windows: tuple[Window, ...] = Field(
        ("1d", "7d", "30d"),
        min_length=1,
        max_length=8,
        title="Windows",
        description="Spans that are looked back over, such as 90m, 24h, 7d.",
    )
    delay: Window | None = Field(
        None,
        title="Delay",
        description="How long it takes until a label is known; with it, past labels count as each key's risk.",
    )


class Table(_Own):
    """A table (CSV, Parquet, Arrow, JSON lines, or a database's URL): its columns of each row."""

    kind: Literal["table"] = "table"
    label: str | None = Field(
        None, title="Label column", description="Kept out of the input; colours the latent map."
    )
    columns: dict[str, Literal["number", "category", "date", "id", "ignore"]] = Field(
        default_factory=dict,
        title="Columns",
        description="What columns are, where the table's values do not say it. For detection.",
    )
    keys: Keys = Field(
        default_factory=Keys, title="Behaviour over time", description="For detection."
    )


class Sounds(_Own):
    """A folder of recordings, cut into pieces of equal length; a folder in it is a class."""

    kind: Literal["sounds"] = "sounds"
    sample_rate: int = Field(
        8_000, ge=1_000, le=192_000, title="Sample rate", description="In hertz."
    )
    seconds: float = Field(0.5, gt=0, le=60, title="Length of a piece", description="In seconds.")
    view: Literal["wave", "mel", "timbre"] = Field(
        "wave",
        title="View",
        description="The samples themselves; a log-mel spectrogram: a small picture, even in loudness, of the pieces that are not silent; or the mean and spread over time of its bands: who or what sounds, not what is said.",
    )
    mels: Annotated[int, Field(ge=8, le=128)] = Field(
        32, title="Mel bands", description="Rows of the spectrogram."
    )


class Speech(_Own):
    """A folder of recordings for sound restoration: clean speech, and noises to mix with it.

    An item is two rows of samples, speech and noise; every step sees random windows of both.
    """

    kind: Literal["speech"] = "speech"
    speech: tuple[str, ...] = Field(
        ("speech",), min_length=1, title="Speech", description="Folders of clean speech in `path`."
    )
    noise: tuple[str, ...] = Field(
        ("noise",), min_length=1, title="Noise", description="Folders of noises in `path`."
    )
    sample_rate: Annotated[int, Field(ge=8_000, le=48_000)] = Field(
        16_000, title="Sample rate", description="In hertz."
    )
    seconds: float = Field(
        2.0, gt=0, le=30, title="Window", description="What a step sees of a recording, in seconds."
    )
    speeds: tuple[Annotated[float, Field(ge=0.5, le=2)], ...] = Field(
        (1.0,),
        min_length=1,
        max_length=7,
        title="Speeds",
        description="Each recording is also used at these speeds, which moves its pitch: more voices than there are.",
    )
    apart: tuple[str, ...] = Field(
        (),
        title="Kept apart",
        description="Recordings that are never trained on, by name without suffix: speech and noise of the test part.",
    )

    @property
    def window(self) -> int:
        """What a step sees, in samples."""
        return round(self.seconds * self.sample_rate)


class Spectra(_Own):
    """The pixels of a hyperspectral scene (.mat, ENVI .hdr, .npz, .npy, .tif)."""

    kind: Literal["spectra"] = "spectra"
    cube: str | None = Field(
        None, title="Cube", description="The variable that is the cube, where a file holds several."
    )
    labels: str | None = Field(
        None, title="Labels", description="A file with the class of each pixel; 0 is no class."
    )
    label_variable: str | None = Field(None, title="Label variable")
    classes: tuple[str, ...] = Field(
        (), max_length=256, title="Classes", description="Names of classes 1, 2, …"
    )
    bands: str = Field(
        "", title="Bands", description='The bands to use, from 1: "5-100,120-190"; empty is all.'
    )
    normalise: Literal["none", "band", "spectrum"] = Field(
        "none",
        title="Normalise",
        description="Each band to mean 0 and spread 1, or each spectrum to length 1 (shadow and light become one).",
    )
    patch: Annotated[int, Field(ge=1, le=31)] = Field(
        1, title="Patch", description="Side of the square of neighbours that is one item (odd)."
    )
    labelled_only: bool = Field(
        False, title="Labelled only", description="Leave out pixels without a class."
    )
    block: Annotated[int, Field(ge=1, le=1024)] = Field(
        10,
        title="Block",
        description="Test pixels lie in squares of this side, so that neighbours do not leak into training.",
    )


DataSpec = Annotated[
    Named | Images | Photos | Arrays | Table | Sounds | Speech | Spectra,
    Field(discriminator="kind"),
]
