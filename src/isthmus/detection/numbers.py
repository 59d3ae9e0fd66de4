"""One number a row of a table of any length, in a temporary file: memory holds what is asked for."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_PIECE = 65_536


class Numbers:
    """Numbers of one kind (a numpy dtype), added at the end and read by row number or slice."""

    def __init__(self, kind: str) -> None:
        self._kind = np.dtype(kind)
        # It lives as long as the numbers.
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._rows = 0

    def add(self, values: Array) -> None:
        """Numbers of the next rows (N,)."""
        self._file.seek(0, 2)
        self._file.write(np.ascontiguousarray(values, self._kind).tobytes())
        self._rows += len(values)

    def __len__(self) -> int:
        return self._rows

    @overload
    def __getitem__(self, rows: int) -> Any: ...
    @overload
    def __getitem__(self, rows: slice) -> Array: ...
    def __getitem__(self, rows: int | slice) -> Any:
        if isinstance(rows, int):
            return self[rows : rows + 1][0]
        start, stop, _ = slice(rows.start, rows.stop).indices(self._rows)
        self._file.seek(start * self._kind.itemsize)
        held = self._file.read(max(stop - start, 0) * self._kind.itemsize)
        return np.frombuffer(held, self._kind)

    def pieces(self) -> Iterator[Array]:
        """All of them, some at a time."""
        for start in range(0, self._rows, _PIECE):
            yield self[start : start + _PIECE]
