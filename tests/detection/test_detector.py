"""The detector: it finds, explains, repeats, survives the disk, and its numbers mean what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.metrics import roc_auc_score

from isthmus.detection import Detector, causes, explain, fit_detector, load, save
from isthmus.detection.calibrate import Reference
from isthmus.detection.detector import LONG
from isthmus.detection.explain import contributions, number
from isthmus.detection.net import CAP, denoised, hidden_surprise
from isthmus.detection.surprise import surprises
from isthmus.detection.views import nearest, rarity, suspects
from isthmus.errors import RunError
from isthmus.media import tables
from isthmus.recipe import Detect, Recipe, Table
from tests.rows import payments

SPEC = Detect(members=2, width=48, steps=150)
WHOLE = payments(1200, 24)


def _fit(frame: pl.DataFrame, mixed: bool, **more: Any) -> Detector:
    schema = tables.infer(frame, "t", "fraud")
    return fit_detector(frame, schema, more.pop("spec", SPEC), 0, mixed, **more)


def _scores(detector: Detector, frame: pl.DataFrame) -> Any:
    return detector.score(detector.encode(frame)[0])


@pytest.fixture(scope="module")
def clean() -> Detector:
    return _fit(payments(1200, 0, seed=1), mixed=False)


@pytest.fixture(scope="module")
def mixed() -> Detector:
    return _fit(WHOLE, mixed=True)


def test_it_finds_bad_rows_among_new_ones_and_among_its_own(
    clean: Detector, mixed: Detector
) -> None:
    for detector in (clean, mixed):
        assert roc_auc_score(WHOLE["fraud"], _scores(detector, WHOLE).score) > 0.95


def test_alerts_on_fresh_normal_rows_keep_the_budget(clean: Detector) -> None:
    p = _scores(clean, payments(6000, 0, seed=2)).p_value
    for share in (0.05, 0.2):
        assert (p <= share).mean() == pytest.approx(share, rel=0.35)


def test_judging_in_passes_says_what_the_network_says(clean: Detector) -> None:
    """The short way (hidden columns cost nothing) against the network that was trained."""
    encoded = clean.encode(WHOLE.head(700))[0]  # more rows than one block
    values, given = torch.from_numpy(encoded.values), torch.from_numpy(encoded.given)
    net, layout = clean.net, clean.layout
    slow = torch.zeros(len(values), layout.columns)
    with torch.inference_mode():
        for group in clean.hiding:
            hides = layout.spread(group)
            nats = hidden_surprise(
                net,
                values.expand(net.members, -1, -1),
                (given * (1 - hides)).expand(net.members, -1, -1),
                layout,
            )
            slow += layout.by_column(nats.clamp(-CAP, CAP).mean(0) * given * hides * layout.worth)
    short = surprises(net, layout, clean.hiding, values, given)["hidden"]
    assert clean.hiding.sum(0).eq(1).all()
    assert slow.std() > 0.1
    assert torch.allclose(short, slow, atol=1e-3)


def test_a_score_depends_on_its_row_alone(clean: Detector) -> None:
    frame = WHOLE.head(200)
    whole = _scores(clean, frame).score
    turned = _scores(clean, frame.reverse()).score[::-1]
    assert np.allclose(whole, turned, atol=1e-5)
    assert np.allclose(whole[50:60], _scores(clean, frame.slice(50, 10)).score, atol=1e-5)


def test_the_planted_cause_is_the_first(clean: Detector) -> None:
    """A column is moved by six of its spreads; which one is known."""
    frame = payments(200, 0, seed=3)
    schema = {c.name: c for c in clean.schema.columns}
    rng = np.random.default_rng(0)
    planted = rng.choice(["amount", "age", "items"], 200).tolist()
    moved = frame.with_columns(
        [
            pl.Series(
                name,
                [
                    float(value or 0) + (6 * schema[name].spread if planted[i] == name else 0)
                    for i, value in enumerate(frame[name].to_list())
                ],
            )
            for name in ("amount", "age", "items")
        ]
    )
    told = causes(clean, moved, clean.encode(moved)[0], 2)
    first = [why[0].column if why else "" for why in told]
    assert np.mean([a == b for a, b in zip(first, planted, strict=True)]) >= 0.95


def test_causes_are_in_plain_words(clean: Detector) -> None:
    frame = payments(3, 0).with_columns(
        amount=pl.Series([2500.0, 20.0, 20.0]), items=pl.Series([2, 2, 2]),
        country=pl.Series(["DE", "XX", "DE"]), currency=pl.Series(["EUR", "EUR", "USD"]),
    )  # fmt: skip
    told = causes(clean, frame, clean.encode(frame)[0], 3)
    assert told[0][0].column == "amount"
    assert told[0][0].found == "2500.0" or told[0][0].found == "2,500"
    assert told[0][0].expected.startswith("about ")
    assert told[1][0].text.startswith("country: XX, expected ")
    assert {c.column for c in told[2]} & {"country", "currency"}
    assert causes(clean, frame.head(0), clean.encode(frame.head(0))[0], 3) == []
    assert [number(v) for v in (0.0, 3.0, 1234567.0, 2.34567, 0.012345, 1e-9, 1e20)] == [
        "0", "3", "1,234,567", "2.346", "0.01235", "1e-09", "1e+20",
    ]  # fmt: skip


def test_a_row_that_is_rare_as_a_whole_has_causes_too(
    clean: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = payments(2, 0).with_columns(amount=pl.Series([2500.0, 20.0]))
    encoded = clean.encode(frame)[0]
    wanted = contributions(clean, encoded)[1]
    # No single value can be put right: to repair one makes the others stranger.
    nothing = np.full((2, len(clean.columns)), -1.0)
    monkeypatch.setattr(explain, "contributions", lambda *_: (nothing.copy(), wanted))
    told = causes(clean, frame, encoded, 2)
    assert all(told)
    assert told[0][0].column == "amount"
    assert told[0][0].expected.startswith("mostly ")


def test_no_column_is_blamed_for_what_is_missing_everywhere(clean: Detector) -> None:
    frame = payments(4, 0).with_columns(age=pl.Series([None, None, 30, 30], dtype=pl.Int64))
    gain, _ = contributions(clean, clean.encode(frame)[0])
    assert np.isfinite(gain).all()


def test_asking_one_network_of_each_column_changes_little(clean: Detector, tmp_path: Path) -> None:
    quick = _fit(payments(1200, 0, seed=1), False, spec=SPEC.model_copy(update={"scoring": "fast"}))
    assert quick.fast
    assert not clean.fast
    encoded = clean.encode(WHOLE)[0]
    slow, fast = (d.ways(encoded)["hidden"].sum(1) for d in (clean, quick))
    assert (slow != fast).any()
    assert np.corrcoef(slow, fast)[0, 1] > 0.95
    assert roc_auc_score(WHOLE["fraud"], _scores(quick, WHOLE).score) > 0.95
    p = _scores(quick, payments(6000, 0, seed=2)).p_value
    assert (p <= 0.05).mean() == pytest.approx(0.05, rel=0.35)
    recipe = Recipe(name="t", data=Table(path="t", label="fraud"), task=quick.spec)
    save(tmp_path / "d", quick, recipe)
    again, _ = load(tmp_path / "d")
    assert (_scores(again, WHOLE).score == _scores(quick, WHOLE).score).all()


def test_who_learnt_from_a_row_is_not_asked_of_it(clean: Detector) -> None:
    """Each hidden column by hand: the first member from its turn on that may speak of the row."""
    encoded = clean.encode(WHOLE.head(90))[0]
    values, given = torch.from_numpy(encoded.values), torch.from_numpy(encoded.given)
    trusted = torch.ones(2, 90, dtype=torch.bool)
    trusted[0, :30] = False
    trusted[1, 60:] = False
    ask = lambda *more: surprises(clean.net, clean.layout, clean.hiding, values, given, *more)  # noqa: E731
    only = [ask(torch.tensor([[m == 0], [m == 1]]).expand(2, 90))["hidden"] for m in (0, 1)]
    made = ask(trusted, ("hidden",), True)["hidden"]
    for turn, group in enumerate(clean.hiding):
        columns = group > 0
        middle = only[turn % 2]
        said = torch.cat([only[1][:30], middle[30:60], only[0][60:]])
        assert torch.allclose(made[:, columns], said[:, columns], atol=1e-4)


def test_long_tables_are_judged_fast_unless_told_otherwise() -> None:
    frame = payments(60, 0)
    schema = tables.infer(frame, "t", "fraud")
    few = {"members": 1, "width": 8, "steps": 2}
    for scoring, total, fast in (
        ("auto", LONG, False), ("auto", LONG + 1, True), ("full", LONG + 1, False), ("fast", 60, True),
    ):  # fmt: skip
        spec = Detect.model_validate(few | {"scoring": scoring})
        made = fit_detector(frame, schema, spec, 0, False, total=total)
        assert made.fast == fast


def test_the_residual_is_what_is_left_when_noise_is_taken_off(clean: Detector) -> None:
    """The short way against the network that was trained."""
    encoded = clean.encode(WHOLE.head(300))[0]
    values, given = torch.from_numpy(encoded.values), torch.from_numpy(encoded.given)
    net, layout = clean.net, clean.layout
    wide, shown = values.expand(net.members, -1, -1), given.expand(net.members, -1, -1)
    with torch.inference_mode():
        found = denoised(net, wide, shown, torch.full((net.members, len(values), 1), 0.1))
        slow = layout.by_column((wide - found).square().mean(0) * given * layout.worth)
    short = surprises(net, layout, clean.hiding, values, given, asked=("residual",))
    assert list(short) == ["residual"]
    assert slow.std() > 0
    assert torch.allclose(short["residual"], slow, rtol=1e-3, atol=1e-6)


def test_the_same_seed_gives_the_same_bits_and_another_another() -> None:
    frame = payments(200)
    spec = Detect(members=2, width=16, steps=20)
    first, again = (_scores(_fit(frame, False, spec=spec), frame).score for _ in range(2))
    assert (first == again).all()
    schema = tables.infer(frame, "t", "fraud")
    other = fit_detector(frame, schema, spec, 1, False)
    assert (_scores(other, frame).score != first).any()


def test_there_and_back_to_the_last_bit(tmp_path: Path) -> None:
    spec = Detect(members=2, width=16, steps=20)
    recipe = Recipe(name="t", data=Table(path="t", label="fraud"), task=spec)
    labels = WHOLE["fraud"].to_numpy().astype(float)
    detector = _fit(WHOLE, True, spec=spec, labels=labels)
    save(tmp_path / "d", detector, recipe)
    again, held = load(tmp_path / "d")
    assert held == recipe
    before, after = _scores(detector, WHOLE), _scores(again, WHOLE)
    assert (before.score == after.score).all()
    assert before.probability is not None
    assert (before.probability == after.probability).all()
    assert (before.p_value == after.p_value).all()


def test_damaged_detectors_are_named(tmp_path: Path) -> None:
    spec = Detect(members=1, width=8, steps=2)
    recipe = Recipe(name="t", data=Table(path="t"), task=spec)
    save(tmp_path / "d", _fit(payments(60), False, spec=spec), recipe)
    whole = (tmp_path / "d/detector.json").read_text("utf-8")
    for text, said in (
        (whole.replace("isthmus-detector-1", "isthmus-detector-9"), "this version reads"),
        (whole[:500], "is damaged"),
        ("{}", "is damaged"),
    ):
        (tmp_path / "d/detector.json").write_text(text, "utf-8")
        with pytest.raises(RunError, match=said):
            load(tmp_path / "d")
    (tmp_path / "d/detector.json").write_text(whole, "utf-8")
    weights = tmp_path / "d/weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(RunError, match="is damaged"):
        load(tmp_path / "d")
    with pytest.raises(RunError, match="is no saved detector"):
        load(tmp_path)


def test_labels_make_a_probability_that_can_be_believed() -> None:
    frame = payments(1500, 150, seed=5)
    labels = frame["fraud"].to_numpy().astype(float)
    known = labels.copy()
    known[750:] = np.nan
    detector = _fit(frame.head(750), False, labels=known[:750])
    found = _scores(detector, frame.slice(750, 750))
    assert found.probability is not None
    assert found.probability.sum() == pytest.approx(labels[750:].sum(), rel=0.25)
    assert roc_auc_score(labels[750:], found.probability) > 0.97
    few = np.full(750, np.nan)
    few[:40] = labels[:40]
    assert few[:40].sum() < 5
    assert (
        _fit(frame.head(750), False, labels=few, spec=Detect(members=1, width=8, steps=2)).head
        is None
    )


def test_a_dense_cluster_of_frauds_is_not_learnt() -> None:
    """A tenth of the rows sit on one spot: whoever learns them finds them usual."""
    rng = np.random.default_rng(0)
    usual = rng.normal(size=(900, 6)) @ rng.normal(size=(6, 6))
    spot = 6 + 0.05 * rng.normal(size=(60, 6))
    frame = pl.DataFrame(
        np.concatenate([usual, spot]), schema=[f"x{i}" for i in range(6)], orient="row"
    )
    frame = frame.with_columns(fraud=pl.Series([0] * 900 + [1] * 60))
    wary = _scores(_fit(frame, True), frame).score
    trusting = _scores(_fit(frame, False), frame).score
    assert roc_auc_score(frame["fraud"], wary) > 0.97
    assert roc_auc_score(frame["fraud"], wary) > roc_auc_score(frame["fraud"], trusting)


def test_what_a_twelfth_of_the_rows_have_is_learnt_and_is_no_alarm() -> None:
    rng = np.random.default_rng(0)
    frame = payments(900, 6, seed=7)
    noted = rng.random(900) < 1 / 12
    frame = frame.with_columns(note=pl.Series(["regular" if n else None for n in noted]))
    schema = tables.infer(frame, "t", "fraud")
    encoded, _ = tables.encode(frame, schema, "t")
    values, blocks = torch.from_numpy(encoded.values), tables.blocks(schema)
    left = suspects(values, blocks, 0.1, 0).numpy()
    assert left.sum() == 90
    assert left[noted].mean() < 0.5
    detector = _fit(frame, True)
    found = _scores(detector, frame)
    assert roc_auc_score(frame["fraud"], found.score) > 0.95
    place = detector.columns.index("note")
    # A choice of two whose share is a twelfth surprises by 2.5 nats.
    assert 0.5 < np.median(found.surprise[noted, place]) < 5
    few = frame.filter(pl.Series(noted)).head(5)
    told = causes(detector, few, detector.encode(few)[0], 9)
    assert {c.text for why in told for c in why if c.column == "note"} == {
        "note: regular, expected no value"
    }


def test_a_common_value_is_not_left_out_whole() -> None:
    """Every row of a tenth is far from all others; half of them are learnt all the same."""
    rng = np.random.default_rng(0)
    far = np.arange(500) < 50
    frame = pl.DataFrame(
        {
            "shop": ["far" if f else "near" for f in far],
            **{f"x{i}": rng.normal(size=500) + 9 * far for i in range(3)},
        }
    )
    schema = tables.infer(frame, "t")
    values = torch.from_numpy(tables.encode(frame, schema, "t")[0].values)
    left = suspects(values, tables.blocks(schema), 0.1, 0).numpy()
    assert left[far].sum() == 25
    assert left.sum() == 50


def test_simple_views() -> None:
    values = torch.cat(
        [torch.randn(300, 3, generator=torch.Generator().manual_seed(0)), torch.full((3, 3), 9.0)]
    )
    frame = pl.DataFrame(values.numpy(), schema=["a", "b", "c"], orient="row")
    blocks = tables.blocks(tables.infer(frame, "t"))
    assert suspects(values, blocks, 0.01, 0).nonzero().reshape(-1).tolist() == [300, 301, 302]
    assert suspects(values, blocks, 0.0, 0).sum() == 0
    apart = torch.cdist(values, values[:50]).fill_diagonal_(torch.inf)
    own = torch.full((303,), -1)
    own[:50] = torch.arange(50)
    assert torch.allclose(nearest(values, values[:50], own), apart.amin(1), atol=1e-3)
    assert rarity(values, blocks)[300:].min() > rarity(values, blocks)[:300].median()


@pytest.mark.parametrize("count", [3, 500, 30_000])
def test_references_are_shares(count: int) -> None:
    values = np.random.default_rng(0).normal(size=count)
    held = Reference.of(values)
    asked = np.array([-9.0, 0.0, 1.0, 2.5, 9.0])
    exact = np.array([(values < a).mean() for a in asked])
    assert np.allclose(held.below(asked), exact, atol=1.1 / min(count, 2000))
    p = held.p_value(np.sort(values))
    assert (np.diff(p) <= 1e-12).all()
    assert p.min() >= 1 / (count + 1)
    assert held.p_value(np.array([99.0]))[0] == pytest.approx(1 / (count + 1))
    marks = held.mark(np.linspace(-5, 50, 200), 0.01)
    assert (np.diff(marks) >= -1e-12).all()
    assert marks[-1] > marks[-50]
    assert (values >= held.threshold(0.1)).mean() == pytest.approx(
        0.1, abs=0.5 if count == 3 else 0.01
    )
