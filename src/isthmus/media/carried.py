"""What libsndfile leaves out of a copy: an MP3's tags with their cover, a WAV's markers and notes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_LARGEST = 64 << 20
# Written by libsndfile itself, or meaningless beside other samples.
_OWN = {b"fmt ", b"data", b"fact", b"PEAK", b"JUNK", b"FLLR", b"PAD ", b"levl"}


def carry(source: Path, target: Path) -> bool:
    """Give ``target`` what ``source`` says of itself beside the samples; True if there was something.

    Both MP3: the ID3 block at the beginning. Both WAV: cue points and their labels, broadcast and
    production notes (bext, iXML, axml), and every other chunk that is not about the samples.
    """
    with source.open("rb") as file:
        head = file.read(12)
        if head[:3] == b"ID3":
            file.seek(0)
            held = file.read(min(_id3_size(head), _LARGEST))
            return bool(held) and _prepend(held, target)
        if head[:4] == b"RIFF" and head[8:] == b"WAVE":
            held = b"".join(_chunks(file))
            return bool(held) and _append(held, target)
    return False


def _id3_size(head: bytes) -> int:
    """Bytes of an ID3 block by its head: four times seven bits, and a foot if there is one."""
    size = 0
    for byte in head[6:10]:
        size = size * 128 + (byte & 0x7F)
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _prepend(held: bytes, target: Path) -> bool:
    with target.open("rb") as made:
        if made.read(3) == b"ID3" or target.suffix.lower() != ".mp3":
            return False
        made.seek(0)
        whole = target.with_name(f"{target.name}.tagged")
        try:
            with whole.open("wb") as out:
                out.write(held)
                shutil.copyfileobj(made, out)
            whole.replace(target)
        except BaseException:
            whole.unlink(missing_ok=True)
            raise
    return True


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """The chunks of a WAV file that are to be carried, each padded to even length."""
    end = os.fstat(file.fileno()).st_size
    while len(head := file.read(8)) == 8:
        name, size = head[:4], int.from_bytes(head[4:], "little")
        whole = size + size % 2
        if name in _OWN or size > _LARGEST or file.tell() + size > end:
            file.seek(whole, os.SEEK_CUR)
            continue
        held = file.read(whole).ljust(whole, b"\0")
        if name == b"LIST" and held[:4] == b"INFO":
            continue  # titles and names, which libsndfile writes
        yield head + held


def _append(held: bytes, target: Path) -> bool:
    with target.open("r+b") as made:
        head = made.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return False
        end = made.seek(0, os.SEEK_END)
        made.write(b"\0" * (end % 2) + held)
        size = made.tell() - 8
        if size > 0xFFFFFFFF:
            made.truncate(end)
            return False
        made.seek(4)
        made.write(size.to_bytes(4, "little"))
    return True
