"""Every shipped recipe whose data is here really trains."""

from __future__ import annotations

from pathlib import Path

import pytest

from isthmus.datasets import REGISTRY
from isthmus.datasets.named import is_here
from isthmus.recipe import Recipe
from isthmus.recipe.files import shipped
from isthmus.training import train


@pytest.mark.parametrize("name", sorted(shipped()))
def test_it_trains(name: str, tmp_path: Path) -> None:
    recipe = Recipe.load(name)
    data = getattr(recipe.data, "name", "")
    if not is_here(REGISTRY[data]):
        pytest.skip(f"{data} is not on this machine (isthmus data get {data})")
    small = recipe.set(
        "data.limit=120", "training.epochs=2", "training.threads=1", "training.minutes=none"
    )
    run = train(small, tmp_path / "run")
    assert run.state == "finished"
    assert 0 < run.metrics["mse"] < 1
    assert (run.path / "report.html").stat().st_size > 10_000
