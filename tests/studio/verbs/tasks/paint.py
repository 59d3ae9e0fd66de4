from __future__ import annotations

from isthmus.studio.apply.describe import Option, Task

TASK = Task(
    name="paint",
    verb="paint",
    title="Paint",
    help="Makes hints and masks visible.",
    note="For pictures of tests.",
    takes=("picture",),
    gives="picture",
    icon="palette",
    order=100,
    named="painted",
    options=(
        Option("hints", "Colours", control="points"),
        Option("mask", "Where", control="mask"),
        Option("side", "Side of squares"),
        Option("reference", "Another picture", control="file"),
        Option("same_mark", "All at once", together=True),
        Option("save_mask", "Give the mask too", control="also"),
        Option("saturation", "An option that the verb does not have"),
    ),
)
