"""Every bottleneck does what its paper says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from isthmus.autoencoder import Autoencoder
from isthmus.bottlenecks import Bottleneck, build_bottleneck
from isthmus.bottlenecks.wasserstein import mmd
from isthmus.datasets import Dataset
from isthmus.plan.bottleneck import bottleneck as plan_bottleneck
from isthmus.recipe import (
    Adversarial,
    Contractive,
    Dense,
    EntropyCoded,
    FiniteScalar,
    Recipe,
    Sparse,
    Training,
    Variational,
    VectorQuantized,
)
from isthmus.training import fit


def build(spec: Any, grid: tuple[int, ...] = ()) -> Bottleneck:
    made = build_bottleneck(spec, plan_bottleneck(spec, grid))
    made.generator = torch.Generator().manual_seed(0)
    return made.train()


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def last_evaluation(recipe: Recipe, digits: Dataset) -> Any:
    return [e for e in fit(recipe, digits) if e.kind == "evaluated"][-1]


def test_topk_leaves_exactly_k_the_largest() -> None:
    latent = normal(20, 30)
    values = build(Sparse(size=30, penalty="topk", k=7))(latent).values
    assert ((values != 0).sum(1) == 7).all()
    dropped = torch.where(values == 0, latent.abs(), -1).amax(1)
    kept = torch.where(values != 0, latent.abs(), torch.inf).amin(1)
    assert (kept >= dropped).all()


def test_l1_costs_the_sum_of_magnitudes() -> None:
    latent = normal(5, 8)
    assert torch.allclose(build(Sparse(size=8)).forward(latent).cost, latent.abs().sum(1))


def test_kl_sparsity_is_least_at_the_target_activity() -> None:
    module = build(Sparse(size=6, penalty="kl", activity=0.1))
    at_target = torch.full((9, 6), math.log(0.1 / 0.9))
    assert module(at_target).cost.max() < 1e-6
    assert module(at_target + 0.5).cost.min() > 0.05
    assert module(at_target - 0.5).cost.min() > 0.01


@pytest.mark.parametrize("penalty", ["l1", "kl"])
def test_a_stronger_penalty_gives_sparser_codes(penalty: str, digits: Dataset) -> None:
    def activity(weight: float) -> float:
        spec = Sparse(size=32, penalty=penalty, weight=weight)
        recipe = Recipe(
            encoder=Dense(layers=(64,)),
            bottleneck=spec,
            training=Training(epochs=15, learning_rate=3e-3),
        )
        fitting = fit(recipe, digits)
        list(fitting)
        return float(np.abs(fitting.model.encode(digits.test.values)).mean())

    assert activity(3.0) < 0.6 * activity(0.0)


def test_the_contractive_penalty_is_the_jacobians_norm() -> None:
    spec = Contractive(size=5, probes=5)
    recipe = Recipe(encoder=Dense(layers=(11,), activation="tanh"), bottleneck=spec)
    model = Autoencoder.from_recipe(recipe, (9,)).train()
    x = normal(4, 9)
    cost = model.encode(x).cost
    for item, found in zip(x, cost, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda v: model.encoder(v[None])[0], item)
        assert found.item() == pytest.approx(jacobian.square().sum().item(), rel=1e-4)


def test_few_probes_estimate_it_without_bias() -> None:
    recipe = Recipe(encoder=Dense(layers=(11,)), bottleneck=Contractive(size=8, probes=2))
    model = Autoencoder.from_recipe(recipe, (9,)).train()
    model.use_generator(torch.Generator().manual_seed(0))
    exact = Autoencoder.from_recipe(recipe.set("bottleneck.probes=8"), (9,)).train()
    exact.load_state_dict(model.state_dict())
    x = normal(3, 9)
    guess = torch.stack([model.encode(x).cost.detach() for _ in range(300)]).mean(0)
    assert torch.allclose(guess, exact.encode(x).cost.detach(), rtol=0.1)


def test_contracting_lowers_the_norm(digits: Dataset) -> None:
    def norm(weight: float) -> float:
        recipe = Recipe(
            encoder=Dense(layers=(32,)),
            bottleneck=Contractive(size=8, weight=weight),
            training=Training(epochs=8, learning_rate=3e-3),
        )
        progress = [e for e in fit(recipe, digits) if e.kind == "progress"]
        return float(progress[-1].cost)

    assert norm(1.0) < 0.5 * norm(0.0)


def test_the_kl_equals_torchs() -> None:
    latent = normal(7, 12)
    code = build(Variational(size=6))(latent)
    mean, log_variance = latent.chunk(2, 1)
    q = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    p = torch.distributions.Normal(torch.zeros(6), torch.ones(6))
    wanted = torch.distributions.kl_divergence(q, p).sum(1)
    assert torch.allclose(code.cost, wanted, atol=1e-5)


def test_the_kl_falls_as_beta_rises(digits: Dataset) -> None:
    def kl(beta: float) -> float:
        recipe = Recipe(
            encoder=Dense(layers=(64,)),
            bottleneck=Variational(size=4, weight=beta),
            training=Training(epochs=12, batch_size=32, learning_rate=3e-3),
        )
        return float(last_evaluation(recipe, digits).metrics["cost"])

    low, middle, high = kl(0.01), kl(0.1), kl(1.0)
    assert low > 1.3 * middle > 1.3 * 1.3 * high


def test_free_nats_cost_what_they_promise() -> None:
    nothing = torch.zeros(5, 8)
    assert torch.allclose(
        build(Variational(size=4, free_nats=0.5))(nothing).cost, torch.full((5,), 2.0)
    )


def test_beta_rises_over_the_warmup() -> None:
    module = build(Variational(size=4, weight=2.0, warmup=0.5))
    weights = []
    for module.progress in (0.0, 0.25, 0.5, 1.0):
        weights.append(module.weight)
    assert weights == [0.0, 1.0, 2.0, 2.0]


def test_mmd_is_near_zero_for_the_prior_and_large_elsewhere() -> None:
    for kernel in ("imq", "rbf"):
        same = mmd(normal(500, 8), normal(500, 8, seed=1), kernel)
        moved = mmd(normal(500, 8) + 1.0, normal(500, 8, seed=1), kernel)
        assert abs(float(same)) < 0.02
        assert float(moved) > 0.2


def test_the_critic_learns_and_the_encoder_gives_it_no_gradient() -> None:
    module = build(Adversarial(size=4))
    code = normal(256, 4) * 0.2 + 3
    optimizer = torch.optim.Adam(module.critic_parameters(), 1e-2)
    first = float(module.critic_loss(code).detach())
    for _ in range(60):
        optimizer.zero_grad()
        loss = module.critic_loss(code)
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.1 * first
    optimizer.zero_grad()
    latent = code.clone().requires_grad_()
    module(latent).cost.sum().backward()
    assert latent.grad is not None
    assert latent.grad.abs().sum() > 0
    assert all(p.grad is None or not p.grad.any() for p in module.critic_parameters())


def test_adversarial_training_pulls_codes_to_the_prior(digits: Dataset) -> None:
    def distance(weight: float) -> float:
        recipe = Recipe(
            encoder=Dense(layers=(64,)),
            bottleneck=Adversarial(size=4, weight=weight, critic=(64,)),
            training=Training(epochs=20, batch_size=32, learning_rate=2e-3),
        )
        fitting = fit(recipe, digits)
        list(fitting)
        codes = torch.from_numpy(fitting.model.encode(digits.train.values))
        return float(mmd(codes, normal(*codes.shape), "imq"))

    assert distance(1.0) < 0.5 * distance(0.0)


def test_words_are_the_nearest_entries_and_lookup_returns_them() -> None:
    module = build(VectorQuantized(size=8, groups=4, codebook=16)).eval()
    latent = normal(10, 8)
    code = module(latent)
    words = latent.view(-1, 2)
    wanted = torch.cdist(words, module.codebooks[0]).argmin(1).view(10, 4)
    assert torch.equal(code.extras["indices"][..., 0], wanted)
    assert torch.allclose(module.lookup(code.extras["indices"]), code.values, atol=1e-6)


def test_dead_entries_are_revived() -> None:
    module = build(VectorQuantized(size=2, groups=1, codebook=64, decay=0.8))
    module.codebooks[:] = 100.0  # far from everything: all but one entry are dead
    module.sums[:] = 100.0
    module.seeded.fill_(1)
    for step in range(40):
        module(normal(512, 2, seed=step))
    used = module(normal(512, 2, seed=99)).extras["indices"].unique()
    assert len(used) > 50


def test_more_levels_leave_less_error() -> None:
    def error(levels: int) -> float:
        module = build(VectorQuantized(size=8, groups=2, codebook=32, levels=levels))
        for step in range(60):
            module(normal(256, 8, seed=step))
        latent = normal(256, 8, seed=999)
        return float((module.eval()(latent).values - latent).square().mean())

    one, two, three = error(1), error(2), error(3)
    assert one > 1.3 * two > 1.3 * 1.3 * three


@pytest.mark.parametrize("levels", [2, 3, 8])
def test_finite_scalars_lie_on_their_levels_and_pass_gradients(levels: int) -> None:
    module = build(FiniteScalar(size=5, levels=levels))
    latent = (3 * normal(200, 5)).requires_grad_()
    code = module(latent)
    grid = torch.linspace(-1, 1, levels)
    assert (code.values.detach()[..., None] - grid).abs().amin(-1).max() < 1e-6
    assert len(code.extras["indices"].unique()) == levels
    code.values.sum().backward()
    assert latent.grad is not None
    assert (latent.grad >= 0).all()
    assert (latent.grad > 0).float().mean() > 0.9  # far out, tanh is flat
    assert torch.allclose(module.lookup(code.extras["indices"]), code.values, atol=1e-6)


def test_the_entropy_model_is_a_probability() -> None:
    module = build(EntropyCoded(size=3)).eval()
    everything = torch.arange(-4000, 4001).float()[:, None].expand(-1, 3)
    with torch.no_grad():
        mass = (-module.nats(everything)).exp().sum(0)
    # Masses under 1e-9 count as 1e-9, so a little more than one is possible.
    assert torch.allclose(mass, torch.ones(3), atol=2e-3)


def test_the_entropy_model_learns_a_sources_entropy() -> None:
    chances = torch.tensor([0.5, 0.25, 0.125, 0.125])
    entropy = 1.75 * math.log(2)
    module = build(EntropyCoded(size=1, step=1.0))
    optimizer = torch.optim.Adam([p for n, p in module.named_parameters() if n != "log_step"], 2e-2)
    generator = torch.Generator().manual_seed(0)
    for _ in range(900):
        source = torch.multinomial(chances, 512, True, generator=generator).float()[:, None]
        optimizer.zero_grad()
        module(source).cost.mean().backward()
        optimizer.step()
    with torch.no_grad():
        spent = float(module.eval()(source).cost.mean())
    assert spent == pytest.approx(entropy, rel=0.15)


def test_a_dearer_rate_spends_fewer_bits(digits: Dataset) -> None:
    def bits(weight: float) -> float:
        recipe = Recipe(
            encoder=Dense(layers=(64,)),
            bottleneck=EntropyCoded(size=16, weight=weight),
            training=Training(epochs=25, batch_size=32, learning_rate=3e-3),
        )
        return float(last_evaluation(recipe, digits).diagnostics["bits_per_item"])

    assert bits(0.1) < 0.8 * bits(0.001)
