"""Shipped models: run directories in the package (recipe.toml, data.json, weights, CARD.md)."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def names() -> list[str]:
    """The shipped models."""
    return sorted(
        entry.name for entry in _HERE.iterdir() if (entry / "weights.safetensors").is_file()
    )


def find(name: str) -> Path | None:
    """The run directory of a shipped model, or None."""
    return _HERE / name if name in names() else None
