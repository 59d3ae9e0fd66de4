"""A detector: fitted to rows of one table, it says of any row how strange it is, and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from isthmus.detection import views
from isthmus.detection.calibrate import Reference
from isthmus.detection.fitting import Fitted, Told, fit
from isthmus.detection.labels import Head
from isthmus.detection.net import Ensemble, Layout
from isthmus.detection.surprise import groups, surprises
from isthmus.media import tables
from isthmus.media.tables import Block, Encoded, Misfit, Schema
from isthmus.recipe import Detect

Array = NDArray[Any]

NEAR = "nearest"
_USED = {
    # A dense cluster of frauds is near itself: distance to prototypes helps only where rows are clean.
    True: ("hidden", "residual", "alone"),
    False: ("hidden", NEAR),
}
# How far beyond the usual a row is says most where training rows are usual; where some are not,
# only what goes beyond all of them says more than its rank.
_TAIL = {True: 0.0, False: 0.01}
_CALIBRATED = 20_000
LONG = 100_000
"""Rows of a training table beyond which one network is asked of each column, where that is left open."""
_BLOCK = 64


@dataclass(frozen=True)
class Scores:
    """Of each row: the ``score`` that ranks, its ``p_value``, and each column's surprise (N, columns).

    ``probability`` is there where labels were given to learn from.
    """

    score: Array
    p_value: Array
    surprise: Array
    probability: Array | None = None

    @property
    def ranking(self) -> Array:
        """What orders rows: the probability where there is one, else the score."""
        return self.score if self.probability is None else self.probability


@dataclass
class Detector:
    """What ``fit_detector`` makes: an ensemble, prototypes, and what training rows had."""

    schema: Schema
    spec: Detect
    mixed: bool
    net: Ensemble
    prototypes: torch.Tensor
    references: dict[str, Reference]
    reference: Reference
    head: Head | None = None
    fast: bool = False
    """Whether one network is asked of each hidden column, not all."""
    losses: tuple[float, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    """What a person should know of the training: table, rows, notes, seconds, recipe."""

    def __post_init__(self) -> None:
        self.blocks: tuple[Block, ...] = tables.blocks(self.schema)
        self.layout = Layout.of(self.blocks, self.schema.width)
        self.hiding = groups(len(self.blocks))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that take part, in the order of ``Scores.surprise``."""
        return tuple(b.column.name for b in self.blocks)

    def encode(self, frame: Any, name: str = "table") -> tuple[Encoded, tuple[Misfit, ...]]:
        """Rows of a polars frame as the networks see them, and what did not fit. Raises DataError."""
        return tables.encode(frame, self.schema, name)

    def score(self, encoded: Encoded, twins: bool = False) -> Scores:
        """The scores of encoded rows: each row's depend on that row alone.

        With ``twins`` a row that is among the training rows is not its own neighbour.
        """
        ways = self.ways(encoded, twins=twins, labelled=self.head is not None)
        total = self._total(ways)
        probability = None
        if self.head is not None:
            probability = self.head.probability(self.features(ways, total))
        return Scores(total, self.reference.p_value(total), ways["hidden"], probability)

    def ways(
        self,
        encoded: Encoded,
        trusted: torch.Tensor | None = None,
        own: torch.Tensor | None = None,
        twins: bool = False,
        labelled: bool = False,
    ) -> dict[str, Array]:
        """Each way's surprise of each row by column, (N, columns); of nearness (N, 1).

        Labels (``labelled``) also weigh the residual.
        """
        rows = len(encoded.values)
        # Matrix products round by their size: rows come in whole blocks, so that company is no matter.
        missing = -rows % _BLOCK if trusted is None else 0
        values = torch.from_numpy(np.pad(encoded.values, ((0, missing), (0, 0))))
        given = torch.from_numpy(np.pad(encoded.given, ((0, missing), (0, 0))))
        asked = {*_USED[self.mixed], *(("residual",) if labelled else ())}
        made = surprises(
            self.net, self.layout, self.hiding, values, given, trusted, asked, self.fast
        )
        # What training rows never had is equally new however much is hidden; squares need no nats.
        told = {n: v[:rows].numpy().astype(np.float64) + encoded.fixed for n, v in made.items()}
        if not self.mixed:
            far = views.nearest(values, self.prototypes, own, twins)[:rows].double().numpy()
            told[NEAR] = far[:, None] + encoded.fixed.sum(1, keepdims=True)
        return told

    @torch.inference_mode()
    def codes(self, encoded: Encoded) -> Array:
        """(N, width): where the first network puts each row, for a map."""
        x, given = torch.from_numpy(encoded.values), torch.from_numpy(encoded.given)
        members = self.net.members
        level = torch.full((members, len(x), 1), math.log(0.1))
        code: Array = self.net.hidden(
            x.expand(members, -1, -1), given.expand(members, -1, -1), level
        )[0].numpy()
        return code

    def _total(self, ways: dict[str, Array]) -> Array:
        """(N,): the mean of the marks of the ways that are used."""
        tail = _TAIL[self.mixed]
        marks = [self.references[n].mark(ways[n].sum(1), tail) for n in _USED[self.mixed]]
        made: Array = np.mean(marks, 0)
        return made

    def features(self, ways: dict[str, Array], total: Array) -> Array:
        """(N, 1 + 2 x columns): what labels are learnt from."""
        nats = np.clip(ways["hidden"], -5, 20)
        squares = np.log1p(100 * np.clip(ways["residual"], 0, 1e4))
        return np.concatenate([total[:, None], nats, squares], 1)


def fit_detector(
    frame: Any,
    schema: Schema,
    spec: Detect,
    seed: int,
    mixed: bool,
    labels: Array | None = None,
    name: str = "table",
    told: Told | None = None,
    total: int = 0,
) -> Detector:
    """Fit to the rows of a polars frame. ``labels`` (N,): 1 bad, 0 good, NaN not known.

    Rows known to be bad teach nothing but the labels' head. ``total``: rows of the table that the
    frame is a sample of. Raises DataError.
    """
    encoded, _ = tables.encode(frame, schema, name)
    return fit_encoded(encoded, schema, spec, seed, mixed, labels, told, total)


def fit_encoded(
    encoded: Encoded,
    schema: Schema,
    spec: Detect,
    seed: int,
    mixed: bool,
    labels: Array | None = None,
    told: Told | None = None,
    total: int = 0,
) -> Detector:
    """The same for rows that are encoded already."""
    blocks = tables.blocks(schema)
    values, given = torch.from_numpy(encoded.values), torch.from_numpy(encoded.given)
    bad = np.zeros(len(values), bool) if labels is None else labels == 1
    learnt = torch.from_numpy(~bad)
    if int(learnt.sum()) < 2:
        learnt[:] = True
    if mixed and len(values) >= 20:
        left = views.suspects(values, blocks, spec.suspect, seed)
        if int((learnt & ~left).sum()) >= 2:
            learnt &= ~left
    index = torch.nonzero(learnt).reshape(-1)
    fitted = fit(values[index], given[index], Layout.of(blocks, schema.width), spec, seed, told)
    generator = torch.Generator().manual_seed(seed)
    chosen = index[torch.randperm(len(index), generator=generator)[: spec.prototypes]]
    detector = Detector(
        schema, spec, mixed, fitted.net, values[chosen].clone(), {}, Reference.of(np.zeros(1))
    )
    detector.losses = fitted.losses
    long = max(total, len(values)) > LONG
    detector.fast = spec.scoring == "fast" or (spec.scoring == "auto" and long)
    _calibrate(detector, encoded, fitted, index, chosen, bad, labels, seed)
    return detector


def _calibrate(
    detector: Detector,
    encoded: Encoded,
    fitted: Fitted,
    index: torch.Tensor,
    chosen: torch.Tensor,
    bad: Array,
    labels: Array | None,
    seed: int,
) -> None:
    """What training rows have when judged by those members only that did not learn from them."""
    rows = len(encoded.values)
    kept = np.arange(rows)
    if rows > _CALIBRATED:
        drawn = np.random.default_rng(seed).permutation(rows)[:_CALIBRATED]
        # Rows with labels are few and dear.
        kept = (
            np.union1d(drawn, np.flatnonzero(~np.isnan(labels)))
            if labels is not None and np.isfinite(labels).sum() < _CALIBRATED
            else np.sort(drawn)
        )
    trusted = torch.ones(fitted.net.members, rows, dtype=torch.bool)
    trusted[:, index] = ~fitted.seen
    own = torch.full((rows,), -1)
    own[chosen] = torch.arange(len(chosen))
    part = Encoded(encoded.values[kept], encoded.given[kept], encoded.fixed[kept])
    ways = detector.ways(part, trusted[:, kept], own[kept], labelled=labels is not None)
    usual = ~bad[kept] if (~bad[kept]).sum() >= 2 else np.ones(len(kept), bool)
    detector.references = {n: Reference.of(ways[n].sum(1)[usual]) for n in ways}
    total = detector._total(ways)
    detector.reference = Reference.of(total[usual])
    if labels is not None:
        detector.head = Head.fit(detector.features(ways, total), labels[kept])


def names_of(columns: Sequence[str], taken: Sequence[str]) -> dict[str, str]:
    """Names for new columns that no column of the table has."""
    return {c: c if c not in taken else f"isthmus_{c}" for c in columns}
