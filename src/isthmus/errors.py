"""Every exception Isthmus raises on purpose.

    IsthmusError
    ├── RecipeError      (ValueError)         a recipe does not say what it must; names key and remedy
    │   └── PlanError                         the layers do not fit each other; names the layer
    ├── DataError        (ValueError)         a file or array cannot be used; names it and the cause
    ├── RunError         (ValueError)         a run directory is missing, damaged or of another recipe
    ├── TrainingError    (RuntimeError)       training cannot go on (a loss that is not a number, …)
    └── MissingExtra     (ImportError)        an optional package is absent; names the install command

Each also is the builtin that a caller would catch. The command line prints the message in one
line, so a message names what was asked, what was found, which rule, and what to do.
"""

from __future__ import annotations


class IsthmusError(Exception):
    """The root: catch this to catch everything Isthmus raises on purpose."""


class RecipeError(IsthmusError, ValueError):
    """A recipe does not say what it must."""


class PlanError(RecipeError):
    """The layers of a recipe do not fit each other or the data.

    ``network`` is "encoder", "bottleneck" or "decoder"; ``layer`` is the index of the layer in
    that network's spec (-1 when it is not one layer's fault). The Studio shows the text there.
    """

    def __init__(self, message: str, network: str = "", layer: int = -1) -> None:
        super().__init__(message)
        self.network = network
        self.layer = layer


class DataError(IsthmusError, ValueError):
    """A file or an array cannot be used as data."""


class RunError(IsthmusError, ValueError):
    """A run directory is missing, damaged, or does not belong to its recipe."""


class TrainingError(IsthmusError, RuntimeError):
    """Training cannot go on; what was good is kept."""


class MissingExtra(IsthmusError, ImportError):
    """An optional package is not installed; the message holds the command that installs it."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}; install it with: "
            f"pip install 'isthmus[{extra}]'"
        )
