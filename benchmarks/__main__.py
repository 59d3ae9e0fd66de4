"""``python -m benchmarks [speed|bottlenecks|maps|codec]``; without a name, speed."""

import sys

from benchmarks import bottlenecks, codec, maps, speed

{"speed": speed.main, "bottlenecks": bottlenecks.main, "maps": maps.main, "codec": codec.main}[
    sys.argv[1] if len(sys.argv) > 1 else "speed"
]()
