"""Train the network behind the photo codec's synthesis, and make a prior of it and an older one.

    python scripts/train_codec_network.py PHOTOS LOSSLESS --prior 1.safetensors -o 2.safetensors

PHOTOS are halved (they may have been JPEG once), LOSSLESS taken as they are. The photographs are
coded at many steps; the network sees what the synthesis gives and learns what the fitted filter
still lacks. It starts in closed form: the first layer on whitened surroundings, the last by least
squares, all between passes its input on. Then Adam; then weights become whole numbers.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file
from torch import nn
from torch.nn import functional as F

from isthmus.codec import network, smoothing, synthesis, tile_pixels
from isthmus.codec.colors import color_planes
from isthmus.codec.model import STEPS, shipped
from isthmus.codec.network import CELL, FLAGS, GAIN, LAST, LEAST, MOST, SHIFT, TOP

INPUTS = 3 * CELL**2 + FLAGS
COARSEST = 360
CROP, BATCH = 96, 8
UNIT = 256
CEILING = TOP / UNIT
"""Activations 0..CEILING become 0..TOP."""


class Restorer(nn.Module):
    """The network in floats: planes in steps to a correction in steps."""

    white: torch.Tensor

    def __init__(self, width: int = 64, blocks: int = 3) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.randn(width, INPUTS * 9) * 0.5 / INPUTS**0.5)
        self.register_buffer("white", torch.eye(INPUTS * 9))

        def conv(out: int, scale: float) -> nn.Conv2d:
            made = nn.Conv2d(width, out, 3, padding=1, bias=False)
            nn.init.kaiming_normal_(made.weight)
            made.weight.data *= scale
            return made

        self.mid = nn.ModuleList([conv(width, float(k % 2 == 0)) for k in range(2 * blocks)])
        self.last = conv(INPUTS - FLAGS, 0.0)
        # Polynomials of the rate: biases of all layers, factors of the first and of the last.
        self.bias = nn.Parameter(torch.zeros(1 + 2 * blocks, 3, width))
        self.gain = nn.Parameter(torch.zeros(3, width))
        self.obias = nn.Parameter(torch.zeros(3, INPUTS - FLAGS))
        self.ogain = nn.Parameter(torch.zeros(3, INPUTS - FLAGS))
        nn.init.constant_(self.bias[:, 0], 0.1)

    def kernel(self) -> torch.Tensor:
        """The first layer's weights, (width, INPUTS, 3, 3)."""
        return (self.first @ self.white).reshape(-1, INPUTS, 3, 3)

    def hidden(self, seen: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """``seen`` (n, INPUTS, rows, columns), ``t`` (n,) the rates."""
        p = torch.stack([torch.ones_like(t), t, t * t], 1)
        bias = torch.einsum("nk,lkc->lnc", p, self.bias)[..., None, None]
        factor = torch.exp(p @ self.gain)[..., None, None]
        held = (F.conv2d(seen, self.kernel(), padding=1) * factor + bias[0]).clamp(0, CEILING)
        for k in range(0, len(self.mid), 2):
            inner = (self.mid[k](held) + bias[1 + k]).clamp(0, CEILING)
            held = (held + self.mid[k + 1](inner) + bias[2 + k]).clamp(0, CEILING)
        return held

    def forward(self, seen: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        p = torch.stack([torch.ones_like(t), t, t * t], 1)
        out = self.last(self.hidden(seen, t)) * torch.exp(p @ self.ogain)[..., None, None]
        return out + (p @ self.obias)[..., None, None]


class Samples:
    """Photographs coded at many steps: planes, filtered planes, what they should be, blocks."""

    def __init__(self, crops: list[Any], passes: int, side: int, rng: np.random.Generator) -> None:
        model = shipped(1)
        assert model is not None
        assert model.smooth is not None
        many = 768 // side
        self.held: list[tuple[Any, Any, Any, Any, int]] = []
        for _ in range(passes):
            order = rng.permutation(len(crops))
            for first in range(0, len(order) - many**2 + 1, many**2):
                chosen = [crops[i] for i in order[first : first + many**2]]
                rows = [np.concatenate(chosen[k : k + many], 1) for k in range(0, many**2, many)]
                whole = np.concatenate(rows)
                index = int(rng.integers(LEAST - 12, COARSEST))
                _, coded = tile_pixels.encode(model, tile_pixels.analysed(whole), index)
                step = int(STEPS[index])
                planes = synthesis.planes(coded.levels, coded.sizes, step)
                weights = model.smooth[smoothing.rate_class(index)]
                for k in range(many**2):
                    y, x = k // many * side, k % many * side
                    part = planes[:, y : y + side, x : x + side]
                    sizes = coded.sizes[y // 8 : (y + side) // 8, x // 8 : (x + side) // 8]
                    base = smoothing.smoothed(part, sizes, step, weights)
                    marks = network.flags(sizes).astype(np.uint8)
                    self.held.append(
                        (part.astype(np.int16), base.astype(np.int16), chosen[k], marks, index)
                    )

    def batch(self, rng: np.random.Generator, count: int = BATCH) -> tuple[torch.Tensor, ...]:
        """(seen, rate, what is to be added in steps, weight) of random crops, turned at random."""
        made = []
        for _ in range(count):
            planes, base, wanted, marks, index = self.held[rng.integers(len(self.held))]
            y, x = 8 * rng.integers(0, (wanted.shape[0] - CROP) // 8 + 1, 2)
            part = (slice(y, y + CROP), slice(x, x + CROP))
            cells = tuple(slice(s.start // CELL, s.stop // CELL) for s in part)
            p, b, m = planes[:, *part], base[:, *part], marks[cells].transpose(2, 0, 1)
            w = color_planes(wanted[part])
            if rng.random() < 0.5:
                p, b, w, m = (a[:, ::-1] for a in (p, b, w, m[[1, 0, 2, 3, 4, 5, 6]]))
            if rng.random() < 0.5:
                p, b, w, m = (a[:, :, ::-1] for a in (p, b, w, m[[0, 1, 3, 2, 4, 5, 6]]))
            if rng.random() < 0.5:
                p, b, w, m = (a.swapaxes(1, 2) for a in (p, b, w, m[[2, 3, 0, 1, 4, 5, 6]]))
            step = float(STEPS[index]) / 16
            lack = (w - b / 16) / step
            made.append((p / 16 / step, m, rate(index), lack, 1 / (np.square(lack).mean() + 0.003)))
        tensors = [
            torch.from_numpy(np.stack(v).astype(np.float32)) for v in zip(*made, strict=True)
        ]
        seen = torch.cat([F.pixel_unshuffle(tensors[0], CELL), tensors[1]], 1)
        return seen, tensors[2], F.pixel_unshuffle(tensors[3], CELL), tensors[4]


def rate(index: int) -> float:
    """What the network is told of a step: octaves / 2 from 32 levels, eight steps alike."""
    return ((index >> 3) * 8 + 4 - 288) / 64


def begin(net: Restorer, samples: Samples, rng: np.random.Generator) -> None:
    """Whiten what the first layer sees; the last layer by least squares."""
    normal = torch.zeros(9 * INPUTS, 9 * INPUTS, dtype=torch.float64)
    for _ in range(25):
        seen, *_ = samples.batch(rng)
        around = F.unfold(seen, 3).transpose(1, 2).reshape(-1, 9 * INPUTS)
        around = around[torch.randperm(len(around))[:1500]].double()
        normal += around.T @ around / len(around) / 25
    values, axes = torch.linalg.eigh(normal)
    net.white.copy_((axes * (values.clamp(0) + 4e-4) ** -0.5 @ axes.T).float())
    count = 9 * net.last.in_channels + 1
    left, right = torch.zeros(count, count).double(), torch.zeros(count, INPUTS - FLAGS).double()
    for _ in range(45):
        seen, t, lack, weight = samples.batch(rng)
        with torch.no_grad():
            around = F.unfold(net.hidden(seen, t), 3, padding=1).transpose(1, 2)
        around = torch.cat([around, torch.ones_like(around[..., :1])], 2)
        weighted = (around * weight[:, None, None]).reshape(-1, count)
        left += (weighted.T @ around.reshape(-1, count)).double()
        right += (weighted.T @ lack.flatten(2).transpose(1, 2).reshape(len(weighted), -1)).double()
    solved = torch.linalg.solve(left + torch.eye(count) * left.diagonal().mean() * 1e-3, right)
    net.last.weight.data = 0.8 * solved[:-1].T.float().reshape(net.last.weight.shape)
    net.obias.data[0] = 0.8 * solved[-1].float()


def learn(net: Restorer, samples: Samples, minutes: float, rng: np.random.Generator) -> Restorer:
    """Adam for some CPU-minutes; gives the running mean of the weights."""
    mean = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998)
    )
    adam = torch.optim.Adam(net.parameters(), betas=(0.9, 0.99))
    began, step, shown = time.process_time(), 0, 1.0
    while (done := (time.process_time() - began) / 60 / minutes) < 1:
        for group in adam.param_groups:
            pace = 0.5 + 0.5 * math.cos(math.pi * done)
            group["lr"] = 1.5e-3 * min(1, (step + 1) / 100) * pace
        seen, t, lack, weight = samples.batch(rng)
        loss = ((net(seen, t) - lack).square().mean((1, 2, 3)) * weight).mean()
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        adam.step()
        mean.update_parameters(net)
        step, shown = step + 1, 0.98 * shown + 0.02 * loss.item()
        if step % 100 == 0:
            print(step, f"{100 * done:.0f} %", round(shown, 4), flush=True)
    made = mean.module
    assert isinstance(made, Restorer)
    return made


def whole(net: Restorer) -> dict[str, Any]:
    """The network as whole numbers. Raises ValueError where their sums could outgrow float32."""

    def rows(weights: torch.Tensor) -> Any:
        return weights.detach().double().permute(2, 3, 1, 0).reshape(-1, len(weights)).numpy()

    kinds = np.arange(LEAST >> 3, (MOST >> 3) + 1)
    t = np.array([rate(min(8 * k, COARSEST)) for k in kinds])
    p = np.stack([np.ones_like(t), t, t * t], 1)

    def over(values: torch.Tensor) -> Any:
        return np.einsum("nk,...kc->n...c", p, values.detach().double().numpy())

    first, last = rows(net.kernel()), rows(net.last.weight)
    fine = np.minimum(15000 / np.abs(first).sum(0), 1 << 14)
    out = np.minimum(15000 / np.maximum(np.abs(last).sum(0), 1e-9), 1 << 14)
    bias = np.rint(over(net.bias) * UNIT * (1 << SHIFT)) + (1 << (SHIFT - 1))
    bias[:, 0] = np.rint(over(net.bias)[:, 0] * UNIT)
    middle = np.stack([np.rint(rows(m.weight) * (1 << SHIFT)) for m in net.mid])
    if np.abs(middle).sum(1).max() * TOP + np.abs(bias).max() >= 1 << 24:
        raise ValueError("the middle layers' weights are too large")
    return {
        "first": np.trunc(first * fine).astype(np.int16),
        "middle": middle.astype(np.int16),
        "last": np.trunc(last * out).astype(np.int16),
        # Sums are in quarters of a level: four to a sixteenth's step.
        "gain": np.rint(np.exp(over(net.gain)) * UNIT * 4 / fine * (1 << GAIN)).astype(np.int64),
        "bias": bias.astype(np.int32),
        "out_gain": np.rint(np.exp(over(net.ogain)) / out * (1 << LAST)).astype(np.int32),
        "out_bias": np.rint(over(net.obias) * UNIT * (1 << LAST)).astype(np.int64),
    }  # fmt: skip


def photographs(folder: Path, side: int, halved: bool) -> list[Any]:
    found = []
    for path in sorted(folder.glob("*.*")):
        pixels = np.asarray(Image.open(path).convert("RGB"))
        if halved:
            h, w = (n // 2 * 2 for n in pixels.shape[:2])
            pixels = pixels[:h, :w].reshape(h // 2, 2, w // 2, 2, 3).mean((1, 3)) + 0.5
        if min(pixels.shape[:2]) >= side:
            found.append(pixels[:side, :side].astype(np.uint8))
    return found


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("photos", type=Path)
    ask.add_argument("lossless", type=Path)
    ask.add_argument("--prior", type=Path, required=True)
    ask.add_argument("-o", "--output", type=Path, required=True)
    ask.add_argument("--minutes", type=float, default=60)
    ask.add_argument("--passes", type=int, default=4)
    given = ask.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    samples = Samples(photographs(given.lossless, 256, False), given.passes, 256, rng)
    more = Samples(photographs(given.photos, 128, True), max(given.passes // 2, 1), 128, rng)
    samples.held += more.held
    net = Restorer()
    begin(net, samples, rng)
    net = learn(net, samples, given.minutes, rng)
    made = whole(net)
    held = load_file(given.prior)
    save_file(
        {**held, **{f"network.{k}": np.ascontiguousarray(v) for k, v in made.items()}}, given.output
    )


if __name__ == "__main__":
    main()
