"""``python -m benchmarks NAME …``: one file a subject; without a name, speed."""

import sys
from importlib import import_module

SUBJECTS = {
    "speed": "speed.main",
    "bottlenecks": "bottlenecks.main",
    "maps": "maps.main",
    "photos": "photos.main",
    "colour": "colour.main",
    "watermark": "watermark.main",
    "sound": "sound.main",
    "codec": "codec.main",
    "codec-table": "codec.report",
    "codec-large": "codec_large.main",
    "detection": "detection.main",
    "detection-table": "detection.report",
    "scale": "scale.main",
    "planted": "planted.main",
    "studio": "studio.main",
}

if len(sys.argv) < 2:
    sys.argv.append("speed")
if sys.argv[1] not in SUBJECTS:
    sys.exit(f"benchmarks: no {sys.argv[1]!r}; there are {', '.join(SUBJECTS)}")
module, function = SUBJECTS[sys.argv[1]].split(".")
getattr(import_module(f"benchmarks.{module}"), function)()
