"""Noise out of photographs."""

from __future__ import annotations

from isthmus.studio.apply.describe import Option, Task

TASK = Task(
    name="denoise-photo",
    verb="denoise",
    title="Clean photos",
    help="Takes the noise of high ISO, scans and JPEG out of photographs. Nothing else changes: size, "
    "depth, transparency and what the camera wrote stay.",
    takes=("picture",),
    gives="picture",
    icon="photo",
    order=10,
    named="clean",
    models=("photo-denoise",),
    options=(
        Option("strength", "Strength", step=0.05),
        Option(
            "sigma",
            "Noise level",
            help="Standard deviation of the noise for pixels of 0..255; seen in the picture if not set.",
            most=100,
            step=1,
        ),
        Option(
            "best",
            "Best quality",
            help="Looks at the picture from eight sides: a little cleaner, in eight times the time.",
        ),
        Option("quality", "JPEG quality", help="Of JPEG and WebP results.", needs=("jpg", "webp")),
    ),
)
