"""``isthmus detect``: the strange rows of tables, and why they are."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isthmus.cli.common import Failures, force_option, json_option, result, say

if TYPE_CHECKING:
    from isthmus.cli.batch import Job
    from isthmus.detection import Detector, Rule
    from isthmus.media.tables import Source
    from isthmus.recipe import Recipe


@click.command(
    epilog="Example: isthmus detect payments.parquet -o scored.parquet --alerts 100 --explain 3     "
    "isthmus detect july.csv -o july-scored.csv --train june.csv --label fraud --report july.html"
)
@click.argument("inputs", nargs=-1, required=True, metavar="TABLE…")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="A file for one table (its suffix says the format), a folder otherwise.",
)
@click.option(
    "--train",
    "train_on",
    metavar="TABLE",
    help="Learn from this table, and take its rows as normal.",
)
@click.option(
    "--model", metavar="RUN", type=click.Path(path_type=Path), help="Use a saved detector."
)
@click.option(
    "--save",
    metavar="RUN",
    type=click.Path(path_type=Path),
    help="Keep the detector in this folder.",
)
@click.option(
    "--label",
    metavar="COLUMN",
    help="A column that says which rows are bad: learnt from, never looked at when judging.",
)
@click.option("--alerts", metavar="N|N/day", help="So many alerts in all, or on each day.")
@click.option(
    "--contamination",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="P",
    help="Alert rows as strange as this share of the training rows  [default: 0.01]",
)
@click.option(
    "--cost",
    metavar="ALARM,MISS",
    help="Costs of a false alarm and of a miss (a number or a column); needs --label.",
)
@click.option(
    "--explain",
    "most",
    type=click.IntRange(0, 20),
    default=3,
    show_default=True,
    metavar="K",
    help="Columns that explain each alert.",
)
@click.option(
    "--report",
    metavar="PAGE.html",
    type=click.Path(path_type=Path),
    help="Also write a page: scores, alerts, figures, drift (a folder for several tables).",
)
@click.option("--recipe", metavar="RECIPE", help="A recipe for detection: columns, keys, networks.")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a setting of the recipe; may be repeated.",
)
@click.option("--time", metavar="COLUMN", help="The column that says the day, for --alerts N/day.")
@force_option
@json_option
def detect(
    inputs: tuple[str, ...], output: Path, train_on: str | None, model: Path | None, save: Path | None,
    label: str | None, alerts: str | None, contamination: float | None, cost: str | None, most: int,
    report: Path | None, recipe: str | None, assignments: tuple[str, ...], time: str | None,
    force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Rank the rows of tables by how badly autoencoders can rebuild them, and say why.

    CSV, Parquet, Arrow, JSON lines, or sqlite:///FILE#TABLE and postgresql://…#TABLE. Columns are
    taken as they are: numbers, words, dates, gaps. Without --train and --model each table is judged
    by itself and may hold what is looked for. The output has all rows and columns, and score,
    p_value, alert and explanation beside them.
    """
    from isthmus.detection.thresholds import Rule

    try:
        rule = Rule.parse(alerts, contamination, cost)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if model is not None and (train_on or recipe or assignments or save):
        raise click.UsageError(
            "--model is trained already: leave out --train, --recipe, --set and --save"
        )
    from isthmus.cli import batch

    # Polars reads several row groups ahead; judging is a thousand times slower than reading.
    os.environ.setdefault("POLARS_ROW_GROUP_PREFETCH_SIZE", "1")
    failures = Failures()
    with tempfile.TemporaryDirectory(prefix="isthmus-") as folder:
        jobs, sources = _jobs(inputs, output, Path(folder), failures)
        if save is not None and train_on is None and len(jobs) > 1:
            raise click.UsageError(
                "--save keeps one detector; several tables have one each: give --train"
            )
        chosen = _recipe(recipe, assignments, label)
        judge = _Judge(
            chosen, model, train_on, save, label, rule, most, report, len(jobs), time, sources
        )
        tree = batch.run(jobs, judge, failures, force, as_json)
    if report is not None and judge.pages:
        tree["report"] = [str(p) for p in judge.pages]
    if save is not None and judge.saved:
        tree["model"] = str(save)
    result(tree, as_json, batch.summary(tree))
    failures.exit()


def _jobs(
    inputs: tuple[str, ...], output: Path, folder: Path, failures: Failures
) -> tuple[list[Job], dict[Path, Source]]:
    """What is to be made, and the tables of databases, which are copied to read them twice alike."""
    from isthmus.cli import batch
    from isthmus.errors import IsthmusError
    from isthmus.media import tables
    from isthmus.media.tables.sources import TEXT

    sources: dict[Path, Source] = {}
    files = []
    for text in inputs:
        if not tables.is_url(text):
            files.append(text)
            continue
        try:
            found = tables.spooled(tables.source(text), folder / str(len(sources)))
        except IsthmusError as error:
            failures.add(tables.public(text), error)
            continue
        place = folder / str(len(sources)) / f"{found.stem}.parquet"
        sources[place] = found
        files.append(str(place))
    if not files:
        failures.exit()
    rename = lambda p: p.stem + (p.suffix if p.suffix.lower() in tables.SUFFIXES else ".csv")  # noqa: E731
    jobs = batch.plan(files, output, (*tables.SUFFIXES, *TEXT), rename, failures)
    for job in jobs:
        if job.output.suffix.lower() not in tables.SUFFIXES:
            raise click.UsageError(
                f"-o {job.output}: the name must end in {', '.join(tables.SUFFIXES)}"
            )
    return jobs, sources


def _recipe(name: str | None, assignments: tuple[str, ...], label: str | None) -> Recipe:
    from isthmus.errors import RecipeError
    from isthmus.recipe import Detect, Named, Recipe, Table

    made = Recipe(name="detect", data=Table(path="table"), task=Detect())
    if name is not None:
        made = Recipe.load(name)
        if isinstance(made.data, Named):
            made = made.replace(data=Table(path="table"))
    if not isinstance(made.task, Detect) or not isinstance(made.data, Table):
        raise RecipeError(
            f"{made.name}: is no recipe for detection (data.kind = table, task.kind = detect)"
        )
    made = made.set(*assignments)
    if label is not None:
        made = made.set(f"data.label={label}")
    return made


class _Judge:
    """Trains where it must, scores, writes, and reports; one table after the other."""

    def __init__(
        self, recipe: Recipe, model: Path | None, train_on: str | None, save: Path | None,
        label: str | None, rule: Rule, most: int, report: Path | None, tables: int, time: str | None,
        sources: dict[Path, Source],
    ) -> None:  # fmt: skip
        self.recipe = recipe
        self.model = model
        self.train_on = train_on
        self.save = save
        self.label = label
        self.rule = rule
        self.most = most
        self.report = report
        self.tables = tables
        self.time = time
        self.sources = sources
        self.detector: Detector | None = None
        self.before: Source | None = None
        self.pages: list[Path] = []
        self.saved = False
        self.told: set[str] = set()

    def __call__(
        self, job: Job, temporary: Path, progress: Callable[[float], None]
    ) -> dict[str, Any]:
        from isthmus.detection import work
        from isthmus.media import tables

        source = self.sources.get(job.source) or tables.source(job.source)
        detector, recipe = self._detector(source, progress)
        self._say(detector.facts.get("notes", []))
        done = 0.0 if self.model or self.train_on else 0.3
        rows = detector.facts.get("table_rows")
        scored = work.score(
            detector, recipe, source, self.rule, self.before, self.time,
            lambda share: progress(done + (0.9 - done) * share), rows,
        )  # fmt: skip
        self._say(scored.notes)
        kept = work.write(detector, recipe, source, scored, temporary, self.most, self.before)
        said: dict[str, Any] = {
            "rows": len(scored.score),
            "alerts": scored.alerts,
            "training_rows": int(detector.schema.rows),
            "notes": [*detector.facts.get("notes", []), *scored.notes],
        }
        if scored.labels is not None:
            from isthmus.detection import figures

            # Probabilities of rows whose labels were learnt from would flatter themselves.
            own = detector.facts.get("table") == source.name
            judged = scored.score if own else scored.ranking
            said |= {
                n: round(v, 4) for n, v in figures.ranking(scored.labels[:], judged[:]).items()
            }
        if self.report is not None:
            self.pages.append(self._page(job, detector, recipe, source, scored, kept))
        said["text"] = f"{_counted(scored.alerts, 'alert')} of {_counted(said['rows'], 'row')}"
        if "auroc" in said:
            said["text"] += (
                f", AUROC {said['auroc']:.3f}, average precision {said['average_precision']:.3f}"
            )
        return said

    def _detector(
        self, source: Source, progress: Callable[[float], None]
    ) -> tuple[Detector, Recipe]:
        from isthmus.detection import load, save, work
        from isthmus.media import tables

        if self.detector is not None:
            return self.detector, self.recipe
        if self.model is not None:
            self.detector, recipe = load(self.model)
            # Which column holds labels is the table's business, not the model's.
            self.recipe = recipe if self.label is None else recipe.set(f"data.label={self.label}")
            return self.detector, self.recipe
        told = lambda step, loss: progress(0.3 * step / self._steps)  # noqa: E731
        mixed = self.recipe.task.training_rows != "clean"  # type: ignore[union-attr]
        table = source
        if self.train_on is not None:
            table = tables.source(self.train_on)
            mixed = self.recipe.task.training_rows == "mixed"  # type: ignore[union-attr]
            if table.name == source.name and self.recipe.task.training_rows == "auto":  # type: ignore[union-attr]
                mixed = True
        detector = work.train(table, self.recipe, mixed, told)
        if self.train_on is not None:
            self.detector = detector
            if self.recipe.data.keys.columns and table.name != source.name:  # type: ignore[union-attr]
                self.before = table
        if self.save is not None:
            save(self.save, detector, self.recipe)
            self.saved = True
        return detector, self.recipe

    @property
    def _steps(self) -> int:
        steps: int = self.recipe.task.steps  # type: ignore[union-attr]
        return steps

    def _page(
        self, job: Job, detector: Detector, recipe: Recipe, source: Source, scored: Any, kept: Any
    ) -> Path:
        from isthmus.report import detection as page

        assert self.report is not None
        place = self.report
        if self.tables > 1 or not place.suffix:
            place = place / f"{job.output.stem}.html"
        page.write(place, source, detector, recipe, scored, kept, self.rule, self.before)
        return place

    def _say(self, notes: Any) -> None:
        """Each note once, however many tables it holds for."""
        for note in notes:
            if note not in self.told:
                self.told.add(note)
                say(f"note: {note}")


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
