"""``python -m benchmarks [speed|bottlenecks|maps|detection|detection-table|scale]``; without a name, speed."""

import sys

from benchmarks import bottlenecks, detection, maps, scale, speed

{
    "speed": speed.main,
    "bottlenecks": bottlenecks.main,
    "maps": maps.main,
    "detection": detection.main,
    "detection-table": detection.report,
    "scale": scale.main,
}[sys.argv[1] if len(sys.argv) > 1 else "speed"]()
