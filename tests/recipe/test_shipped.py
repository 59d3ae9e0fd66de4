"""Every shipped recipe whose data is here really trains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile
from tests import sounds
from tests.photos import photograph

from isthmus.datasets import REGISTRY
from isthmus.datasets.named import is_here
from isthmus.recipe import Named, Recipe
from isthmus.recipe.files import shipped
from isthmus.training import train


@pytest.mark.parametrize("name", sorted(shipped()))
def test_it_trains(name: str, tmp_path: Path) -> None:
    recipe = Recipe.load(name)
    few = ["training.epochs=2", "training.threads=1", "training.minutes=none"]
    if isinstance(recipe.data, Named):
        if not is_here(REGISTRY[recipe.data.name]):
            pytest.skip(f"{recipe.data.name} is not on this machine")
        few.append("data.limit=120")
    elif recipe.data.kind == "photos":
        (tmp_path / "photos").mkdir()
        for i in range(3):
            part = photograph()[50 * i : 50 * i + 200, :200]
            Image.fromarray(part).save(tmp_path / f"photos/{i}.png")
        few += [f"data.path={tmp_path / 'photos'}", "data.window=32", "data.last_window=64"]
    elif recipe.data.kind == "sounds":
        (tmp_path / "recordings").mkdir()
        rate = recipe.data.sample_rate
        for i in range(4):
            note = np.sin(np.arange(4 * rate) * (0.2 + 0.1 * i)) * 8000
            wavfile.write(tmp_path / f"recordings/{i}.wav", rate, note.astype(np.int16))
        few.append(f"data.path={tmp_path / 'recordings'}")
    elif recipe.data.kind == "speech":
        folder = sounds.corpus(tmp_path / "audio")
        few += [f"data.path={folder}", 'data.speech=["speech"]', 'data.noise=["noise"]']
        few += ['data.apart=["dan", "street"]', "data.seconds=0.5", "encoder.width=8"]
    small = recipe.set(*few)
    run = train(small, tmp_path / "run")
    assert run.state == "finished"
    assert 0 < run.metrics["mse"] < 1
    assert (run.path / "report.html").stat().st_size > 10_000
