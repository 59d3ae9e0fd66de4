"""Photographs to small files."""

from __future__ import annotations

from isthmus.studio.apply.describe import Option, Task

TASK = Task(
    name="compress",
    verb="compress",
    title="Compress photos",
    help="Makes photographs small (.isth). Colour profile, EXIF, 16 bits and transparency stay; every "
    "machine opens the file to the same pixels.",
    takes=("picture",),
    gives="isth",
    icon="squeeze",
    order=30,
    groups={"goal": "Aim at"},
    options=(
        Option("quality", "a quality", group="goal", start=75, step=1),
        Option(
            "size", "a size", group="goal", start=100_000, least=200, most=100_000_000, unit="bytes"
        ),
        Option(
            "psnr", "a likeness", group="goal", start=38, least=20, most=60, step=0.5, unit="dB"
        ),
        Option("lossless", "no loss at all", group="goal"),
    ),
)
