"""Make the golden .isth files of the tests, once for each version of the format and each prior.

    python scripts/make_golden.py

Files that exist are left alone: they must decode to the same pixels for ever.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_sample_image

from isthmus.codec import picture
from isthmus.codec.container import VERSION
from isthmus.codec.crc import crc32c
from isthmus.codec.model import NEWEST

FOLDER = Path(__file__).parents[1] / "tests/codec/golden"


def pictures() -> dict[str, bytes]:
    photo = np.asarray(load_sample_image("flower.jpg"))[150:250, 200:340]
    gray = photo[:40, :50, 1:2]
    deep = photo[:48, :64].astype(np.uint16) * 257 + np.arange(64, dtype=np.uint16)[None, :, None]
    alpha = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) * 20
    held = ((b"ICCP", b"profile"), (b"EXIF", b"Exif\0\0"), (b"TEXT", b'{"Title": "flower"}'))
    made = {
        "color": picture.encode(photo, 272, beside=held),
        "coarse": picture.encode(photo, 320),
        "gray": picture.encode(gray, 200),
        "deep-alpha": picture.encode(deep, 160, alpha),
        "exact": picture.encode_exact(photo[:30, :41]),
        "drawn": picture.encode_exact(photo[:30, :41] // 128 * 255, drawn=True),
        "one": picture.encode(photo[:1, :1], 250),
    }
    picture.TILE = 64
    return made | {"tiles": picture.encode(photo, 272)}


def checksums(data: bytes) -> dict[str, Any]:
    made = picture.decode(data)
    return {
        "shape": list(made.pixels.shape),
        "pixels": crc32c(np.ascontiguousarray(made.pixels).astype(made.pixels.dtype.newbyteorder("<")).tobytes()),
        "alpha": None if made.alpha is None else crc32c(made.alpha.astype("<u2").tobytes()),
    }  # fmt: skip


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    list_of = FOLDER / "golden.json"
    known = json.loads(list_of.read_text()) if list_of.exists() else {}
    for name, data in pictures().items():
        path = FOLDER / f"v{VERSION}-p{NEWEST}-{name}.isth"
        if not path.exists():
            path.write_bytes(data)
            known[path.name] = checksums(data)
    list_of.write_text(json.dumps(known, indent=1) + "\n")
