"""Arrays on the wire: one safetensors file an answer, what is not an array as JSON in its header."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

Array = NDArray[Any]


def pack(arrays: dict[str, Array], meta: dict[str, Any], key: str = "meta") -> bytes:
    """Named arrays and what is said of them as safetensors; ``key`` names the JSON in the header."""
    whole = {name: np.asarray(value, order="C") for name, value in arrays.items()}
    return save(whole, {key: json.dumps(meta)})


def write(path: Path, arrays: dict[str, Array], meta: dict[str, Any], key: str = "meta") -> None:
    """The same into a file that others may read at any moment: it is replaced, never half there.

    Made to be lost: nothing waits for the disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(pack(arrays, meta, key))
    temporary.replace(path)


def etag(content: bytes) -> str:
    """A name for exactly these bytes."""
    return f'"{hashlib.sha256(content).hexdigest()[:20]}"'


def pixels(values: Array) -> Array:
    """Pictures in 0..1, or bytes, as bytes."""
    if values.dtype == np.uint8:
        return values
    made: Array = np.round(np.clip(values.astype(np.float32), 0, 1) * 255).astype(np.uint8)
    return made
