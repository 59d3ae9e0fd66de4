"""The command line: one verb a file, loaded when it is called.

Exit 0: all done. 1: some inputs failed, each named in one line on stderr. 2: wrong usage.
"""

from __future__ import annotations

import sys
from importlib import import_module

import click

from isthmus import __version__
from isthmus.errors import IsthmusError, MissingExtra, RecipeError

VERBS = {
    "studio": "Open the workbench in the browser.",
    "train": "Train a recipe.",
    "evaluate": "Figures of a trained run on its test data, or on yours.",
    "denoise": "Noise out of photographs.",
    "colorize": "Black-and-white photographs in colour.",
    "unwatermark": "Marks off pictures that are yours.",
    "detect": "Rank the rows of tables by how strange they are, and say why.",
    "compress": "Photographs to small files.",
    "decompress": "Small files to photographs.",
    "explore": "Draw the map of the codes, as a page, a picture or a table.",
    "encode": "Files to codes.",
    "decode": "Codes to files.",
    "runs": "List, show, compare or remove runs.",
    "recipes": "List or show the shipped recipes, or print the schema.",
    "data": "List, describe or download data sets.",
    "bench": "Measure this machine.",
}


class _Verbs(click.Group):
    """Names and one-line helps are known without importing what runs them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command: click.Command = getattr(import_module(f"isthmus.cli.{name}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.command(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: isthmus train digits -o runs/digits",
)
@click.version_option(__version__, prog_name="isthmus")
def cli() -> None:
    """Isthmus, the autoencoder workbench: a wide input, a narrow strip, a wide output."""


def main() -> None:
    """The entry point: every expected error is one line on stderr, never a traceback."""
    try:
        code = cli(standalone_mode=False)
        # click hands an early exit back as a number instead of raising it.
        sys.exit(code if isinstance(code, int) else 0)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2 if isinstance(error, click.UsageError) else 1)
    except IsthmusError as error:
        print(f"isthmus: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, RecipeError | MissingExtra) else 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
