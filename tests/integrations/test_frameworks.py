"""What is said where a framework is not installed, or has renamed what an adapter imports."""

from __future__ import annotations

from importlib import metadata

import pytest

from rankkit.errors import MissingExtra
from rankkit.integrations.frameworks import framework

# bm25s stands for a framework here: it is in every environment, and in an extra of ours.


def test_one_that_is_not_installed_names_the_extra():
    with pytest.raises(MissingExtra, match="the adapter needs no-such-framework, which is not installed") as raised:
        with framework("langchain", "no-such-framework", "the adapter"):
            import no_such_framework  # noqa: F401
    assert "pip install 'rankkit-rerank[langchain]'" in str(raised.value)


def test_a_name_or_a_module_that_is_gone_names_the_versions():
    found = metadata.version("bm25s")
    with pytest.raises(MissingExtra, match=rf"from bm25s {found} .*'Retriever'.*; supported is bm25s>=0.3.10"):
        with framework("search", "bm25s", "the adapter"):
            from bm25s import Retriever  # noqa: F401
    with pytest.raises(MissingExtra, match=rf"from bm25s {found} .*bm25s.retrievers.*; supported is bm25s>=0.3.10"):
        with framework("search", "bm25s", "the adapter"):
            import bm25s.retrievers  # noqa: F401


def test_an_import_that_fails_for_another_reason_is_left_as_it_is():
    with pytest.raises(ImportError, match="no_such_module") as raised, framework("search", "bm25s", "the adapter"):
        import no_such_module  # noqa: F401
    assert not isinstance(raised.value, MissingExtra)
