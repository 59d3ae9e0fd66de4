"""The photo codecs that are measured: ours, and what Pillow, imagecodecs and pillow-heif bring.

All with one thread. HEIC is left out, and said to be, where pillow-heif is not installed.
"""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import isthmus.codec
from isthmus.codec import picture
from isthmus.codec.model import NEWEST

Pixels = Any


@dataclass(frozen=True)
class Codec:
    """``settings`` from coarse to fine span 0.07..2.6 bits a pixel; ``version`` changes with results."""

    title: str
    encode: Callable[[Pixels, float], bytes]
    decode: Callable[[bytes], Pixels]
    settings: tuple[float, ...]
    version: str


def codecs() -> dict[str, Codec]:
    """Each codec by a short name, ours first."""
    import imagecodecs

    jpeg = (5, 10, 20, 30, 50, 65, 75, 85, 92, 96)
    avif = (10, 20, 32, 45, 58, 70, 82, 90)
    pillow = f"pillow-{Image.__version__}"
    known = {
        "isthmus": _isthmus("`.isth`", 1),
        "isthmus2": _isthmus("`.isth`, effort 2", 2),
        "jpeg420": Codec(
            "JPEG 4:2:0",
            _pillow("JPEG", optimize=True, subsampling="4:2:0"),
            _open,
            jpeg,
            pillow,
        ),
        "jpeg444": Codec(
            "JPEG 4:4:4",
            _pillow("JPEG", optimize=True, subsampling="4:4:4"),
            _open,
            jpeg,
            pillow,
        ),
        "webp": Codec(
            "WebP, method 6",
            _pillow("WEBP", method=6),
            _open,
            (0, 5, 15, 30, 50, 65, 75, 85, 92, 97),
            pillow,
        ),
        "jpeg2000": Codec(
            "JPEG 2000 (9/7, colour transform)",
            _jpeg2000,
            _open,
            (0.1, 0.15, 0.25, 0.4, 0.6, 0.85, 1.2, 1.6, 2.2, 3.0),
            pillow,
        ),
        "jpegxl": Codec(
            "JPEG XL, effort 7",
            lambda p, d: bytes(imagecodecs.jpegxl_encode(p, distance=d, effort=7, numthreads=1)),
            lambda d: imagecodecs.jpegxl_decode(d, numthreads=1),
            (15, 10, 6.5, 4, 2.5, 1.6, 1.0, 0.6),
            f"imagecodecs-{imagecodecs.__version__}",
        ),
        "avif444": Codec(
            "AVIF 4:4:4, speed 6",
            _pillow("AVIF", subsampling="4:4:4", speed=6, max_threads=1),
            _open,
            avif,
            pillow,
        ),
    }
    try:
        import pillow_heif
    except ImportError:
        print("heic: not measured (pip install pillow-heif)", file=sys.stderr)
        return known
    pillow_heif.register_heif_opener()
    settings = (12, 20, 28, 36, 44, 52, 60, 70)
    version = f"heif-{pillow_heif.__version__}"
    known["heic444"] = Codec("HEIC 4:4:4", _pillow("HEIF", chroma=444), _open, settings, version)
    return known


def _isthmus(title: str, effort: int) -> Codec:
    return Codec(
        title,
        lambda p, s: picture.encode(p, int(s), effort=effort),
        lambda d: picture.decode(d, threads=1).pixels,
        (352, 336, 312, 288, 264, 240, 216),
        _ours(),
    )


def _ours() -> str:
    """Of the code and the prior: what was measured before a change is measured again."""
    folder = Path(isthmus.codec.__file__).parent
    prior = folder.parent / f"models/photo-codec/{NEWEST}.safetensors"
    made = hashlib.sha256()
    for path in [*sorted(folder.glob("*.py")), prior]:
        made.update(path.read_bytes())
    return made.hexdigest()[:8]


def _pillow(format: str, **fixed: Any) -> Callable[[Pixels, float], bytes]:
    def encode(pixels: Pixels, quality: float) -> bytes:
        held = io.BytesIO()
        Image.fromarray(pixels).save(held, format, quality=quality, **fixed)
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
