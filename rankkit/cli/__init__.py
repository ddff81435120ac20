"""The ``rankkit`` command. Exit codes: 0 done; 1 standard output cannot be written; 2 wrong usage or config; 3 an extra
is missing; 4 a model or the store; 5 bad input data; 6 a backend failed; 7 done, but some of it failed and was kept as
it was; 130 interrupted.
"""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point: run a command and turn its errors into a message and an exit code."""
    from rankkit.cli.app import run

    sys.exit(run(sys.argv[1:]))
