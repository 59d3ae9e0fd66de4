"""A table streams through in batches: nothing depends on where they begin, and a table that changes is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from isthmus.detection import Rule, streams, work
from isthmus.errors import DataError
from isthmus.media import tables
from isthmus.recipe import Detect, Recipe, Table
from tests.rows import payments

RECIPE = Recipe(
    name="t",
    data=Table(path="t", label="fraud"),
    task=Detect(members=1, width=8, steps=4, blocks=0),
)


def _written(path: Path, place: Path, rule: Rule) -> tuple[Any, Any]:
    source = tables.source(path)
    detector = work.train(source, RECIPE, mixed=True)
    scored = work.score(detector, RECIPE, source, rule)
    kept = work.write(detector, RECIPE, source, scored, place, 1)
    return pl.read_parquet(place), kept


@pytest.mark.parametrize("rule", [Rule(share=0.1), Rule(count=9), Rule(count=2, daily=True), Rule(costs=(1.0, "amount"))])  # fmt: skip
def test_batches_and_pieces_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: Rule
) -> None:
    payments(300, 12).write_parquet(tmp_path / "t.parquet")
    whole, kept = _written(tmp_path / "t.parquet", tmp_path / "a.parquet", rule)
    monkeypatch.setattr(streams, "BATCH", 128)
    monkeypatch.setattr(work, "_PIECE", 64)
    parts, again = _written(tmp_path / "t.parquet", tmp_path / "b.parquet", rule)
    assert whole["alert"].equals(parts["alert"])
    assert np.allclose(whole["score"], parts["score"], atol=1e-6)
    assert (whole["explanation"].is_not_null() <= whole["alert"]).all()
    assert 0 < whole["alert"].sum() < 300
    assert [row for row, _, _ in kept] == [row for row, _, _ in again]
    assert {row for row, _, _ in kept} == set(np.flatnonzero(whole["alert"].to_numpy()).tolist())


def test_a_table_that_grew_while_it_was_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "BATCH", 30)
    path = tmp_path / "t.parquet"
    payments(60).write_parquet(path)
    source = tables.source(path)
    detector = work.train(source, RECIPE, mixed=True)
    scored = work.score(detector, RECIPE, source, Rule())
    for rows in (90, 59, 30):
        payments(rows).write_parquet(tmp_path / "u.parquet")
        other = tables.source(tmp_path / "u.parquet")
        with pytest.raises(DataError, match=r"changed while it was read \(it had 60 rows before\)"):
            work.write(detector, RECIPE, other, scored, tmp_path / "o.parquet", 0)
