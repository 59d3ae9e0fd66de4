"""``isthmus encode``: files to codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isthmus.cli.common import Failures, check_output, force_option, json_option, result


@click.command(epilog="Example: isthmus encode runs/digits photos/ -o codes.parquet")
@click.argument("run")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT…")
@click.option(
    "-o", "--output", required=True, metavar="CODES.parquet|.npz", type=click.Path(path_type=Path)
)
@force_option
@json_option
def encode(run: str, inputs: tuple[str, ...], output: Path, force: bool, as_json: bool) -> None:
    """The codes of every item in INPUT: files, folders, or named data sets."""
    import numpy as np

    import isthmus
    from isthmus.datasets import read_items
    from isthmus.errors import DataError
    from isthmus.files import replacing

    suffix = check_output(output, (".parquet", ".csv", ".npz"))
    if output.exists() and not force:
        raise click.UsageError(f"-o {output}: exists; --force replaces it")
    model = isthmus.load(run)
    failures = Failures()
    codes: list[Any] = []
    names: list[str] = []
    for source in inputs:
        try:
            items, notes = read_items(source, model.card, model.recipe.data)
            codes.append(model.encode(items.values))
        except DataError as error:
            failures.add(source, error)
            continue
        for note in notes:
            failures.add(source, DataError(note))
        names += items.names or tuple(f"{Path(source).name}:{i}" for i in range(len(items)))
    if not codes:
        failures.exit()
    joined = np.concatenate(codes)
    if suffix == ".npz":
        with replacing(output) as temporary:
            np.savez_compressed(temporary, codes=joined, names=np.array(names))
    else:
        from isthmus.media import tables

        flat = joined.reshape(len(joined), -1)
        tables.write(
            output, {"name": names, **{f"code_{i}": flat[:, i] for i in range(flat.shape[1])}}
        )
    tree = {
        "output": str(output),
        "items": len(joined),
        "numbers": int(joined[0].size),
        "failed": failures.count,
    }
    result(tree, as_json, f"{len(joined):,} codes of {joined[0].size} numbers: {output}")
    failures.exit()
