"""``python -m benchmarks [speed|bottlenecks|maps|studio]``; without a name, speed."""

import sys

from benchmarks import bottlenecks, maps, speed, studio

{
    "speed": speed.main,
    "bottlenecks": bottlenecks.main,
    "maps": maps.main,
    "studio": studio.main,
}[sys.argv[1] if len(sys.argv) > 1 else "speed"]()
