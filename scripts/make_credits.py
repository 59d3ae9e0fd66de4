"""The credit list of shipped weights from the manifest of the photographs they were fitted on.

python scripts/make_credits.py MANIFEST.csv FOLDER… > CREDITS.md
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

found: dict[tuple[str, str], set[str]] = {}
with Path(sys.argv[1]).open(newline="", encoding="utf-8") as file:
    for row in csv.DictReader(file):
        if row["file"].split("/")[0] in sys.argv[2:]:
            name = row["source_path"].rsplit("/", 1)[-1]
            found.setdefault((row["source"], row["licence"]), set()).add(name)
print("# Photographs\n")
print("The weights beside this list were fitted on pieces of some of these photographs.\n")
for (source, licence), names in sorted(found.items()):
    print(f"## {source} ({licence})\n\n{', '.join(sorted(names))}\n")
