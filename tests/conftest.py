"""Fixtures for all tests: the shared data sets and real models, where this machine has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something about the machine, not about the code.
settings.register_profile("rankkit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=25)
settings.load_profile("rankkit")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with real TREC / BEIR data; tests that need it skip, saying so, where it is absent."""
    folder = Path(os.environ.get("RANKKIT_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder} (set RANKKIT_TEST_DATA to a folder that has it)")
    return folder


def pulled_model(name: str) -> Path:
    """Where a pulled catalogue model lies; the test skips, saying so, where it is not on this machine."""
    from rankkit.errors import ModelNotPulled
    from rankkit.models import store

    try:
        return store.locate(name)
    except ModelNotPulled:
        pytest.skip(f"{name} is not on this machine: make models")


@pytest.fixture(scope="session")
def minilm_folder() -> Path:
    return pulled_model("ms-marco-MiniLM-L-12-v2")
