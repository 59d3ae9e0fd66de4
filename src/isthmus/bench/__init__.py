"""Measuring this machine: how fast Isthmus trains beside a plain loop and the processor's limit.

Speed is samples per CPU-second of one thread: what other programs do meanwhile hardly counts. Each
contender runs in a process of its own, in turns with the others, and its best round counts.
"""

from isthmus.bench.run import Speed as Speed
from isthmus.bench.run import measure as measure
