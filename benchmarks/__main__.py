"""``python -m benchmarks [speed|bottlenecks|maps]``; without a name, speed."""

import sys

from benchmarks import bottlenecks, maps, speed

{"speed": speed.main, "bottlenecks": bottlenecks.main, "maps": maps.main}[
    sys.argv[1] if len(sys.argv) > 1 else "speed"
]()
