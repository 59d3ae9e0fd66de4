"""Each model that ships says the same in the page's runtime, from what the server sends, as in torch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load, load_file

import isthmus.studio
from isthmus.autoencoder import Autoencoder
from isthmus.models import find
from isthmus.recipe import Recipe
from tests.studio.server import Server

WEB = Path(isthmus.studio.__file__).parent / "web"
VITEST = WEB / "node_modules/vitest/vitest.mjs"
NODE = shutil.which("node")


@pytest.mark.skipif(
    NODE is None or not VITEST.is_file(), reason="no vitest (npm ci in src/isthmus/studio/web)"
)
def test_shipped_models_are_the_same_in_the_page_as_in_torch(tmp_path: Path) -> None:
    said = []
    with Server(tmp_path) as server:
        server.log_in()
        status, content, _ = server.ask("GET", "/data/digits/items?part=test&from=0&count=5")
        assert status == 200
        x = torch.from_numpy(load(content)["values"].astype(np.float32) / 255)
        models = server.call("GET", "/models")["models"]
        assert [run["name"] for run in models] == [f"digits-{2**k}" for k in range(1, 8)]
        for run in models:
            status, content, _ = server.ask("GET", f"/runs/{run['id']}/weights")
            assert status == 200, content
            (tmp_path / f"{run['name']}.safetensors").write_bytes(content)
            codes, outputs = _torch(run["name"], x)
            said.append({"name": run["name"], "items": x.flatten(1).tolist(),
                         "codes": codes, "outputs": outputs})  # fmt: skip
    (tmp_path / "said.json").write_text(json.dumps(said))
    ran = subprocess.run(
        [str(NODE), str(VITEST), "run", "tests/shipped.test.ts", "--no-cache"],
        cwd=WEB, env={**os.environ, "ISTHMUS_SHIPPED": str(tmp_path), "CI": "1"},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    print(ran.stdout)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{len(said)} passed" in ran.stdout


def _torch(name: str, x: torch.Tensor) -> tuple[list[list[float]], list[list[float]]]:
    """Codes and pictures of the half-precision weights as they lie in the package."""
    folder = find(name)
    assert folder is not None
    model = Autoencoder.from_recipe(Recipe.load(folder / "recipe.toml"), (1, 28, 28), seed=0)
    state = load_file(folder / "weights.safetensors")
    model.load_state_dict({key: torch.from_numpy(v.astype(np.float32)) for key, v in state.items()})
    with torch.no_grad():
        made = model.eval()(x)
    return made.code.values.flatten(1).tolist(), made.output.flatten(1).clamp(0, 1).tolist()
