"""Noise out of speech."""

from __future__ import annotations

from isthmus.studio.apply.describe import Option, Task

TASK = Task(
    name="denoise-sound",
    verb="denoise",
    title="Clean speech",
    help="Takes away what is not speech. Rate, channels, length, sample format and tags stay.",
    takes=("sound",),
    gives="sound",
    icon="sound",
    order=20,
    named="clean",
    models=("sound-denoise",),
    options=(
        Option("strength", "Strength", step=0.05),
        Option(
            "limit",
            "Lower by at most",
            help="Leaves some of the room: nothing becomes quieter by more than this. No limit if not set.",
            most=60,
            step=1,
            unit="dB",
        ),
        Option(
            "noise_only",
            "Give what was taken away instead",
            help="To hear whether speech was lost.",
        ),
    ),
)
