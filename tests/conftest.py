"""What many tests share: small real data, and the strictest settings."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from isthmus.datasets import Dataset, Items

os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="slow; run with: make test-slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's downloads."""
    monkeypatch.setenv("ISTHMUS_HOME", str(tmp_path / "isthmus-home"))
    monkeypatch.delenv("ISTHMUS_MIRROR", raising=False)


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """600 real 8 x 8 digits: large enough to learn from, small enough for a second."""
    from sklearn.datasets import load_digits

    held = load_digits()
    x = np.round(held.images * (255 / 16)).astype(np.uint8)[:, None]
    y = held.target.astype(np.int64)
    return Dataset(
        "digits8",
        "image",
        Items(x[:500], y[:500]),
        Items(x[500:600], y[500:600]),
        tuple("0123456789"),
    )


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The project's data beside the checkout; tests that need it are skipped where it is absent."""
    given = os.environ.get("ISTHMUS_SHARED_DATA")
    path = Path(given) if given else Path(__file__).parents[2] / "shared/data"
    if not path.is_dir():
        pytest.skip(f"no {path} (set ISTHMUS_SHARED_DATA)")
    return path
