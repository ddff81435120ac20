"""What is said where a framework is not installed, or has renamed what an adapter imports."""

from __future__ import annotations

from importlib import metadata

import pytest

from rankkit.errors import MissingExtra
from rankkit.integrations.frameworks import framework

# bm25s stands for a framework here: it is in every environment, and in an extra of ours.


def failing_with(words: str, extra: str, distribution: str, code: str) -> pytest.ExceptionInfo[ImportError]:
    with pytest.raises(ImportError, match=words) as raised, framework(extra, distribution, "the adapter"):
        exec(code)
    return raised


def test_one_that_is_not_installed_names_the_extra():
    words = "the adapter needs no-such-framework, which is not installed"
    raised = failing_with(words, "langchain", "no-such-framework", "import no_such_framework")
    assert raised.type is MissingExtra and "pip install 'rankkit-rerank[langchain]'" in str(raised.value)


@pytest.mark.parametrize(
    ("code", "gone"), [("from bm25s import Retriever", "'Retriever'"), ("import bm25s.retrievers", "bm25s.retrievers")]
)
def test_a_name_or_a_module_that_is_gone_names_the_versions(code, gone):
    words = rf"from bm25s {metadata.version('bm25s')} .*{gone}.*; supported is bm25s>=0.3.10"
    assert failing_with(words, "search", "bm25s", code).type is MissingExtra


def test_an_import_that_fails_for_another_reason_is_left_as_it_is():
    assert failing_with("no_such_module", "search", "bm25s", "import no_such_module").type is ModuleNotFoundError
