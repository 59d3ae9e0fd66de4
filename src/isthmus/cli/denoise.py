"""``isthmus denoise``: noise out of photographs and out of sound, told apart by what they hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli import photos
from isthmus.cli.common import (
    Failures,
    check_output,
    compare_option,
    force_option,
    json_option,
    loaded,
    max_pixels_option,
    quality_option,
    result,
)
from isthmus.cli.denoise_sound import MODEL as SOUND_MODEL

if TYPE_CHECKING:
    from isthmus.cli.batch import Job

_MODEL, _GRAY_MODEL, _GRAIN_MODEL = "photo-denoise", "photo-denoise-gray", "photo-denoise-grain"


@click.command(
    epilog="Example: isthmus denoise holiday/ -o clean/     "
    "isthmus denoise night.jpg -o night.png --compare night.html     "
    "isthmus denoise talk.wav -o clean.wav     isthmus denoise --live"
)
@click.argument("inputs", nargs=-1, metavar="INPUT…")
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="A file for one input, a folder otherwise.",
)
@click.option(
    "--strength",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    help="How much of the noise goes; 0 leaves the input as it is.",
)
@click.option(
    "--sigma",
    type=click.FloatRange(0, 255),
    help="Photos: standard deviation of the noise, for pixels of 0..255  [default: seen in the picture]",
)
@click.option(
    "--best",
    is_flag=True,
    help="Photos: the mean of looks from eight sides, a little cleaner in eight times the time.",
)
@click.option(
    "--attenuation-limit",
    "limit",
    type=click.FloatRange(0, 200),
    metavar="DB",
    help="Sound: lower nothing by more than this  [default: no limit]",
)
@click.option("--noise-only", is_flag=True, help="Sound: write what is taken away instead.")
@click.option("--live", is_flag=True, help="Sound: from the microphone to the loudspeaker.")
@compare_option
@quality_option
@max_pixels_option
@click.option(
    "--model",
    metavar="NAME|RUN",
    help=f"A shipped model or a run of your own  [default: {_MODEL}, "
    f"{_GRAY_MODEL} and {_GRAIN_MODEL} for what has no colour, {SOUND_MODEL}]",
)
@force_option
@json_option
def denoise(
    inputs: tuple[str, ...],
    output: Path | None,
    strength: float,
    sigma: float | None,
    best: bool,
    limit: float | None,
    noise_only: bool,
    live: bool,
    compare: Path | None,
    quality: int,
    max_pixels: int,
    model: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Clean photographs and recordings: files, folders (with their structure) or globs.

    Photographs keep depth, transparency, colour profile, EXIF and orientation; one without noise
    comes back as it was. Recordings keep rate, channels, length, sample format and tags; what is
    not speech goes. Finished files are skipped.
    """
    from isthmus.cli import batch, denoise_sound
    from isthmus.media import photo, sound

    if live:
        if inputs or output is not None or compare is not None:
            raise click.UsageError("--live takes no inputs and writes no files")
        denoise_sound.live(model or SOUND_MODEL, strength, limit, noise_only)
        return
    if not inputs or output is None:
        raise click.UsageError("give an INPUT and -o OUT, or --live")
    failures = Failures()
    jobs = batch.plan(inputs, output, (*photo.SUFFIXES, *sound.SUFFIXES), photos.renamed, failures)
    heard = {job for job in jobs if sound.is_sound(job.source)}
    for job in jobs:
        check_output(job.output, sound.WRITABLE if job in heard else photo.WRITABLE)
    if compare is not None and heard and len(heard) < len(jobs):
        raise click.UsageError("--compare: give photos and sound a page each")
    compares = compare is not None
    clean = _Cleaner(model, strength, sigma, best, quality, max_pixels, compares)
    hush = denoise_sound.SoundCleaner(model or SOUND_MODEL, strength, limit, noise_only, compares)
    tree = batch.run(
        jobs,
        lambda job, temporary, progress: (hush if job in heard else clean)(
            job, temporary, progress
        ),
        failures,
        force,
        as_json,
    )
    photos.write_page(compare, "Noise reduction", clean.shown, tree)
    if compare is not None and hush.shown:
        from isthmus.report import listen

        listen.write(compare, "Noise reduction", hush.shown)
        tree["compare"] = str(compare)
    result(tree, as_json, batch.summary(tree))
    failures.exit()


class _Cleaner:
    """Reads, cleans and writes one photograph after the other, with one model or by their colour."""

    def __init__(
        self,
        model: str | None,
        strength: float,
        sigma: float | None,
        best: bool,
        quality: int,
        max_pixels: int,
        compares: bool,
    ) -> None:
        self.name = model
        self.strength = strength
        self.sigma = sigma
        self.best = best
        self.quality = quality
        self.max_pixels = max_pixels
        self.compares = compares
        self.models: dict[str, Any] = {}
        self.shown: list[Any] = []

    def __call__(
        self, job: Job, temporary: Path, progress: Callable[[float], None]
    ) -> dict[str, Any]:
        from dataclasses import replace

        from isthmus import __version__
        from isthmus.media import photo

        picture = photo.read(job.source, self.max_pixels)
        gray = photo.is_gray(picture.pixels)
        already = photo.mark_of(picture)
        channels = picture.pixels.shape[2]
        seen = picture.pixels[..., :1] if gray else picture.pixels
        name = self.name or (self._for_gray(seen) if gray else _MODEL)
        made = _clean(self._model(name), seen, self.sigma, self.strength, self.best, progress)
        if seen.shape[2] < channels:
            made = replace(made, pixels=made.pixels.repeat(channels, 2))
        mark = f"isthmus {__version__} denoise {name} strength={made.strength:.3g}"
        if self.compares:
            self._show(job, picture, made)
        finished = replace(
            picture,
            pixels=made.pixels,
            exif=photo.marked(picture, mark) if self.strength > 0 else picture.exif,
        )
        # The picture as it was is a third of the memory of writing a large one.
        del picture, seen
        photo.save(temporary, finished, self.quality)
        kept = [] if made.strength > 0 else ["shows no noise, left as it is"]
        said: dict[str, Any] = {
            "noise": round(made.noise, 2),
            "strength": round(made.strength, 3),
            "text": f"noise {made.noise:.1f}" + photos.remarks((*finished.notes, *kept), already),
        }
        if finished.notes:
            said["notes"] = list(finished.notes)
        return said

    def _model(self, name: str) -> Any:
        if name not in self.models:
            self.models[name] = loaded(name, "denoise_photo", "photographs", _MODEL)
        return self.models[name]

    def _for_gray(self, pixels: Any) -> str:
        """What suits a picture without colour: noise that is told or Gaussian, or any other."""
        from isthmus.tasks import even_noise

        known = self.sigma is not None
        if known or even_noise.sees(self._model(_GRAY_MODEL).autoencoder, pixels):
            return _GRAY_MODEL
        return _GRAIN_MODEL

    def _show(self, job: Job, picture: Any, made: Any) -> None:
        text = f"noise {made.noise:.1f} of 255, {made.strength:.0%} of it removed"
        self.shown.append(photos.before_after(job.source.name, picture.pixels, made.pixels, text))


def _clean(
    model: Any,
    pixels: Any,
    sigma: float | None,
    strength: float,
    best: bool,
    progress: Callable[[float], None],
) -> Any:
    from isthmus.tasks.denoise_photo import clean
    from isthmus.training.engine import halved, working

    with working(), halved():
        return clean(
            model.autoencoder,
            model.recipe.encoder,
            pixels,
            sigma,
            strength,
            best,
            progress=progress,
        )
