"""``isthmus denoise``: noise out of photographs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli.common import Failures, force_option, json_option, result

if TYPE_CHECKING:
    from isthmus.cli.batch import Job

_MODEL = "photo-denoise"
_LOSSY = {".gif": ".png", ".jp2": ".png", ".bmp": ".bmp"}


@click.command(
    epilog="Example: isthmus denoise holiday/ -o clean/     "
    "isthmus denoise night.jpg -o night.png --compare night.html"
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
    "--strength",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    help="How much of the noise goes; 0 leaves the picture as it is.",
)
@click.option(
    "--sigma",
    type=click.FloatRange(0, 255),
    help="Standard deviation of the noise, for pixels of 0..255  [default: seen in the picture]",
)
@click.option(
    "--compare",
    metavar="PAGE.html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a page that shows before and after.",
)
@click.option(
    "--quality",
    type=click.IntRange(1, 100),
    default=95,
    show_default=True,
    help="Of JPEG and WebP outputs.",
)
@click.option(
    "--max-pixels",
    type=click.IntRange(1),
    default=200_000_000,
    show_default=True,
    help="Refuse larger pictures.",
)
@click.option(
    "--model",
    default=_MODEL,
    show_default=True,
    metavar="NAME|RUN",
    help="A shipped model or a run of your own.",
)
@force_option
@json_option
def denoise(
    inputs: tuple[str, ...],
    output: Path,
    strength: float,
    sigma: float | None,
    compare: Path | None,
    quality: int,
    max_pixels: int,
    model: str,
    force: bool,
    as_json: bool,
) -> None:
    """Clean photographs: files, folders (with their structure) or globs.

    Depth, transparency, colour profile, EXIF and orientation stay as they are. A picture without
    noise comes back as it was. Finished files are skipped.
    """
    from isthmus.cli import batch
    from isthmus.media import photo

    failures = Failures()
    jobs = batch.plan(inputs, output, photo.SUFFIXES, _name, failures)
    for job in list(jobs):
        if job.output.suffix.lower() not in photo.WRITABLE:
            raise click.UsageError(
                f"-o {job.output}: the name must end in {', '.join(photo.WRITABLE)}"
            )
    clean = _Cleaner(model, strength, sigma, quality, max_pixels, compare is not None)
    tree = batch.run(jobs, clean, failures, force, as_json)
    if compare is not None and clean.shown:
        from isthmus.report import compare as page

        page.write(compare, "Noise reduction", clean.shown)
        tree["compare"] = str(compare)
    result(tree, as_json, batch.summary(tree))
    failures.exit()


def _name(path: Path) -> str:
    suffix = path.suffix.lower()
    return path.stem + _LOSSY.get(suffix, path.suffix)


class _Cleaner:
    """Reads, cleans and writes one photograph after the other with one model."""

    def __init__(
        self,
        model: str,
        strength: float,
        sigma: float | None,
        quality: int,
        max_pixels: int,
        compares: bool,
    ) -> None:
        self.name = model
        self.strength = strength
        self.sigma = sigma
        self.quality = quality
        self.max_pixels = max_pixels
        self.compares = compares
        self.model: Any = None
        self.shown: list[Any] = []

    def __call__(
        self, job: Job, temporary: Path, progress: Callable[[float], None]
    ) -> dict[str, Any]:
        from dataclasses import replace

        from isthmus import __version__
        from isthmus.media import photo

        picture = photo.read(job.source, self.max_pixels)
        if self.model is None:
            self.model = _load(self.name)
        already = photo.mark_of(picture)
        made = _clean(self.model, picture.pixels, self.sigma, self.strength, progress)
        mark = f"isthmus {__version__} denoise {self.name} strength={made.strength:.3g}"
        if self.compares:
            self._show(job, picture, made)
        finished = replace(
            picture,
            pixels=made.pixels,
            exif=photo.marked(picture, mark) if self.strength > 0 else picture.exif,
        )
        del picture
        photo.save(temporary, finished, self.quality)
        said: dict[str, Any] = {
            "noise": round(made.noise, 2),
            "strength": round(made.strength, 3),
            "text": f"noise {made.noise:.1f}" + _notes(finished.notes, already, made.strength),
        }
        if finished.notes:
            said["notes"] = list(finished.notes)
        return said

    def _show(self, job: Job, picture: Any, made: Any) -> None:
        from isthmus.media.photo import eight_bits
        from isthmus.report import compare as page

        self.shown.append(
            page.pair(
                job.source.name,
                eight_bits(picture.pixels),
                eight_bits(made.pixels),
                f"noise {made.noise:.1f} of 255, {made.strength:.0%} of it removed",
            )
        )


def _notes(notes: tuple[str, ...], already: str, strength: float) -> str:
    said = list(notes)
    if strength == 0:
        said.append("shows no noise, left as it is")
    if already:
        said.append(f"was processed before by {already}")
    return f"  ({'; '.join(said)})" if said else ""


def _load(name: str) -> Any:
    import isthmus
    from isthmus.errors import RunError

    model = isthmus.load(name)
    if model.recipe.task.kind != "denoise_photo":
        raise RunError(
            f"{name}: was trained for the task {model.recipe.task.kind!r}, not for photographs "
            "(isthmus recipes show photo-denoise)"
        )
    return model


def _clean(
    model: Any,
    pixels: Any,
    sigma: float | None,
    strength: float,
    progress: Callable[[float], None],
) -> Any:
    from isthmus.tasks.denoise_photo import clean
    from isthmus.training.engine import working

    with working():
        return clean(
            model.autoencoder,
            model.recipe.encoder,
            pixels,
            sigma,
            strength,
            progress=progress,
        )
