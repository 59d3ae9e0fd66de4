"""What a file is, by its content. Names decide nothing but which of several text formats it may be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from isthmus.codec.container import MAGIC


@dataclass(frozen=True)
class Sniffed:
    """``kind`` as tasks take it; ``suffix`` under which it is kept; ``type`` for browsers, if they show it."""

    kind: str
    suffix: str
    type: str = ""


_HEADS: tuple[tuple[bytes, Sniffed], ...] = (
    (MAGIC, Sniffed("isth", ".isth")),
    (b"\x89PNG\r\n\x1a\n", Sniffed("picture", ".png", "image/png")),
    (b"\xff\xd8\xff", Sniffed("picture", ".jpg", "image/jpeg")),
    (b"GIF87a", Sniffed("picture", ".gif", "image/gif")),
    (b"GIF89a", Sniffed("picture", ".gif", "image/gif")),
    (b"BM", Sniffed("picture", ".bmp", "image/bmp")),
    (b"II*\0", Sniffed("picture", ".tif")),
    (b"MM\0*", Sniffed("picture", ".tif")),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Sniffed("picture", ".jp2")),
    (b"P5", Sniffed("picture", ".pgm")),
    (b"P6", Sniffed("picture", ".ppm")),
    (b"fLaC", Sniffed("sound", ".flac", "audio/flac")),
    (b"OggS", Sniffed("sound", ".ogg", "audio/ogg")),
    (b"ID3", Sniffed("sound", ".mp3", "audio/mpeg")),
    (b"\xff\xfb", Sniffed("sound", ".mp3", "audio/mpeg")),
    (b"\xff\xf3", Sniffed("sound", ".mp3", "audio/mpeg")),
    (b"\xff\xf2", Sniffed("sound", ".mp3", "audio/mpeg")),
    (b"\xff\xfa", Sniffed("sound", ".mp3", "audio/mpeg")),
    (b"RF64", Sniffed("sound", ".rf64")),
    (b"riff", Sniffed("sound", ".w64")),
    (b"caff", Sniffed("sound", ".caf")),
    (b".snd", Sniffed("sound", ".au")),
    (b"PAR1", Sniffed("table", ".parquet")),
    (b"ARROW1", Sniffed("table", ".arrow")),
)
_TEXTS = {".csv": ".csv", ".tsv": ".tsv", ".txt": ".csv", ".jsonl": ".jsonl", ".ndjson": ".jsonl",
          ".json": ".jsonl"}  # fmt: skip
TAKEN = (
    "pictures (PNG, JPEG, WebP, AVIF, TIFF, BMP, GIF, JPEG 2000), .isth files, sound (WAV, FLAC, Ogg, MP3, AIFF) "
    "and tables (CSV, TSV, Parquet, Arrow, JSON lines)"
)


def sniff(head: bytes, label: str) -> Sniffed | None:
    """What the first bytes (512 or more, if there are as many) say; None for what no task takes."""
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return Sniffed("sound", ".wav", "audio/wav")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Sniffed("picture", ".webp", "image/webp")
    if head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}:
        return Sniffed("sound", ".aiff")
    if head[4:8] == b"ftyp" and b"avif" in head[8:32]:
        return Sniffed("picture", ".avif", "image/avif")
    for start, found in _HEADS:
        # Two letters alone could begin a table as well.
        if len(start) == 2 and start.isalnum() and not (_binary(head) or head[2:3].isspace()):
            continue
        if head.startswith(start):
            if found.suffix == ".ogg" and b"OpusHead" in head[:64]:
                return Sniffed("sound", ".opus", "audio/ogg")
            return found
    suffix = _TEXTS.get(PurePath(label).suffix.lower())
    if suffix is not None and head and not _binary(head):
        return Sniffed("table", suffix)
    return None


def _binary(head: bytes) -> bool:
    """Whether this is no text: UTF-16 has a mark, everything else no zero bytes."""
    return b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff"))


def of_result(name: str) -> dict[str, Any]:
    """Kind and browser type of a file that a verb wrote, by the suffix that the verb gave it."""
    suffix = PurePath(name).suffix.lower()
    suffix = {".jpeg": ".jpg", ".tiff": ".tif"}.get(suffix, suffix)
    known = {found.suffix: found for _, found in _HEADS}
    known |= {".wav": Sniffed("sound", ".wav", "audio/wav"), ".webp": Sniffed("picture", ".webp", "image/webp"),
              ".avif": Sniffed("picture", ".avif", "image/avif"), ".opus": Sniffed("sound", ".opus", "audio/ogg"),
              ".aiff": Sniffed("sound", ".aiff")}  # fmt: skip
    found = known.get(suffix) or Sniffed("table", suffix)
    return {"kind": found.kind, "suffix": suffix, "type": found.type}
