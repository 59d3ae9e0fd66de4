"""``isthmus colorize``: colour for black-and-white photographs, by itself or as a person says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli import photos
from isthmus.cli.common import (
    Failures,
    compare_option,
    json_option,
    loaded,
    max_pixels_option,
    quality_option,
    result,
)

if TYPE_CHECKING:
    from isthmus.cli.batch import Job

_MODEL = "photo-colorize"


@click.command(
    epilog="Example: isthmus colorize album/ -o coloured/     "
    "isthmus colorize aunt.png -o aunt.jpg --hint 210,340,#7A1F2B --hint 60,40,#808080     "
    "isthmus colorize street.jpg -o out.jpg --reference postcard.jpg --variants 4"
)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT…")
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    required=True,
    type=click.Path(path_type=Path),
    help="A file for one input, a folder otherwise.",
)
@click.option(
    "--hint",
    "hints",
    multiple=True,
    metavar="X,Y,#RRGGBB",
    help="The colour of the thing at column X, row Y (from 0, top left); may be grey. Any number.",
)
@click.option(
    "--reference",
    metavar="PHOTO",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Take the palette of another photograph.",
)
@click.option(
    "--saturation",
    type=click.FloatRange(0, 4),
    default=1.0,
    show_default=True,
    help="How vivid; 0 is black and white. Hints stay as they are.",
)
@click.option(
    "--variants",
    type=click.IntRange(1, 32),
    default=1,
    show_default=True,
    help="Write so many plausible versions: OUT, and OUT.2, OUT.3, … beside it.",
)
@compare_option
@quality_option
@max_pixels_option
@click.option(
    "--model",
    metavar="NAME|RUN",
    default=_MODEL,
    show_default=True,
    help="A shipped model or a run of your own.",
)
@click.option(
    "--force", is_flag=True, help="Replace what exists, and colour anew what is in colour already."
)
@json_option
def colorize(
    inputs: tuple[str, ...],
    output: Path,
    hints: tuple[str, ...],
    reference: Path | None,
    saturation: float,
    variants: int,
    compare: Path | None,
    quality: int,
    max_pixels: int,
    model: str,
    force: bool,
    as_json: bool,
) -> None:
    """Colour black-and-white photographs: files, folders (with their structure) or globs.

    Lightness stays as it was, and so do size, depth, transparency and EXIF. Sepia prints become
    neutral and are coloured; photographs in colour are refused unless --force. The colours are
    plausible, not true: nobody can see in a grey picture which dress was red. Say it by --hint.
    """
    from isthmus.cli import batch
    from isthmus.media import photo

    failures = Failures()
    jobs = batch.plan(inputs, output, photo.SUFFIXES, _name, failures)
    photos.check_outputs(jobs)
    for job in jobs:
        if job.output.suffix.lower() == ".pgm":
            raise click.UsageError(f"-o {job.output}: a .pgm file holds no colours; take .png")
    if hints and len(jobs) > 1:
        raise click.UsageError(
            f"--hint: is a place in one photograph; {len(jobs)} photographs were given"
        )
    work = _Colorizer(
        model, _parsed(hints), reference, saturation, variants, quality, max_pixels, force,
        compare is not None,
    )  # fmt: skip
    tree = batch.run(jobs, work, failures, force, as_json)
    photos.write_page(compare, "Colour", work.shown, tree)
    result(tree, as_json, batch.summary(tree))
    failures.exit()


def _name(path: Path) -> str:
    # A .pgm file holds no colours.
    return f"{path.stem}.png" if path.suffix.lower() == ".pgm" else photos.renamed(path)


def _parsed(texts: tuple[str, ...]) -> list[Any]:
    if not texts:
        return []
    from isthmus.errors import DataError
    from isthmus.tasks.hints import Hint

    try:
        return [Hint.parse(text) for text in texts]
    except DataError as error:
        raise click.UsageError(f"--hint: {error}") from None


class _Colorizer:
    """Reads, colours and writes one photograph after the other with one model."""

    def __init__(
        self,
        model: str,
        hints: list[Any],
        reference: Path | None,
        saturation: float,
        variants: int,
        quality: int,
        max_pixels: int,
        anew: bool,
        compares: bool,
    ) -> None:
        self.name = model
        self.hints = hints
        self.reference = reference
        self.saturation = saturation
        self.variants = variants
        self.quality = quality
        self.max_pixels = max_pixels
        self.anew = anew
        self.compares = compares
        self.model: Any = None
        self.palette: Any = None
        self.shown: list[Any] = []

    def __call__(
        self, job: Job, temporary: Path, progress: Callable[[float], None]
    ) -> dict[str, Any]:
        from isthmus.errors import DataError
        from isthmus.files import replacing
        from isthmus.media import photo
        from isthmus.tasks import joining
        from isthmus.tasks.hints import checked

        picture = photo.read(job.source, self.max_pixels)
        checked(self.hints, *picture.pixels.shape[:2])
        if not self.anew and joining.is_colored(picture.pixels):
            raise DataError(
                f"{job.source}: is in colour already; --force colours it anew from its lightness"
            )
        if self.model is None:
            self.model = loaded(self.name, "colorize", "colour", _MODEL)
        if self.reference is not None and self.palette is None:
            self.palette = _palette(self.reference, self.max_pixels)
        more = []
        for number in reversed(range(self.variants)):
            made = self._made(picture, number, progress)
            if self.compares:
                self._show(job, picture, made, number)
            if number:
                place = variant_of(job.output, number + 1)
                with replacing(place) as other:
                    photo.save(other, made, self.quality)
                more.append(str(place))
            else:
                photo.save(temporary, made, self.quality)
        said: dict[str, Any] = {
            "hints": len(self.hints),
            "text": "coloured" + photos.remarks(made.notes, photo.mark_of(picture)),
        }
        if more:
            said["variants"] = more[::-1]
        if made.notes:
            said["notes"] = list(made.notes)
        return said

    def _made(self, picture: Any, number: int, progress: Callable[[float], None]) -> Any:
        from dataclasses import replace

        from isthmus import __version__
        from isthmus.media import photo
        from isthmus.tasks.coloring import colorized
        from isthmus.training.engine import working

        with working():
            pixels = colorized(
                self.model.autoencoder,
                self.model.recipe.encoder,
                picture.pixels,
                self.hints,
                self.saturation,
                self.palette,
                number,
                lambda share: progress((self.variants - 1 - number + share) / self.variants),
            )
        mark = f"isthmus {__version__} colorize {self.name}"
        mark += f" hints={len(self.hints)}" if self.hints else ""
        mark += f" variant={number + 1}" if number else ""
        notes, icc = picture.notes, picture.icc
        if icc and picture.pixels.shape[2] == 1:
            # A profile for grey says nothing of colours.
            notes, icc = (*notes, "its gray colour profile was left out"), b""
        return replace(
            picture, pixels=pixels, exif=photo.marked(picture, mark), icc=icc, notes=notes
        )

    def _show(self, job: Job, picture: Any, made: Any, number: int) -> None:
        before = picture.pixels
        if before.shape[2] == 1:
            before = before.repeat(3, 2)
        name = job.source.name + (f", version {number + 1}" if number else "")
        said = f"{len(self.hints)} hints" if self.hints else "no hints"
        self.shown.append(photos.before_after(name, before, made.pixels, said))


def variant_of(output: Path, number: int) -> Path:
    """Where version ``number`` (2, 3, …) of an output lies."""
    return output.with_name(f"{output.stem}.{number}{output.suffix}")


def _palette(path: Path, max_pixels: int) -> Any:
    from isthmus.errors import DataError
    from isthmus.media import photo

    pixels = photo.read(path, max_pixels).pixels
    if pixels.shape[2] == 1:
        raise DataError(f"--reference {path}: is black and white and has no palette")
    return pixels
