"""``python -m rankkit`` is the ``rankkit`` command."""

from rankkit.cli import main

main()
