"""Rules for alerts, labels as people write them, and figures by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from isthmus.detection import figures, labels
from isthmus.detection.numbers import Numbers
from isthmus.detection.thresholds import Rule, Strangest, cheapest
from isthmus.errors import DataError


def test_rules_from_options() -> None:
    assert Rule.parse("100", None, None) == Rule(count=100)
    assert Rule.parse("5/day", None, None) == Rule(count=5, daily=True)
    assert Rule.parse(None, 0.02, None) == Rule(share=0.02)
    assert Rule.parse(None, None, "5,200") == Rule(costs=(5.0, 200.0))
    assert Rule.parse(None, None, "5,amount") == Rule(costs=(5.0, "amount"))
    for wrong in (
        ("x", None, None),
        ("5/week", None, None),
        (None, None, "5"),
        (None, None, "a,b"),
        ("5", 0.1, None),
    ):
        with pytest.raises(ValueError):
            Rule.parse(*wrong)
    assert "each day" in Rule(count=3, daily=True).text


@pytest.mark.parametrize("batch", [1, 2, 6])
def test_the_strangest_in_all_and_of_each_day(batch: int) -> None:
    ranking = np.array([5.0, 1, 9, 9, 2, 7])
    days = np.array([0, 0, 0, 1, 1, 1])

    def chosen(count: int, each_day: bool) -> list[int]:
        top = Strangest(count)
        for start in range(0, 6, batch):
            rows = slice(start, start + batch)
            top.add(ranking[rows], days[rows] if each_day else None)
        made: list[int] = top.rows().tolist()
        return made

    assert chosen(1, False) == [2]  # of equal rows the first
    assert chosen(3, False) == [2, 3, 5]
    assert chosen(1, True) == [2, 3]
    assert chosen(2, True) == [0, 2, 3, 5]
    assert chosen(99, True) == chosen(99, False) == list(range(6))
    assert chosen(0, False) == []


def test_numbers_out_of_memory_are_what_was_added() -> None:
    held, plain = Numbers("f4"), np.random.default_rng(0).normal(size=150_001).astype(np.float32)
    assert len(held) == 0
    assert list(held.pieces()) == []
    for part in np.array_split(plain, 7):
        held.add(part)
        assert held[len(held) - 1] == part[-1]  # reading between additions loses nothing
    assert (held[:] == plain).all()
    assert (np.concatenate(list(held.pieces())) == plain).all()
    assert (held[70_000:70_003] == plain[70_000:70_003]).all()
    assert len(held[200_000:]) == 0
    flags = Numbers("?")
    flags.add(plain > 0)
    assert flags[:].sum() == (plain > 0).sum()


def test_the_cheapest_choice() -> None:
    p = np.array([0.01, 0.2, 0.9])
    assert cheapest(p, 5, 10.0).tolist() == [False, False, True]
    assert cheapest(p, 5, np.array([1000.0, 1.0, 1.0])).tolist() == [True, False, True] or cheapest(
        p, 5, np.array([1000.0, 1.0, 1.0])
    ).tolist() == [True, False, False]
    with pytest.raises(DataError, match="--cost needs probabilities"):
        cheapest(None, 5, 10.0)


@pytest.mark.parametrize(
    ("values", "read"),
    [
        ([0, 1, 0, None], [0, 1, 0, np.nan]),
        (["no", "yes", None, "no"], [0, 1, np.nan, 0]),
        (["Fraud", "ok", "ok"], [1, 0, 0]),
        (["A", "B", "B", "B"], [1, 0, 0, 0]),
        ([True, False], [1, 0]),
        ([1, 2, 2], [0, 1, 1]),
        (["1", "0", ""], [1, 0, np.nan]),
    ],
)
def test_labels_as_people_write_them(values: list[object], read: list[float]) -> None:
    found, _ = labels.read(pl.Series("y", values), "t")
    assert np.array_equal(found, np.array(read, float), equal_nan=True)


def test_labels_of_one_kind_and_of_many() -> None:
    assert "all labels in 'y' are good" in labels.read(pl.Series("y", [0, 0, 0]), "t")[1][0]
    assert "too few" in labels.read(pl.Series("y", [0, 1, 0]), "t")[1][0]
    with pytest.raises(DataError, match="3 different values"):
        labels.read(pl.Series("y", ["a", "b", "c"]), "t")
    with pytest.raises(DataError, match="3 different numbers"):
        labels.read(pl.Series("y", [1, 2, 3]), "t")


def test_figures_by_hand() -> None:
    y, s = np.array([1.0, 0, 1, 0, np.nan]), np.array([4.0, 3, 2, 1, 9])
    told = figures.ranking(y, s)
    assert told["auroc"] == 0.75
    assert told["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert figures.ranking(np.zeros(4), s[:4]) == {}
    assert figures.curve(y, s)[-1] == (4, 0.5, 1.0)


def test_card_precision_by_hand() -> None:
    day = np.array([0, 0, 0, 1, 1, 1])
    card = np.array(["a", "b", "a", "a", "c", "d"])
    bad = np.array([1.0, 0, 0, 1, 1, 0])
    score = np.array([9.0, 5, 1, 9, 2, 3])
    # Day 0: a (bad) and b. Day 1: a was found and is left out, then d and c (bad).
    assert figures.card_precision(bad, score, day, card, k=2) == 0.5
    assert figures.card_precision(bad, score, day, card, k=1) == 0.5
