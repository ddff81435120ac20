"""Clients and processes for ``python -m benchmarks serving``, all on loopback."""
