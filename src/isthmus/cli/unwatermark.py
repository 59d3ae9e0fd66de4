"""``isthmus unwatermark``: marks off pictures one has the right to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli import photos
from isthmus.cli.common import (
    Failures,
    compare_option,
    force_option,
    json_option,
    loaded,
    max_pixels_option,
    quality_option,
    result,
)

if TYPE_CHECKING:
    from isthmus.cli.batch import Job

_MODEL = "photo-unwatermark"


@click.command(
    epilog="Example: isthmus unwatermark mine.jpg -o mine-clean.jpg     "
    "isthmus unwatermark series/ -o clean/ --same-mark"
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
    "--mask",
    metavar="MASK",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A picture that is white where the mark is; nothing else is touched.",
)
@click.option(
    "--same-mark",
    is_flag=True,
    help="All inputs carry the same mark at the same place: found from what they share.",
)
@click.option(
    "--save-mask",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Also write where the mark was: a picture for one input or --same-mark, else a folder.",
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
@force_option
@json_option
def unwatermark(
    inputs: tuple[str, ...],
    output: Path,
    mask: Path | None,
    same_mark: bool,
    save_mask: Path | None,
    compare: Path | None,
    quality: int,
    max_pixels: int,
    model: str,
    force: bool,
    as_json: bool,
) -> None:
    """Take translucent marks off pictures that are yours, or that you may edit.

    What shines through a mark is computed back rather than painted over; outside of the mark not one
    bit changes, and a picture without a mark comes back as the file it was. Depth, transparency,
    colour profile and EXIF are kept. Finished files are skipped.
    """
    from isthmus.cli import batch
    from isthmus.media import photo

    if same_mark and mask is not None:
        raise click.UsageError("--mask and --same-mark: give one of them")
    failures = Failures()
    jobs = batch.plan(inputs, output, photo.SUFFIXES, photos.renamed, failures)
    photos.check_outputs(jobs)
    masks = _masks(save_mask, jobs, same_mark)
    work = _Worker(mask, masks, quality, max_pixels, compare is not None, model)
    if same_mark:
        work.share(jobs, failures)
        jobs = [job for job in jobs if job in work.sharing]
    tree = batch.run(jobs, work, failures, force, as_json)
    if same_mark and work.found is not None and save_mask is not None:
        _write_mask(save_mask, work.found.mask)
    photos.write_page(compare, "Marks taken off", work.shown, tree)
    tree["unmarked"] = work.unmarked
    text = batch.summary(tree)
    if work.unmarked:
        text += f"; no mark found on {work.unmarked}"
    result(tree, as_json, text)
    failures.exit()


def _masks(save: Path | None, jobs: list[Job], same: bool) -> dict[Job, Path]:
    """Where the mask of each job is written."""
    if save is None or same:
        if save is not None and save.suffix.lower() != ".png":
            raise click.UsageError(f"--save-mask {save}: the name must end in .png")
        return {}
    if len(jobs) == 1 and save.suffix:
        if save.suffix.lower() != ".png":
            raise click.UsageError(f"--save-mask {save}: the name must end in .png")
        return {jobs[0]: save}
    if save.is_file():
        raise click.UsageError(f"--save-mask {save}: is a file; for several inputs it is a folder")
    return {job: save / f"{job.output.stem}.mask.png" for job in jobs}


class _Worker:
    """Takes the mark off one picture after the other."""

    def __init__(
        self,
        mask: Path | None,
        masks: dict[Job, Path],
        quality: int,
        max_pixels: int,
        compares: bool,
        name: str,
    ) -> None:
        self.mask = mask
        self.masks = masks
        self.quality = quality
        self.max_pixels = max_pixels
        self.compares = compares
        self.name = name
        self.model: Any = None
        self.found: Any = None
        self.shares = False
        self.sharing: set[Job] = set()
        self.shown: list[Any] = []
        self.unmarked = 0

    def share(self, jobs: list[Job], failures: Failures) -> None:
        """Find the mark that all the pictures carry. Raises DataError if they differ in size."""
        from isthmus.marks import collection

        self.shares = True
        held = collection.read([job.source for job in jobs], self.max_pixels, failures.add)
        self.sharing = {job for job in jobs if job.source in held.paths}
        self.found = held.find()

    def __call__(
        self, job: Job, temporary: Path, progress: Callable[[float], None]
    ) -> dict[str, Any]:
        from dataclasses import replace
        from shutil import copyfile

        from isthmus import __version__
        from isthmus.media import photo

        picture = photo.read(job.source, self.max_pixels)
        made = self._removed(job, picture.pixels, progress)
        said: dict[str, Any] = {
            "confidence": made.confidence,
            "share": round(float(made.mask.mean()), 4),
            "opacity": made.opacity,
        }
        if self.compares:
            self._show(job, picture, made)
        if job in self.masks:
            _write_mask(self.masks[job], made.mask)
        if not made.mask.any():
            self.unmarked += 1
            if job.output.suffix.lower() == job.source.suffix.lower():
                copyfile(job.source, temporary)
            else:
                photo.save(temporary, picture, self.quality)
            return {**said, "found": False, "text": "no mark found, left as it was"}
        how = "same-mark" if self.shares else self.name
        mark = f"isthmus {__version__} unwatermark {how}"
        already = photo.mark_of(picture)
        photo.save(
            temporary,
            replace(picture, pixels=made.pixels, exif=photo.marked(picture, mark)),
            self.quality,
        )
        text = f"mark on {said['share']:.1%}, opacity {made.opacity:.2f}"
        if not self.shares:
            text += f", confidence {made.confidence:.2f}"
        if made.filled:
            text += f", {made.filled} pixels were opaque and filled from around"
        if picture.notes:
            said["notes"] = list(picture.notes)
        text += photos.remarks(picture.notes, already)
        return {**said, "found": True, "text": text}

    def _removed(self, job: Job, pixels: Any, progress: Callable[[float], None]) -> Any:
        import numpy as np

        from isthmus.marks.removal import Removed, by_mask, take_shared

        if self.shares:
            if self.found is None:
                return Removed(pixels, np.zeros(pixels.shape[:2], bool), 0.0)
            return take_shared(pixels, self.found)
        where = None if self.mask is None else _read_mask(self.mask, pixels.shape[:2], job.source)
        # A mask drawn along the mark's edges says it all: then no model is needed.
        known = None if where is None else by_mask(pixels, where)
        if known is not None:
            return known
        if self.model is None:
            self.model = loaded(self.name, "unwatermark", "marks", _MODEL)
        from isthmus.tasks.unwatermark import remove
        from isthmus.training.engine import working

        with working():
            return remove(
                self.model.autoencoder,
                self.model.recipe.encoder,
                pixels,
                where,
                progress=progress,
            )

    def _show(self, job: Job, picture: Any, made: Any) -> None:
        text = (
            f"mark on {made.mask.mean():.1%} of the picture, confidence {made.confidence:.2f}"
            if made.mask.any()
            else "no mark found"
        )
        self.shown.append(photos.before_after(job.source.name, picture.pixels, made.pixels, text))


def _read_mask(path: Path, shape: tuple[int, int], source: Path) -> Any:
    """Where a mask is white, (H, W) booleans. Raises DataError if it is of another size."""
    from isthmus.errors import DataError
    from isthmus.media import photo

    held = photo.read(path)
    if held.pixels.shape[:2] != shape:
        height, width = held.pixels.shape[:2]
        raise DataError(
            f"{source}: is {shape[1]} x {shape[0]} pixels, the mask {path} is {width} x {height}; "
            "they must be of one size"
        )
    values = held.pixels.max(2) > held.white / 2
    if held.alpha is not None:
        values &= held.alpha > held.white / 2
    if not values.any():
        raise DataError(f"{path}: is black all over; a mask is white where the mark is")
    return values


def _write_mask(path: Path, mask: Any) -> None:
    from isthmus.files import replacing
    from isthmus.media import photo

    with replacing(path) as temporary:
        photo.save(temporary, photo.Photo((mask[..., None] * 255).astype("uint8")))
