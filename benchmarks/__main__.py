"""``python -m benchmarks NAME …``: one file a subject; without a name, speed."""

import sys
from importlib import import_module

NAMES = ("speed", "bottlenecks", "maps", "photos", "studio", "tables", "codec", "sound")

if len(sys.argv) < 2:
    sys.argv.append("speed")
if sys.argv[1] not in NAMES:
    sys.exit(f"benchmarks: no {sys.argv[1]!r}; there are {', '.join(NAMES)}")
import_module(f"benchmarks.{sys.argv[1]}").main()
