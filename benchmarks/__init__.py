"""rankkit beside its peers, in one run on one machine. ``make bench``, or ``python -m benchmarks pointwise``.

Machines differ and are noisy: read the ratios, which are taken side by side, query by query in turn.
"""
