"""Muon makes steps orthogonal, keeps weights bounded, and goes on exactly where it stopped."""

from __future__ import annotations

import torch
from torch import nn

from isthmus.training.muon import Muon, as_matrix, as_weight, orthogonal


def test_matrices_become_orthogonal() -> None:
    matrices = torch.randn(5, 12, 40, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonal(matrices))
    assert float(values.min()) > 0.5
    assert float(values.max()) < 1.3
    assert torch.linalg.svdvals(orthogonal(matrices.transpose(1, 2))).max() < 1.3


def test_a_filter_is_a_matrix_and_back() -> None:
    weight = torch.randn(6, 4, 3, 3)
    assert torch.equal(as_weight(as_matrix(weight), weight), weight)
    flat = torch.randn(6, 4)
    assert torch.equal(as_weight(as_matrix(flat), flat), flat)


def _learn(steps: int, decay: float = 0.0, stop: int | None = None) -> tuple[float, nn.Module]:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Conv2d(8, 1, 3)
    )
    x = torch.randn(8, 3, 12, 12)
    y = x.mean(1, keepdim=True)[:, :, 3:-3, 3:-3].abs()

    def optimizer() -> Muon:
        return Muon(
            [net[2].weight], [p for p in net.parameters() if p is not net[2].weight], 2e-3, decay
        )

    made = optimizer()
    loss = torch.zeros(())
    for step in range(steps):
        if step == stop:
            held = made.state_dict()
            made = optimizer()
            made.load_state_dict(held)
        made.zero_grad()
        loss = (net(x) - y).square().mean()
        loss.backward()
        made.step()
    return loss.item(), net


def test_it_learns() -> None:
    assert _learn(150)[0] < 0.3 * _learn(1)[0]


def test_decay_bounds_the_largest_singular_value() -> None:
    _, net = _learn(400, decay=2.0)
    assert float(torch.linalg.matrix_norm(as_matrix(net[2].weight.detach()), 2)) < 0.75


def test_it_goes_on_where_it_stopped() -> None:
    whole, first = _learn(40)
    stopped, second = _learn(40, stop=17)
    assert whole == stopped
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
