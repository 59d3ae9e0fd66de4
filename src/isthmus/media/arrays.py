"""NumPy files <-> arrays. Nothing is ever unpickled."""

from __future__ import annotations

import gzip
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import DataError

Array = NDArray[Any]

_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_IDX_BYTES = 4 << 30


def read(path: Path) -> dict[str, Array]:
    """The arrays of an .npz file by name, or of an .npy file as ``x``. Raises DataError."""
    try:
        with path.open("rb") as raw:
            held = np.load(raw, allow_pickle=False)
            if isinstance(held, np.ndarray):
                return {"x": held}
            return {name: held[name] for name in held.files}
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        if "allow_pickle" in str(error):
            raise DataError(
                f"{path}: holds Python objects, which are never loaded; save plain numbers"
            ) from None
        raise DataError(f"{path}: cannot be read as a NumPy file ({_first_line(error)})") from None


def read_idx(path: Path) -> Array:
    """An array in the IDX format of the MNIST files, gzipped or not. Raises DataError."""
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({_first_line(error)})") from None
    return parse_idx(raw, str(path))


def parse_idx(raw: bytes, name: str) -> Array:
    """The array in IDX bytes: two zeros, a type, the number of axes, their lengths, the values."""
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in _IDX_TYPES:
        raise DataError(f"{name}: is not an IDX file (it begins with {raw[:4].hex() or 'nothing'})")
    axes, dtype = raw[3], np.dtype(_IDX_TYPES[raw[2]])
    start = 4 + 4 * axes
    if len(raw) < start:
        raise DataError(f"{name}: is cut short in its header")
    shape = struct.unpack(f">{axes}I", raw[4:start])
    wanted = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if wanted > _MOST_IDX_BYTES or len(raw) - start != wanted:
        raise DataError(
            f"{name}: its header promises {wanted} bytes of values {shape}, it holds {len(raw) - start}"
        )
    values = np.frombuffer(raw, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
