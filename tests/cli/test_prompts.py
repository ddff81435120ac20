"""``rankkit prompts``, and RankLLM's templates as prompt files."""

from __future__ import annotations

import json

import pytest

from rankkit.errors import PromptError
from rankkit.integrations.rankllm_prompts import convert
from rankkit.prompting.loading import load_prompt
from tests.cli.command import rankkit

SINGLE = """
method: "singleturn_listwise"
system_message: "You rank."
prefix: "There are {num} passages, at $5 each, for: {query}.\\n"
body: "[{rank}] {candidate}\\n"
suffix: "Rank the {num} passages for {query}."
output_validation_regex: r"^x$"
output_extraction_regex: r"x"
"""
LIST = r"""
method: "singleturn_listwise"
body: |
  PASSAGE{rank} = "{candidate}"
suffix: "Sort {psg_ids} for {query}."
output_validation_regex: r"^\[PASSAGE\d+(, PASSAGE\d+)*\]$"
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


def test_letters_are_shown_where_the_template_speaks_of_them(tmp_path):
    letters = SINGLE.replace("for {query}.", "for {query}, like [B] > [A].")
    (tmp_path / "mine.yaml").write_text(letters)
    _, prompt = convert(tmp_path / "mine.yaml")
    assert "\n[A] one\n[B] two\n" in prompt.render({"query": "cats"}, ["one", "two"])[1].content
    (tmp_path / "form.yaml").write_text(SINGLE.replace('r"^x$"', r'r"^\[[A-Z]\]( > \[[A-Z]\])*$"').replace('"r"', "r"))
    assert convert(tmp_path / "form.yaml")[1].labels == "letters"


def test_a_list_of_all_passages_and_its_form_are_taken_over(tmp_path):
    (tmp_path / "lrl.yaml").write_text(LIST)
    _, prompt = convert(tmp_path / "lrl.yaml")
    [message] = prompt.render({"query": "cats"}, ["one", "two"])
    assert message.content == 'PASSAGE1 = "one"\nPASSAGE2 = "two"\nSort [PASSAGE1, PASSAGE2] for cats.'
    assert dict(prompt.answer) == {"opening": "[PASSAGE", "separator": ", PASSAGE", "closing": "]"}


def test_scores_of_the_first_stage_are_shown_where_the_template_wants_them(tmp_path):
    scored = SINGLE.replace("{candidate}\\n", "{candidate}\\nBM25 score for [{rank}]: {score}\\n")
    (tmp_path / "scored.yaml").write_text(scored)
    _, prompt = convert(tmp_path / "scored.yaml")
    [_, user] = prompt.render({"query": "cats"}, ["one", "two"], ["9.100", "7.000"])
    assert "\n[1] one\nBM25 score for [1]: 9.100\n[2] two\nBM25 score for [2]: 7.000\n" in user.content


def test_an_instruction_is_put_where_the_template_wants_one(tmp_path):
    said = "method: pointwise\nsystem_message: Judge.\nbody: '{instruction} Query: {query} Document: {doc_content}'\n"
    (tmp_path / "point.yaml").write_text(said)
    result = rankkit("prompts", "import", str(tmp_path / "point.yaml"), "--instruction", "Find {x}.")
    assert result.returncode == 2 and "{x}" in result.stderr
    assert rankkit("prompts", "import", str(tmp_path / "point.yaml"), "--instruction", "Find it.").returncode == 0
    system, user = load_prompt(tmp_path / "point.toml").render({"query": "q", "passage": "p"})
    assert (system.content, user.content) == ("Judge.", "Find it. Query: q Document: p")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("method: rankfid\ntext: '{query} {passage}'", "'rankfid', which cannot be used: .*Fusion-in-Decoder"),
        ("method: other\nbody: x", "the method is 'other'"),
        ("method: pairwise\nbody: '{query} {doc1} {doc2}'\nprefix: x", "section 'prefix' has no counterpart"),
        ("method: pointwise\nbody: '{instruction} {query} {doc_content}'", "{instruction}.*\n  .*--instruction"),
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


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"a: " + b"[" * 3000, "lists in lists"),
        (b"a: " + b"{a: " * 3000, "lists in lists"),
        (b"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n", "aliases"),
        (b"method: [x]\n", "'method' is a list"),
        (b"method: listwise\nbody: {a: b}\n", "'body' is a dict"),
        (b"method: listwise\nbody: " + b"9" * 5000, "cannot be read"),
        (b"method: listwise\nbody: 2020-99-99\n", "cannot be read"),
        (b"- a\n- b\n", "no sections"),
        (b"a: b: c\n", "not YAML"),
        (b"a: \x00\n", "not YAML"),
        (b"# " + b"x" * 300_000, "KiB"),
    ],
)
def test_a_broken_template_is_a_prompt_error(tmp_path, content, words):
    (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(PromptError, match=words):
        convert(tmp_path / "mine.yaml")


def test_a_prompt_is_copied_for_editing_and_nothing_is_overwritten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert rankkit("prompts", "copy", "rankgpt").stdout.strip() == "rankgpt.toml"
    assert load_prompt(tmp_path / "rankgpt.toml").fingerprint == load_prompt("rankgpt").fingerprint
    again = rankkit("prompts", "copy", "rankgpt")
    assert again.returncode == 2 and "there already" in again.stderr
    (tmp_path / "link.toml").symlink_to(tmp_path / "elsewhere.toml")
    assert rankkit("prompts", "copy", "rankgpt", "--out", "link.toml").returncode == 2
    assert not (tmp_path / "elsewhere.toml").exists()
    assert rankkit("prompts", "copy", "rankgpt", "--out", "mine.txt").returncode == 2
    assert rankkit("prompts", "copy", "nothing").returncode == 2
