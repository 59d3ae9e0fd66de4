"""The contenders that need nothing but Isthmus: ours, a plain torch loop, and the limit.

Two nets on random 28 x 28 pictures, batches of 128: "dense" is 784-512-256-64 and back, "conv" is
1-32-64 channels by strided 3 x 3 convolutions to 64 numbers and back.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from isthmus.datasets import Dataset, Items
from isthmus.recipe import Conv, Dense, Named, Plain, Recipe, Training
from isthmus.training import events, fit

ITEMS, BATCH, ROUNDS = 7_680, 128, 3
# Multiply-adds of a training step for one item: forward, both gradients, none to the input.
FLOPS = {"dense": 5.78e6, "conv": 13.8e6}


def pictures() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """(7680, 1, 28, 28) of noise: speed does not depend on what is in them."""
    return np.random.default_rng(0).integers(0, 256, (ITEMS, 1, 28, 28), np.uint8)


def ours(net: str) -> float:
    """``isthmus.fit`` with a recipe, as anybody would use it. Samples per CPU-second."""
    encoder = Dense(layers=(512, 256)) if net == "dense" else Conv(channels=(32, 64))
    recipe = Recipe(
        data=Named(validation=0.0),
        encoder=encoder,
        bottleneck=Plain(size=64),
        training=Training(epochs=ROUNDS + 1, batch_size=BATCH, threads=1, snapshots=0),
    )
    items = Items(pictures())
    best, began, epoch = 0.0, 0.0, 0
    for event in fit(recipe, Dataset("noise", "image", items, Items(items.values[:0]))):
        if isinstance(event, events.Progress) and event.epoch >= epoch + 1:
            now = time.process_time()
            if epoch:  # the first epoch warms up
                best = max(best, ITEMS / (now - began))
            epoch, began = int(event.epoch), now
    return best


class _OneByOne(TorchDataset[Tensor]):
    def __init__(self) -> None:
        self.values = pictures()

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> Tensor:
        return torch.from_numpy(self.values[index]).float() / 255


def naive(net: str) -> float:
    """The loop of most tutorials: an item at a time, a DataLoader, Adam, ``loss.item()``."""
    model = _dense() if net == "dense" else _conv()
    loader = DataLoader(_OneByOne(), batch_size=BATCH, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def epoch() -> None:
        total = 0.0
        for batch in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(batch), batch)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += loss.item()

    return _best(epoch)


def peak(net: str) -> float:
    """GFLOP/s of one thread multiplying 1536 x 1536 matrices, by the faster of torch's two routes."""
    a, b = torch.ones(1536, 1536), torch.ones(1536, 1536)
    rates = []
    for route in ("highest", "medium"):
        torch.set_float32_matmul_precision(route)
        for _round in range(6):
            start = time.process_time()
            torch.mm(a, b)
            rates.append(2 * 1536**3 / (time.process_time() - start) / 1e9)
    return max(rates)


def _best(epoch: Callable[[], None]) -> float:
    epoch()
    best = 0.0
    for _ in range(ROUNDS):
        start = time.process_time()
        epoch()
        best = max(best, ITEMS / (time.process_time() - start))
    return best


def _dense() -> nn.Module:
    widths = (784, 512, 256, 64, 256, 512, 784)
    layers: list[nn.Module] = [nn.Flatten()]
    pairs = list(zip(widths[:-1], widths[1:], strict=True))
    for number, (a, b) in enumerate(pairs):
        layers += [nn.Linear(a, b), *([] if number in (2, 5) else [nn.ReLU()])]
    return nn.Sequential(*layers, nn.Unflatten(1, (1, 28, 28)))


def _conv() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(), nn.Flatten(),
        nn.Linear(3136, 64), nn.Linear(64, 3136), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)),
        nn.ConvTranspose2d(64, 32, 3, 2, 1, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 3, 2, 1, 1),
    )  # fmt: skip


CONTENDERS: dict[str, Callable[[str], float]] = {
    "isthmus": ours,
    "plain torch": naive,
    "peak": peak,
}
