"""Codes -> two numbers a point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import DataError, MissingExtra

Array = NDArray[Any]
How = Literal["auto", "direct", "pca", "umap", "tsne", "pacmap"]
Progress = Callable[[float], None]
_PLACED_AT_ONCE = 20_000
_TORN = 0.1
_MOST_FEATURES = 1_000
WAYS: tuple[How, ...] = ("auto", "direct", "pca", "umap", "tsne", "pacmap")


@dataclass(frozen=True)
class Projection:
    """``points`` (N, 2) and how they were made; ``inverse`` maps points (M, 2) back to codes, if any."""

    points: Array
    how: str
    axes: tuple[str, str]
    inverse: Callable[[Array], Array] | None


def project(
    codes: Array, how: How = "auto", seed: int = 0, progress: Progress | None = None
) -> Projection:
    """Codes (N, *code) to the plane.

    "direct" shows two code numbers as they are; "pca" is linear and can be inverted; "umap" (McInnes
    et al. 2018), "tsne" (van der Maaten & Hinton 2008) and "pacmap" (Wang et al. 2021) keep
    neighbours together and cannot; of more than 50,000 codes (t-SNE: 10,000) they lay out a sample and
    place each other code between its nearest in the sample. ``progress`` hears shares of that, 0..1.
    "auto" is direct for codes of two numbers, else pca. Raises
    MissingExtra where the library is not installed, DataError where codes cannot be laid out.
    """
    flat = codes.reshape(len(codes), -1).astype(np.float32)
    if not np.isfinite(flat).all():
        raise DataError(
            f"{int((~np.isfinite(flat)).any(1).sum())} of {len(flat)} codes are not numbers"
        )
    if len(flat) < 3:
        raise DataError(f"a map needs at least 3 items; there are {len(flat)}")
    numbers = flat.shape[1]
    if how == "auto":
        how = "direct" if numbers == 2 else "pca"
    match how:
        case "direct":
            if numbers != 2:
                raise DataError(
                    f"direct needs codes of 2 numbers; these have {numbers} (use pca or umap)"
                )
            return Projection(
                flat, how, ("code 1", "code 2"), lambda p: p.reshape(-1, *codes.shape[1:])
            )
        case "pca":
            return _pca(flat, codes.shape[1:])
        case "umap":
            points = _sampled(flat, _umap, seed, 50_000, progress)
            return Projection(points, how, ("UMAP 1", "UMAP 2"), None)
        case "pacmap":
            points = _sampled(flat, _pacmap, seed, 50_000, progress)
            return Projection(points, how, ("PaCMAP 1", "PaCMAP 2"), None)
        case _:
            points = _sampled(flat, _tsne, seed, 10_000, progress)
            return Projection(points, "tsne", ("t-SNE 1", "t-SNE 2"), None)


def _sampled(
    flat: Array,
    lay_out: Callable[[Array, int], Array],
    seed: int,
    most: int,
    progress: Progress | None,
) -> Array:
    """Lay out at most ``most`` codes, and place the others between their nearest of these."""
    if len(flat) <= most:
        return lay_out(flat, seed)
    from sklearn.neighbors import NearestNeighbors

    chosen = np.sort(np.random.default_rng(seed).permutation(len(flat))[:most])
    anchors = lay_out(flat[chosen], seed)
    search = NearestNeighbors(n_neighbors=4).fit(flat[chosen])
    points = np.empty((len(flat), 2), np.float32)
    for start in range(0, len(flat), _PLACED_AT_ONCE):
        gap, near = search.kneighbors(flat[start : start + _PLACED_AT_ONCE])
        weight = 1 / np.maximum(gap, 1e-9) ** 2
        placed = (anchors[near] * weight[..., None]).sum(1) / weight.sum(1, keepdims=True)
        # The nearest decides the neighbourhood: between two clusters there is nothing to see.
        far = np.linalg.norm(anchors[near] - anchors[near[:, :1]], axis=2).max(1)
        torn = far > _TORN * np.ptp(anchors, 0).max()
        points[start : start + len(near)] = np.where(torn[:, None], anchors[near[:, 0]], placed)
        if progress is not None:
            progress(min((start + len(near)) / len(flat), 1.0))
    points[chosen] = anchors
    return points


def _pca(flat: Array, shape: tuple[int, ...]) -> Projection:
    mean = flat.mean(0)
    if flat.shape[1] == 1:
        # One number: laid out along a line.
        points = np.concatenate([flat, np.zeros_like(flat)], 1)
        return Projection(points, "pca", ("code", ""), lambda p: p[:, :1].reshape(-1, *shape))
    values, axes = _axes(flat, mean)
    # A fixed sign, so that the same codes always give the same picture.
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), [0, 1]])
    share = values / max(float(flat.var(0, ddof=1).sum()), 1e-12)
    names = (f"PCA 1 ({share[0]:.0%})", f"PCA 2 ({share[1]:.0%})")
    points = ((flat - mean) @ axes).astype(np.float32)
    return Projection(points, "pca", names, lambda p: (p @ axes.T + mean).reshape(-1, *shape))


def _axes(flat: Array, mean: Array) -> tuple[Array, Array]:
    """The two largest variances and their directions (features, 2)."""
    if flat.shape[1] <= _MOST_FEATURES:
        values, vectors = np.linalg.eigh(np.cov(flat - mean, rowvar=False))
        return values[::-1][:2], vectors[:, ::-1][:, :2]
    from sklearn.decomposition import PCA

    # The covariance of codes of thousands of numbers would take minutes: two directions need it not.
    fitted = PCA(2, svd_solver="randomized", random_state=0).fit(flat)
    return fitted.explained_variance_, fitted.components_.T


def _umap(flat: Array, seed: int) -> Array:
    try:
        import umap
    except ImportError:
        raise MissingExtra("umap-learn", "umap", "the UMAP map") from None
    neighbours = min(15, len(flat) - 1)
    return np.asarray(
        umap.UMAP(n_neighbors=neighbours, random_state=seed, n_jobs=1).fit_transform(flat),
        np.float32,
    )


def _pacmap(flat: Array, seed: int) -> Array:
    try:
        import pacmap
    except ImportError:
        raise MissingExtra("pacmap", "pacmap", "the PaCMAP map") from None
    return np.asarray(pacmap.PaCMAP(random_state=seed).fit_transform(flat, init="pca"), np.float32)


def _tsne(flat: Array, seed: int) -> Array:
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(flat) - 1) / 3)
    made = TSNE(perplexity=perplexity, init="pca", random_state=seed, n_jobs=1).fit_transform(flat)
    return np.asarray(made, np.float32)
