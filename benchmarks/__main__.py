"""``python -m benchmarks [speed|bottlenecks]``; without a name, speed."""

import sys

from benchmarks import bottlenecks, speed

{"speed": speed.main, "bottlenecks": bottlenecks.main}[
    sys.argv[1] if len(sys.argv) > 1 else "speed"
]()
