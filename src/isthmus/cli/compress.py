"""``isthmus compress``: photographs to .isth files."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli.common import Failures, force_option, json_option, max_pixels_option, result

if TYPE_CHECKING:
    from isthmus.cli.batch import Job

_SUFFIX = ".isth"


@click.command(
    epilog="Example: isthmus compress holiday/ -o small/ --quality 80     "
    "isthmus compress night.png -o night.isth --size 100000 --compare night.html"
)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT…")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="A file for one input, a folder otherwise.",
)
@click.option(
    "--quality",
    type=click.FloatRange(1, 100),
    metavar="1..100",
    help="How good the picture is to be  [default: 75]",
)
@click.option(
    "--size",
    type=click.IntRange(1),
    metavar="BYTES",
    help="How large each file is to be (within 2%).",
)
@click.option(
    "--psnr",
    type=click.FloatRange(10, 99),
    metavar="DB",
    help="How near to the original, in dB (within 2%).",
)
@click.option("--lossless", is_flag=True, help="Keep every bit.")
@click.option(
    "--effort",
    type=click.IntRange(1, 2),
    default=1,
    show_default=True,
    help="2 takes up to four times as long for about 2% fewer bytes at equal PSNR.",
)
@click.option(
    "--compare",
    metavar="PAGE.html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a page: size against quality, and JPEG of the same size beside.",
)
@max_pixels_option
@force_option
@json_option
def compress(
    inputs: tuple[str, ...],
    output: Path,
    quality: float | None,
    size: int | None,
    psnr: float | None,
    lossless: bool,
    effort: int,
    compare: Path | None,
    max_pixels: int,
    force: bool,
    as_json: bool,
) -> None:
    """Make photographs small: files, folders (with their structure) or globs to .isth.

    Colour profile, EXIF, texts, 16 bits and transparency stay. Pictures are stored upright.
    Drawings are kept without loss where that is smaller. Finished files are skipped.
    """
    from isthmus.cli import batch
    from isthmus.media import photo

    if sum(wish is not None for wish in (quality, size, psnr)) + lossless > 1:
        raise click.UsageError("give one of --quality, --size, --psnr and --lossless")
    failures = Failures()
    jobs = batch.plan(inputs, output, photo.SUFFIXES, lambda p: p.stem + _SUFFIX, failures)
    for job in jobs:
        if job.output.suffix.lower() != _SUFFIX:
            raise click.UsageError(f"-o {job.output}: the name must end in {_SUFFIX}")
    wishes: dict[str, Any] = {
        "quality": quality,
        "size": size,
        "psnr": psnr,
        "lossless": lossless,
        "effort": effort,
    }
    work = _Compressor(wishes, max_pixels, compare is not None)
    tree = batch.run(jobs, work, failures, force, as_json)
    if compare is not None and work.shown:
        from isthmus.report import compare as page

        page.write(compare, "Compression", work.shown)
        tree["compare"] = str(compare)
    result(tree | work.totals(), as_json, batch.summary(tree) + work.summary())
    failures.exit()


class _Compressor:
    """Reads, codes and writes one photograph after the other."""

    def __init__(self, wishes: dict[str, Any], max_pixels: int, compares: bool) -> None:
        self.wishes = wishes
        self.max_pixels = max_pixels
        self.compares = compares
        self.shown: list[Any] = []
        self.before = self.after = 0

    def __call__(
        self, job: Job, temporary: Path, progress: Callable[[float], None]
    ) -> dict[str, Any]:
        from isthmus.codec import photos
        from isthmus.codec.errors import FormatError
        from isthmus.errors import DataError
        from isthmus.media import photo

        picture = photo.read(job.source, self.max_pixels)
        try:
            made = photos.pack(picture, **self.wishes, progress=progress)
        except FormatError as error:
            raise DataError(f"{job.source}: {error}") from None
        temporary.write_bytes(made.data)
        size, was = len(made.data), job.source.stat().st_size
        self.before, self.after = self.before + was, self.after + size
        height, width = picture.pixels.shape[:2]
        bits = 8 * size / (height * width)
        good = "without loss" if made.exact else f"{made.psnr:.1f} dB"
        if math.isinf(made.psnr) and not made.exact:
            good = "the same pixels"
        if self.compares:
            from isthmus.report import coding

            self.shown += coding.views(job.source.name, picture.pixels, made)
        notes = f"  ({'; '.join(made.notes)})" if made.notes else ""
        said: dict[str, Any] = {
            "bytes": size,
            "bits_per_pixel": round(bits, 4),
            "psnr": None if math.isinf(made.psnr) else round(made.psnr, 3),
            "lossless": made.exact,
            "text": f"{size:,} bytes, {bits:.2f} bits a pixel, {good}, {size / max(was, 1):.0%} of "
            f"{was:,}{notes}",
        }
        if made.notes:
            said["notes"] = list(made.notes)
        return said

    def totals(self) -> dict[str, Any]:
        return {"bytes_before": self.before, "bytes_after": self.after}

    def summary(self) -> str:
        if not self.before:
            return ""
        return f"; {self.before:,} bytes became {self.after:,} ({self.after / self.before:.0%})"
