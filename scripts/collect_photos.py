"""Fetch the photographs of other people's repositories that photo-colorize learnt from.

    .venv/bin/python scripts/collect_photos.py FOLDER [BASE]

Reads src/isthmus/models/photo-colorize/photographs.csv (file, use, repository, commit, path, licence,
credit), fetches those files alone of each repository (from BASE, https://github.com unless told
otherwise), and writes what was learnt from to FOLDER/learnt and what was kept for judging to
FOLDER/held-out: in sRGB, upright, the shorter side 288 pixels. What is there already stays; a
repository that is gone costs a line, not the rest.
"""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from rich.console import Console
from rich.progress import track

from isthmus.files import replacing

LIST = Path(__file__).parents[1] / "src/isthmus/models/photo-colorize/photographs.csv"
SHORT, LONG = 288, 512
Row = dict[str, str]
out = Console(highlight=False, soft_wrap=True)


def small(data: bytes) -> Image.Image:
    """A file's picture as training takes it: (H, W, RGB), the middle of what is very long."""
    read = Image.open(io.BytesIO(data))
    profile = read.info.get("icc_profile")
    if read.format == "JPEG":
        read.draft("RGB", (2 * SHORT, 2 * SHORT))
    picture = ImageOps.exif_transpose(read).convert("RGB")
    if profile and b"sRGB" not in profile[:2000]:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        picture = ImageCms.profileToProfile(picture, own, ImageCms.createProfile("sRGB"))
    scale = min(SHORT / min(picture.size), 1)
    width, height = (max(round(side * scale), min(side, SHORT)) for side in picture.size)
    picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    left, top = max(width - LONG, 0) // 2, max(height - LONG, 0) // 2
    return picture.crop((left, top, width - left, height - top))


def fetched(base: str, rows: list[Row], into: Path) -> int:
    """Writes one repository's photographs; how many there are now."""
    with tempfile.TemporaryDirectory() as folder:

        def git(*words: str) -> bytes:
            return subprocess.run(
                ["git", "-C", folder, *words], check=True, capture_output=True
            ).stdout

        git("init", "-q")
        git("remote", "add", "origin", f"{base}/{rows[0]['repository']}")
        git("config", "remote.origin.promisor", "true")
        git("config", "remote.origin.partialclonefilter", "blob:none")
        git("fetch", "-q", "--depth", "1", "--filter=blob:none", "origin", rows[0]["commit"])
        for row in rows:
            target = into / row["use"].replace(" ", "-") / row["file"]
            if target.exists():
                continue
            try:
                picture = small(git("cat-file", "blob", f"{row['commit']}:{row['path']}"))
            except (OSError, UnidentifiedImageError, ImageCms.PyCMSError) as error:
                out.print(f"{row['repository']}/{row['path']}: {error}")
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with replacing(target) as temporary:
                picture.save(temporary, "JPEG", quality=95, subsampling=0)
    return sum((into / r["use"].replace(" ", "-") / r["file"]).exists() for r in rows)


def main(into: Path, base: str = "https://github.com") -> None:
    by: dict[str, list[Row]] = {}
    with LIST.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            by.setdefault(row["repository"], []).append(row)
    found = 0
    for repository, rows in track(by.items(), "repositories", console=out):
        try:
            found += fetched(base, rows, into)
        except subprocess.CalledProcessError as error:
            out.print(f"{repository}: {error.stderr.decode(errors='replace').strip()}")
    out.print(f"{found} of {sum(map(len, by.values()))} photographs are in {into}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), *sys.argv[2:])
