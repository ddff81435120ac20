"""``rankkit mcp`` where its extra is not installed; what it does with it is in tests/server/mcp."""

from __future__ import annotations

import importlib.util

import pytest

from tests.cli.command import rankkit


@pytest.mark.skipif(importlib.util.find_spec("mcp") is not None, reason="the extra is installed here")
def test_without_the_extra_the_pip_line_is_named(tmp_path):
    (tmp_path / "a.txt").write_text("words")
    result = rankkit("mcp", "--corpus", str(tmp_path))
    assert result.returncode == 3 and result.stdout == ""
    assert "pip install 'rankkit-rerank[mcp]'" in " ".join(result.stderr.split())


def test_the_help_names_the_transports():
    shown = rankkit("mcp", "--help").stdout
    assert "--transport" in shown and "--allowed-host" in shown and "--corpus" in shown
