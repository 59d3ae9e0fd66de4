"""``isthmus decode``: codes to files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli.common import force_option, json_option, result

if TYPE_CHECKING:
    from isthmus.model import Model


@click.command(epilog="Example: isthmus decode runs/digits codes.parquet -o pictures/")
@click.argument("run")
@click.argument("codes", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="A folder for pictures; .npz, .csv or .parquet for anything.",
)
@force_option
@json_option
def decode(run: str, codes: Path, output: Path, force: bool, as_json: bool) -> None:
    """The items that CODES (a file written by encode) stand for."""
    import isthmus

    if output.exists() and not force and (output.is_file() or any(output.iterdir())):
        raise click.UsageError(f"-o {output}: exists; --force writes into it")
    model = isthmus.load(run)
    values, names = _read(codes, model.autoencoder.plan.bottleneck.code)
    items = model.decode(values)
    _write(output, items, names, model)
    tree = {"output": str(output), "items": len(items)}
    result(tree, as_json, f"{len(items):,} items: {output}")


def _read(path: Path, code: tuple[int, ...]) -> tuple[Any, list[str]]:
    """Codes (N, *code) and names. Raises DataError."""
    import math

    import numpy as np

    from isthmus.errors import DataError
    from isthmus.media import arrays, tables

    if path.suffix == ".npz":
        held = arrays.read(path)
        if "codes" not in held:
            raise DataError(f"{path}: holds no array named codes")
        values = held["codes"]
        names = [str(n) for n in held["names"]] if "names" in held else []
    else:
        frame = tables.frame(path)
        columns = [c for c in frame.columns if c.startswith("code_")]
        if not columns:
            raise DataError(f"{path}: has no columns code_0, code_1, …")
        values = np.stack([frame[c].to_numpy() for c in columns], 1)
        names = [str(n) for n in frame["name"].to_list()] if "name" in frame.columns else []
    if values.reshape(len(values), -1).shape[1] != math.prod(code):
        raise DataError(
            f"{path}: codes have {values[0].size} numbers; the model's have {math.prod(code)}"
        )
    if not np.isfinite(values).all():
        raise DataError(f"{path}: holds codes that are not numbers")
    return values.reshape(-1, *code), names or [f"{i:06d}" for i in range(len(values))]


def _write(output: Path, items: Any, names: list[str], model: Model) -> None:
    import numpy as np

    from isthmus.errors import DataError
    from isthmus.files import replacing
    from isthmus.media import images, tables

    if output.suffix == ".npz":
        with replacing(output) as temporary:
            np.savez_compressed(temporary, x=items, names=np.array(names))
    elif output.suffix in tables.SUFFIXES:
        flat = items.reshape(len(items), -1)
        columns = model.card.get("columns") or [f"value_{i}" for i in range(flat.shape[1])]
        tables.write(output, {"name": names, **{c: flat[:, i] for i, c in enumerate(columns)}})
    elif model.card["modality"] == "image":
        for name, item in zip(names, items, strict=True):
            # A name may come from anywhere: it stays inside the folder.
            safe = "_".join(
                part
                for part in Path(name.replace(":", "_")).with_suffix("").parts
                if part not in {"/", ".."}
            )
            images.write(output / f"{safe}.png", images.to_uint8(item))
    else:
        raise DataError(
            f"-o {output}: {model.card['modality']} items go to a .npz, .csv or .parquet file"
        )
