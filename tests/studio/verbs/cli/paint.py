"""A verb with every kind of option: hints become squares of their colour, what a mask covers becomes white."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isthmus.cli.common import Failures, force_option, json_option, max_pixels_option, result


@click.command()
@click.argument("inputs", nargs=-1, required=True)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.option("--hint", "hints", multiple=True, metavar="X,Y,#RRGGBB", help="A colour at a place.")
@click.option(
    "--side", type=click.IntRange(1, 64), default=8, show_default=True, help="Of squares."
)
@click.option(
    "--reference", type=click.Path(path_type=Path), help="A picture, of which the mean is said."
)
@click.option("--mask", type=click.Path(path_type=Path), help="White where it is to be white.")
@click.option("--same-mark", is_flag=True, help="All pictures at once.")
@click.option("--save-mask", type=click.Path(path_type=Path), help="Where the mask goes.")
@max_pixels_option
@force_option
@json_option
def paint(
    inputs: tuple[str, ...], output: Path, hints: tuple[str, ...], side: int, reference: Path | None,
    mask: Path | None, same_mark: bool, save_mask: Path | None, max_pixels: int, force: bool, as_json: bool,
) -> None:  # fmt: skip
    import numpy as np

    from isthmus.cli import batch
    from isthmus.errors import DataError
    from isthmus.media import photo

    failures = Failures()
    jobs = batch.plan(inputs, output, photo.SUFFIXES, lambda p: f"{p.stem}.png", failures)

    def work(job: Any, temporary: Path, progress: Any) -> dict[str, Any]:
        picture = photo.read(job.source, max_pixels)
        pixels = picture.pixels.copy()
        height, width = pixels.shape[:2]
        progress(0.5)
        for text in hints:
            x, y, colour = text.split(",")
            if not (int(x) < width and int(y) < height):
                raise DataError(
                    f"{job.source}: the hint {text} lies outside its {width} x {height}"
                )
            value = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
            pixels[int(y) : int(y) + side, int(x) : int(x) + side] = value
        covered = np.zeros((height, width), bool)
        if mask is not None:
            held = photo.read(mask).pixels[..., 0]
            if held.shape != (height, width):
                raise DataError(f"{mask}: is not as large as {job.source}")
            covered = held > 127
            pixels[covered] = 255
        if save_mask is not None:
            place = save_mask / f"{job.source.stem}.png" if save_mask.is_dir() else save_mask
            photo.save(place, photo.Photo((255 * covered).astype(np.uint8)[..., None]))
        photo.save(temporary, photo.Photo(pixels))
        said = {"covered": int(covered.sum()), "together": len(jobs), "text": f"{len(hints)} hints"}
        if reference is not None:
            said["mean"] = round(float(photo.read(reference).pixels.mean()), 2)
        return said

    tree = batch.run(jobs, work, failures, force, as_json)
    result(tree, as_json, "done")
    failures.exit()
