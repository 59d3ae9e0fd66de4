"""``python -m benchmarks [speed|bottlenecks|maps|photos]``; without a name, speed."""

import sys

from benchmarks import bottlenecks, maps, photos, speed

{"speed": speed.main, "bottlenecks": bottlenecks.main, "maps": maps.main, "photos": photos.main}[
    sys.argv[1] if len(sys.argv) > 1 else "speed"
]()
