"""Small files to photographs."""

from __future__ import annotations

from isthmus.studio.apply.describe import Task

TASK = Task(
    name="decompress",
    verb="decompress",
    title="Open .isth files",
    help="Turns .isth files into PNG pictures with all that the photograph brought.",
    takes=("isth",),
    gives="picture",
    icon="unfold",
    order=40,
)
