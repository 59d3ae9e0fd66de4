"""A recipe: everything that decides what a training makes, as one frozen value.

    recipe = Recipe.load("digits")                          # shipped, by name
    recipe = Recipe.load("mine.toml").set("bottleneck.size=2")
    recipe = Recipe(bottleneck=Variational(size=2))         # the same in Python
    recipe.hash                                             # one for all spellings

The union of every ``kind`` below is the registry: what is not in it does not exist. Nothing here
imports torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import Field

from isthmus.recipe import files
from isthmus.recipe.base import Spec as Spec
from isthmus.recipe.bottlenecks import Adversarial as Adversarial
from isthmus.recipe.bottlenecks import BottleneckSpec as BottleneckSpec
from isthmus.recipe.bottlenecks import Contractive as Contractive
from isthmus.recipe.bottlenecks import EntropyCoded as EntropyCoded
from isthmus.recipe.bottlenecks import FiniteScalar as FiniteScalar
from isthmus.recipe.bottlenecks import Plain as Plain
from isthmus.recipe.bottlenecks import Simplex as Simplex
from isthmus.recipe.bottlenecks import Sparse as Sparse
from isthmus.recipe.bottlenecks import Variational as Variational
from isthmus.recipe.bottlenecks import VectorQuantized as VectorQuantized
from isthmus.recipe.bottlenecks import Wasserstein as Wasserstein
from isthmus.recipe.data import Arrays as Arrays
from isthmus.recipe.data import DataSpec as DataSpec
from isthmus.recipe.data import Images as Images
from isthmus.recipe.data import Keys as Keys
from isthmus.recipe.data import Named as Named
from isthmus.recipe.data import Photos as Photos
from isthmus.recipe.data import Sounds as Sounds
from isthmus.recipe.data import Spectra as Spectra
from isthmus.recipe.data import Speech as Speech
from isthmus.recipe.data import Table as Table
from isthmus.recipe.losses import L1 as L1
from isthmus.recipe.losses import Bce as Bce
from isthmus.recipe.losses import Charbonnier as Charbonnier
from isthmus.recipe.losses import Colors as Colors
from isthmus.recipe.losses import Cosine as Cosine
from isthmus.recipe.losses import Gaussian as Gaussian
from isthmus.recipe.losses import Laplace as Laplace
from isthmus.recipe.losses import LossSpec as LossSpec
from isthmus.recipe.losses import Mse as Mse
from isthmus.recipe.losses import MsSsim as MsSsim
from isthmus.recipe.losses import Sad as Sad
from isthmus.recipe.losses import Sid as Sid
from isthmus.recipe.losses import Ssim as Ssim
from isthmus.recipe.losses import Voice as Voice
from isthmus.recipe.networks import Bands as Bands
from isthmus.recipe.networks import Conv as Conv
from isthmus.recipe.networks import DecoderSpec as DecoderSpec
from isthmus.recipe.networks import Dense as Dense
from isthmus.recipe.networks import EncoderSpec as EncoderSpec
from isthmus.recipe.networks import Mirror as Mirror
from isthmus.recipe.networks import Recurrent as Recurrent
from isthmus.recipe.networks import Residual as Residual
from isthmus.recipe.networks import Temporal as Temporal
from isthmus.recipe.networks import UShape as UShape
from isthmus.recipe.tasks import Colorize as Colorize
from isthmus.recipe.tasks import Denoise as Denoise
from isthmus.recipe.tasks import DenoisePhoto as DenoisePhoto
from isthmus.recipe.tasks import DenoiseSound as DenoiseSound
from isthmus.recipe.tasks import Detect as Detect
from isthmus.recipe.tasks import Reconstruct as Reconstruct
from isthmus.recipe.tasks import TaskSpec as TaskSpec
from isthmus.recipe.tasks import Unwatermark as Unwatermark
from isthmus.recipe.training import Training as Training


class Recipe(Spec):
    """Data, task, encoder, bottleneck, decoder, training. Immutable and hashable by content."""

    name: str = Field(
        "untitled", title="Name", max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
    )
    description: str = Field("", title="Description", max_length=2000)
    data: DataSpec = Field(default_factory=Named, title="Data")
    task: TaskSpec = Field(default_factory=Reconstruct, title="Task")
    encoder: EncoderSpec = Field(default_factory=Dense, title="Encoder")
    bottleneck: BottleneckSpec = Field(default_factory=Plain, title="Bottleneck")
    decoder: DecoderSpec = Field(default_factory=Mirror, title="Decoder")
    training: Training = Field(default_factory=Training, title="Training")

    @classmethod
    def load(cls, source: str | Path) -> Recipe:
        """A shipped recipe by name, or a TOML file by path. Raises RecipeError."""
        return files.load(source)

    @classmethod
    def parse(cls, text: str, source: str = "recipe") -> Recipe:
        """A recipe from TOML text; ``source`` is the name that errors use."""
        return files.parse(text, source)

    def set(self, *assignments: str) -> Recipe:
        """This recipe with ``KEY=VALUE`` changes, e.g. ``"bottleneck.size=2"``. Raises RecipeError."""
        return files.override(self, assignments)

    def replace(self, **sections: Any) -> Self:
        """This recipe with whole sections replaced, e.g. ``replace(bottleneck=Plain(size=2))``."""
        return type(self).model_validate(
            {**{k: getattr(self, k) for k in type(self).model_fields}, **sections}
        )

    def to_toml(self) -> str:
        """TOML text that parses back to this recipe."""
        return files.dump(self)

    @property
    def hash(self) -> str:
        """Sixteen hexadecimal digits of SHA-256 over all that decides the result (not the name)."""
        return files.digest(self)
