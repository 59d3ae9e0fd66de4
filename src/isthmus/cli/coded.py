"""What ``isthmus explore`` maps: every item of a data set, with its code and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isthmus.cli.common import say
from isthmus.errors import DataError, RecipeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from isthmus.datasets import Dataset
    from isthmus.model import Model
    from isthmus.recipe import DataSpec
    from isthmus.training import Run

    Array = NDArray[np.generic]

_MOST_NUMBERS = 16


@dataclass(frozen=True)
class Coded:
    """All items of a data set with their codes; the last ``held`` are those the model never saw."""

    dataset: Dataset
    values: Any
    codes: Any
    labels: Any
    names: tuple[str, ...] | None
    classes: tuple[str, ...]
    held: int
    positions: Any = None
    waves: Any = None

    @property
    def split(self) -> int:
        """Where the items that figures are measured on begin."""
        return len(self.codes) - self.held if self.held else len(self.codes) // 2


def run_of(
    source: str, data: str | None, labels: str | None, assignments: tuple[str, ...] = ()
) -> Run:
    """The run directory ``source``, or a training of the recipe of that name on ``data``."""
    from isthmus.recipe import Recipe
    from isthmus.training import Run, train

    if (Path(source) / "recipe.toml").is_file():
        if assignments:
            raise RecipeError(
                f"--set changes a recipe, and {source} is a run that is trained already"
            )
        return Run(source)
    recipe = Recipe.load(source)
    if data is not None:
        recipe = recipe.replace(data=spec_of(recipe.data, data, labels))
    # After the data: what a scene or a table lets one set is known only then.
    recipe = recipe.set(*assignments)
    from isthmus.cli.progress import Bar

    with Bar() as bar:
        return train(recipe, on_event=bar.show)


def spec_of(base: DataSpec, data: str | None, labels: str | None) -> DataSpec:
    """The data to map: the recipe's own or ``--data``, with ``--labels`` where these take labels."""
    from isthmus.datasets import spec_for

    # The recipe's own file again: with what the recipe says of it (classes, bands, …).
    spec = base if data in {None, getattr(base, "path", None)} else spec_for(str(data), base)
    if labels is None:
        return spec
    if spec.kind == "spectra":
        if not Path(labels).is_file():
            raise DataError(f"--labels {labels}: no such file")
        return spec.model_copy(update={"labels": labels})
    if spec.kind == "table" and not Path(labels).is_file():
        return spec.model_copy(update={"label": labels})
    if not Path(labels).is_file():
        raise DataError(
            f"--labels {labels}: is no file, and {data or 'the data'} is no table with columns"
        )
    return spec


def coded(run: Run, data: str | None, labels: str | None) -> Coded:
    """Every item and its code. Raises DataError if they do not fit the model."""
    import numpy as np

    from isthmus.datasets import open_dataset

    spec = spec_of(run.recipe.data, data, labels)
    dataset = open_dataset(spec, run.recipe.training.seed)
    if dataset.shape != run.model.shape:
        raise DataError(
            f"{dataset.name}: items of shape {dataset.shape}; the model takes {run.model.shape}"
        )
    for note in dataset.notes:
        say(f"note: {note}")
    parts = [dataset.train, dataset.test]
    values = np.concatenate([p.values for p in parts])
    known = [p.labels if p.labels is not None else np.full(len(p), -1) for p in parts]
    classes, found = dataset.classes, np.concatenate(known)
    if labels and spec.kind != "spectra" and Path(labels).is_file():
        classes, found = _lines(Path(labels), len(values), dataset)
    names = None if parts[0].names is None else parts[0].names + (parts[1].names or ())
    say(f"{len(values):,} items")
    has = bool((found >= 0).any())
    return Coded(
        dataset, values, run.model.encode(values), found if has else None, names,
        classes if has else (), len(dataset.test), _joined(parts, "positions"),
        _joined(parts, "waves"),
    )  # fmt: skip


def figures(run: Run, made: Coded, points: Any) -> dict[str, float | None]:
    """What the map is worth, measured on items the model never saw; PCA of as many numbers beside it."""
    from isthmus import maps

    split = made.split
    told: dict[str, float | None] = {}
    if made.labels is not None:
        y, v = made.labels[:split], made.labels[split:]
        told |= maps.cluster_figures(made.codes[:split], y, made.codes[split:], v)
        if told:
            for numbers in sorted({2, int(made.codes[0].size)}):
                two = maps.principal(made.values[:split], made.values[split:], numbers)
                line = maps.cluster_figures(two[0], y, two[1], v)
                told[f"pca{two[0].shape[1]}_knn_accuracy"] = line.get("knn_accuracy")
                told[f"pca{two[0].shape[1]}_probe_accuracy"] = line.get("probe_accuracy")
    told |= _unmixed(run.model, made)
    told["trustworthiness"] = maps.trustworthiness(made.values[split:], points[split:])
    return told


def materials(model: Model) -> Any:
    """The spectra (materials, bands) a straight decoder of a simplex code has found; None of others."""
    import numpy as np

    if model.recipe.bottleneck.kind != "simplex" or len(model.shape) != 1:
        return None
    return model.decode(np.eye(model.recipe.bottleneck.size, dtype=np.float32))


def shades(model: Model, made: Coded) -> dict[str, Any]:
    """What the map can be coloured by beside classes: the error, and shares or numbers of the code."""
    told = {"reconstruction error": model.errors(made.values)}
    flat = made.codes.reshape(len(made.codes), -1)
    if flat.shape[1] <= _MOST_NUMBERS:
        what = "share of material" if materials(model) is not None else "code number"
        told |= {f"{what} {i + 1}": flat[:, i].astype("float32") for i in range(flat.shape[1])}
    return told


def _unmixed(model: Model, made: Coded) -> dict[str, float | None]:
    from isthmus import maps

    scene, found = made.dataset.scene, materials(model)
    if found is None or scene is None or scene.endmembers is None or scene.abundance is None:
        return {}
    truth = scene.abundance[made.positions[:, 0], made.positions[:, 1]]
    told: dict[str, float | None] = {**maps.unmixing(found, made.codes, scene.endmembers, truth)}
    return told


def _joined(parts: Any, field: str) -> Any:
    import numpy as np

    held = [getattr(p, field) for p in parts]
    return None if any(h is None for h in held) else np.concatenate(held)


def _lines(path: Path, count: int, dataset: Dataset) -> tuple[tuple[str, ...], Any]:
    import numpy as np

    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as labels ({error})") from None
    if len(lines) != count:
        raise DataError(f"{path}: has {len(lines)} labels, but {dataset.name} has {count} items")
    classes, found = np.unique(np.array(lines), return_inverse=True)
    return tuple(str(c) for c in classes), found.astype(np.int64)
