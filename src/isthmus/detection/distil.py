"""One small network that says in one pass what the ensemble says in eight, for long tables.

Distillation (Hinton, Vinyals & Dean 2015) of functions, not of figures. The mean over the members of
their surprise at a number x is 0.5 (a (x - c)^2 + o), as the mean of parabolas is one. The student is
taught a, c and o: who learnt surprises themselves would know only those of usual rows. It is shown the
column that it speaks of, but most rows it learns from are broken, so that looking there is of no use.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus.detection.fitting import Told, descend
from isthmus.detection.net import CAP, LEAST, MOST, Ensemble, Layout
from isthmus.detection.surprise import Pass
from isthmus.recipe import Detect

ANSWERS = 3
"""Of a student for each input: c, log a and o; of a choice's inputs c is the mean log-share."""
_CHUNK = 512
_LONGER = 2
# So many groups of hidden columns a step, each on its share of the batch.
_PARTS = 2
_UNBROKEN = 0.3
_MOST_BROKEN = 0.5
_NOISE = (0.1, 10.0)


def distil(
    net: Ensemble,
    layout: Layout,
    hiding: Tensor,
    values: Tensor,
    given: Tensor,
    spec: Detect,
    seed: int,
    told: Told | None = None,
) -> Ensemble:
    """A student (one member) of ``net`` from training rows (N, inputs)."""
    generator = torch.Generator().manual_seed(seed)
    student = Ensemble(1, net.inputs, spec.width, spec.blocks, generator, ANSWERS)
    passes = [Pass.of(net, layout, group) for group in hiding]
    # A category counts as much as a number, however many values it has.
    weight = 1 / torch.ones(layout.columns).index_add(
        0, layout.owner, torch.where(layout.numbers, 0.0, 1.0)
    ).clamp_min(1)
    weight = torch.where(layout.numbers, 1.0, layout.spread(weight))
    batch = max(spec.batch_size // _PARTS, 1) * _PARTS

    def lost(step: int) -> Tensor:
        x, known = _broken(values, given, batch, layout, generator)
        centre, sharpness, offset, asked = _taught(net, passes, x, known, generator)
        said = _answered(student, x, known)
        unit = torch.where(layout.numbers, (sharpness / 2).exp(), 1.0)
        wrong = F.smooth_l1_loss(said[0] * unit, centre * unit, reduction="none")
        curve = F.smooth_l1_loss(said[1], sharpness, reduction="none")
        curve = curve + 0.5 * F.smooth_l1_loss(said[2], offset, reduction="none")
        asked = asked * known * weight
        return ((wrong + curve * layout.numbers) * asked).sum() / asked.sum().clamp_min(1)

    descend(student, lost, _LONGER * spec.steps, spec.learning_rate, told)
    return student


def _answered(student: Ensemble, x: Tensor, known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rows (N, inputs) -> the student's c, log a and o, each (N, inputs)."""
    weights, biases = list(student.weights), list(student.biases)
    # Nothing is hidden from a student, and its rows have no noise: the level is always 0.
    h = torch.addmm(biases[0][0], torch.cat([x * known, known], -1), weights[0][0, :-1])
    for i in range(1, len(weights) - 1, 2):
        inner = F.silu(torch.addmm(biases[i][0], F.silu(h), weights[i][0]))
        h = h + torch.addmm(biases[i + 1][0], inner, weights[i + 1][0])
    out = torch.addmm(biases[-1][0], F.silu(h), weights[-1][0])
    centre, sharpness, offset = torch.chunk(out, ANSWERS, -1)
    return centre, sharpness.clamp(-MOST, -LEAST), offset


@torch.inference_mode()
def told_surprise(student: Ensemble, layout: Layout, values: Tensor, given: Tensor) -> Tensor:
    """(N, columns): what ``surprises`` says of hidden columns, told by the student."""
    made = torch.zeros(len(values), layout.columns)
    for start in range(0, len(values), _CHUNK):
        rows = slice(start, start + _CHUNK)
        x, known = values[rows], given[rows]
        centre, sharpness, offset = _answered(student, x, known)
        nats = 0.5 * ((x - centre).square() * sharpness.exp() + offset)
        nats = torch.where(layout.numbers, nats, -x * centre.clamp(-CAP, 0))
        made[rows] = layout.by_column(nats.clamp_(-CAP, CAP) * known * layout.worth)
    return made


def _broken(
    values: Tensor, given: Tensor, batch: int, layout: Layout, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Training rows, most of them with some columns of other rows, or with noise of any size."""
    drawn = torch.randint(0, len(values), (batch,), generator=generator)
    x, known = values[drawn], given[drawn]
    share = torch.rand(batch, 1, generator=generator) * _MOST_BROKEN
    share[: int(_UNBROKEN * batch)] = 0
    # Rows of one group are a stretch of the batch, so broken ones must lie anywhere.
    share = share[torch.randperm(batch, generator=generator)]
    columns = torch.rand(batch, layout.columns, generator=generator) < share
    others = torch.randint(0, len(values), (batch, layout.columns), generator=generator)
    hit, source = layout.spread(columns), layout.spread(others)
    noisy = torch.rand(batch, 1, generator=generator) < 0.5
    low, high = (math.log(n) for n in _NOISE)
    sigma = (low + (high - low) * torch.rand(batch, 1, generator=generator)).exp()
    moved = x + sigma * torch.randn(x.shape, generator=generator) * layout.numbers
    swapped = hit & ~noisy
    x = torch.where(swapped, values.gather(0, source), torch.where(hit, moved, x))
    return x, torch.where(swapped, given.gather(0, source), known)


@torch.no_grad()
def _taught(
    net: Ensemble, passes: list[Pass], x: Tensor, known: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """c, log a and o of some columns of each row, and where these are; of choices c is a mean log-share."""
    made = torch.zeros(4, *x.shape)
    seen = torch.cat([x * known, known], -1)
    size = len(x) // _PARTS
    for part in range(_PARTS):
        rows = slice(part * size, (part + 1) * size)
        chosen = passes[int(torch.randint(0, len(passes), (1,), generator=generator))]
        a, ac, rest = (torch.zeros(size, len(chosen.inputs)) for _ in range(3))
        shares = torch.zeros(size, len(chosen.inputs))
        for member in range(net.members):
            value, spread = chosen.said(net, seen[rows], member)
            spread = spread.clamp(LEAST, MOST)
            sharp = torch.exp(-spread)
            a += sharp
            ac += sharp * value
            rest += sharp * value.square() + spread
            for span in chosen.choices:
                shares[:, span] += F.log_softmax(value[:, span], -1).clamp_min(-CAP)
        centre = ac / a
        offset = (rest - ac * centre) / net.members
        for span in chosen.choices:
            centre[:, span] = shares[:, span] / net.members
        told = torch.stack([centre, (a / net.members).log(), offset, torch.ones_like(a)])
        made[:, rows, chosen.inputs] = told
    return made[0], made[1], made[2], made[3]
