"""Photo codecs: size against quality, whole files counted, all in one run.

    python -m benchmarks codec FOLDER [--quick]

FOLDER holds lossless photographs (Kodak's). Peers: what Pillow, imagecodecs and, where installed,
pillow-heif bring. PSNR is over the three channels of sRGB, MS-SSIM (Wang 2003) their mean;
differences of rate are Bjontegaard's, by PCHIP over the logarithm of the rate of the mean curves, in
0.07..2.6 bits a pixel. Speeds are megapixels per CPU-second at a middle quality, one thread.
"""

from __future__ import annotations

import csv
import io
import math
import sys
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import correlate1d

from isthmus.codec import picture

Pixels = Any
ANCHORS = ("jpeg420", "webp", "jpeg2000")
STEPS = (216, 240, 264, 288, 312, 336, 352)


def psnr(a: Pixels, b: Pixels) -> float:
    error = np.mean((a.astype(np.float64) - b) ** 2)
    return 99.0 if error == 0 else 10 * math.log10(255**2 / error)


def ms_ssim(a: Pixels, b: Pixels) -> float:
    """Wang, Simoncelli & Bovik 2003: five scales, 11 taps of sigma 1.5, mean of the channels."""
    x, y = (np.ascontiguousarray(t.transpose(2, 0, 1)).astype(np.float32) for t in (a, b))
    taps = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
    taps /= taps.sum()
    weights = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

    def blur(t: Pixels) -> Pixels:
        return correlate1d(correlate1d(t, taps, axis=1)[:, 5:-5], taps, axis=2)[:, :, 5:-5]

    def half(t: Pixels) -> Pixels:
        t = t[:, : t.shape[1] // 2 * 2, : t.shape[2] // 2 * 2]
        return (t[:, ::2, ::2] + t[:, 1::2, ::2] + t[:, ::2, 1::2] + t[:, 1::2, 1::2]) / 4

    out = np.ones(3)
    for scale, weight in enumerate(weights):
        mx, my = blur(x), blur(y)
        sxx, syy, sxy = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
        found = (2 * sxy + c2) / (sxx + syy + c2)
        if scale == 4:
            found = found * (2 * mx * my + c1) / (mx * mx + my * my + c1)
        out *= np.maximum(found.mean((1, 2), dtype=np.float64), 0) ** weight
        x, y = half(x), half(y)
    return float(out.mean())


def _pillow(format: str, name: str = "quality", **fixed: Any) -> Callable[[Pixels, float], bytes]:
    def encode(pixels: Pixels, value: float) -> bytes:
        held = io.BytesIO()
        Image.fromarray(pixels).save(held, format, **fixed, **{name: value})
        return held.getvalue()

    return encode


def _jpeg2000(pixels: Pixels, bits: float) -> bytes:
    # Pillow's defaults (no colour transform, reversible) need 2.5 times the rate: no anchor.
    held = io.BytesIO()
    Image.fromarray(pixels).save(
        held, "JPEG2000", irreversible=True, mct=1, quality_mode="rates", quality_layers=[24 / bits]
    )
    return held.getvalue()


def _open(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def codecs() -> dict[
    str, tuple[Callable[..., bytes], Callable[[bytes], Pixels], tuple[float, ...]]
]:
    import imagecodecs

    jpeg = (5, 10, 20, 30, 50, 65, 75, 85, 92, 96)
    avif = (10, 20, 32, 45, 58, 70, 82, 90)
    known: dict[str, Any] = {
        "isthmus": (
            lambda p, s: picture.encode(p, int(s)),
            lambda d: picture.decode(d, threads=1).pixels,
            STEPS,
        ),
        "jpeg420": (_pillow("JPEG", optimize=True, subsampling="4:2:0"), _open, jpeg),
        "jpeg444": (_pillow("JPEG", optimize=True, subsampling="4:4:4"), _open, jpeg),
        "webp": (_pillow("WEBP", method=6), _open, (0, 5, 15, 30, 50, 65, 75, 85, 92, 97)),
        "jpeg2000": (_jpeg2000, _open, (0.1, 0.15, 0.25, 0.4, 0.6, 0.85, 1.2, 1.6, 2.2, 3.0)),
        "jpegxl": (
            lambda p, d: bytes(imagecodecs.jpegxl_encode(p, distance=d, effort=7, numthreads=1)),
            lambda d: imagecodecs.jpegxl_decode(d, numthreads=1),
            (15, 10, 6.5, 4, 2.5, 1.6, 1.0, 0.6),
        ),
        "avif444": (_pillow("AVIF", subsampling="4:4:4", speed=6, max_threads=1), _open, avif),
    }
    try:
        import pillow_heif

        pillow_heif.register_heif_opener()
        known["heic444"] = (_pillow("HEIF", chroma=444), _open, (12, 20, 28, 36, 44, 52, 60, 70))
    except ImportError:
        print("heic: not measured (pip install pillow-heif)", file=sys.stderr)
    return known


def bd_rate(anchor: list[tuple[float, float]], test: list[tuple[float, float]]) -> float:
    """Mean difference of the rate in % at equal quality; nan where the curves do not meet."""

    def rising(points: list[tuple[float, float]]) -> tuple[Any, Any]:
        kept: list[tuple[float, float]] = []
        for rate, quality in sorted(points, key=lambda p: p[1]):
            if 0.07 <= rate <= 2.6 and (
                not kept or (quality > kept[-1][1] + 1e-9 and rate > kept[-1][0])
            ):
                kept.append((rate, quality))
        return np.array([q for _, q in kept]), np.log([r for r, _ in kept])

    (qa, ra), (qt, rt) = rising(anchor), rising(test)
    low, high = max(qa[0], qt[0]), min(qa[-1], qt[-1])
    if high <= low:
        return math.nan
    at = np.linspace(low, high, 400)
    difference = PchipInterpolator(qt, rt)(at) - PchipInterpolator(qa, ra)(at)
    return float((np.exp(np.trapezoid(difference, at) / (high - low)) - 1) * 100)


def published() -> dict[str, list[tuple[float, float]]]:
    """Curves that the authors of learned codecs published for the 24 Kodak pictures."""
    place = files("benchmarks") / "published_codecs.csv"
    found: dict[str, list[tuple[float, float]]] = {}
    if place.is_file():
        for row in csv.DictReader(place.read_text().splitlines()):
            found.setdefault(row["codec"], []).append((float(row["bpp"]), float(row["psnr_rgb"])))
    return found


def measure(folder: Path, quick: bool) -> tuple[dict[str, Any], dict[str, tuple[float, float]]]:
    photos = [np.asarray(Image.open(p).convert("RGB")) for p in sorted(folder.glob("*.png"))]
    photos = photos[: 3 if quick else None]
    curves: dict[str, Any] = {}
    speeds: dict[str, tuple[float, float]] = {}
    for name, (encode, decode, settings) in codecs().items():
        points = []
        for number, setting in enumerate(settings):
            rows, spent = [], [0.0, 0.0]
            for pixels in photos:
                began = time.process_time()
                data = encode(pixels, setting)
                middle = time.process_time()
                back = decode(data)
                spent = [spent[0] + middle - began, spent[1] + time.process_time() - middle]
                good = -10 * math.log10(max(1 - ms_ssim(pixels, back), 1e-9))
                rows.append((8 * len(data) / pixels[..., 0].size, psnr(pixels, back), good))
            points.append(tuple(np.mean(rows, 0)))
            if number == len(settings) // 2:
                area = sum(p[..., 0].size for p in photos) / 1e6
                speeds[name] = area / max(spent[0], 1e-9), area / max(spent[1], 1e-9)
        curves[name] = points
        print(
            name,
            [tuple(round(float(v), 3) for v in p) for p in points],
            file=sys.stderr,
            flush=True,
        )
    return curves, speeds


def main() -> None:
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("shared/data/photos-eval/kodak")
    curves, speeds = measure(folder, "--quick" in sys.argv)
    for title, column in (("PSNR", 1), ("MS-SSIM", 2)):
        print(f"\n% of rate at equal {title} (less is better)")
        print("codec".ljust(44) + "".join(f"vs {a}".rjust(14) for a in ANCHORS))
        table = {n: [(p[0], p[column]) for p in points] for n, points in curves.items()}
        others = published() if column == 1 else {}
        for name, points in {**table, **others}.items():
            label = f"{name} (published)" if name in others else name
            print(label.ljust(44) + "".join(f"{bd_rate(table[a], points):14.1f}" for a in ANCHORS))
    print("\nmegapixels per CPU-second, one thread: encode, decode")
    for name, (there, back) in speeds.items():
        print(f"{name.ljust(44)}{there:14.2f}{back:14.2f}")


if __name__ == "__main__":
    main()
