"""Measurements against peers: ``make bench``, or ``python -m benchmarks speed|bottlenecks``."""
