"""Nobody ever sees half a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from isthmus.files import replacing, write_text


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def interrupted() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            assert path.read_text() == "old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_success_replaces_and_follows_the_users_mask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "deep/er/a.txt", "new")
    finally:
        os.umask(before)
    assert (tmp_path / "deep/er/a.txt").read_text() == "new"
    assert (tmp_path / "deep/er/a.txt").stat().st_mode & 0o777 == 0o640
