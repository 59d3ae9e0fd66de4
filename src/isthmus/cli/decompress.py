"""``isthmus decompress``: .isth files to pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli.common import Failures, force_option, json_option, max_pixels_option, result, say

if TYPE_CHECKING:
    from isthmus.cli.batch import Job


@click.command(
    epilog="Example: isthmus decompress small/ -o pictures/     "
    "isthmus decompress night.isth -o night.png"
)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT…")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="A file for one input (its suffix says the format), a folder of PNGs otherwise.",
)
@click.option(
    "--jpeg-quality",
    type=click.IntRange(1, 100),
    default=95,
    show_default=True,
    help="Of JPEG, WebP and AVIF outputs.",
)
@max_pixels_option
@force_option
@json_option
def decompress(
    inputs: tuple[str, ...],
    output: Path,
    jpeg_quality: int,
    max_pixels: int,
    force: bool,
    as_json: bool,
) -> None:
    """Open .isth files: the same pixels on every machine.

    What of a file is damaged becomes gray and is named (exit 1); the rest is there.
    """
    from isthmus.cli import batch
    from isthmus.media import photo

    failures = Failures()
    jobs = batch.plan(inputs, output, (".isth",), lambda p: p.stem + ".png", failures)
    for job in jobs:
        if job.output.suffix.lower() not in photo.WRITABLE:
            raise click.UsageError(
                f"-o {job.output}: the name must end in {', '.join(photo.WRITABLE)}"
            )
    work = _Opener(jpeg_quality, max_pixels)
    tree = batch.run(jobs, work, failures, force, as_json)
    tree["damaged"] = work.damaged
    result(tree, as_json, batch.summary(tree))
    failures.exit()
    if work.damaged:
        raise click.exceptions.Exit(1)


class _Opener:
    """Reads one file after the other and writes pictures."""

    def __init__(self, quality: int, max_pixels: int) -> None:
        self.quality = quality
        self.max_pixels = max_pixels
        self.damaged = 0

    def __call__(
        self, job: Job, temporary: Path, progress: Callable[[float], None]
    ) -> dict[str, Any]:
        from isthmus.codec import photos
        from isthmus.media import photo

        made, damaged = photos.read(job.source, self.max_pixels, progress)
        photo.save(temporary, made, self.quality)
        height, width, channels = made.pixels.shape
        kind = "gray" if channels == 1 else "colour"
        for what in damaged:
            say(f"isthmus: {job.source}: {what}; it is gray in {job.output}")
        self.damaged += bool(damaged)
        return {
            "width": width,
            "height": height,
            "damaged": list(damaged),
            "text": f"{width} x {height}, {kind}, {made.depth} bits"
            + (f"  ({len(damaged)} damaged)" if damaged else ""),
        }
