"""Tables as people have them: every format there and back, columns as they are, and what can be wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rows import payments

from isthmus.errors import DataError
from isthmus.media import tables
from isthmus.media.tables import history
from isthmus.media.tables.values import as_numbers, as_times


def _schema(frame: pl.DataFrame, **more: Any) -> tables.Schema:
    return tables.infer(frame, "t", **more)


def _kinds(frame: pl.DataFrame, **more: Any) -> dict[str, str]:
    return {c.name: c.kind for c in _schema(frame, **more).columns}


@pytest.mark.parametrize("suffix", tables.SUFFIXES)
def test_every_format_there_and_back_batch_by_batch(tmp_path: Path, suffix: str) -> None:
    frame = payments(100)
    path = tmp_path / f"t{suffix}"
    tables.write_frames(path, (frame.slice(a, 30) for a in range(0, 100, 30)))
    again = pl.concat(list(tables.source(path).batches(7)))
    assert again.columns == frame.columns
    assert [len(f) for f in tables.source(path).batches(40)][:-1] == [40, 40] or suffix != ".csv"
    values = tables.encode(frame, _schema(frame), "t")[0].values
    assert np.array_equal(tables.encode(again, _schema(frame), "t")[0].values, values)


def test_what_frames_raise_is_raised_and_nothing_is_left(tmp_path: Path) -> None:
    def broken() -> Iterator[pl.DataFrame]:
        yield payments(10)
        raise DataError("row 11 is broken")

    with pytest.raises(DataError, match="row 11 is broken"):
        tables.write_frames(tmp_path / "t.parquet", broken())
    with pytest.raises(DataError, match=r"must end in \.csv"):
        tables.write(tmp_path / "t.xlsx", {"a": [1]})
    assert not [p for p in tmp_path.iterdir() if p.name != "t.parquet"]


@settings(max_examples=25, deadline=None)
@given(
    separator=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
    words=st.lists(
        st.sampled_from(["Köln", "a, b", "x;y", "", "naïve", 'say "hi"']), min_size=3, max_size=9
    ),
)
def test_separator_and_encoding_are_seen(
    tmp_path_factory: pytest.TempPathFactory, separator: str, encoding: str, words: list[str]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    frame = pl.DataFrame({"größe": range(len(words)), "wort": words, "c": ["é"] * len(words)})
    text = frame.write_csv(separator=separator, quote_style="non_numeric")
    path.write_bytes(text.encode(encoding))
    again = pl.concat(list(tables.source(path).batches()))
    assert again.columns == frame.columns
    assert again["wort"].fill_null("").to_list() == words


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.csv", b"", "is empty"),
        ("blank.csv", b" \n\n", "is empty"),
        ("twice.csv", b"a,b,a\n1,2,3\n", "two columns are called 'a'"),
        ("binary.csv", b"PK\x03\x04\x00\x00\x00", "is not text"),
        ("cut.parquet", None, "cannot be read as a table"),
        ("words.parquet", b"hello, this is no parquet file", "cannot be read as a table"),
        ("lines.jsonl", b'{"a": 1}\n{"a": ', "cannot be read as a table"),
        ("table.xlsx", b"PK", "is not a table"),
        ("ragged.csv", b"a,b\n1,2\n3,4,5,6\n", "cannot be read as a table"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, name: str, data: bytes | None, said: str) -> None:
    path = tmp_path / name
    if data is None:
        payments(50).write_parquet(path)
        path.write_bytes(path.read_bytes()[:-200])
    else:
        path.write_bytes(data)
    with pytest.raises(DataError, match=said) as raised:
        list(tables.source(path).batches())
    assert name in str(raised.value)


def test_a_database_by_its_url(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    place = tmp_path / "shop.db"
    with sqlite3.connect(place) as base:
        base.execute("create table payments (id integer, amount real, country text)")
        base.executemany(
            "insert into payments values (?, ?, ?)",
            [(i, i / 2, None if i % 3 else "DE") for i in range(95)],
        )
        base.execute("create table other (x integer)")
    base.close()
    source = tables.source(f"sqlite:///{place}#payments")
    frames = list(source.batches(30))
    assert [len(f) for f in frames] == [30, 30, 30, 5]
    spooled = tables.spooled(source, tmp_path / "spool")
    assert spooled.name == source.name
    assert spooled.sample(10, 0)[1] == 95
    few = tables.source(f"sqlite:///{place}#SELECT amount FROM payments WHERE id < 5")
    assert sum(len(f) for f in few.batches()) == 5
    for url, said in (
        (f"sqlite:///{place}", "say which table"),
        (
            f"sqlite:///{place}#nothing",
            "has no table 'nothing'; it has: other, payments|has no table 'nothing'; it has: payments, other",
        ),
        (f"sqlite:///{tmp_path}/none.db#t", "no such file"),
    ):
        with pytest.raises(DataError, match=said):
            tables.source(url)


def test_a_database_column_is_what_all_of_its_values_are(tmp_path: Path) -> None:
    """SQLite holds anything anywhere, and the first batch need not hold all there is."""
    pytest.importorskip("sqlalchemy")
    rows = 120_000
    with sqlite3.connect(tmp_path / "b.db") as base:
        base.execute("create table t (late, mixed, growing, plain)")
        base.executemany(
            "insert into t values (?, ?, ?, ?)",
            (
                (i if i >= 60_000 else None, i if i < 60_000 else "x", i / 2 if i % 2 else i, i % 7)
                for i in range(rows)
            ),
        )
    base.close()
    held = tables.spooled(tables.source(f"sqlite:///{tmp_path / 'b.db'}"), tmp_path / "copy")
    frame = pl.concat(list(held.batches()))
    assert frame.schema == {
        "late": pl.Int64, "mixed": pl.String, "growing": pl.Float64, "plain": pl.Int64,
    }  # fmt: skip
    assert len(frame) == rows
    assert frame["late"].null_count() == 60_000
    assert frame["late"][-1] == rows - 1
    assert frame["mixed"].to_list()[59_999:60_001] == ["59999", "x"]
    assert (tmp_path / "copy/t.parquet").exists()


def test_passwords_are_not_told() -> None:
    address = "postgresql://ann:s3cret@host/base#SELECT 1 FROM t WHERE x = 'private'"
    assert tables.public(address) == "postgresql://ann@host/base"
    assert tables.public("sqlite:///a.db#t") == "sqlite:///a.db"


def test_values_that_come_late_in_json_lines(tmp_path: Path) -> None:
    late = pl.DataFrame({"a": range(11_000), "b": [None] * 10_500 + list(range(500))})
    late.write_ndjson(tmp_path / "t.jsonl")
    assert pl.concat(list(tables.source(tmp_path / "t.jsonl").batches())).equals(late)


def test_a_first_line_of_numbers_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1.5,2\n2.5,3\n", "utf-8")
    assert "the first line holds numbers" in tables.source(tmp_path / "a.csv").notes[0]
    (tmp_path / "b.csv").write_text("1,1\n2.5,3\n", "utf-8")
    with pytest.raises(DataError, match=r"b\.csv: the first line holds numbers; it must hold"):
        tables.source(tmp_path / "b.csv")
    (tmp_path / "c.csv").write_text("2024,total\n2.5,3\n", "utf-8")
    assert tables.source(tmp_path / "c.csv").notes == ()


def test_columns_are_taken_for_what_they_are() -> None:
    frame = payments().with_columns(
        text=pl.Series([f"free words {i}" for i in range(400)]),
        same=pl.lit(7), none=pl.lit(None, pl.Float64),
        european=pl.Series([f"{i % 50}.{i % 900:03d},5" for i in range(400)]),
        day=pl.col("when").dt.strftime("%Y-%m-%d"),
    )  # fmt: skip
    assert _kinds(frame, label="fraud") == {
        "id": "id", "when": "date", "card": "category", "items": "number", "amount": "number",
        "country": "category", "currency": "category", "age": "number", "vip": "category",
        "text": "text", "same": "constant", "none": "empty", "european": "number", "day": "date",
    }  # fmt: skip
    assert _kinds(frame, kinds={"items": "category", "amount": "ignore"})["items"] == "category"
    notes = " ".join(_schema(frame).notes)
    assert "only number the rows and were left out: id" in notes
    assert "are free text and were left out: text" in notes


def test_a_schema_is_plain_json() -> None:
    import json

    schema = _schema(payments())
    assert tables.Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.5", 1234.5),
        ("1 234,5", 1234.5),
        ("1.234,5", 1234.5),
        ("1,234,567", 1234567),
        ("-3,5", -3.5),
        (" 7 ", 7),
        ("1e3", 1000),
        ("x", None),
        ("'2'000", 2000),
    ],
)
def test_numbers_as_people_write_them(text: str, value: float | None) -> None:
    assert as_numbers(pl.Series([text])).to_list() == [value]


def test_dates_as_people_write_them() -> None:
    written = [
        "2026-03-02 10:30:00",
        "02.03.2026 10:30",
        "2026/03/02 10:30:00",
        "2026-03-02T10:30:00Z",
    ]
    assert len(set(as_times(pl.Series(written)).to_list())) == 1


def test_offsets_are_taken_off() -> None:
    written = [
        "2026-03-02T09:30:00",
        "2026-03-02T10:30:00+01:00",
        "2026-03-02 10:30:00+01",
        "2026-03-02T04:30:00.000-0500",
        "2026-03-02T09:30Z",
        None,
    ]
    assert len(set(as_times(pl.Series(written)).to_list()[:4])) == 1
    assert as_times(pl.Series(written)).null_count() == 2


def test_dates_with_slashes_are_read_as_the_training_rows_say() -> None:
    days = [f"{day}/3/2026 10:00" for day in range(1, 29)] * 2
    frame = pl.DataFrame({"when": days, "v": np.sin(np.arange(56))})
    schema = _schema(frame)
    assert schema.columns[0].day_first
    assert tables.Schema.from_json(schema.to_json()) == schema
    new = pl.DataFrame({"when": ["4/3/2026 10:00"] * 3, "v": [0.0] * 3})
    same = pl.DataFrame({"when": ["2026-03-04 10:00"] * 3, "v": [0.0] * 3})
    first, again = (tables.encode(f, schema, "t")[0].values for f in (new, same))
    assert (first == again).all()
    american = pl.Series(["3/28/2026 1:05 PM", "3/4/2026 13:05", None])
    assert (
        as_times(american).to_list()
        == as_times(pl.Series(["2026-03-28 13:05", "2026-03-04 13:05", None])).to_list()
    )


def test_gaps_news_and_broken_values_each_have_one_behaviour() -> None:
    frame = payments()
    schema = _schema(frame, label="fraud")
    place = {b.column.name: b for b in tables.blocks(schema)}
    order = [b.column.name for b in tables.blocks(schema)]
    new = frame.head(6).with_columns(
        country=pl.Series(["XX", "DE", "DE", None, "DE", "DE"]),
        amount=pl.Series(["oops", "12.5", "1", "inf", "1e200", "3"]),
        age=pl.Series([None, 20, 30, 40, 50, 60]),
    )
    encoded, misfits = tables.encode(new, schema, "t")
    assert encoded.fixed[0, order.index("country")] == pytest.approx(np.log(401))
    assert encoded.fixed[3, order.index("country")] == pytest.approx(np.log(401))
    assert encoded.fixed[1:3].sum() == 0
    at = place["amount"].start
    assert encoded.given[0, at] == 0
    assert encoded.values[0, at] == 0
    assert 30 < encoded.values[3, at] < 1000
    assert 30 < encoded.values[4, at] < 1000
    assert place["age"].flag is not None
    assert encoded.given[0, place["age"].start] == 0
    assert encoded.values[0, place["age"].flag] > 1
    assert misfits == (
        tables.Misfit("amount", "number", 1, "oops"),
        tables.Misfit("country", "known", 1, "XX"),
    )
    assert misfits[0].text == "1 value of 'amount' is not a number: 'oops'; counted as missing"
    assert tables.Misfit("c", "known", 1200, "X").text.startswith("1,200 values of 'c' were never")
    assert np.isfinite(encoded.values).all()
    with pytest.raises(DataError, match="has no column 'amount', which the model was trained with"):
        tables.encode(frame.drop("amount"), schema, "t")
    with pytest.raises(DataError, match="'amount' was a number in training; here it holds 'low'"):
        tables.encode(frame.with_columns(amount=pl.lit("low")), schema, "t")


def test_the_order_of_columns_and_extra_ones_do_not_matter() -> None:
    frame = payments()
    schema = _schema(frame, label="fraud")
    turned = frame.select(reversed(frame.columns)).with_columns(extra=pl.lit("x"))
    assert np.array_equal(
        tables.encode(frame, schema, "t")[0].values, tables.encode(turned, schema, "t")[0].values
    )


def test_many_rare_values_share_places() -> None:
    frame = pl.DataFrame(
        {"shop": [f"s{i % 700}" for i in range(1400)] + ["big"] * 600, "x": range(2000)}
    )
    schema = _schema(frame, kinds={"x": "ignore", "shop": "category"})
    column = schema.columns[0]
    assert len(column.levels) <= 32
    assert column.places == 8
    encoded, _ = tables.encode(frame, schema, "t")
    assert (encoded.values.sum(1) == 1).all()
    assert encoded.fixed.sum() == 0


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (payments(30).head(0), "has no rows"),
        (payments(30).head(1), "has one row"),
        (pl.DataFrame({"a": [1] * 30, "b": ["x"] * 30}), "no column that varies"),
        (pl.DataFrame({"a": [None] * 30}, schema={"a": pl.Float64}), "no column that varies"),
    ],
)
def test_tables_that_teach_nothing(frame: pl.DataFrame, said: str) -> None:
    with pytest.raises(DataError, match=said):
        _schema(frame)


def test_a_sample_is_even_and_repeats(tmp_path: Path) -> None:
    payments(1000).write_parquet(tmp_path / "t.parquet")
    source = tables.source(tmp_path / "t.parquet")
    first, total = source.sample(100, 3)
    assert total == 1000
    assert first["id"].is_sorted()
    assert first.equals(source.sample(100, 3)[0])
    assert not first.equals(source.sample(100, 4)[0])
    assert 1350 < first["id"].mean() < 1650  # type: ignore[operator]


KEYS = history.Keys(("card",), "when", "amount", ("1d", "7d"), "2d", "fraud")


def test_the_past_of_keys_by_hand() -> None:
    frame = pl.DataFrame(
        {
            "when": np.datetime64("2026-01-01T00:00", "ms")
            + np.array([0, 1, 30, 31, 100]) * np.timedelta64(1, "h"),
            "card": ["a", "b", "a", "a", "a"],
            "amount": [1.0, 5.0, 3.0, 5.0, 7.0],
            "fraud": [1, 0, 0, 0, 0],
        }
    )
    (made,) = history.history(KEYS, iter([frame]), "t")
    assert made["card_gap"].to_list() == [None, None, 30 * 3600, 3600, 69 * 3600]
    assert made["card_count_1d"].to_list() == [1, 1, 1, 2, 1]
    assert made["card_count_7d"].to_list() == [1, 1, 2, 3, 4]
    assert made["card_amount_7d"].to_list() == [1, 5, 2, 3, 4]
    # The fraud at hour 0 is known from hour 48; at hour 100 three rows of the card are known.
    assert made["card_risk_7d"].to_list() == pytest.approx([0, 0, 0, 0, 1 / 3])


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(1, 199), max_size=5, unique=True), row=st.integers(0, 198))
def test_the_past_does_not_see_the_future_and_batches_do_not_matter(
    cuts: list[int], row: int
) -> None:
    frame = payments(200)
    (whole,) = history.history(KEYS, iter([frame]), "t")
    edges = [0, *sorted(cuts), 200]
    parts = [frame.slice(a, b - a) for a, b in zip(edges, edges[1:], strict=False)]
    cut = pl.concat(list(history.history(KEYS, iter(parts), "t")))
    for name in KEYS.names:
        assert np.allclose(
            cut[name].cast(float).fill_null(-1), whole[name].cast(float).fill_null(-1)
        )
    (early,) = history.history(
        KEYS, iter([frame.filter(pl.col("when") <= frame["when"][row])]), "t"
    )
    for name in KEYS.names:
        assert early[name][row] == pytest.approx(whole[name][row])


def test_rows_out_of_order_and_without_time() -> None:
    frame = payments(200)
    with pytest.raises(DataError, match="is not in the order of 'when'"):
        list(history.history(KEYS, iter([frame.slice(100, 100), frame.head(100)]), "t"))
    gap = pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise("when")
    broken = frame.with_columns(when=gap)
    with pytest.raises(DataError, match="1 rows have no time in 'when'"):
        list(history.history(KEYS, iter([broken]), "t"))
    with pytest.raises(DataError, match="has no column 'card'"):
        list(history.history(KEYS, iter([frame.drop("card")]), "t"))
    with pytest.raises(DataError, match="is no span of time"):
        history.seconds("7 days")
