"""Getting a named data set: resumable, checked, from a mirror if asked."""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from isthmus.datasets.registry import REGISTRY, Named, Remote
from isthmus.errors import DataError

_BLOCK = 1 << 18
OnProgress = Callable[[str, int, int], object]


def home() -> Path:
    """Where downloads live: ``$ISTHMUS_HOME``, or the user's cache folder."""
    given = os.environ.get("ISTHMUS_HOME")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "isthmus"


def folder_of(name: str) -> Path:
    """The folder of one data set's original files."""
    return home() / "data" / name


def get(name: str, mirror: str | None = None, on_progress: OnProgress | None = None) -> Path:
    """Download what is missing of a data set, and return its folder. Raises DataError.

    ``mirror`` (or ``$ISTHMUS_MIRROR``) is a URL under which the original files lie; a part of an
    earlier download is taken up again; nothing counts as there before its checksum fits.
    """
    entry = REGISTRY.get(name)
    if entry is None:
        raise DataError(f"no data set named {name!r}; there are: {', '.join(REGISTRY)}")
    folder = folder_of(name)
    for file in entry.files:
        if not (folder / file.name).is_file():
            _get_file(entry, file, folder, mirror or os.environ.get("ISTHMUS_MIRROR"), on_progress)
    return folder


def _get_file(
    entry: Named, file: Remote, folder: Path, mirror: str | None, on_progress: OnProgress | None
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    sources = (mirror.rstrip("/") + "/",) if mirror else entry.mirrors
    faults = []
    for source in sources:
        try:
            # A mirror of one's own holds the files side by side, the publishers' in places of theirs.
            place = file.name if mirror else file.place or file.name
            _fetch(source + place, folder / f"{file.name}.part", on_progress)
        except (urllib.error.URLError, OSError, ValueError) as error:
            faults.append(f"{source}: {getattr(error, 'reason', error)}")
            continue
        found = _md5(folder / f"{file.name}.part")
        if found == file.md5 or not file.md5:
            (folder / f"{file.name}.part").replace(folder / file.name)
            return
        (folder / f"{file.name}.part").unlink()
        faults.append(f"{source}: its checksum is {found}, it must be {file.md5}")
    raise DataError(
        f"{entry.name}: {file.name} could not be downloaded ({'; '.join(faults)}). "
        f"Give another source with --mirror URL, or put the file into {folder}"
    )


def _fetch(url: str, part: Path, on_progress: OnProgress | None) -> None:
    """Append to ``part`` what it lacks of ``url``."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # there is nothing after what we have
            error.close()
            return
        raise
    with response:
        # A server that does not know ranges answers 200 with the whole file.
        go_on = response.status == 206
        done = have if go_on else 0
        whole = done + int(response.headers.get("Content-Length") or 0)
        with part.open("ab" if go_on else "wb") as out:
            while block := response.read(_BLOCK):
                out.write(block)
                done += len(block)
                if on_progress is not None:
                    on_progress(part.name.removesuffix(".part"), done, whole)
    if whole and done < whole:
        raise OSError(f"the connection ended after {done} of {whole} bytes; run it again to go on")


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
