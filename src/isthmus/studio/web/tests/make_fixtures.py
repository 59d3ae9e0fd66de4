"""Small networks of every kind of layer and bottleneck, with what torch makes of an item.

    python src/isthmus/studio/web/tests/make_fixtures.py

Writes ``fixtures/*.json``, which the browser's runtime must agree with (``runtime.test.ts``).
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import torch

from isthmus import recipe as R
from isthmus.autoencoder import Autoencoder
from isthmus.studio import graph, packs

PICTURE, SEQUENCE, VECTOR = (1, 12, 12), (2, 16), (20,)
CASES = {
    "dense": (PICTURE, R.Recipe(encoder=R.Dense(layers=(20, 10)), bottleneck=R.Plain(size=4))),
    "dense-line": (
        PICTURE,
        R.Recipe(
            encoder=R.Dense(layers=(12,), activation="silu", start="pca", dropout=0.2),
            bottleneck=R.Plain(size=4),
        ),
    ),
    "dense-batch": (
        VECTOR,
        R.Recipe(
            encoder=R.Dense(layers=(16,), norm="batch", activation="elu"),
            bottleneck=R.Variational(size=3),
            task=R.Reconstruct(loss=R.Bce()),
        ),
    ),
    "dense-layer": (
        VECTOR,
        R.Recipe(
            encoder=R.Dense(layers=(16,), norm="layer", activation="leaky_relu"),
            bottleneck=R.Simplex(size=5, start="random"),
        ),
    ),
    "dense-tied": (
        VECTOR,
        R.Recipe(
            encoder=R.Dense(layers=(12, 8), tied=True, activation="tanh"),
            bottleneck=R.Sparse(size=6, penalty="topk", k=2),
        ),
    ),
    "dense-gaussian": (
        PICTURE,
        R.Recipe(
            encoder=R.Dense(layers=(12,), activation="sigmoid"),
            bottleneck=R.Sparse(size=6, penalty="kl"),
            task=R.Reconstruct(loss=R.Gaussian()),
        ),
    ),
    "conv": (
        PICTURE,
        R.Recipe(
            encoder=R.Conv(channels=(6, 9), layers=(14,), norm="batch", activation="gelu"),
            bottleneck=R.FiniteScalar(size=5),
        ),
    ),
    "conv-odd": (
        (3, 13, 11),
        R.Recipe(
            encoder=R.Conv(channels=(5, 6), kernel=5, stride=3, norm="group"),
            bottleneck=R.EntropyCoded(size=3, spatial=True),
        ),
    ),
    "conv-max": (
        (1, 13, 13),
        R.Recipe(
            encoder=R.Conv(channels=(4, 5), down="max", convs=2, norm="batch"),
            bottleneck=R.VectorQuantized(size=6, groups=3, codebook=7, levels=2),
        ),
    ),
    "conv-average": (
        PICTURE,
        R.Recipe(
            encoder=R.Conv(channels=(4,), kernel=4, down="average"), bottleneck=R.Plain(size=3)
        ),
    ),
    "conv-sequence": (
        SEQUENCE,
        R.Recipe(encoder=R.Conv(channels=(4, 6), kernel=5), bottleneck=R.Plain(size=3)),
    ),
    "conv-vector": (
        VECTOR,
        R.Recipe(encoder=R.Conv(channels=(4, 6)), bottleneck=R.Plain(size=3)),
    ),
    "residual": (
        PICTURE,
        R.Recipe(
            encoder=R.Residual(
                channels=(4, 6), blocks=2, norm="batch", layers=(10,), activation="silu",
                dropout=0.1, start="pca",
            ),
            bottleneck=R.Plain(size=4),
        ),
    ),
    "residual-group": (
        PICTURE,
        R.Recipe(
            encoder=R.Residual(channels=(8,), stride=4, blocks=1, norm="group"),
            bottleneck=R.Plain(size=2, spatial=True),
        ),
    ),
    "temporal": (
        SEQUENCE,
        R.Recipe(
            encoder=R.Temporal(channels=(4, 6), dilations=(1, 2)), bottleneck=R.Plain(size=3)
        ),
    ),
    "recurrent": (
        SEQUENCE,
        R.Recipe(encoder=R.Recurrent(hidden=7, depth=2), bottleneck=R.Plain(size=3)),
    ),
    "ushape": (
        (1, 16, 16),
        R.Recipe(
            encoder=R.UShape(channels=(4, 6), fold=2), bottleneck=R.Plain(size=5, spatial=True)
        ),
    ),
}  # fmt: skip


def case(item: tuple[int, ...], recipe: R.Recipe) -> dict[str, object]:
    """Weights by chance (also where layers begin at zero), an item, its code and its output."""
    model = Autoencoder.from_recipe(recipe, item, seed=0).eval()
    chance = torch.Generator().manual_seed(1)
    state = model.state_dict()
    for name, value in state.items():
        if not value.is_floating_point():
            continue
        noise = torch.randn(value.shape, generator=chance) * 0.3
        if name.endswith(("running_var", "spread")):
            value.copy_(0.5 + noise.abs())
        elif "log_step" not in name:
            value.copy_(value * 0.5 + noise)
    model.load_state_dict(state)
    x = torch.rand((1, *item), generator=chance)
    with torch.no_grad():
        made = model(x)
    arrays = graph.shown({name: value.numpy() for name, value in state.items()}, "f4")
    weights = packs.pack(arrays, graph.describe(recipe, model.plan, {}), "graph")
    return {
        "weights": base64.b64encode(weights).decode(),
        "item": [round(v, 7) for v in x.flatten().tolist()],
        "code": [float(f"{v:.8g}") for v in made.code.values.flatten().tolist()],
        "output": [float(f"{v:.8g}") for v in made.output.flatten().tolist()],
    }


def main() -> None:
    folder = Path(__file__).parent / "fixtures"
    folder.mkdir(exist_ok=True)
    for name, (item, recipe) in CASES.items():
        (folder / f"{name}.json").write_text(json.dumps(case(item, recipe)) + "\n", "utf-8")


if __name__ == "__main__":
    main()
