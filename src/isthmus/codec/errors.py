"""What can be wrong with a coded picture."""

from __future__ import annotations

from isthmus.errors import DataError


class FormatError(DataError):
    """A file that cannot be read as ``.isth``: the message follows the file's name."""


class Damaged(FormatError):
    """Coded data that says what no encoder writes, or that has changed since."""
