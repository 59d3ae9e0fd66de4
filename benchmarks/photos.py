"""Photo noise reduction beside classical methods, on pictures nobody trained on, into docs/photos.md.

Wants shared/data/photos-eval. Peers live in .bench/venv; what they made is kept in .bench/photos, so a
second run measures ours alone. BM3D takes hours on whole sets: it cleans a part, named in the table.
Run: python -m benchmarks photos [gaussian|camera|identity|memory|NAME|RUN …]
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import isthmus
from benchmarks.camera import shot
from benchmarks.marked import markdown, write_between
from benchmarks.speed import PEERS_PYTHON
from isthmus import metrics
from isthmus.model import Model
from isthmus.tasks import even_noise
from isthmus.tasks.denoise_photo import clean
from isthmus.training.engine import keep_freed_memory

Array = NDArray[np.float32]
ROOT = Path(__file__).parents[1]
EVAL = ROOT.parent / "shared/data/photos-eval"
KEPT = ROOT / ".bench/photos"
MANUAL = ROOT / "docs/photos.md"
SIGMAS = (15, 25, 50)
THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
PUBLISHED = {
    "Set12": {"BM3D": "32.37 / 29.97 / 26.72", "DnCNN": "32.86 / 30.44 / 27.18", "FFDNet": "32.75 / 30.43 / 27.32", "DRUNet": "33.25 / 30.94 / 27.90"},
    "BSD68": {"BM3D": "31.08 / 28.57 / 25.60", "DnCNN": "31.73 / 29.23 / 26.23", "FFDNet": "31.63 / 29.19 / 26.29", "DRUNet": "31.91 / 29.48 / 26.59"},
    "CBSD68": {"BM3D": "33.52 / 30.71 / 27.38", "DnCNN": "33.90 / 31.24 / 27.95", "FFDNet": "33.87 / 31.21 / 27.96", "DRUNet": "34.30 / 31.69 / 28.51"},
    "Kodak (8)": {},
}  # fmt: skip


@dataclass(frozen=True)
class Set:
    """Eval pictures as floats 0..255; ``few`` is every how many-th BM3D cleans."""

    name: str
    folder: str
    gray: bool
    few: int


@dataclass(frozen=True)
class Models:
    """What cleans pictures with and without colour, as the verb chooses."""

    color: Model
    gray: Model
    grain: Model

    def clean(
        self, pixels: NDArray[Any], sigma: float | None = None, best: bool = False
    ) -> NDArray[Any]:
        """Pixels (H, W, 1 or 3) without their noise."""
        model = self.color
        if pixels.shape[2] == 1:
            known = sigma is not None or even_noise.sees(self.gray.autoencoder, pixels)
            model = self.gray if known else self.grain
        return clean(model.autoencoder, model.recipe.encoder, pixels, sigma, best=best).pixels


SETS = (
    Set("Set12", "set12", True, 1),
    Set("BSD68", "bsd68", True, 8),
    Set("CBSD68", "cbsd68", False, 12),
    Set("Kodak (8)", "kodak", False, 4),
)


def pictures(of: Set) -> list[Array]:
    files = sorted(p for p in (EVAL / of.folder).iterdir() if p.suffix in {".png", ".jpg", ".webp"})
    return [np.asarray(Image.open(p).convert("L" if of.gray else "RGB"), np.float32) for p in files]


def noisy(picture: Array, sigma: float, index: int) -> Array:
    """White Gaussian noise that is not cut off at black and white, as in the published tables."""
    made = np.random.default_rng(1000 + index).normal(size=picture.shape)
    return (picture + sigma * made).astype(np.float32)


def gaussian(model: Models) -> str:
    """PSNR and SSIM at three levels on four sets, and CPU-seconds per megapixel."""
    rows: list[list[str]] = []
    for of in SETS:
        truth = pictures(of)
        for name, ways in _ways(model, of).items():
            told, cost = [], []
            for sigma in SIGMAS:
                found = ways(truth, sigma)
                if found is None:
                    break
                told.append(found[0])
                cost.append(found[1])
            if len(told) == len(SIGMAS):
                psnr = " / ".join(f"{p:.2f}" for p, _ in told)
                ssim = " / ".join(f"{s:.3f}" for _, s in told)
                rows.append([of.name, name, psnr, ssim, f"{np.mean(cost):.2g}"])
        rows += [
            [of.name, f"{name} (published)", psnr, "", ""]
            for name, psnr in PUBLISHED[of.name].items()
        ]
    return markdown(rows, ["set", "method", "PSNR dB at 15 / 25 / 50", "SSIM", "CPU-s a megapixel"])


Way = Callable[[list[Array], float], tuple[tuple[float, float], float] | None]


def _ways(model: Models, of: Set) -> dict[str, Way]:
    cleaned: dict[float, tuple[list[Array], float]] = {}

    def ours(told: bool) -> Way:
        def run(truth: list[Array], sigma: float) -> tuple[tuple[float, float], float]:
            _say(f"  {of.name} {sigma} ours {'told' if told else 'blind'}")
            made, began = [], time.process_time()
            for index, picture in enumerate(truth):
                made.append(_ours(model, noisy(picture, sigma, index), sigma if told else None))
            cost = (time.process_time() - began) / _megapixels(truth)
            if told:
                cleaned[sigma] = (made, cost)
            return _quality(truth, made), cost

        return run

    def ours_of_few(truth: list[Array], sigma: float) -> tuple[tuple[float, float], float]:
        made, cost = cleaned[sigma]
        return _quality(truth[:: of.few], made[:: of.few]), cost

    def best_of_few(truth: list[Array], sigma: float) -> tuple[tuple[float, float], float]:
        _say(f"  {of.name} {sigma} ours best")
        some = list(enumerate(truth))[:: of.few]
        began = time.process_time()
        made = [_ours(model, noisy(p, sigma, i), sigma, best=True) for i, p in some]
        cost = (time.process_time() - began) / _megapixels([p for _, p in some])
        return _quality([p for _, p in some], made), cost

    def peer(method: str, every: int = 1) -> Way:
        def run(truth: list[Array], sigma: float) -> tuple[tuple[float, float], float] | None:
            some = list(enumerate(truth))[::every]
            made = _peer(
                method, f"{of.folder}-{sigma}", [noisy(p, sigma, i) for i, p in some], sigma
            )
            if made is None:
                return None
            kept = [p for _, p in some]
            return _quality(kept, made[0]), made[1] / _megapixels(kept)

        return run

    few = f" ({len(pictures(of)[:: of.few])} of the pictures)" if of.few > 1 else ""
    return {
        "Isthmus, level told": ours(True),
        "Isthmus, blind": ours(False),
        f"bm3d{few}": peer("bm3d", of.few),
        **({f"Isthmus, level told{few}": ours_of_few} if few else {}),
        f"Isthmus, level told, best{few}": best_of_few,
        "non-local means": peer("nlm"),
        "total variation": peer("tv"),
        "wavelets": peer("wavelet"),
    }


def _ours(model: Models, picture: Array, sigma: float | None, best: bool = False) -> Array:
    flat = (picture / 255)[..., None] if picture.ndim == 2 else picture / 255
    return (model.clean(flat.astype(np.float32), sigma, best) * 255).reshape(picture.shape)


def _peer(
    method: str, name: str, given: list[Array], sigma: float
) -> tuple[list[Array], float] | None:
    """What a peer makes of the pictures, and its CPU-seconds; kept for the next run. None if it fails."""
    KEPT.mkdir(parents=True, exist_ok=True)
    target = KEPT / f"{name}-{method}.npz"
    if not target.exists():
        _say(f"  {name} {method}")
        with tempfile.TemporaryDirectory() as folder:
            source, part = Path(folder) / "in.npz", Path(folder) / "out.npz"
            np.savez(source, sigma=sigma, **{str(i): p for i, p in enumerate(given)})  # type: ignore[arg-type]
            command = [str(PEERS_PYTHON), str(ROOT / "benchmarks/photo_peers.py"), method, str(source), str(part)]  # fmt: skip
            done = subprocess.run(command, env={**os.environ, **THREADS}, check=False)
            if done.returncode:
                return None
            target.write_bytes(part.read_bytes())
    with np.load(target) as held:
        return [held[str(i)] for i in range(len(given))], float(held["seconds"])


def camera(model: Models) -> str:
    """Blind, on noise a simulated camera makes: a sensor's, through demosaicking, a tone curve and JPEG."""
    truth = list(pictures(SETS[3])) + [
        np.asarray(Image.open(p).convert("RGB"), np.float32)
        for p in sorted((EVAL / "cid22-val").iterdir())
    ]
    rows = []
    for name, electrons in (("some grain", 3000), ("low light", 300)):
        shots = [shot(p, electrons, i) for i, p in enumerate(truth)]
        made = [_ours8(model, s) for s in shots]
        peer = _peer("estimated_tv", f"camera-{electrons}", shots, 0.0)
        before = [_psnr(t, s) for t, s in zip(truth, shots, strict=True)]
        after = [_psnr(t, m) for t, m in zip(truth, made, strict=True)]
        told = [f"{np.mean(before):.2f}", f"{np.mean(after):.2f}"]
        told.append("" if peer is None else f"{np.mean([_psnr(t, p) for t, p in zip(truth, peer[0], strict=True)]):.2f}")  # fmt: skip
        worst = min(a - b for a, b in zip(after, before, strict=True))
        rows.append([name, *told, f"{worst:+.2f}"])
    header = [
        "light",
        "as shot",
        "Isthmus",
        "estimate x 2, total variation",
        "worst picture's gain",
    ]
    return markdown(rows, header)


def _ours8(model: Models, picture: Array) -> Array:
    return model.clean(picture.astype(np.uint8)).astype(np.float32)


def memory(_: Models) -> str:
    """Peak memory and CPU time of the verb on a photograph of 100 megapixels; a clean photograph."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "large.jpg"
        one = Image.open(min((EVAL / "kodak").iterdir())).convert("RGB")
        one.resize((12_500, 8_000), Image.Resampling.BICUBIC).save(large, quality=92)
        command = [sys.executable, "-m", "isthmus", "denoise", str(large), "-o", str(Path(folder) / "out.jpg"), "--sigma", "10"]  # fmt: skip
        subprocess.run(command, check=True, env={**os.environ, **THREADS})
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        rows.append(["100 megapixels, peak memory", f"{used.ru_maxrss / 1e6:.2f} GB"])
        rows.append(["100 megapixels, CPU-seconds", f"{used.ru_utime + used.ru_stime:.0f}"])
    return markdown(rows, ["what", "measured"])


def identity(model: Models) -> str:
    """Clean photographs through the blind model: how near the result is to what came in."""
    rows = []
    for of in (SETS[3], Set("CID22 (11)", "cid22-val", False, 1)):
        near = [_psnr(p, _ours8(model, p)) for p in pictures(of)]
        rows.append(
            [of.name, f"{min(near):.1f}", f"{np.median(near):.1f}", str(sum(np.isinf(near)))]
        )
    return markdown(rows, ["clean photographs", "worst dB", "median dB", "untouched"])


def _quality(truth: list[Array], made: Iterable[Array]) -> tuple[float, float]:
    """Mean PSNR and SSIM, outputs cut to 0..255."""
    pairs = [(t, np.clip(m, 0, 255)) for t, m in zip(truth, made, strict=True)]
    ssim = [float(metrics.ssim(_tensor(t), _tensor(m))[0]) for t, m in pairs]
    return float(np.mean([_psnr(t, m) for t, m in pairs])), float(np.mean(ssim))


def _psnr(truth: Array, made: Array) -> float:
    error = float(np.square(truth - made).mean(dtype=np.float64))
    return float("inf") if error == 0 else 10 * np.log10(255**2 / error)


def _tensor(picture: Array) -> torch.Tensor:
    flat = picture[..., None] if picture.ndim == 2 else picture
    return torch.from_numpy(np.ascontiguousarray(flat.transpose(2, 0, 1)))[None] / 255


def _megapixels(of: list[Array]) -> float:
    return sum(p.shape[0] * p.shape[1] for p in of) / 1e6


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


PARTS: dict[str, Callable[[Any], str]] = {
    "gaussian": gaussian,
    "camera": camera,
    "identity": identity,
    "memory": memory,
}


def main() -> None:
    """Measure the parts asked for (all, if none) with the shipped model, into the manual."""
    if not EVAL.is_dir():
        raise SystemExit(f"{EVAL}: is missing; the tables of photographs need it")
    torch.set_num_threads(1)
    keep_freed_memory()  # as the command does
    wanted = [a for a in sys.argv[2:] if a in PARTS]
    given = [a for a in sys.argv[2:] if a not in PARTS]
    if not PEERS_PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", ROOT / ".bench/venv"], check=True)
    pip = [str(PEERS_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "numpy", "bm3d", "scikit-image", "PyWavelets"], check=False)
    names = given * 3 if given else ["photo-denoise", "photo-denoise-gray", "photo-denoise-grain"]
    model = Models(*map(isthmus.load, names))
    for name in wanted or list(PARTS):
        _say(name)
        text = PARTS[name](model)
        print(text, flush=True)
        if not given:
            write_between(MANUAL, name, text)


if __name__ == "__main__":
    main()
