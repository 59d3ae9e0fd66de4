"""Codes of an autoencoder as features, and rows that do not fit. A few seconds.

Run: python examples/sklearn_pipeline.py
"""

from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from isthmus.sklearn import AutoencoderDetector, AutoencoderTransformer

x, y = load_digits(return_X_y=True)
pipeline = make_pipeline(
    AutoencoderTransformer(16, random_state=0), LogisticRegression(max_iter=500)
)
pipeline.fit(x[:1200], y[:1200])
print(f"digits from 16 numbers: {pipeline.score(x[1200:], y[1200:]):.0%} right")

x, y = load_breast_cancer(return_X_y=True)
detector = AutoencoderDetector(random_state=0).fit(x[y == 1][:250])
rest = [*x[y == 1][250:], *x[y == 0]]
truth = [1] * (sum(y == 1) - 250) + [0] * sum(y == 0)
print(f"malignant among benign: ROC AUC {roc_auc_score(truth, detector.score_samples(rest)):.3f}")
