"""Why a row is strange: which columns, what was found in them, and what was expected, in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from isthmus.detection.detector import Detector
from isthmus.detection.net import expected
from isthmus.detection.surprise import surprises
from isthmus.media.tables import Block, Encoded
from isthmus.media.tables.values import as_text, as_times, present

Array = NDArray[Any]

_CELLS = 50_000
_NOTABLE = 0.05
_GONE = "no value"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December")  # fmt: skip


@dataclass(frozen=True)
class Cause:
    """One column's part in one row's score. ``nats``: by how much repairing it lowers the surprise."""

    column: str
    found: str
    expected: str
    nats: float

    @property
    def text(self) -> str:
        """``amount: 2,125.87, expected about 23``"""
        return f"{self.column}: {self.found}, expected {self.expected}"


def causes(detector: Detector, frame: Any, encoded: Encoded, most: int) -> list[list[Cause]]:
    """For each row of a polars frame (and its encoding) the ``most`` causes, the greatest first.

    Each column in turn is hidden, told by the others, and put right; its part is by how much the
    surprise of the whole row then falls. So a column is not blamed for its neighbour's error. Where
    no single column can be blamed (a row that is rare as a whole), the columns are named that are
    rarest by themselves, with what is usual.
    """
    if not len(frame) or not most:
        return [[] for _ in range(len(frame))]
    gain, wanted = contributions(detector, encoded)
    texts = {b.column.name: _found(frame[b.column.name], b) for b in detector.blocks}
    rare: Array = gain.max(1) <= 0
    if rare.any():
        gain[rare] = _alone(detector, encoded, rare)
    made = []
    for row in range(len(frame)):
        order = np.argsort(-gain[row], kind="stable")[:most]
        told = _usual if rare[row] else _expected
        made.append(
            [
                Cause(
                    detector.columns[c],
                    texts[detector.columns[c]][row],
                    told(detector.blocks[c], wanted[row], texts[detector.columns[c]][row] == _GONE),
                    float(gain[row, c]),
                )
                for c in order
                if gain[row, c] > max(0.0, _NOTABLE * gain[row].max())
            ]
        )
    return made


def contributions(detector: Detector, encoded: Encoded) -> tuple[Array, Array]:
    """(nats (N, columns) that putting each column right takes off, expected inputs (N, width))."""
    columns = len(detector.blocks)
    size = max(1, _CELLS // (max(columns, 1) * max(detector.schema.width, 1)))
    gains, wanted = [], []
    for start in range(0, len(encoded.values), size):
        rows = slice(start, start + size)
        part = Encoded(encoded.values[rows], encoded.given[rows], encoded.fixed[rows])
        gain, said = _part(detector, part)
        gains.append(gain)
        wanted.append(said)
    return np.concatenate(gains), np.concatenate(wanted)


@torch.inference_mode()
def _part(detector: Detector, part: Encoded) -> tuple[Array, Array]:
    net, layout = detector.net, detector.layout
    values, given = torch.from_numpy(part.values), torch.from_numpy(part.given)
    rows, columns = len(values), len(detector.blocks)
    # (columns, rows, width): in copy c, column c is hidden.
    hidden = layout.spread(torch.eye(columns))[:, None].expand(-1, rows, -1)
    many = values.expand(columns, -1, -1).reshape(columns * rows, -1)
    shown = (given.expand(columns, -1, -1) * (1 - hidden)).reshape(columns * rows, -1)
    said = expected(
        net, many.expand(net.members, -1, -1), shown.expand(net.members, -1, -1), layout
    ).reshape(columns, rows, -1)
    wanted = (said * hidden).sum(0)
    repaired = torch.where(hidden > 0, _settled(said, detector.blocks), values)
    before = _total(detector, values, given)
    after = _total(
        detector,
        repaired.reshape(columns * rows, -1),
        torch.where(hidden > 0, 1.0, given).reshape(columns * rows, -1),
    ).reshape(columns, rows)
    gain = (before[None] - after).T.double().numpy() + part.fixed
    return gain, wanted.numpy()


def _alone(detector: Detector, encoded: Encoded, rows: Array) -> Array:
    """(rows, columns) nats by which each value is rare whatever the others are; the usual have none."""
    values, given = (torch.from_numpy(part[rows]) for part in (encoded.values, encoded.given))
    made = surprises(
        detector.net, detector.layout, detector.hiding, values, given, asked=("alone",)
    )
    nats = made["alone"].double().numpy() + encoded.fixed[rows]
    return np.asarray(nats - np.minimum(nats.min(1, keepdims=True), 0))


def _settled(said: torch.Tensor, blocks: tuple[Block, ...]) -> torch.Tensor:
    """Expected values with the likeliest of each choice in place of shares."""
    made = said.clone()
    for block in blocks:
        if block.choice:
            span = slice(block.start, block.stop)
            best = said[..., span].argmax(-1, keepdim=True)
            made[..., span] = torch.zeros_like(said[..., span]).scatter_(-1, best, 1.0)
    return made


def _total(detector: Detector, values: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
    """(N,) nats of whole rows: of hidden columns, told the others, and alone."""
    asked = ("hidden", "alone")
    made = surprises(detector.net, detector.layout, detector.hiding, values, given, asked=asked)
    return made["hidden"].sum(1) + made["alone"].sum(1)


def _found(series: Any, block: Block) -> list[str]:
    series = present(series)
    gone = series.is_null().to_list()
    if block.column.kind == "date":
        times = as_times(series, block.column.day_first).to_list()
        return [_GONE if g or t is None else _moment(t) for g, t in zip(gone, times, strict=True)]
    if series.dtype.is_float() and block.column.kind == "number":
        return [_GONE if v is None or v != v else number(v) for v in series.to_list()]
    return [_GONE if g else str(v) for g, v in zip(gone, as_text(series).to_list(), strict=True)]


def _expected(block: Block, wanted: Array, gone: bool) -> str:
    """What was expected in place of a value, or of none (``gone``)."""
    column = block.column
    if block.flag is not None and not gone:
        share = column.missing
        if float(wanted[block.flag]) * np.sqrt(share * (1 - share)) + share > 0.5:
            return _GONE
    match column.kind:
        case "number":
            value = float(wanted[block.start]) * column.spread + column.mean
            value = min(max(value, column.low), column.high)
            return f"about {number(round(value) if column.whole else value)}"
        case "category":
            shares = wanted[block.start : block.stop]
            best = int(shares.argmax())
            name = column.levels[best] if best < len(column.levels) else "a rare value"
            return f"{name} ({shares[best]:.0%})"
        case "date":
            return _cycles(column.parts, wanted[block.start : block.stop])
        case _:
            return column.known[0] if column.known else _GONE


def number(value: float) -> str:
    """A number as people write it: four digits that count, thousands apart."""
    if abs(value) >= 1e15 or (value != 0 and abs(value) < 1e-4):
        return f"{value:.3g}"
    if float(value).is_integer():
        return f"{int(value):,}"
    digits = max(0, 3 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{min(digits, 6)}f}"


def _moment(seconds: float) -> str:
    moment = np.datetime64(int(seconds), "s")
    return str(moment).replace("T", " ")


def _usual(block: Block, wanted: Array, gone: bool) -> str:
    """What is expected of a column by who knows nothing of the row."""
    column = block.column
    if column.kind != "number":
        return _expected(block, wanted, gone)
    ends = (column.mean - 2 * column.spread, column.mean + 2 * column.spread)
    low, high = (min(max(end, column.low), column.high) for end in ends)
    if column.whole:
        low, high = round(low), round(high)
    return f"mostly {number(low)} to {number(high)}"


def _cycles(parts: tuple[str, ...], wanted: Array) -> str:
    said = []
    for i, part in enumerate(parts):
        share = float(np.arctan2(wanted[2 * i], wanted[2 * i + 1]) / (2 * np.pi)) % 1.0
        match part:
            case "hour":
                said.append(f"about {int(share * 24) % 24:02d}:00")
            case "weekday":
                said.append(_DAYS[(int(share * 7)) % 7])
            case _:
                said.append(_MONTHS[int(share * 12) % 12])
    return ", ".join(reversed(said)) or "another time"
