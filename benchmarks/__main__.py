"""``python -m benchmarks [speed|bottlenecks|maps|sound]``; without a name, speed."""

import sys

from benchmarks import bottlenecks, maps, sound, speed

{"speed": speed.main, "bottlenecks": bottlenecks.main, "maps": maps.main, "sound": sound.main}[
    sys.argv[1] if len(sys.argv) > 1 else "speed"
]()
