"""What pages are made of that open without a network: files of this package, and a policy that stops all else."""

from __future__ import annotations

import base64
import gzip
import hashlib
from importlib import resources


def script_of(*names: str) -> str:
    """One script of several files, whose names are its own."""
    return "(() => {\n'use strict';\n" + "\n".join(map(part, names)) + "\n})();"


def part(name: str) -> str:
    """A file of the folder ``page``."""
    return (resources.files("rankkit.comparison.outputs") / "page" / name).read_text(encoding="utf-8")


def policy_of(*scripts: str) -> str:
    """Only these scripts run, by their hashes, and nothing is fetched. Styles are open: Plotly makes its own."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode('utf-8')).digest()).decode('ascii')}'"
        for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def packed(script: str) -> str:
    """Compressed, as text: the page unpacks it (drawing.js)."""
    # Without a time of its own, gzip gives the same bytes for the same script.
    return base64.b64encode(gzip.compress(script.encode("utf-8"), 9, mtime=0)).decode("ascii")
