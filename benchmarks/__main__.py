"""Run the benchmarks that are named, or all but those that take long or want a machine to themselves: ``graphs``,
``vectors``, ``noise``, ``methods`` and ``cold``, which hold models against a server, and ``serving``.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from benchmarks.common import default_data

USUAL = ("pointwise", "listwise", "pairwise")
SECTIONS = (*USUAL, "graphs", "vectors", "methods", "cold", "noise", "serving")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("sections", nargs="*", default=USUAL, metavar="section", help=f"of: {', '.join(SECTIONS)}")
    parser.add_argument("--data", type=Path, default=default_data(), help="folder that holds trec-dl19/ and noveleval/")
    parser.add_argument("--queries", type=int, default=8, help="queries to time")
    parser.add_argument("--quick", action="store_true", help="serving: a few seconds a row, to see that it works")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    for section in arguments.sections:
        if section not in SECTIONS:
            parser.error(f"there is no section {section!r}; there are {', '.join(SECTIONS)}")
        importlib.import_module(f"benchmarks.{section}").run(arguments)
    return 0


sys.exit(main())
