"""The estimators keep scikit-learn's own promises, and are worth using."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from isthmus.recipe import Dense, Named, Recipe, Training, Variational
from isthmus.sklearn import AutoencoderDetector, AutoencoderTransformer, PyODDetector

X, Y = load_digits(return_X_y=True)
TRAIN, TEST = X[:1200], X[1200:]


@parametrize_with_checks(
    [AutoencoderTransformer(epochs=4), AutoencoderDetector(members=2, width=16, steps=40)]
)
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def transformer() -> AutoencoderTransformer:
    return AutoencoderTransformer(16, random_state=0).fit(TRAIN)


def test_it_rebuilds_new_rows_better_than_pca(transformer: AutoencoderTransformer) -> None:
    scaler = StandardScaler().fit(TRAIN)
    scaler.scale_ = np.where(TRAIN.std(0) > 1e-12, TRAIN.std(0), 1)
    standard = scaler.transform(TEST)
    pca = PCA(16).fit(scaler.transform(TRAIN))
    by_pca = np.square(pca.inverse_transform(pca.transform(standard)) - standard).mean()
    assert -transformer.score(TEST) < 0.85 * by_pca


def test_there_and_back_are_the_models(transformer: AutoencoderTransformer) -> None:
    codes = transformer.transform(TEST)
    assert codes.shape == (len(TEST), 16)
    assert np.allclose(
        transformer.inverse_transform(codes), transformer.model_.reconstruct(TEST), atol=1e-4
    )


def test_pickled_without_torch_objects(transformer: AutoencoderTransformer) -> None:
    raw = pickle.dumps(transformer)
    assert b"torch" not in raw
    assert (pickle.loads(raw).transform(TEST) == transformer.transform(TEST)).all()


def test_in_a_pipeline_under_a_grid_search() -> None:
    pipeline = make_pipeline(
        AutoencoderTransformer(epochs=5, random_state=0), LogisticRegression(max_iter=300)
    )
    grid = {"autoencodertransformer__n_components": [2, 16]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(TRAIN[:400], Y[:400])
    assert search.best_params_["autoencodertransformer__n_components"] == 16
    assert search.best_score_ > 0.8


def test_a_whole_recipe_and_data_frames() -> None:
    pandas = pytest.importorskip("pandas")
    recipe = Recipe(
        data=Named(validation=0.1), encoder=Dense(layers=(32,)), bottleneck=Variational(size=3),
        training=Training(epochs=3, threads=1),
    )  # fmt: skip
    frame = pandas.DataFrame(TRAIN[:200, :20], columns=[f"c{i}" for i in range(20)])
    made = AutoencoderTransformer(recipe=recipe).set_output(transform="pandas").fit_transform(frame)
    assert list(made.columns) == [f"autoencodertransformer{i}" for i in range(3)]
    polars = pytest.importorskip("polars")
    again = clone(AutoencoderTransformer(2, epochs=2)).set_output(transform="polars")
    assert again.fit_transform(polars.from_pandas(frame)).shape == (200, 2)


def test_the_detector_finds_malignant_among_benign() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    benign, malignant = x[y == 1], x[y == 0]
    detector = AutoencoderDetector(contamination=0.05, members=2, random_state=0).fit(benign[:250])
    test = np.concatenate([benign[250:], malignant])
    truth = np.r_[np.ones(len(benign) - 250), np.zeros(len(malignant))]
    assert roc_auc_score(truth, detector.score_samples(test)) > 0.93
    assert (detector.predict(malignant) == -1).mean() > 0.5
    assert (detector.predict(benign[250:]) == -1).mean() < 0.2


def test_the_detector_says_which_column() -> None:
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(600, 2))
    rows = hidden @ rng.normal(size=(2, 8)) + 0.05 * rng.normal(size=(600, 8))
    detector = AutoencoderDetector(members=2, training_rows="clean", random_state=0).fit(rows[:500])
    strange = rows[500:].copy()
    columns = rng.integers(0, 8, 100)
    strange[np.arange(100), columns] += 3.0
    shares = detector.explain(strange)
    assert np.allclose(shares.sum(1), 1)
    assert (shares.argmax(1) == columns).mean() > 0.95
    assert detector.score_samples(strange).mean() < 3 * detector.score_samples(rows[500:]).mean()


def test_contamination_is_the_share_of_training_rows() -> None:
    rows = np.random.default_rng(0).normal(size=(300, 5))
    detector = AutoencoderDetector(0.1, steps=10, random_state=0).fit(rows)
    assert detector.labels_.sum() == 30
    fresh = np.random.default_rng(1).normal(size=(1000, 5))
    assert 0.03 < (detector.predict(fresh) == -1).mean() < 0.2


def test_training_rows_are_judged_warily_and_new_ones_plainly() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 4))
    rows[:30] = 5 + 0.05 * rng.normal(size=(30, 4))
    detector = AutoencoderDetector(members=2, width=48, steps=150, random_state=0)
    detector.fit(rows)
    truth = np.r_[np.ones(30), np.zeros(370)]
    assert roc_auc_score(truth, detector.decision_scores_) > 0.97
    again = pickle.loads(pickle.dumps(detector))
    assert b"torch" not in pickle.dumps(detector)
    assert (again.score_samples(rows) == detector.score_samples(rows)).all()
    assert detector.p_values(np.full((1, 4), -20.0))[0] < 0.01


def test_the_detector_takes_words_dates_and_gaps() -> None:
    polars = pytest.importorskip("polars")
    from tests.rows import payments

    frame = payments(200, 0).drop("id", "fraud")
    detector = AutoencoderDetector(members=1, width=16, steps=30, random_state=0).fit(frame)
    strange = frame.slice(1, 2).with_columns(country=polars.lit("XX"))
    assert detector.n_features_in_ == len(frame.columns)
    assert detector.explain(strange).shape == (2, len(frame.columns))
    assert "XX" in {cause.found for cause in detector.causes(strange, 4)[0]}
    pandas = pytest.importorskip("pandas")
    held = pandas.DataFrame(frame.to_dict(as_series=False))
    assert np.isfinite(detector.score_samples(held)).all()
    gaps = np.random.default_rng(0).normal(size=(60, 3))
    gaps[::7, 1] = np.nan
    assert np.isfinite(AutoencoderDetector(steps=5).fit(gaps).score_samples(gaps)).all()


def test_pyods_conventions() -> None:
    rows = np.random.default_rng(0).normal(size=(200, 3))
    detector = PyODDetector(contamination=0.1, steps=20, members=1, random_state=0).fit(rows)
    assert detector.labels_.sum() == 20
    assert ((detector.decision_scores_ > detector.threshold_) == detector.labels_).all()
    far = np.full((1, 3), 30.0)
    assert detector.decision_function(far)[0] > detector.decision_function(rows).max()
    assert detector.predict(far).tolist() == [1]
    assert np.allclose(detector.predict_proba(rows).sum(1), 1)
