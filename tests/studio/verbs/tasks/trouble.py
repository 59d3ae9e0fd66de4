from __future__ import annotations

from isthmus.studio.apply.describe import Option, Task

TASK = Task(
    name="trouble",
    verb="trouble",
    title="Trouble",
    help="Goes wrong.",
    takes=("picture",),
    gives="picture",
    icon="other",
    order=110,
    options=(Option("how", "How"),),
)
