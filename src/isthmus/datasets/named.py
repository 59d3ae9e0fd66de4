"""Reading the named data sets."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from importlib import resources
from pathlib import Path

import numpy as np

from isthmus.datasets import own, scenes, synthetic
from isthmus.datasets.base import Array, Dataset, Items
from isthmus.datasets.download import folder_of
from isthmus.datasets.registry import REGISTRY, Named
from isthmus.errors import DataError
from isthmus.media import arrays, images, spectra
from isthmus.recipe import Spectra

_DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")


def open_named(name: str) -> Dataset:
    """A data set by name. Raises DataError that says how to get one that is not here."""
    entry = REGISTRY.get(name)
    if entry is None:
        raise DataError(f"no data set named {name!r}; there are: {', '.join(REGISTRY)}")
    match name:
        case "digits":
            return _digits(entry)
        case "digits8":
            return _digits8(entry)
        case "patches":
            return _patches(entry)
        case "waves":
            return synthetic.waves(entry)
        case "spectra-synthetic":
            return synthetic.spectra(entry)
        case "emnist":
            return _emnist(entry, _here(entry))
        case "cifar10":
            return _cifar(entry, _here(entry))
        case "pavia-university" | "salinas" | "indian-pines":
            return _scene(entry, _here(entry))
        case _:
            return read_idx_folder(_here(entry), entry.name, entry.classes)


def is_here(entry: Named) -> bool:
    """Whether a data set can be opened now."""
    try:
        return not entry.files or bool(_here(entry))
    except DataError:
        return False


def _here(entry: Named) -> Path:
    folders = [folder_of(entry.name)]
    if entry.name == "fashion":
        folders.append(_DEBIAN_FASHION)
    for folder in folders:
        if all((folder / f.name).is_file() for f in entry.files):
            return folder
    raise DataError(
        f"{entry.name}: is not on this machine; get it with: isthmus data get {entry.name}"
    )


def read_idx_folder(folder: Path, name: str, classes: tuple[str, ...]) -> Dataset:
    """A folder of the four original MNIST-like files, gzipped or not."""

    def part(prefix: str) -> Items:
        values = arrays.read_idx(_either(folder, f"{prefix}-images-idx3-ubyte"))
        labels = arrays.read_idx(_either(folder, f"{prefix}-labels-idx1-ubyte"))
        if values.ndim != 3 or len(labels) != len(values):
            raise DataError(
                f"{folder}: {prefix} has images {values.shape} but labels {labels.shape}"
            )
        return Items(values[:, None], labels.astype(np.int64))

    train, test = part("train"), part("t10k")
    if not classes and train.labels is not None:
        classes = tuple(str(i) for i in range(int(train.labels.max()) + 1))
    return Dataset(name, "image", train, test, classes)


def _either(folder: Path, name: str) -> Path:
    for candidate in (folder / f"{name}.gz", folder / name):
        if candidate.is_file():
            return candidate
    raise DataError(f"{folder}: has no {name} (or {name}.gz)")


def _digits(entry: Named) -> Dataset:
    with resources.as_file(resources.files("isthmus.datasets") / "digits.npz") as path:
        held = arrays.read(path)
    x, y = held["x"][:, None], held["y"].astype(np.int64)
    return Dataset(
        entry.name, "image", Items(x[: entry.train], y[: entry.train]),
        Items(x[entry.train :], y[entry.train :]), entry.classes,
    )  # fmt: skip


def _digits8(entry: Named) -> Dataset:
    from sklearn.datasets import load_digits

    held = load_digits()
    x = np.round(held.images * (255 / 16)).astype(np.uint8)[:, None]
    return _divided(entry, x, held.target.astype(np.int64))


def _patches(entry: Named) -> Dataset:
    from sklearn.datasets import load_sample_images

    # Half overlapping squares, so that two photographs give some two thousand.
    cut = []
    for photo in load_sample_images().images:
        picture = photo.transpose(2, 0, 1)
        for top, left in ((0, 0), (0, 16), (16, 0), (16, 16)):
            cut.append(images.patches(picture[:, top:, left:], 32))
    x = np.concatenate(cut)
    order = np.random.default_rng(0).permutation(len(x))[: entry.train + entry.test]
    return _divided(entry, x[order], None)


def _divided(entry: Named, x: Array, y: Array | None) -> Dataset:
    order = np.random.default_rng(0).permutation(len(x))
    first, last = order[: entry.train], order[entry.train :]
    items = Items(x, y)
    return Dataset(entry.name, "image", items.take(first), items.take(last), entry.classes)


def _scene(entry: Named, folder: Path) -> Dataset:
    """A scene whose publishers give no checksums: checked by its size and its map of labels."""
    path, truth = (folder / file.name for file in entry.files)
    spec = Spectra(path=str(path), labels=str(truth), classes=entry.classes)
    cube = spectra.read(path)
    pixels = cube.values.shape[0] * cube.values.shape[1]
    if (pixels, cube.values.shape[2]) != (entry.train + entry.test, entry.shape[0]):
        raise DataError(
            f"{path}: is {' x '.join(map(str, cube.values.shape))}, not the scene {entry.title}; "
            f"delete it and get it again: isthmus data get {entry.name}"
        )
    labels = spectra.read_labels(truth, cube.values.shape[:2])
    found = hashlib.md5(labels.astype(np.uint8).tobytes(), usedforsecurity=False).hexdigest()
    if found != entry.label_md5:
        raise DataError(
            f"{truth}: its labels are not those of {entry.title}; delete it and get it again: "
            f"isthmus data get {entry.name}"
        )
    parts = scenes.prepare(spec, cube, str(path))
    return own.dataset(entry.name, "spectrum", parts, 0.2, "auto", 0)


def _emnist(entry: Named, folder: Path) -> Dataset:
    """The letters split; its pictures are stored transposed, its labels count from 1."""

    def member(archive: zipfile.ZipFile, name: str) -> Array:
        import gzip

        inner = f"gzip/emnist-letters-{name}.gz"
        return arrays.parse_idx(gzip.decompress(archive.read(inner)), inner)

    with zipfile.ZipFile(folder / "gzip.zip") as archive:
        parts = [
            Items(
                member(archive, f"{part}-images-idx3-ubyte").transpose(0, 2, 1)[:, None],
                member(archive, f"{part}-labels-idx1-ubyte").astype(np.int64) - 1,
            )
            for part in ("train", "test")
        ]
    return Dataset(entry.name, "image", parts[0], parts[1], entry.classes)


def _cifar(entry: Named, folder: Path) -> Dataset:
    """The binary version: one byte of label and 3,072 of picture an item. Read without extracting."""

    def batch(archive: tarfile.TarFile, name: str) -> Array:
        member = archive.extractfile(f"cifar-10-batches-bin/{name}.bin")
        raw = (member or io.BytesIO()).read()
        if not raw or len(raw) % 3073:
            raise DataError(
                f"{folder / entry.files[0].name}: {name}.bin has {len(raw)} bytes, not n x 3073"
            )
        return np.frombuffer(raw, np.uint8).reshape(-1, 3073)

    def items(rows: Array) -> Items:
        return Items(rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0].astype(np.int64))

    try:
        with tarfile.open(folder / entry.files[0].name, "r:gz") as archive:
            train = np.concatenate([batch(archive, f"data_batch_{i}") for i in range(1, 6)])
            test = batch(archive, "test_batch")
    except (tarfile.TarError, KeyError, OSError, EOFError) as error:
        raise DataError(f"{folder / entry.files[0].name}: cannot be read ({error})") from None
    return Dataset(entry.name, "image", items(train), items(test), entry.classes)
