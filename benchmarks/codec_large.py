"""A picture of a hundred megapixels through the photo codec: CPU-seconds and peak memory of each verb.

    python -m benchmarks codec-large FOLDER [MEGAPIXELS]

FOLDER holds photographs, of which the picture is laid out side by side. It is read from and written to
PPM, which costs nothing; its pixels alone take three bytes each in memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

_REGION = "from isthmus.codec import picture; from pathlib import Path; import sys; "
_REGION += "data = Path(sys.argv[1]).read_bytes(); "
ONE = _REGION + "print(picture.decode(data, (900, 1412, 1000, 1512), threads=1).pixels.shape)"
SMALL = _REGION + "print(picture.thumbnail(data).shape)"


def main() -> None:
    Image.MAX_IMAGE_PIXELS = None  # made here
    folder, megapixels = sys.argv[2], float((sys.argv[3:] or ["100"])[0])
    side = int((megapixels * 1e6) ** 0.5)
    with tempfile.TemporaryDirectory() as place:
        source, coded, back = (Path(place) / n for n in ("large.ppm", "large.isth", "back.ppm"))
        # In a process of its own: a child's peak is at least what its parent held.
        run([sys.executable, "-m", "benchmarks.codec_large", folder, str(side), str(source)])
        verbs: dict[str, list[Any]] = {
            "compress": ["-m", "isthmus", "compress", source, "-o", coded],
            "decompress": ["-m", "isthmus", "decompress", coded, "-o", back],
            "a region of 512 x 512": ["-c", ONE, coded],
            "thumbnail": ["-c", SMALL, coded],
        }
        for name, arguments in verbs.items():
            began = time.perf_counter()
            cpu, peak = run([sys.executable, *map(str, arguments)])
            wall = time.perf_counter() - began
            print(
                f"{name}: {cpu:.1f} CPU-s, {peak:,.0f} MB at most, {wall:.0f} s by the clock",
                flush=True,
            )
        bits = 8 * coded.stat().st_size / side**2
        print(f"{side} x {side} pixels, {bits:.3f} bits a pixel, {_error(source, back):.2f} dB")


def laid_out(folder: Path, side: int) -> Any:
    """(side, side, 3) of photographs in rows, every second one mirrored, none enlarged."""
    paths = sorted(p for p in folder.iterdir() if p.suffix in {".jpg", ".png", ".webp"})
    made, top, number = np.zeros((side, side, 3), np.uint8), 0, 0
    while top < side:
        left, tallest = 0, side
        while left < side:
            with Image.open(paths[number % len(paths)]) as image:
                photo = np.asarray(image.convert("RGB"))
            photo = photo[:: (-1) ** (number // 2)][: side - top, :: (-1) ** number][
                :, : side - left
            ]
            made[top : top + photo.shape[0], left : left + photo.shape[1]] = photo
            left, tallest, number = left + photo.shape[1], min(tallest, photo.shape[0]), number + 1
        top += tallest
    return made


def run(command: list[str]) -> tuple[float, float]:
    """(CPU-seconds, megabytes at most) of a command that must succeed."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {process.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1000


def _error(a: Path, b: Path) -> float:
    with Image.open(a) as first, Image.open(b) as second:
        x, y = np.asarray(first), np.asarray(second)
    rows = [np.mean((x[i].astype(np.float32) - y[i]) ** 2) for i in range(len(x))]
    return float(10 * np.log10(255**2 / np.mean(rows)))


if __name__ == "__main__":
    Image.fromarray(laid_out(Path(sys.argv[1]), int(sys.argv[2]))).save(sys.argv[3])
