"""Photo codecs: size against quality, whole files counted, all on the same pictures.

    python -m benchmarks codec FOLDER [--quick]     # measure what is not there yet, then the tables
    python -m benchmarks codec-table FOLDER         # the tables of what is there, into the manual

FOLDER holds lossless photographs (Kodak's). Everything is resumable: each codec's results are a file
in .bench/codec, ours named after a hash of its code and prior. Eight pictures take about ten minutes of a
core, half of it MS-SSIM. PSNR is over the three channels of sRGB; curves are means over the pictures;
speeds are megapixels per CPU-second of one thread.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import sys
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.marked import markdown, write_between
from benchmarks.photo_codecs import Codec, codecs
from benchmarks.picture_quality import Curve, Reference, bd_rate, psnr
from benchmarks.speed import ROOT
from isthmus.cli.common import table
from isthmus.files import replacing

STORE = ROOT / ".bench/codec"
ANCHORS = {"jpeg420": "JPEG 4:2:0", "webp": "WebP", "jpeg2000": "JPEG 2000"}
BITS, PSNR, SSIM, ENCODE, DECODE, PIXELS = range(6)


def main() -> None:
    """Measure what is not there yet, then write the tables."""
    names = pictures()
    for name, codec in codecs().items():
        measure(name, codec, names)
    report()


def pictures() -> list[Path]:
    given = [a for a in sys.argv[2:] if not a.startswith("-")]
    folder = Path(given[0]) if given else ROOT / "shared/data/photos-eval/kodak"
    found = sorted(folder.glob("*.png"))
    if not found:
        sys.exit(f"{folder}: holds no PNG pictures")
    return found[: 3 if "--quick" in sys.argv else None]


def measure(name: str, codec: Codec, paths: list[Path]) -> dict[str, list[float]]:
    """Rows (bits a pixel, PSNR, MS-SSIM in dB, CPU-seconds there and back, pixels) by picture and setting.

    Kept picture by picture, so that what is interrupted goes on.
    """
    place = STORE / f"{name}-{codec.version}.json"
    rows: dict[str, list[float]] = json.loads(place.read_text()) if place.is_file() else {}
    for path in paths:
        wanted = {f"{_key(path)} {setting:g}": setting for setting in codec.settings}
        if wanted.keys() <= rows.keys():
            continue
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        reference = Reference(pixels)
        codec.decode(codec.encode(pixels[:64, :64], codec.settings[0]))  # what is loaded only once
        for key, setting in wanted.items():
            began = time.process_time()
            data = codec.encode(pixels, setting)
            middle = time.process_time()
            back = codec.decode(data)
            ended = time.process_time()
            near = -10 * math.log10(max(1 - reference.ms_ssim(back), 1e-9))
            size = pixels[..., 0].size
            rows[key] = [
                8 * len(data) / size, psnr(pixels, back), near, middle - began, ended - middle, size,
            ]  # fmt: skip
        place.parent.mkdir(parents=True, exist_ok=True)
        with replacing(place) as temporary:
            temporary.write_text(json.dumps(rows))
        print(f"{name}: {path.name}", file=sys.stderr, flush=True)
    return rows


def report() -> None:
    """The tables of what has been measured, printed and written into the manual."""
    paths, known = pictures(), codecs()
    held = {name: _mean(name, codec, paths) for name, codec in known.items()}
    held = {name: points for name, points in held.items() if points is not None}
    if missing := {"isthmus", *ANCHORS} - held.keys():
        sys.exit(f"not measured yet: {', '.join(sorted(missing))}")
    text = [
        f"Mean of {len(paths)} photographs of Kodak's set, whole files, RGB; negative is smaller."
    ]
    for rows, header in (
        _against_each(held, known),
        _beside_each_other(held, known, len(paths)),
        _by_rate(held["isthmus"]),
    ):
        print(table(rows, header))
        text.append(markdown(rows, header))
    if len(paths) > 3:
        write_between(ROOT / "docs/compress.md", "codec", "\n\n".join(text))


def published() -> dict[str, Curve]:
    """Curves that the authors of learned codecs published for the 24 Kodak pictures."""
    found: dict[str, Curve] = {}
    for row in csv.DictReader(
        (files("benchmarks") / "published_codecs.csv").read_text().splitlines()
    ):
        found.setdefault(row["codec"], []).append((float(row["bpp"]), float(row["psnr_rgb"])))
    return found


def _key(path: Path) -> str:
    return f"{path.stem}-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}"


def _mean(name: str, codec: Codec, paths: list[Path]) -> Any:
    """(settings, 6) means over the pictures; None where one is missing."""
    place = STORE / f"{name}-{codec.version}.json"
    rows = json.loads(place.read_text()) if place.is_file() else {}
    keys = [[f"{_key(path)} {s:g}" for path in paths] for s in codec.settings]
    if any(key not in rows for line in keys for key in line):
        return None
    return np.array([np.mean([rows[key] for key in line], 0) for line in keys])


def _curve(points: Any, quality: int) -> Curve:
    return [(float(p[BITS]), float(p[quality])) for p in points]


def _against_each(
    held: dict[str, Any], known: dict[str, Codec]
) -> tuple[list[list[str]], list[str]]:
    others = [name for name in held if not name.startswith("isthmus")]
    header = ["rate", *(f"against {known[name].title}" for name in others)]
    rows = [
        [f"{known[ours].title}, at equal {title}"]
        + [_percent(held[other], held[ours], quality) for other in others]
        for title, quality in (("PSNR", PSNR), ("MS-SSIM", SSIM))
        for ours in held
        if ours not in others
    ]
    return rows, header


def _beside_each_other(
    held: dict[str, Any], known: dict[str, Codec], count: int
) -> tuple[list[list[str]], list[str]]:
    rows = []
    for name, points in held.items():
        compared = [_percent(held[a], points, q) for q in (PSNR, SSIM) for a in ANCHORS]
        there, back = (
            points[:, PIXELS].mean() / 1e6 / points[:, k].mean() for k in (ENCODE, DECODE)
        )
        rows.append([known[name].title, *compared, f"{there:.2f}", f"{back:.2f}"])
    # The authors' means are of all 24 pictures: beside anchors of fewer they would say nothing.
    for name, curve in published().items() if count == 24 else ():
        compared = [f"{bd_rate(_curve(held[a], PSNR), curve):+.1f} %" for a in ANCHORS]
        rows.append([f"{name} (published)", *compared, "", "", "", "", ""])
    header = ["rate of"]
    header += [f"{q}, to {title}" for q in ("PSNR", "MS-SSIM") for title in ANCHORS.values()]
    return rows, [*header, "encode, Mpixel/CPU-s", "decode"]


def _by_rate(points: Any) -> tuple[list[list[str]], list[str]]:
    rows = []
    for p in points:
        speeds = [f"{p[PIXELS] / 1e6 / p[k]:.2f}" for k in (ENCODE, DECODE)]
        share = 1 - 10 ** (-p[SSIM] / 10)
        rows.append([f"{p[BITS]:.3f}", f"{p[PSNR]:.2f} dB", f"{share:.4f}", *speeds])
    return rows, ["`.isth`, bits a pixel", "PSNR", "MS-SSIM", "encode, Mpixel/CPU-s", "decode"]


def _percent(anchor: Any, test: Any, quality: int) -> str:
    return f"{bd_rate(_curve(anchor, quality), _curve(test, quality)):+.1f} %"


if __name__ == "__main__":
    main()
