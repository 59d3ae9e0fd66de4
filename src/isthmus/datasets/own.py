"""Reading one's own data: folders of pictures or sounds, arrays, tables, cubes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isthmus.datasets.base import Array, Dataset, Items, Scaling, Scene
from isthmus.errors import DataError
from isthmus.media import arrays, images, mel, sound, tables
from isthmus.recipe import Arrays, Images, Photos, Sounds, Table

_MOST_NAMED = 3
_LEAST_RECORDINGS = 10


@dataclass(frozen=True)
class Parts:
    """What a reader found: items, and a test part if the data brought one."""

    items: Items
    test: Items | None = None
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    groups: Array | None = None
    """(N,) numbers: items of one group resemble each other and stay on one side of a split."""
    scene: Scene | None = None


def read_images(spec: Images) -> Parts:
    """A folder of pictures (or one picture); the first folder level, if any, is the class."""
    root, files = _files(spec.path, images.find, "pictures", images.SUFFIXES)
    pictures, kept, notes = each_file(files, lambda p: images.read(p, spec.color))
    channels = {len(p) for p in pictures}
    if len(channels) > 1:  # gray and colour together become colour
        pictures = [np.repeat(p, 3, 0) if len(p) == 1 else p for p in pictures]
    if spec.patch:
        cut = [images.patches(p, spec.patch) for p in pictures]
        kept = [path for path, squares in zip(kept, cut, strict=True) for _ in squares]
        values = np.concatenate(cut)
        if not len(values):
            raise DataError(
                f"{spec.path}: no picture is as large as a patch of {spec.patch} pixels"
            )
    else:
        if spec.size:
            pictures = [images.fit(p, spec.size) for p in pictures]
        _same_size(
            pictures, kept, "set data.size=64 to crop and scale, or data.patch=32 to cut squares"
        )
        values = np.stack(pictures)
    labels, classes = _classes(root, kept)
    names = tuple(str(p.relative_to(root)) for p in kept)
    return Parts(Items(values, labels, names), None, classes, (), notes)


def read_photos(spec: Photos) -> Parts:
    """Photographs in colour at the recipe's scales, cut into squares that cover them."""
    root, files = _files(spec.path, images.find, "photographs", images.SUFFIXES)
    pictures, paths, notes = each_file(files, lambda p: images.read(p, "rgb"))
    squares, kept = [], []
    for picture, path in zip(pictures, paths, strict=True):
        for scale in spec.scales:
            sized = picture if scale == 1 else images.scaled(picture, scale)
            cut = images.cover(sized, spec.square)
            squares.append(cut)
            kept += [path] * len(cut)
    if not kept:
        raise DataError(f"{spec.path}: no photograph is as large as {spec.square} pixels")
    names = tuple(str(p.relative_to(root)) for p in kept)
    groups = np.unique(np.array(names), return_inverse=True)[1]
    return Parts(Items(np.concatenate(squares), None, names), None, (), (), notes, groups)


def read_sounds(spec: Sounds) -> Parts:
    """A folder of recordings cut into equal pieces; the first folder level, if any, is the class."""
    root, files = _files(spec.path, sound.find, "recordings", sound.SUFFIXES)
    steps = round(spec.seconds * spec.sample_rate)
    if steps < 2:
        raise DataError(
            f"{spec.path}: pieces of {spec.seconds} s at {spec.sample_rate} Hz have {steps} samples"
        )
    recordings, kept, notes = each_file(files, lambda p: sound.read(p, spec.sample_rate))
    pieces = [r[: len(r) // steps * steps].reshape(-1, 1, steps) for r in recordings]
    kept = [path for path, cut in zip(kept, pieces, strict=True) for _ in cut]
    if not kept:
        raise DataError(
            f"{spec.path}: no recording is as long as a piece of {spec.seconds} s (data.seconds)"
        )
    waves = np.concatenate(pieces)
    if spec.view != "wave":
        heard = _heard(waves, kept)
        if not heard.any():
            raise DataError(f"{spec.path}: holds nothing but silence")
        if not heard.all():
            notes = (*notes, f"left out {int((~heard).sum())} silent pieces of {len(waves)}")
        waves, kept = waves[heard], [p for p, h in zip(kept, heard, strict=True) if h]
    labels, classes = _classes(root, kept)
    names = tuple(str(p.relative_to(root)) for p in kept)
    groups: Array | None = np.unique(np.array(names), return_inverse=True)[1]
    if groups is not None and groups.max() < _LEAST_RECORDINGS - 1:
        groups = None  # too few recordings to keep some apart whole
    values = waves
    columns: tuple[str, ...] = ()
    if spec.view != "wave":
        values = mel.log_mel(_even(waves[:, 0], kept), spec.sample_rate, spec.mels)[:, None]
    if spec.view == "timbre":
        values, columns = mel.timbre(values[:, 0]), mel.timbre_names(spec.sample_rate, spec.mels)
    items = Items(values, labels, names, waves=waves[:, 0])
    return Parts(items, None, classes, columns, notes, groups)


def _heard(waves: Array, paths: list[Path]) -> Array:
    """Which pieces are within 25 dB of the level of their recording."""
    level = np.sqrt(np.square(waves).mean((1, 2)))
    usual = _by_path(level, paths, lambda own: float(np.sqrt(np.square(own).mean())))
    heard: Array = (level > 1e-4) & (level > usual * 10 ** (-25 / 20))
    return heard


def _even(waves: Array, paths: list[Path]) -> Array:
    """Every recording at the same loudness, -20 dB below full scale: who spoke loudly is no class."""
    usual = _by_path(np.square(waves).mean(1), paths, lambda own: float(np.sqrt(own.mean())))
    made: Array = waves * (0.1 / np.maximum(usual, 1e-6))[:, None]
    return made


def _by_path(values: Array, paths: list[Path], figure: Callable[[Array], float]) -> Array:
    """A figure of each recording, repeated for each of its pieces."""
    _, number = np.unique([str(p) for p in paths], return_inverse=True)
    figures = np.array([figure(values[number == i]) for i in range(number.max() + 1)])
    made: Array = figures[number]
    return made


def read_arrays(spec: Arrays) -> Parts:
    """x (and y), or x_train, x_test (and y_train, y_test), of a NumPy file."""
    path = Path(spec.path)
    held = arrays.read(path)
    name: str | None = next((n for n in ("x_train", "x", "X", "images", "data") if n in held), None)
    if name is None and len(held) == 1:
        (name,) = held
    if name is None:
        found = ", ".join(f"{n} {v.shape}" for n, v in held.items()) or "nothing"
        raise DataError(f"{path}: needs an array named x or x_train; it holds {found}")
    pairs = {"x_train": "y_train", "x": "y", "X": "y", "images": "labels", "data": "labels"}
    items, classes = _labelled(path, held, name, pairs.get(name, "y"))
    test = None
    if "x_test" in held:
        test, more = _labelled(path, held, "x_test", "y_test")
        if test.values.shape[1:] != items.values.shape[1:]:
            raise DataError(
                f"{path}: x_test {test.values.shape} does not fit {name} {items.values.shape}"
            )
        classes = max(classes, more, key=len)
    return Parts(items, test, classes)


def read_table(spec: Table) -> Parts:
    """The numeric columns of a table; the label column becomes the classes."""
    held = tables.read(Path(spec.path), spec.label)
    labels: Array | None = None
    classes: tuple[str, ...] = ()
    if held.labels is not None:
        classes = tuple(sorted(set(held.labels)))
        number = {label: i for i, label in enumerate(classes)}
        labels = np.array([number[v] for v in held.labels], np.int64)
    names = tuple(f"row {i + 1}" for i in range(len(held.values)))
    return Parts(Items(held.values, labels, names), None, classes, held.names, held.notes)


def dataset(
    name: str, modality: str, parts: Parts, share: float, scaling: str, seed: int
) -> Dataset:
    """Split off a test part if there is none, check the numbers, and measure the scaling."""
    train, test = parts.items, parts.test
    groups = parts.groups
    if test is None:
        kept, held = train.split(share, seed, 2, parts.groups)
        train, test = parts.items.take(kept), parts.items.take(held)
        groups = None if parts.groups is None else parts.groups[kept]
    if len(train) < 2:
        raise DataError(
            f"{name}: has {len(parts.items)} item(s); an autoencoder needs at least 2 to train on"
        )
    notes = list(parts.notes)
    if (train.values == train.values.reshape(-1)[0]).all():
        notes.append(
            f"{name}: all values are {train.values.reshape(-1)[0]}; there is nothing to learn"
        )
    made = _scaling(train.values, modality, scaling)
    return Dataset(
        name, modality, train, test, parts.classes, made, parts.columns,  # type: ignore[arg-type]
        notes=tuple(notes), groups=groups, scene=parts.scene,
    )  # fmt: skip


def _scaling(values: Array, modality: str, how: str) -> Scaling:
    """The scaling that ``how`` asks for, measured on the training items."""
    if values.dtype in (np.uint8, np.int16):
        return Scaling()
    if how == "auto":
        inside = values.min() >= 0 and values.max() <= 1
        ways = {
            "image": "none" if inside else "unit",
            "sequence": "none",
            "spectrum": "unit",
            "vector": "standard",
        }
        how = ways[modality]
    if how == "none":
        return Scaling()
    if how == "unit":
        low, high = float(values.min()), float(values.max())
        if modality == "spectrum":
            low = 0.0  # a spectrum's zero is no light: its angle must not move
        factor = 1 / (high - low) if high > low else 1.0
        return Scaling(np.array([low], np.float32), np.array([factor], np.float32))
    flat = values.astype(np.float64)
    axis = 0 if modality == "vector" else None
    mean, spread = np.atleast_1d(flat.mean(axis)), np.atleast_1d(flat.std(axis))
    factors = np.where(spread > 1e-12, 1 / np.where(spread > 1e-12, spread, 1), 1.0)
    return Scaling(mean.astype(np.float32), factors.astype(np.float32))


def _labelled(
    path: Path, held: dict[str, Array], name: str, label: str
) -> tuple[Items, tuple[str, ...]]:
    values = _checked(path, name, held[name])
    y = held.get(label)
    if y is None:
        return Items(values), ()
    if y.ndim != 1 or len(y) != len(values):
        raise DataError(f"{path}: {label} has shape {y.shape}, but {name} has {len(values)} items")
    classes, labels = np.unique(y, return_inverse=True)
    return Items(values, labels.astype(np.int64)), tuple(str(c) for c in classes)


def _checked(path: Path, name: str, values: Array) -> Array:
    """Numbers as (N, *item): pictures (N, H, W) get a channel, (N, H, W, 3) get theirs first."""
    if values.dtype.kind not in "uifb" or values.ndim < 2:
        raise DataError(
            f"{path}: {name} must hold numbers with the items along the first axis; got {values.dtype} {values.shape}"
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = ~np.isfinite(values)
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise DataError(
            f"{path}: {int(bad.sum())} values of {name} are not numbers (nan or inf), the first at {first}"
        )
    if values.ndim == 3 and min(values.shape[1:]) >= 4:
        values = values[:, None]
    elif values.ndim == 4 and values.shape[3] in (1, 3) and values.shape[1] not in (1, 3):
        values = values.transpose(0, 3, 1, 2)
    elif values.ndim > 4:
        raise DataError(
            f"{path}: {name} has {values.ndim} axes {values.shape}; items have one to three"
        )
    return values if values.dtype == np.uint8 and values.ndim == 4 else values.astype(np.float32)


def modality_of(parts: Parts) -> str:
    """What kind of data an array holds, by the number of its axes."""
    return {2: "vector", 3: "sequence", 4: "image"}[parts.items.values.ndim]


def _files(
    path: str, find: Callable[[Path], list[Path]], what: str, suffixes: tuple[str, ...]
) -> tuple[Path, list[Path]]:
    root = Path(path)
    if root.is_file():
        return root.parent, [root]
    if not root.is_dir():
        raise DataError(f"{path}: no such file or folder")
    files = find(root)
    if not files:
        raise DataError(f"{path}: holds no {what} ({', '.join(suffixes)})")
    return root, files


def each_file(
    files: list[Path], read: Callable[[Path], Array]
) -> tuple[list[Array], list[Path], tuple[str, ...]]:
    """Read every file; one that fails is left out and noted, all that fail are an error."""
    read_ones, kept, faults = [], [], []
    for path in files:
        try:
            read_ones.append(read(path))
            kept.append(path)
        except DataError as error:
            faults.append(str(error))
    if not kept:
        raise DataError(f"none of {len(files)} files can be read; the first: {faults[0]}")
    notes = [f"left out: {fault}" for fault in faults[:_MOST_NAMED]]
    if len(faults) > _MOST_NAMED:
        notes.append(f"left out: {len(faults) - _MOST_NAMED} more files")
    return read_ones, kept, tuple(notes)


def _same_size(pictures: list[Array], paths: list[Path], remedy: str) -> None:
    first = pictures[0].shape
    for picture, path in zip(pictures, paths, strict=True):
        if picture.shape != first:
            raise DataError(
                f"pictures differ in size: {paths[0]} is {first[2]} x {first[1]}, "
                f"{path} is {picture.shape[2]} x {picture.shape[1]}; {remedy} (--set)"
            )


def _classes(root: Path, paths: list[Path]) -> tuple[Array | None, tuple[str, ...]]:
    """Labels by the first folder under the root, if there are at least two."""
    tops = [p.relative_to(root).parts for p in paths]
    names = [parts[0] if len(parts) > 1 else "" for parts in tops]
    classes = tuple(sorted(set(names) - {""}))
    if len(classes) < 2:
        return None, ()
    number = {name: i for i, name in enumerate(classes)}
    return np.array([number.get(name, -1) for name in names], np.int64), classes
