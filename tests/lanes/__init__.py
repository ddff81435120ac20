"""Tests that need packages which clash with one another run in environments of their own: ``make frameworks clients``.

A test file names its lane and what it imports before it imports it::

    needs("frameworks", "langchain_core")

Elsewhere the file is skipped, saying so. In its own lane a package that is not there is an error: nothing that is meant
to run there is skipped in silence.
"""

from __future__ import annotations

import importlib
import os
from typing import Literal

import pytest

Lane = Literal["frameworks", "clients", "torch"]


def needs(lane: Lane, *modules: str) -> None:
    """Skip the test file that is being imported, unless this is its lane or all its modules are here."""
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError:
            if os.environ.get("RANKKIT_LANE") == lane:
                raise
            pytest.skip(f"needs {module}: make {lane}", allow_module_level=True)
