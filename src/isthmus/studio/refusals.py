"""How the Studio says no: a status, a code for the page, a sentence for the person, a way out."""

from __future__ import annotations

import errno
import json
from typing import Any

from isthmus.errors import DataError, IsthmusError, RecipeError, RunError


class Refusal(Exception):
    """An answer that is not what was asked for."""

    def __init__(self, status: int, code: str, message: str, hint: str = "", **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
        self.more = more

    def body(self) -> bytes:
        """The JSON that every refusal has."""
        tree = {"code": self.code, "message": self.message, "hint": self.hint, **self.more}
        return json.dumps(tree).encode()


def not_found(what: str, hint: str = "") -> Refusal:
    """What was asked for does not exist."""
    return Refusal(404, "not_found", f"there is no {what}", hint)


def refusal_of(error: Exception) -> Refusal | None:
    """The refusal that an expected error means; None for a fault of our own."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, RecipeError):
        return Refusal(422, "recipe", str(error))
    if isinstance(error, RunError):
        return Refusal(409, "damaged", str(error))
    if isinstance(error, DataError):
        return Refusal(409, "no_data", str(error))
    if isinstance(error, IsthmusError):
        return Refusal(409, "state", str(error))
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(str(error.filename or "the runs folder"))
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return Refusal(409, "damaged", f"{error.filename or 'a file'}: {reason}")
    return None


def disk_full(where: str) -> Refusal:
    """Nothing more can be written."""
    return Refusal(
        507,
        "disk_full",
        f"{where}: the disk is full",
        "delete runs, or empty the bin, and try again",
    )
