"""``isthmus studio``: the workbench in the browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from isthmus.cli.common import say

if TYPE_CHECKING:
    from isthmus.studio.serve import Open


@click.command(epilog="Example: isthmus studio --port 9000 --no-browser")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="Where it listens; 0 is any free port.  [default: 8765, or the next free one]",
)
@click.option("--no-browser", is_flag=True, help="Print the link and open nothing.")
@click.option(
    "--runs",
    "folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    default="runs",
    show_default=True,
    help="Where runs are kept.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, nothing else.")
def studio(port: int | None, no_browser: bool, folder: Path, as_json: bool) -> None:
    """Open the Studio: build, train, see and use autoencoders in the browser.

    It listens on this machine only. From another one: ssh -L 8765:127.0.0.1:8765 HOST, then open the
    link. Ctrl-C closes it; trainings keep what they have learnt and can be resumed.
    """
    from isthmus.studio.serve import open_browser, serve

    def ready(opened: Open) -> None:
        if as_json:
            tree = {"link": opened.link, "port": opened.port, "started": opened.ours}
            print(json.dumps(tree), flush=True)
        else:
            print(f"Isthmus Studio  {opened.link}", flush=True)
        if not opened.ours:
            say(f"{folder} is open in this Studio already")
        if not no_browser and not open_browser(opened.link):
            say("there is no display here: open the link in a browser on this machine, or through")
            say(f"ssh -L {opened.port}:127.0.0.1:{opened.port} HOST")

    serve(folder, port, ready)
