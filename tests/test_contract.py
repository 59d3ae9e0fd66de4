"""One contract for every bottleneck, loss, network and task, found by inspection."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from isthmus.autoencoder import Autoencoder
from isthmus.recipe import (
    Bands,
    Colorize,
    Conv,
    DenoiseSound,
    Dense,
    Mirror,
    Plain,
    Recipe,
    Reconstruct,
    Unwatermark,
    UShape,
    VectorQuantized,
)
from isthmus.tasks import Pair, build_task
from tests.kinds import kinds, losses

ITEM = (1, 12, 10)
NETWORKS = kinds("encoder")
BOTTLENECKS = kinds("bottleneck")


def _bottleneck(cls: Any, spatial: bool) -> Any:
    size = 4 if spatial else 8
    more = {"groups": 2, "codebook": 16} if cls is VectorQuantized else {}
    return cls(size=size, spatial=spatial, **more)


def _item_for(cls: Any) -> tuple[int, ...]:
    if cls is UShape:
        return (3, 16, 24)
    if cls is Bands:
        return (1, 200)
    return (2, 40) if cls.__name__ in {"Temporal", "Recurrent"} else ITEM


def _item_of_task(cls: Any) -> tuple[int, ...]:
    known = {
        "DenoisePhoto": (3, 12, 10),
        "DenoiseSound": (2, 600),
        "Colorize": (3, 16, 24),
        "Unwatermark": (3, 12, 10),
    }
    return known.get(cls.__name__, ITEM)


def _item_of_loss(cls: Any) -> tuple[int, ...]:
    return (3, 16, 14) if cls.__name__ == "Colors" else (2, 16, 14)


def _with(cls: Any, **fields: Any) -> Recipe:
    """A recipe with this encoder and a code it can lead to."""
    if cls is UShape:
        return Recipe(
            encoder=cls(**{"channels": (4, 6), **fields}), bottleneck=Plain(size=5, spatial=True)
        )
    if cls is Bands:
        small = {"window": 32, "bands": 5, "width": 6, "hidden": 7}
        return Recipe(encoder=cls(**{**small, **fields}), bottleneck=Plain(size=5, spatial=True))
    return Recipe(encoder=cls(**fields))


CASES = [
    *[
        (Recipe(bottleneck=_bottleneck(b, False), encoder=Dense(layers=(16,))), ITEM)
        for b in BOTTLENECKS
    ],
    *[
        (Recipe(bottleneck=_bottleneck(b, True), encoder=Conv(channels=(6,))), ITEM)
        for b in BOTTLENECKS
    ],
    *[(_with(n), _item_for(n)) for n in NETWORKS],
    *[
        (_with(n, dropout=0.2, start="pca"), _item_for(n))
        for n in NETWORKS
        if "start" in n.model_fields
    ],
    (_with(Bands, across="mixing", layers=(2, 0)), (2, 130)),
    (_with(Bands).replace(task=DenoiseSound()), (2, 200)),
    (_with(UShape, residual=False, blocks=(2, 1), fold=1), (1, 16, 20)),
    (_with(UShape, residual=False, fold=4, bias=True, attention=1), (3, 16, 24)),
    (_with(UShape, residual=False, fold=4, bias=True).replace(task=Colorize()), (3, 16, 24)),
    (
        _with(UShape, residual=False, bias=True, norm="batch").replace(task=Unwatermark()),
        (3, 16, 24),
    ),
    *[(Recipe(task=Reconstruct(loss=k())), _item_of_loss(k)) for k in losses()],
    *[(Recipe(task=t()), _item_of_task(t)) for t in kinds("task")],
    (Recipe(encoder=Conv(channels=(4, 6), norm="batch", convs=2, down="max", layers=(12,))), ITEM),
    (Recipe(encoder=Dense(layers=(16,), tied=True, norm="layer")), ITEM),
    (Recipe(encoder=Conv(channels=(4,)), decoder=Dense(layers=(9,))), ITEM),
    (Recipe(encoder=Conv(channels=(4,))), (33,)),
]
IDS = [
    "-".join([r.encoder.kind, r.bottleneck.kind, r.task.kind, r.task.loss.kind, str(i)])
    for i, (r, _) in enumerate(CASES)
]
every = pytest.mark.parametrize(("recipe", "item"), CASES, ids=IDS)


def _model(recipe: Recipe, item: tuple[int, ...]) -> Autoencoder:
    model = Autoencoder.from_recipe(recipe, item, seed=1)
    model.use_generator(torch.Generator().manual_seed(3))
    return model


def _items(item: tuple[int, ...], count: int = 6) -> torch.Tensor:
    return torch.rand(count, *item, generator=torch.Generator().manual_seed(5))


def _views(recipe: Recipe, item: tuple[int, ...], count: int = 6) -> torch.Tensor:
    """What the encoder sees: the item, or what the task makes of it."""
    return _items(recipe.task.view(item), count)


@every
def test_the_plan_and_the_built_model_agree(recipe: Recipe, item: tuple[int, ...]) -> None:
    model = _model(recipe, item)
    assert sum(p.numel() for p in model.parameters()) == model.plan.parameters
    for network in (model.encoder, model.decoder):
        own = [sum(p.numel() for p in layer.parameters()) for layer in network.layers]
        assert own == [layer.parameters(shape) for layer, shape in network.plan.steps]
        seen: list[tuple[int, ...]] = []
        assert network.plan.shapes[0] == (
            recipe.task.view(item) if network is model.encoder else model.plan.bottleneck.code
        )
        hooks = [
            layer.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape[1:])))
            for layer in network.layers
        ]
        network.eval()(torch.rand(2, *network.plan.shapes[0]))
        for hook in hooks:
            hook.remove()
        assert seen == list(network.plan.shapes[1:])


@every
def test_gradients_are_finite_and_reach_the_encoder(recipe: Recipe, item: tuple[int, ...]) -> None:
    model = _model(recipe, item).train()
    task = build_task(recipe.task)
    pair = task.pair(_items(item), torch.Generator().manual_seed(0))
    loss, cost, made = task.objective(model, pair)
    assert made.output.shape == pair.target.shape
    assert made.code.cost.shape == (6,)
    assert made.code.values.shape[1:] == model.plan.bottleneck.code
    (loss + 0.1 * cost).backward()
    for name, parameter in model.encoder.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    assert any(p.grad.abs().sum() > 0 for p in model.encoder.parameters() if p.grad is not None)


@every
def test_the_same_generator_gives_the_same_result(recipe: Recipe, item: tuple[int, ...]) -> None:
    before = torch.random.get_rng_state()
    results = []
    for _ in range(2):
        model = _model(recipe, item).train()
        results.append(model(_views(recipe, item)).raw)
    assert torch.equal(*results)
    assert torch.equal(before, torch.random.get_rng_state()), "torch's global randomness was used"


@every
def test_evaluation_repeats_and_survives_a_file(
    recipe: Recipe, item: tuple[int, ...], tmp_path: Path
) -> None:
    model = _model(recipe, item).eval()
    items = _views(recipe, item)
    first = model(items)
    assert torch.equal(first.raw, model(items).raw)
    save_file({n: v.clone() for n, v in model.state_dict().items()}, tmp_path / "w.safetensors")
    other = Autoencoder.from_recipe(recipe, item, seed=99).eval()
    other.load_state_dict(load_file(tmp_path / "w.safetensors"))
    assert torch.equal(first.raw, other(items).raw)
    rebuilt = torch.allclose(first.output, other.decode(first.code.values), atol=1e-6)
    assert rebuilt != model.plan.skips, "the code alone rebuilds the item unless paths go round it"


@every
def test_diagnostics_are_finite_numbers(recipe: Recipe, item: tuple[int, ...]) -> None:
    model = _model(recipe, item).eval()
    with torch.no_grad():
        figures = model.bottleneck.diagnostics(model(_views(recipe, item, 32)).code)
    assert figures
    assert all(isinstance(v, float) and math.isfinite(v) for v in figures.values()), figures


@every
def test_items_do_not_mix_in_evaluation(recipe: Recipe, item: tuple[int, ...]) -> None:
    model = _model(recipe, item).eval()
    items = _views(recipe, item)
    together = model(items).output
    alone = torch.cat([model(items[i : i + 1]).output for i in range(len(items))])
    assert torch.allclose(together, alone, atol=1e-5)


def test_every_kind_is_covered() -> None:
    covered = {r.bottleneck.kind for r, _ in CASES}
    assert covered == {k.model_fields["kind"].default for k in BOTTLENECKS}
    assert {r.encoder.kind for r, _ in CASES} == {k.model_fields["kind"].default for k in NETWORKS}
    assert any(isinstance(r.decoder, Mirror) for r, _ in CASES)


@pytest.mark.parametrize("task", kinds("task"), ids=lambda k: k.__name__)
def test_tasks_give_back_what_they_are_given(task: Any) -> None:
    batch = _items(_item_of_task(task))
    kept = batch.clone()
    made: Pair = build_task(task()).pair(batch, torch.Generator().manual_seed(0))
    assert made.input.shape[1:] == task().view(tuple(batch.shape[1:]))
    assert torch.equal(batch, kept), "a task must not change its batch"
    assert made.target.shape[1:] == task().truth(tuple(batch.shape[1:]))
