"""Black and white to colour."""

from __future__ import annotations

from isthmus.studio.apply.describe import Option, Task

TASK = Task(
    name="colorize",
    verb="colorize",
    title="Colour photos",
    help="Gives black-and-white photographs plausible colours. Where you know better, click on the "
    "picture and say so.",
    takes=("picture",),
    gives="picture",
    icon="palette",
    order=60,
    named="colour",
    models=("photo-colorize",),
    options=(
        Option(
            "hints",
            "Colours you know",
            control="points",
            help="Click a place of the picture and choose its colour; what belongs to it follows.",
        ),
        Option(
            "saturation",
            "Saturation",
            least=0,
            most=2,
            step=0.05,
            help="How vivid; 0 is black and white. Hints stay as they are.",
        ),
        Option(
            "reference",
            "Palette of another photo",
            control="file",
            takes="picture",
            help="The colours of a picture that should look alike.",
        ),
        Option(
            "variants",
            "Versions",
            most=8,
            help="So many plausible ones; the others are downloaded beside the first.",
        ),
        Option("force", "Colour photos too", help="Also give pictures that have colours new ones."),
        Option("quality", "JPEG quality", help="Of JPEG and WebP results.", needs=("jpg", "webp")),
    ),
)
