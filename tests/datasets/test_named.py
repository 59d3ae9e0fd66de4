"""What a fresh machine has, and getting the rest: resumed, checked, from a mirror."""

from __future__ import annotations

import gzip
import hashlib
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

from isthmus import datasets
from isthmus.datasets import REGISTRY, open_dataset
from isthmus.datasets.download import folder_of
from isthmus.datasets.registry import Remote
from isthmus.errors import DataError
from isthmus.media.arrays import parse_idx
from isthmus.recipe import Named

SHIPPED = [n for n, entry in REGISTRY.items() if not entry.files]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_data_is_as_registered(name: str) -> None:
    entry, dataset = REGISTRY[name], open_dataset(Named(name=name))
    assert dataset.shape == entry.shape
    assert (len(dataset.train), len(dataset.test)) == (entry.train, entry.test)
    assert dataset.classes == entry.classes
    if entry.classes:
        assert set(dataset.train.labels) == set(range(len(entry.classes)))  # type: ignore[arg-type]
    again = open_dataset(Named(name=name))
    assert (again.train.values == dataset.train.values).all()


def test_digits_are_real_and_their_parts_apart() -> None:
    dataset = open_dataset(Named(name="digits"))
    assert dataset.train.values.dtype == np.uint8
    assert 0.1 < dataset.train.values.mean() / 255 < 0.16
    train = {v.tobytes() for v in dataset.train.values}
    assert not [v for v in dataset.test.values if v.tobytes() in train]
    assert np.bincount(dataset.test.labels).tolist() == [100] * 10  # type: ignore[arg-type]


def test_a_limit_keeps_a_part() -> None:
    assert len(open_dataset(Named(name="digits8", limit=50)).train) == 50


def test_what_is_not_here_says_how_to_get_it() -> None:
    with pytest.raises(
        DataError, match="kmnist: is not on this machine; get it with: isthmus data get kmnist"
    ):
        open_dataset(Named(name="kmnist"))
    with pytest.raises(DataError, match="no data set named 'minst'; there are: digits"):
        open_dataset(Named(name="minst"))


def idx(values: np.ndarray[Any, Any]) -> bytes:
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


@given(hn.arrays(np.uint8, hn.array_shapes(max_dims=4, max_side=6)))
def test_idx_there_and_back(values: np.ndarray[Any, Any]) -> None:
    assert (parse_idx(idx(values), "a") == values).all()


@given(st.binary(max_size=60))
def test_idx_of_any_bytes_is_read_or_refused(raw: bytes) -> None:
    try:
        parse_idx(raw, "a.idx")
    except DataError as error:
        assert "a.idx" in str(error)


class _Ranged(SimpleHTTPRequestHandler):
    """A file server that knows ranges, and can break off."""

    breaks_after = 10**9
    asked: list[str | None] = []

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        raw = path.read_bytes()
        ranged = self.headers.get("Range")
        type(self).asked.append(ranged)
        start = int(ranged.removeprefix("bytes=").rstrip("-")) if ranged else 0
        if start >= len(raw):
            self.send_error(416)
            return
        self.send_response(206 if ranged else 200)
        self.send_header("Content-Length", str(len(raw) - start))
        self.end_headers()
        self.wfile.write(raw[start : start + type(self).breaks_after])

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    folder = tmp_path / "served"
    folder.mkdir()
    _Ranged.asked, _Ranged.breaks_after = [], 10**9
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Ranged, directory=str(folder))) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}", folder
        http.shutdown()
        thread.join()


@pytest.fixture
def small(server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> str:
    """A data set of MNIST's form, served from here: its address."""
    url, folder = server
    rng = np.random.default_rng(0)
    files = []
    for file, shape in zip(
        REGISTRY["mnist"].files, [(40, 28, 28), (40,), (10, 28, 28), (10,)], strict=True
    ):
        raw = gzip.compress(idx(rng.integers(0, 10, shape, np.uint8)))
        (folder / file.name).write_bytes(raw)
        files.append(Remote(file.name, hashlib.md5(raw).hexdigest()))
    monkeypatch.setitem(REGISTRY, "mnist", replace(REGISTRY["mnist"], files=tuple(files)))
    return url


def test_get_then_open(small: str) -> None:
    told: list[tuple[str, int, int]] = []
    folder = datasets.get("mnist", small, lambda *given: told.append(given))
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        f.name for f in REGISTRY["mnist"].files
    )
    assert told
    assert told[-1][1] == told[-1][2]
    dataset = open_dataset(Named(name="mnist"))
    assert dataset.train.values.shape == (40, 1, 28, 28)
    asked = len(_Ranged.asked)
    datasets.get("mnist", small)
    assert len(_Ranged.asked) == asked, "what is here is not fetched again"


def test_a_broken_download_goes_on_where_it_was(small: str) -> None:
    _Ranged.breaks_after = 3000
    with pytest.raises(DataError, match=r"could not be downloaded .* put the file into"):
        datasets.get("mnist", small)
    _Ranged.breaks_after = 10**9
    datasets.get("mnist", small)
    assert "bytes=3000-" in _Ranged.asked
    assert len(open_dataset(Named(name="mnist")).train) == 40


def test_a_wrong_checksum_is_never_kept(small: str, server: tuple[str, Path]) -> None:
    name = REGISTRY["mnist"].files[0].name
    (server[1] / name).write_bytes(b"other bytes")
    with pytest.raises(DataError, match=r"its checksum is .*, it must be"):
        datasets.get("mnist", small)
    assert not list(folder_of("mnist").glob("*"))


def test_offline_is_one_clear_line(server: tuple[str, Path]) -> None:
    for mirror in (server[0] + "/nowhere", "http://127.0.0.1:9"):
        with pytest.raises(DataError) as caught:
            datasets.get("kmnist", mirror)
        assert "--mirror URL" in str(caught.value)
        assert "\n" not in str(caught.value)
