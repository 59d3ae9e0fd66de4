"""``isthmus detect`` as a person uses it: tables in every state, and everything that can be wrong."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from tests.browser import needs_chromium, open_page
from tests.cli.test_verbs import isthmus
from tests.rows import FEW, payments

from isthmus.cli import cli
from isthmus.errors import IsthmusError


def detect(
    *arguments: str | Path, code: int = 0
) -> tuple[dict[str, Any], list[dict[str, Any]], str]:
    """(the result, a line for each table, stderr) of the verb within this process, few steps."""
    runner = CliRunner()
    few = () if "--model" in arguments else FEW
    done = runner.invoke(
        cli, ["detect", *few, *map(str, arguments), "--json"], standalone_mode=True
    )
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        if not isinstance(done.exception, IsthmusError):
            raise done.exception
        assert code
        return {}, [], str(done.exception)
    assert done.exit_code == code, done.output
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return (lines[-1] if lines else {}), lines[:-1], done.stderr


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "payments.csv"
    payments().write_csv(path)
    return path


def test_a_table_keeps_its_rows_and_columns_and_is_scored(table: Path, tmp_path: Path) -> None:
    before = table.read_bytes()
    out = tmp_path / "scored.csv"
    done = isthmus("detect", table, "-o", out, "--label", "fraud", "--alerts", "8", "--json", *FEW)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["alerts"] == 8
    assert lines[0]["auroc"] > 0.9
    assert lines[-1]["done"] == 1
    assert "only number the rows and were left out: id" in done.stderr
    assert table.read_bytes() == before
    old, new = pl.read_csv(table, infer_schema=False), pl.read_csv(out, infer_schema=False)
    assert new.select(old.columns).equals(old)
    assert new.columns[len(old.columns) :] == [
        "score",
        "p_value",
        "probability",
        "alert",
        "explanation",
    ]
    told = new.filter(pl.col("alert") == "true")
    assert len(told) == 8
    assert told["explanation"].str.contains("expected").all()
    assert new.filter(pl.col("alert") == "false")["explanation"].is_null().all()


def test_from_one_table_to_another_by_a_kept_detector(tmp_path: Path) -> None:
    payments(600, 0, seed=1).write_parquet(tmp_path / "june.parquet")
    payments(300, 6, seed=2).write_parquet(tmp_path / "july.parquet")
    first, lines, _ = detect(
        tmp_path / "july.parquet", "-o", tmp_path / "a.arrow", "--train", tmp_path / "june.parquet",
        "--save", tmp_path / "run", "--contamination", "0.05", "--explain", "0",
    )  # fmt: skip
    assert first["model"] == str(tmp_path / "run")
    assert lines[0]["training_rows"] == 600
    detect(
        tmp_path / "july.parquet", "-o", tmp_path / "b.arrow", "--model", tmp_path / "run",
        "--contamination", "0.05", "--explain", "0",
    )  # fmt: skip
    a, b = pl.read_ipc(tmp_path / "a.arrow"), pl.read_ipc(tmp_path / "b.arrow")
    assert a.equals(b)
    assert "explanation" not in a.columns
    top = a.sort("score", descending=True).head(6)
    assert top["fraud"].sum() >= 5
    assert a.filter("alert")["score"].min() > a.filter(~pl.col("alert"))["score"].max()


def test_a_folder_and_one_bad_table_stops_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    payments(60).write_csv(folder / "a.csv")
    payments(60).write_ndjson(folder / "deep/b.jsonl")
    (folder / "broken.parquet").write_bytes(b"PAR1 and no more")
    out = tmp_path / "out"
    tree, _, said = detect(folder, "-o", out, code=1)
    assert (tree["done"], tree["failed"]) == (2, 1)
    assert said.count("broken.parquet") == 1
    assert sorted(str(p.relative_to(out)) for p in out.rglob("*.*")) == ["a.csv", "deep/b.jsonl"]
    again, _, _ = detect(folder, "-o", out, code=1)
    assert again["skipped"] == 2


def test_alerts_of_each_day_and_costs(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.parquet"
    detect(table, "-o", out, "--alerts", "1/day")
    made = pl.read_parquet(out).filter("alert")
    days = made["when"].str.head(10)
    assert days.n_unique() == len(made) == payments()["when"].dt.date().n_unique()
    detect(table, "-o", out, "--force", "--cost", "1,amount", "--label", "fraud")
    made = pl.read_parquet(out)
    worth = made["probability"].cast(float) * made["amount"].cast(float) > 1 - made[
        "probability"
    ].cast(float)
    assert (worth == made["alert"]).mean() > 0.99
    _, _, said = detect(
        table, "-o", tmp_path / "p.csv", "--alerts", "1/day", "--time", "card", code=1
    )
    assert "the column 'card' holds no dates, such as" in said
    _, _, said = detect(table, "-o", tmp_path / "p.csv", "--cost", "1,amount", code=1)
    assert "--cost needs probabilities" in said


def test_the_past_of_keys_takes_part(tmp_path: Path) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        'name = "cards"\n[data]\nkind = "table"\npath = "t"\n'
        '[data.keys]\ncolumns = ["card"]\ntime = "when"\namount = "amount"\nwindows = ["1d"]\n'
        '[task]\nkind = "detect"\n'
    )
    payments(300, 0).write_parquet(tmp_path / "a.parquet")
    later = payments(200, 0, seed=4).with_columns(pl.col("when") + pl.duration(days=20))
    # One card pays for an hour, every ten seconds.
    storm = later.tail(60).with_columns(
        card=pl.lit("a"), when=later["when"].max() + pl.duration(seconds=10 * pl.int_range(60))
    )
    pl.concat([later, storm], how="vertical_relaxed").write_parquet(tmp_path / "b.parquet")
    detect(
        tmp_path / "b.parquet", "-o", tmp_path / "o.parquet", "--train", tmp_path / "a.parquet",
        "--recipe", recipe, "--alerts", "30", "--save", tmp_path / "run",
    )  # fmt: skip
    made = pl.read_parquet(tmp_path / "o.parquet")
    assert made.columns[: len(later.columns)] == later.columns
    assert "card_count_1d" not in made.columns
    alerts = made.with_row_index().filter("alert")
    assert (alerts["index"] >= 200).mean() > 0.9
    assert alerts["explanation"].str.contains("card_").mean() > 0.9  # type: ignore[operator]


def test_a_database_by_url(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    frame = payments(80).drop("when")
    with sqlite3.connect(tmp_path / "shop.db") as base:
        base.execute(f"create table payments ({', '.join(frame.columns)})")
        marks = ", ".join("?" * frame.width)
        base.executemany(f"insert into payments values ({marks})", frame.rows())
    base.close()
    url = f"sqlite:///{tmp_path / 'shop.db'}#payments"
    tree, _, _ = detect(url, "-o", tmp_path / "out")
    assert tree["done"] == 1
    assert len(pl.read_parquet(tmp_path / "out/payments.parquet")) == 80
    _, _, said = detect(
        "postgresql://ann:s3cret@127.0.0.1:9/base#t", "-o", tmp_path / "out1", code=1
    )
    assert "postgresql://ann@127.0.0.1:9/base" in said
    assert "s3cret" not in said
    _, _, said = detect(url.replace("#payments", "#nothing"), "-o", tmp_path / "out2", code=1)
    assert "has no table 'nothing'" in said


def _text(change: Callable[[str], str]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_text(change(payments(60).write_csv()), "utf-8")

    return make


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "empty": (lambda p: p.write_bytes(b"") and None, "is empty"),
    "header only": (_text(lambda t: t.splitlines()[0] + "\n"), "has no rows"),
    "one row": (_text(lambda t: "\n".join(t.splitlines()[:2])), "has one row"),
    "all constant": (
        lambda p: p.write_text("a,b\n" + "1,x\n" * 40) and None,
        "no column that varies",
    ),
    "duplicated names": (
        _text(lambda t: t.replace("id,when", "when,when", 1)),
        "two columns are called 'when'",
    ),
    "ragged": (_text(lambda t: t + "1,2\n,,,,,,,,,,,,,,,\n"), "cannot be read as a table"),
    "no text": (lambda p: p.write_bytes(b"\0\1\2") and None, "is not text"),
}


@pytest.mark.parametrize("case", BAD)
def test_tables_that_cannot_be_used_are_one_line(case: str, tmp_path: Path) -> None:
    make, said = BAD[case]
    path = tmp_path / "t.csv"
    make(path)
    _, _, told = detect(path, "-o", tmp_path / "o.csv", code=1)
    assert said in told
    assert "t.csv" in told
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]


GOOD: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], str]] = {
    "all missing column": (lambda t: t.with_columns(age=pl.lit(None, pl.String)), "have no values and were left out: age"),
    "inf and huge": (lambda t: t.with_columns(amount=pl.when(pl.int_range(pl.len()) == 5).then(float("inf")).when(pl.int_range(pl.len()) == 6).then(1e200).otherwise("amount")), ""),
    "text among numbers": (lambda t: t.with_columns(amount=pl.when(pl.int_range(pl.len()) == 5).then(pl.lit("n.a.?")).otherwise(pl.col("amount").cast(str))), "1 value of 'amount' is not a number: 'n.a.?'; counted as missing"),
    "a row number": (lambda t: t, "only number the rows and were left out: id"),
    "a label among the columns": (lambda t: t.rename({"fraud": "Class"}), "'Class' looks like a label"),
}  # fmt: skip


@pytest.mark.parametrize("case", GOOD)
def test_dirty_tables_are_used_and_what_was_dirty_is_said(case: str, tmp_path: Path) -> None:
    change, said = GOOD[case]
    path = tmp_path / "t.csv"
    change(payments(120)).write_csv(path)
    _, lines, told = detect(path, "-o", tmp_path / "o.parquet", "--alerts", "3")
    made = pl.read_parquet(tmp_path / "o.parquet")
    assert said in told
    assert made["score"].is_finite().all()
    assert lines[0]["rows"] == len(made) == 120
    if case == "inf and huge":
        assert made["alert"][5]
        assert made["alert"][6]


def test_new_tables_that_differ_from_the_training_table(tmp_path: Path) -> None:
    payments(120).drop("id").write_csv(tmp_path / "a.csv")
    made = payments(120, seed=3).drop("id")
    train = ("--train", tmp_path / "a.csv", "--explain", "2", "--alerts", "5", "--force")
    new, out = tmp_path / "b.csv", tmp_path / "o.parquet"
    made.drop("amount").write_csv(new)
    _, _, said = detect(new, "-o", out, *train, code=1)
    assert "b.csv: has no column 'amount', which the model was trained with" in said
    assert not out.exists()
    made.with_columns(amount=pl.lit("low")).write_csv(new)
    _, _, said = detect(new, "-o", out, *train, code=1)
    assert "was a number in training; here it holds 'low'" in said
    strange = pl.when(pl.int_range(pl.len()) == 7).then(pl.lit("ZZ")).otherwise("country")
    made.with_columns(country=strange, more=pl.lit(1)).write_csv(new)
    _, _, said = detect(new, "-o", out, *train)
    assert "columns that the model does not know: more" in said
    assert "1 value of 'country' was never seen in training: 'ZZ'" in said
    found = pl.read_parquet(out)
    assert "more" in found.columns
    # The same table in Windows' encoding, with semicolons and the columns turned round, scores the same.
    new.write_bytes(
        made.select(reversed(made.columns))
        .write_csv(separator=";")
        .replace("FR", "FÖ")
        .encode("cp1252")
    )
    _, _, said = detect(new, "-o", out, *train)
    assert "is not UTF-8 and was read as cp1252" in said


def test_labels_of_one_class_and_copies_of_the_label(tmp_path: Path) -> None:
    payments(120, 0).write_csv(tmp_path / "t.csv")
    _, _, said = detect(tmp_path / "t.csv", "-o", tmp_path / "o.csv", "--label", "fraud")
    assert "all labels in 'fraud' are good; no probability can be learnt" in said
    assert "probability" not in pl.read_csv(tmp_path / "o.csv").columns
    made = payments(120, 8).with_columns(
        state=pl.col("fraud").replace_strict({0: "fine", 1: "blocked"})
    )
    made.write_csv(tmp_path / "u.csv")
    _, _, said = detect(tmp_path / "u.csv", "-o", tmp_path / "o2.csv", "--label", "fraud")
    assert "the column 'state' repeats the label and was left out" in said
    _, _, said = detect(tmp_path / "u.csv", "-o", tmp_path / "o3.csv", "--label", "nothing", code=1)
    assert "has no column 'nothing'" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "o.xlsx"], "must end in"),
        (["-o", "o.csv", "--alerts", "many"], "--alerts is a whole number"),
        (["-o", "o.csv", "--alerts", "5", "--contamination", "0.1"], "give one of"),
        (["-o", "o.csv", "--cost", "5"], "--cost is FALSE_ALARM,MISS"),
        (["-o", "o.csv", "--set", "task.width=no"], "task.width"),
        (["-o", "o.csv", "--recipe", "digits"], "is no recipe for detection"),
    ],
)
def test_wrong_usage_is_2(arguments: list[str], said: str, table: Path, tmp_path: Path) -> None:
    arguments = [a.replace("o.", f"{tmp_path}/o.") for a in arguments]
    _, _, told = detect(table, *arguments, code=2)
    assert said in " ".join(told.split())


def test_an_existing_column_keeps_its_name(tmp_path: Path) -> None:
    payments(60).with_columns(score=pl.lit("mine")).write_csv(tmp_path / "t.csv")
    detect(tmp_path / "t.csv", "-o", tmp_path / "o.csv")
    made = pl.read_csv(tmp_path / "o.csv")
    assert made["score"].unique().to_list() == ["mine"]
    assert "isthmus_score" in made.columns


@needs_chromium
def test_the_report_in_a_browser(table: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    tree, _, _ = detect(
        table, "-o", tmp_path / "o.csv", "--label", "fraud", "--alerts", "8", "--report", page
    )
    assert tree["report"] == [str(page)]
    assert "http://" not in page.read_text("utf-8").replace("http://www.w3.org", "")
    dom, said = open_page(page, tmp_path / "profile")
    assert not said
    assert "8 alerts of 400 rows" in dom
    assert "Against the labels" in dom
    assert "average precision" in dom
    assert "<canvas" in dom
    assert dom.count("<details>") == 9
    assert "drift" in dom.lower()
