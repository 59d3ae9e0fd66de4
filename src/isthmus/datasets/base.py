"""What a data set is, whoever brought it: items, labels, and how numbers become network inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Modality = Literal["image", "sequence", "vector", "spectrum"]


@dataclass(frozen=True)
class Items:
    """N items of one shape.

    ``values`` (N, *shape): uint8 pictures in 0..255, int16 samples of sound, or float32 in the
    user's own units.
    ``labels`` (N,) int64 indexes ``Dataset.classes``; -1 is "no label". ``names`` (N,) says where
    an item came from (a file, a row). ``positions`` (N, 2) are row and column in a scene.
    ``waves`` (N, samples) float32 is what an item sounds like.
    """

    values: Array
    labels: Array | None = None
    names: tuple[str, ...] | None = None
    positions: Array | None = None
    waves: Array | None = None

    def __len__(self) -> int:
        return len(self.values)

    def split(
        self, share: float, seed: int, least: int, groups: Array | None = None
    ) -> tuple[Array, Array]:
        """Indices of (kept, held out) items, in order; at least ``least`` are kept.

        Items of one of the ``groups`` (N,) stay together.
        """
        group = np.arange(len(self))
        if groups is not None and len(groups):
            group = np.unique(groups, return_inverse=True)[1]
        count = int(group.max(initial=-1)) + 1
        held = 0
        if share > 0 and count > least:
            held = min(max(round(count * share), 1), count - least)
        apart = np.zeros(count, bool)
        apart[np.random.default_rng(seed).permutation(count)[:held]] = True
        return np.flatnonzero(~apart[group]), np.flatnonzero(apart[group])

    def take(self, index: Array) -> Items:
        """The items at ``index``, in that order."""
        return Items(
            self.values[index],
            None if self.labels is None else self.labels[index],
            None if self.names is None else tuple(self.names[i] for i in index),
            None if self.positions is None else self.positions[index],
            None if self.waves is None else self.waves[index],
        )


@dataclass(frozen=True)
class Scaling:
    """network input = (value - shift) x factor, per feature or for all at once.

    ``shift`` and ``factor`` are scalars or (features,) arrays; measured on the training part only.
    """

    shift: Array = field(default_factory=lambda: np.zeros(1, np.float32))
    factor: Array = field(default_factory=lambda: np.ones(1, np.float32))

    def apply(self, values: Array) -> Array:
        """User units (N, *shape) -> float32 network inputs.

        uint8 means 0..255 for 0..1, int16 -32768..32767 for -1..1.
        """
        if values.dtype == np.uint8:
            return values.astype(np.float32) / np.float32(255)
        if values.dtype == np.int16:
            return values.astype(np.float32) / np.float32(32768)
        return ((values.astype(np.float32) - self.shift) * self.factor).astype(np.float32)

    def undo(self, values: Array) -> Array:
        """Network outputs -> float32 user units (pictures: 0..1)."""
        return (values / self.factor + self.shift).astype(np.float32)

    def to_json(self) -> dict[str, list[float]]:
        return {"shift": [float(v) for v in self.shift], "factor": [float(v) for v in self.factor]}

    @staticmethod
    def from_json(tree: dict[str, list[float]]) -> Scaling:
        return Scaling(np.array(tree["shift"], np.float32), np.array(tree["factor"], np.float32))


@dataclass(frozen=True)
class Scene:
    """Where pixels lie: the size of the picture, a view of it, and the truth where it is known.

    ``view`` (rows, columns, 3) uint8 is a false-colour picture. ``endmembers`` (materials, bands)
    and ``abundance`` (rows, columns, materials) are for unmixing, in the units of the items.
    """

    rows: int
    columns: int
    view: Array
    endmembers: Array | None = None
    abundance: Array | None = None


@dataclass(frozen=True)
class Dataset:
    """Training and test items with what a person needs to understand them."""

    name: str
    modality: Modality
    train: Items
    test: Items
    classes: tuple[str, ...] = ()
    scaling: Scaling = field(default_factory=Scaling)
    columns: tuple[str, ...] = ()
    """Names of the features of vectors and spectra."""
    window: int | None = None
    """Side of the random windows that are shown of each item, in pixels or samples; None shows all."""
    notes: tuple[str, ...] = ()
    """What was left out or changed while reading, for the person to know."""

    groups: Array | None = None
    """(training items,) numbers of what belongs together: overlapping pieces, neighbouring pixels."""
    scene: Scene | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what a model sees of one item."""
        whole = tuple(int(side) for side in self.train.values.shape[1:])
        return whole if self.window is None else (whole[0], *[self.window] * (len(whole) - 1))
