"""Real GGUF models, where this machine has them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rankkit.errors import MissingExtra
from tests.conftest import pulled_model


def _model_file(variable: str, name: str) -> Path:
    given = os.environ.get(variable)
    if not given:
        return pulled_model(name)
    if not Path(given).is_file():
        pytest.skip(f"{variable} names {given}, which is no file")
    return Path(given)


@pytest.fixture(scope="session")
def smollm2_file() -> Path:
    return _model_file("RANKKIT_TEST_SMOLLM2", "smollm2-135m-instruct")


@pytest.fixture(scope="session")
def gemma3_file() -> Path:
    return _model_file("RANKKIT_TEST_GEMMA3", "gemma-3-270m")


def _open(path: Path, context: int) -> Iterator[object]:
    try:
        from rankkit.backends.gguf.model import GgufModel
    except MissingExtra as error:
        pytest.skip(str(error))
    with GgufModel(path, context=context) as model:
        yield model


@pytest.fixture(scope="session")
def smollm2(smollm2_file: Path) -> Iterator[object]:
    yield from _open(smollm2_file, 2048)


@pytest.fixture(scope="session")
def gemma3(gemma3_file: Path) -> Iterator[object]:
    yield from _open(gemma3_file, 512)
