"""Where the lines of a server go: one of JSON a request on stdout, everything else on stderr."""

from __future__ import annotations

import logging
import sys


def set_up_logs(*, access: bool = True) -> None:
    """For the process of ``rankkit serve``; a program that runs the application itself has handlers of its own."""
    words = logging.StreamHandler(sys.stderr)
    words.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name, level in (("rankkit", logging.WARNING), ("rankkit.server", logging.INFO), ("uvicorn", logging.WARNING)):
        logging.getLogger(name).setLevel(level)
    for name in ("rankkit", "uvicorn"):
        logging.getLogger(name).handlers = [words]
        logging.getLogger(name).propagate = False
    lines = logging.StreamHandler(sys.stdout)
    lines.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("rankkit.access")
    logger.handlers = [lines] if access else []
    logger.setLevel(logging.INFO if access else logging.CRITICAL)
    logger.propagate = False
