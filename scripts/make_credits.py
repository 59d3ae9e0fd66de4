"""The list of photographs that shipped weights learnt from, out of their manifest.

    .venv/bin/python scripts/make_credits.py MANIFEST.csv

Writes src/isthmus/models/photo-credits.csv: one line a photograph, with where it comes from and its licence.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

from isthmus.files import write_text

TARGET = Path(__file__).parents[1] / "src/isthmus/models/photo-credits.csv"
TRAINED_ON = ("free/", "lossless/")


def main(manifest: Path) -> None:
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["file"].startswith(TRAINED_ON)]
    photographs = sorted({(r["source"], r["source_path"], r["licence"]) for r in rows})
    held = io.StringIO()
    written = csv.writer(held, lineterminator="\n")
    written.writerow(["source", "photograph", "licence"])
    written.writerows(photographs)
    write_text(TARGET, held.getvalue())
    print(f"{TARGET}: {len(photographs):,} photographs")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
