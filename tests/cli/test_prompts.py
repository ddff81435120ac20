"""``rankkit prompts``, and RankLLM's templates as prompt files."""

from __future__ import annotations

import json

import pytest

from rankkit.errors import PromptError
from rankkit.integrations.rankllm_prompts import convert
from rankkit.prompt import load_prompt
from tests.cli.test_cli import rankkit

SINGLE = """
method: "singleturn_listwise"
system_message: "You rank."
prefix: "There are {num} passages, at $5 each, for: {query}.\\n"
body: "[{rank}] {candidate}\\n"
suffix: "Rank the {num} passages for {query}."
output_validation_regex: r"^x$"
output_extraction_regex: r"x"
"""
MULTI = """
method: multiturn_listwise
prefix_user: "{num} passages for {query}"
prefix_assistant: "Go on."
body_user: "[{rank}] {candidate}"
body_assistant: "Got [{rank}]."
suffix_user: "Rank them for {query}."
output_validation_regex: x
output_extraction_regex: x
"""


def test_a_single_turn_template_says_the_same_words(tmp_path):
    (tmp_path / "mine.yaml").write_text(SINGLE)
    _, prompt = convert(tmp_path / "mine.yaml")
    system, user = prompt.render({"query": "cats"}, ["one", "two"])
    assert system.content == "You rank."
    assert (
        user.content == "There are 2 passages, at $5 each, for: cats.\n[1] one\n[2] two\nRank the 2 passages for cats."
    )


def test_a_multi_turn_template_keeps_its_turns(tmp_path):
    (tmp_path / "mine.yaml").write_text(MULTI)
    _, prompt = convert(tmp_path / "mine.yaml")
    said = [(m.role, m.content) for m in prompt.render({"query": "cats"}, ["one", "two"])]
    assert said == [
        ("user", "2 passages for cats"),
        ("assistant", "Go on."),
        ("user", "[1] one"),
        ("assistant", "Got [1]."),
        ("user", "[2] two"),
        ("assistant", "Got [2]."),
        ("user", "Rank them for cats."),
    ]


def test_a_pairwise_template_is_the_trained_format(tmp_path):
    body = "Query: {query} Document0: {doc1} Document1: {doc2} Relevant: "
    (tmp_path / "duo.yaml").write_text(f'method: pairwise\nbody: "{body}"\n')
    _, prompt = convert(tmp_path / "duo.yaml")
    shipped = load_prompt("pairwise/duot5")
    values = {"query": "q", "first": "a", "second": "b"}
    assert prompt.render(values) == shipped.render(values)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("method: rankfid\nbody: x", "the method is 'rankfid'"),
        ("method: [", "is not YAML"),
        ("method: pairwise\nbody: '{query} {doc1} {doc3}'", "placeholder {doc3} has no counterpart"),
        ("method: listwise\nbody: '[{rank}] {candidate}'\nprefix: 'no question'", r"\$query does not occur"),
    ],
)
def test_what_cannot_be_imported_says_why(tmp_path, text, words):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(PromptError, match=words):
        convert(tmp_path / "mine.yaml")


def test_the_commands(tmp_path):
    names = [row["name"] for row in json.loads(rankkit("prompts", "list", "--json").stdout)]
    assert {"listwise/rankgpt", "listwise/rankzephyr", "pairwise/duot5"} <= set(names)
    shown = rankkit("prompts", "render", "rankzephyr", "--count", "2").stdout
    assert "I will provide you with 2 passages" in shown and "[2] " in shown and "[3] " not in shown
    assert "$passages" in rankkit("prompts", "show", "listwise/small").stdout
    (tmp_path / "mine.yaml").write_text(SINGLE)
    result = rankkit("prompts", "import", str(tmp_path / "mine.yaml"))
    assert result.stdout.strip() == str(tmp_path / "mine.toml") and result.returncode == 0
    assert load_prompt(tmp_path / "mine.toml").question == "order"
    assert rankkit("prompts", "import", str(tmp_path / "mine.yaml")).returncode == 2
