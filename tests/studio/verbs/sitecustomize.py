"""Two more verbs and their descriptions, for an Isthmus in another process with this folder on PYTHONPATH.

It is how a colleague's task plugs in: a verb of the command line, and a file that describes it.
"""

from pathlib import Path

import isthmus.cli
import isthmus.studio.apply.tasks

_HERE = Path(__file__).parent
isthmus.cli.VERBS |= {"paint": "Hints and masks made visible.", "trouble": "What can go wrong."}
isthmus.cli.__path__.append(str(_HERE / "cli"))
isthmus.studio.apply.tasks.__path__.append(str(_HERE / "tasks"))
