"""Dead channels come back, and nothing else changes."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from isthmus.autoencoder import Autoencoder
from isthmus.datasets import Dataset
from isthmus.networks.modules import PlainBlock
from isthmus.recipe import Plain, Recipe, UShape
from isthmus.training import events, fit
from isthmus.training.revival import revive

_RECIPE = Recipe(
    name="u",
    encoder=UShape(channels=(8, 12), bias=True, residual=False),
    bottleneck=Plain(size=12, spatial=True),
)


def _model() -> Autoencoder:
    model = Autoencoder.from_recipe(_RECIPE, (3, 16, 16), seed=0)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.1, generator=generator)
    return model


def _blocks(model: Autoencoder) -> list[PlainBlock]:
    return [m for m in model.modules() if isinstance(m, PlainBlock)]


@torch.no_grad()
def _kill(block: PlainBlock, channels: list[int]) -> None:
    """As training leaves them: never above zero, and what led there and away decayed."""
    assert block.first.bias is not None
    block.first.weight[channels] *= 1e-4
    block.first.bias[channels] = -0.1
    block.second.weight[:, channels] *= 1e-4


def test_dead_channels_live_and_the_model_says_the_same() -> None:
    model = _model()
    block = _blocks(model)[0]
    _kill(block, [1, 4, 5])
    lived = block.first.weight.detach().clone()
    x = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    before = model(x).raw
    assert revive(model, torch.Generator().manual_seed(0)) == 3
    assert torch.allclose(model(x).raw, before, atol=1e-6)
    lengths = block.first.weight.detach().flatten(1).norm(dim=1)
    others = [0, 2, 3, 6, 7]
    assert torch.allclose(lengths[[1, 4, 5]], lengths[others].median())
    assert torch.equal(block.first.weight[others], lived[others])
    # They are above zero somewhere, so that they learn: what comes of them gets a gradient.
    model(x).raw.square().mean().backward()
    assert block.second.weight.grad is not None
    assert (block.second.weight.grad[:, [1, 4, 5]].flatten(2).abs().amax((0, 2)) > 0).all()


def test_the_living_are_left_alone() -> None:
    model = _model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert revive(model, torch.Generator().manual_seed(0)) == 0
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_new_block_is_not_taken_for_dead() -> None:
    """Its second convolution is zero everywhere: nothing in it is shorter than the rest."""
    model = Autoencoder.from_recipe(_RECIPE, (3, 16, 16), seed=0)
    assert revive(model, torch.Generator().manual_seed(0)) == 0


def test_a_training_says_what_it_revived(digits: Dataset) -> None:
    few = dataclasses.replace(digits, train=digits.train.take(np.arange(40)))
    recipe = _RECIPE.set("training.epochs=1", "training.batch_size=8", "training.threads=1")
    first = fit(recipe, few)
    list(first)
    said = {}
    for state in ("living", "dead"):
        if state == "dead":
            _kill(_blocks(first.model.autoencoder)[0], [1, 4])
        second = fit(recipe, few, start=first.model)
        said[state] = next(e.warnings for e in second if isinstance(e, events.Started))
        second.close()
    assert [note for note in said["dead"] if note not in said["living"]] == [
        "2 channels that had died were drawn anew"
    ]
