"""Losses against their definitions, computed another way."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from isthmus import metrics
from isthmus.errors import DataError
from isthmus.losses import build_loss
from isthmus.recipe import (
    L1,
    Bce,
    Charbonnier,
    Gaussian,
    Laplace,
    Mse,
    MsSsim,
    Sad,
    Sid,
    Ssim,
)


def pair(*shape: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(*shape, generator=generator), torch.rand(*shape, generator=generator)


def test_plain_losses_by_numpy() -> None:
    raw, target = pair(4, 2, 5, 6)
    gap = (raw - target).numpy().reshape(4, -1)
    wanted: list[tuple[Any, Any]] = [
        (Mse(), (gap**2).mean(1)),
        (L1(), np.abs(gap).mean(1)),
        (Charbonnier(epsilon=0.1), (np.sqrt(gap**2 + 0.01) - 0.1).mean(1)),
    ]
    for spec, value in wanted:
        assert np.allclose(build_loss(spec).per_item(raw, target), value, atol=1e-6), spec.kind


def test_weights_count_values_more() -> None:
    raw, target = pair(3, 1, 4, 4)
    weight = torch.zeros(3, 1, 4, 4)
    weight[..., 0] = 2.0
    wanted = (raw - target)[..., 0].square().flatten(1).mean(1)
    assert torch.allclose(build_loss(Mse()).per_item(raw, target, weight), wanted)


def test_clipped_mse_is_the_error_of_the_clipped_output_where_the_target_is_at_an_end() -> None:
    loss = build_loss(Mse(clipped=True))
    raw = torch.tensor([[-0.5, 1.5, -0.5, 1.5, 0.3]])
    target = torch.tensor([[0.0, 1.0, 1.0, 0.0, 0.0]])
    wanted = (0 + 0 + 1.5**2 + 1.5**2 + 0.09) / 5
    assert loss.per_item(raw, target).item() == pytest.approx(wanted)


def test_bce_by_its_formula() -> None:
    raw, target = pair(4, 7)
    p = 1 / (1 + np.exp(-raw.numpy()))
    t = target.numpy()
    wanted = -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(1)
    loss = build_loss(Bce())
    assert np.allclose(loss.per_item(raw, target), wanted, atol=1e-5)
    assert np.allclose(loss.output(raw, (7,)), p, atol=1e-6)


@pytest.mark.parametrize(
    ("spec", "distribution"),
    [
        (Gaussian(min_std=0.1), torch.distributions.Normal),
        (Laplace(min_width=0.1), torch.distributions.Laplace),
    ],
)
def test_likelihoods_equal_torchs(spec: Any, distribution: Any) -> None:
    loss = build_loss(spec)
    target = torch.rand(4, 3, 5, 5)
    raw = torch.randn(4, 6, 5, 5)
    wanted = -distribution(raw[:, :3], torch.nn.functional.softplus(raw[:, 3:]) + 0.1).log_prob(
        target
    )
    assert torch.allclose(loss.per_item(raw, target), wanted.flatten(1).mean(1), atol=1e-5)
    assert torch.equal(loss.output(raw, (3, 5, 5)), raw[:, :3])


def test_spectral_angle_of_known_angles_and_blind_to_brightness() -> None:
    loss = build_loss(Sad())
    raw = torch.tensor([[1.0, 0.0], [1.0, 1.0], [3.0, 3.0], [1.0, 0.0]])
    target = torch.tensor([[0.0, 2.0], [1.0, 0.0], [1.0, 1.0], [-1.0, 0.0]])
    found = loss.per_item(raw, target)
    assert found.tolist() == pytest.approx([math.pi / 2, math.pi / 4, 0.0, math.pi], abs=1e-5)
    same = torch.rand(3, 20, requires_grad=True)
    loss.per_item(same, same.detach()).sum().backward()
    assert same.grad is not None
    assert torch.isfinite(same.grad).all()


def test_spectral_divergence_is_symmetric_and_zero_for_the_same_shape() -> None:
    loss = build_loss(Sid())
    a, b = (t + 0.1 for t in pair(5, 30))
    assert torch.allclose(loss.per_item(a, b), loss.per_item(b, a), atol=1e-5)
    assert loss.per_item(2 * a, a).abs().max() < 1e-5
    p, q = (t / t.sum(1, keepdim=True) for t in (a, b))
    wanted = (p * (p / q).log()).sum(1) + (q * (q / p).log()).sum(1)
    assert torch.allclose(loss.per_item(a, b), wanted, atol=1e-4)


def _ssim_slowly(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> float:
    """Wang et al. 2004 written as loops over windows."""
    taps = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(taps, taps) / taps.sum() ** 2
    values = []
    for i in range(x.shape[0] - 10):
        for j in range(x.shape[1] - 10):
            a, b = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
            ma, mb = (window * a).sum(), (window * b).sum()
            va, vb = (window * (a - ma) ** 2).sum(), (window * (b - mb) ** 2).sum()
            cov = (window * (a - ma) * (b - mb)).sum()
            top = (2 * ma * mb + 0.01**2) * (2 * cov + 0.03**2)
            values.append(top / ((ma**2 + mb**2 + 0.01**2) * (va + vb + 0.03**2)))
    return float(np.mean(values))


def test_ssim_against_its_definition() -> None:
    x, y = pair(2, 1, 18, 21)
    y = 0.7 * x + 0.3 * y
    wanted = [
        _ssim_slowly(a[0], b[0])
        for a, b in zip(x.double().numpy(), y.double().numpy(), strict=True)
    ]
    assert metrics.ssim(x, y).tolist() == pytest.approx(wanted, abs=1e-4)
    loss = build_loss(Ssim(mix=1.0))
    assert loss.per_item(x, y).tolist() == pytest.approx([1 - w for w in wanted], abs=1e-4)


def test_similarity_of_the_same_is_one_and_falls_with_noise() -> None:
    x, noise = pair(2, 3, 64, 64)
    for similar in (metrics.ssim, metrics.ms_ssim):
        assert similar(x, x).tolist() == pytest.approx([1, 1], abs=1e-5)
        little, much = similar(x, x + 0.05 * noise), similar(x, x + 0.5 * noise)
        assert (little > much).all()


def test_similarity_needs_pictures() -> None:
    for spec in (Ssim(), MsSsim()):
        with pytest.raises(DataError, match="needs pictures"):
            build_loss(spec).per_item(*pair(4, 9))
