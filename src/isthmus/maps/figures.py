"""Do classes form clusters? Figures on held-out codes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_NEIGHBOURS = 15
_MOST_TRAINED = 10_000
_MOST_COMPARED = 2_000
_MOST_FITTED = 50_000
_MOST_EXACT = 2_000


def cluster_figures(
    codes: Array, labels: Array | None, held_codes: Array, held_labels: Array | None, seed: int = 0
) -> dict[str, float]:
    """Figures of a code space, learnt on ``codes`` and measured on ``held_codes`` (N, …).

    - ``knn_accuracy``: share of held-out items whose 15 nearest codes vote for their class.
    - ``probe_accuracy``: the same for a linear classifier on standardised codes.
    - ``cluster_accuracy``, ``cluster_nmi``, ``cluster_ari``: k-means with as many clusters as classes on
      the held-out codes, against the classes: share that agrees after the best matching (Kuhn 1955),
      normalised mutual information, adjusted Rand index (Hubert & Arabie 1985).
    - ``silhouette``: -1..1, how much nearer an item is to its own class than to the next
      (Rousseeuw 1987), on up to 2,000 held-out items.

    Unlabelled items (-1) do not count; {} where there is nothing to compare.
    """
    if labels is None or held_labels is None:
        return {}
    known, asked = labels >= 0, held_labels >= 0
    x, y = _flat(codes)[known], labels[known]
    u, v = _flat(held_codes)[asked], held_labels[asked]
    if len(np.unique(y)) < 2 or len(v) < 2:
        return {}
    rng = np.random.default_rng(seed)
    if len(x) > _MOST_TRAINED:
        kept = rng.permutation(len(x))[:_MOST_TRAINED]
        x, y = x[kept], y[kept]
    figures = {"knn_accuracy": _knn(x, y, u, v), "probe_accuracy": _probe(x, y, u, v)}
    figures |= _found_again(u, v, seed)
    few = rng.permutation(len(u))[:_MOST_COMPARED]
    counts = np.unique(v[few])
    if 2 <= len(counts) < len(few):
        from sklearn.metrics import silhouette_score

        figures["silhouette"] = float(silhouette_score(u[few], v[few]))
    return figures


def principal(values: Array, held: Array, numbers: int) -> tuple[Array, Array]:
    """(N, …) and (M, …) as their first principal components, of the first: the codes to beat."""
    from sklearn.decomposition import PCA

    flat = _flat(values)
    numbers = min(numbers, flat.shape[1], len(flat) - 1)
    few = flat[np.random.default_rng(0).permutation(len(flat))[:_MOST_FITTED]]
    solver = "covariance_eigh" if flat.shape[1] <= _MOST_EXACT else "randomized"
    fitted = PCA(numbers, svd_solver=solver, random_state=0).fit(few)
    return fitted.transform(flat), fitted.transform(_flat(held))


def unmixing(found: Array, shares: Array, endmembers: Array, abundance: Array) -> dict[str, float]:
    """How well materials were found, after the best matching with the true ones.

    ``found`` and ``endmembers`` (materials, bands), ``shares`` and ``abundance`` (N, materials).
    - ``endmember_angle``: mean spectral angle in radians (Kruse et al. 1993), over the true materials.
    - ``abundance_rmse``: root of the mean squared difference of the shares.
    """
    from scipy.optimize import linear_sum_assignment

    angle = np.arccos(np.clip(_unit(endmembers) @ _unit(found).T, -1, 1))
    true, own = linear_sum_assignment(angle)
    gap = shares[:, own] - abundance[:, true]
    return {
        "endmember_angle": float(angle[true, own].mean()),
        "abundance_rmse": float(np.sqrt(np.square(gap).mean())),
    }


def _unit(spectra: Array) -> Array:
    made: Array = spectra / np.maximum(np.linalg.norm(spectra, axis=1, keepdims=True), 1e-12)
    return made


def _found_again(u: Array, v: Array, seed: int) -> dict[str, float]:
    from scipy.optimize import linear_sum_assignment
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import (
        adjusted_rand_score,
        confusion_matrix,
        normalized_mutual_info_score,
    )

    _, v = np.unique(v, return_inverse=True)
    count = int(v.max()) + 1
    if count < 2 or len(u) < 2 * count:
        return {}
    rng = np.random.default_rng(seed)
    few = rng.permutation(len(u))[:_MOST_TRAINED]
    u, v = u[few], v[few]
    spread = u.std(0)
    with warnings.catch_warnings():
        # Codes made of words may be fewer than the classes: fewer clusters are the answer then.
        warnings.simplefilter("ignore", ConvergenceWarning)
        clusters = KMeans(count, n_init=4, random_state=seed).fit_predict(
            u / np.where(spread < 1e-9, 1, spread)
        )
    agree = confusion_matrix(v, clusters, labels=np.arange(count))
    rows, columns = linear_sum_assignment(-agree)
    return {
        "cluster_accuracy": float(agree[rows, columns].sum() / len(v)),
        "cluster_nmi": float(normalized_mutual_info_score(v, clusters)),
        "cluster_ari": float(adjusted_rand_score(v, clusters)),
    }


def trustworthiness(items: Array, points: Array, seed: int = 0) -> float | None:
    """0..1: how many of a point's neighbours on the map are neighbours in truth (Venna & Kaski 2001).

    On up to 2,000 items (N, …) and their points (N, 2). None for fewer than 32.
    """
    if len(items) < 32:
        return None
    from sklearn.manifold import trustworthiness as trust

    few = np.random.default_rng(seed).permutation(len(items))[:_MOST_COMPARED]
    return float(
        trust(_flat(items)[few], points[few], n_neighbors=min(_NEIGHBOURS, len(few) // 2 - 1))
    )


def _flat(values: Array) -> Array:
    return values.reshape(len(values), -1).astype(np.float32)


def _knn(x: Array, y: Array, u: Array, v: Array) -> float:
    from sklearn.neighbors import KNeighborsClassifier

    return float(KNeighborsClassifier(min(_NEIGHBOURS, len(x))).fit(x, y).score(u, v))


def _probe(x: Array, y: Array, u: Array, v: Array) -> float:
    from sklearn.linear_model import LogisticRegression

    mean, spread = x.mean(0), x.std(0)
    spread[spread < 1e-9] = 1
    # The limit is generous: a probe that has not quite settled differs in the fourth digit.
    probe = LogisticRegression(max_iter=200, tol=1e-2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        probe.fit((x - mean) / spread, y)
    return float(probe.score((u - mean) / spread, v))
