"""The examples run as they stand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example(path: Path, tmp_path: Path) -> None:
    short = ["1"] if path.stem == "quickstart" else []
    work = tmp_path / "work"
    work.mkdir()
    done = subprocess.run(
        [sys.executable, str(path), *short], capture_output=True, text=True, check=False, cwd=work,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-1500:]
    assert done.stdout.strip()
    assert not list(work.iterdir()), "an example left something behind"
