"""Watermarks off one's own pictures."""

from __future__ import annotations

from isthmus.studio.apply.describe import Option, Task

TASK = Task(
    name="unwatermark",
    verb="unwatermark",
    title="Remove watermarks",
    help="Finds a translucent mark and takes it off. Outside the mark every pixel stays as it is.",
    note="For pictures that are yours or that you have the right to change.",
    takes=("picture",),
    gives="picture",
    icon="stamp",
    order=70,
    named="unmarked",
    models=("photo-unwatermark",),
    options=(
        Option(
            "mask",
            "Where the mark is",
            control="mask",
            help="Found by itself if you paint nothing; else only what you paint is changed.",
        ),
        Option(
            "same_mark",
            "All pictures bear the same mark",
            help="Looks at them together, which finds the mark far better.",
            together=True,
        ),
        Option(
            "save_mask",
            "Give the mask too",
            control="also",
            help="As a picture, white where the mark was.",
        ),
        Option("quality", "JPEG quality", help="Of JPEG and WebP results.", needs=("jpg", "webp")),
    ),
)
