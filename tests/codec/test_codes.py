"""Codes of autoencoders as sheets of bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.codec.codes import CodeBook, pack, unpack
from isthmus.codec.errors import FormatError


def _codes(items: int, seed: int = 0) -> np.ndarray:
    """Two kinds of items with other spreads, 12 numbers each."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, (items, 1))
    spread = np.where(kind == 0, np.arange(12) / 2, np.arange(12)[::-1] / 2)
    return np.rint(rng.normal(4 * kind, spread + 0.2)).astype(np.int64)


@pytest.mark.parametrize("pages", [1, 4])
def test_sheets_come_back_at_the_price_of_their_entropy(pages: int) -> None:
    book = CodeBook.fit(_codes(4000), pages)
    test = _codes(2000, 1)
    data = pack(book, test)
    assert (unpack(book, data) == test).all()
    counts = [np.unique(column, return_counts=True)[1] / len(test) for column in test.T]
    entropy = sum(-(p * np.log2(p)).sum() for p in counts) / 8
    if pages == 1:
        assert entropy * 0.98 < len(data) / len(test) < entropy * 1.06 + 0.1
    else:
        assert len(data) / len(test) < entropy  # kinds of items are worth a page


@given(st.integers(0, 40), st.integers(1, 5), st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_any_numbers_come_back(items: int, pages: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    book = CodeBook.fit(_codes(100), pages)
    far = np.rint(rng.standard_cauchy((items, 12)) * 50).clip(-400_000, 400_000).astype(np.int64)
    assert (unpack(book, pack(book, far)) == far).all()


def test_damage_is_refused() -> None:
    book = CodeBook.fit(_codes(200))
    data = pack(book, _codes(20))
    for length in range(len(data)):
        with pytest.raises(FormatError):
            unpack(book, data[:length])
    for place in range(len(data)):
        with pytest.raises(FormatError):
            unpack(book, data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
    with pytest.raises(FormatError, match="12 numbers"):
        pack(book, np.zeros((3, 5), np.int64))


def test_the_command_needs_no_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys, isthmus.cli.compress, isthmus.cli.decompress, isthmus.cli.batch\n"
        "import isthmus.codec.photos, isthmus.codec.codes, isthmus.pillow\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
