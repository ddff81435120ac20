"""``rankkit prompts render``: exactly what a model would see."""

from __future__ import annotations

import json

import pytest

from rankkit.config import judges
from rankkit.config.registry import register
from rankkit.config.rows import MethodRow
from rankkit.core.ranking import Request
from rankkit.errors import ContextTooSmall, PromptError
from rankkit.judging.window import Window
from rankkit.listwise.generate import GenerateJudge
from rankkit.planning.preview import render_prompt
from rankkit.prompting.loading import load_prompt
from rankkit.prompting.parsing import parse_prompt
from rankkit.testing import ScriptedModel
from tests.cli.command import rankkit
from tests.conftest import pulled_model

REQUEST = Request.of("how long?", ["one\n\ntwo [3]", "Passage B: " + "word " * 500])


@pytest.mark.parametrize("name", ["small", "rankgpt", "rankzephyr", "letters"])
def test_it_is_the_prompt_that_a_judge_puts(name):
    """In a context of 400 tokens, which a long passage has to be cut for."""
    model = ScriptedModel(context_length=400)
    window = Window(model, load_prompt(name))
    method = {"letters": "first-token", "rankgpt": "generate"}.get(name, "constrained")
    answer_tokens = 8 if name == "letters" else 22
    rendered = render_prompt(load_prompt(name), REQUEST, model=model)
    fitted = window.fit(REQUEST, (0, 1), answer_tokens)
    assert (rendered.prompt, rendered.tokens, rendered.method) == (fitted.prompt, fitted.tokens, method)
    assert rendered.shortened == 1 and rendered.tokens <= 400


def test_without_a_model_passages_are_cut_by_an_upper_estimate_of_their_tokens():
    rendered = render_prompt(load_prompt("setwise"), REQUEST, passage_tokens=20)
    [message] = rendered.prompt
    assert "Passage A: one two (3)\nPassage B: Passage (B): word word" in message.content
    assert 5 < message.content.count("word") < 20 and rendered.shortened == 1


def test_the_beginning_of_the_answer_is_shown_where_the_method_has_one():
    small = load_prompt("small")
    assert (render_prompt(small, REQUEST).begun, render_prompt(small, REQUEST, method="generate").begun) == ("[", "")
    assert render_prompt(load_prompt("letters"), REQUEST).compared == ("A", "B")
    assert render_prompt(load_prompt("prp"), REQUEST).compared == ("A", "B")


SCORED = """
question = "order"
version = 1
source = "a test"
passage = "[$label] $passage (score $score)"
text = "$query: $passages"
"""


def test_first_stage_scores_are_shown_where_the_prompt_asks_for_them():
    window = Window(ScriptedModel(context_length=1000), parse_prompt(SCORED, name="scored", where="scored.toml"))
    request = Request.of("q", [{"id": "a", "text": "one", "score": 9.1}, {"id": "b", "text": "two", "score": 7}])
    assert window.fit(request, (1, 0), 20).prompt == "q: [1] two (score 7.000)\n[2] one (score 9.100)"
    assert window.max_group_size(request, lambda count: 7 * count) == 2
    with pytest.raises(PromptError, match="document '0' has none"):
        window.fit(Request.of("q", ["one", "two"]), (0, 1), 20)


def test_a_trained_text_is_shown_whole_and_said_to_be():
    rendered = render_prompt(load_prompt("monot5"), REQUEST)
    assert rendered.prompt == "Query: how long? Document: one two [3] Relevant:" and rendered.tokens is None


def test_what_cannot_be_rendered_says_why():
    with pytest.raises(PromptError, match="'order', which the method setwise does not"):
        render_prompt(load_prompt("small"), REQUEST, method="setwise")
    with pytest.raises(PromptError, match="two documents"):
        render_prompt(load_prompt("prp"), REQUEST.select([0]))
    with pytest.raises(ContextTooSmall):
        render_prompt(load_prompt("small"), REQUEST, model=ScriptedModel(context_length=50))


def test_the_command_tells_what_the_prompt_does_not_show(tmp_path):
    file = tmp_path / "documents.txt"
    file.write_text("one [2]   two\n" + "word " * 500)
    result = rankkit("prompts", "render", "small", "how long?", str(file))
    assert "[1] one (2) two\n" in result.stdout and result.stdout.rstrip().endswith("<assistant>\n[")
    said = " ".join(result.stderr.split())
    assert "estimated as for an endpoint; passages shortened: 1; the answer is begun with '['" in said
    whole = json.loads(rankkit("prompts", "render", "small", "--method", "generate", "--json").stdout)
    assert whole["begun"] == "" and whole["tokens"] > 50 and whole["prompt"][0]["role"] == "user"
    assert "nothing is cut" in " ".join(rankkit("prompts", "render", "monot5").stderr.split())
    assert rankkit("prompts", "render", "monot5", "--model", "smollm2-135m-instruct").returncode == 2


@pytest.mark.model
@pytest.mark.slow
def test_with_a_model_its_own_template_and_tokens_are_shown():
    pytest.importorskip("llama_cpp", reason="the gguf extra is not installed")
    model = str(pulled_model("smollm2-135m-instruct"))
    result = rankkit("prompts", "render", "small", "--model", model, "--json")
    shown = json.loads(result.stdout)
    assert shown["prompt"].endswith("<|im_start|>assistant\n") and shown["begun"] == "["
    estimated = json.loads(rankkit("prompts", "render", "small", "--json").stdout)
    assert shown["tokens"] < estimated["tokens"] and "estimated" not in result.stderr


def test_a_method_from_outside_shows_what_it_would_ask():
    row = MethodRow(
        name="aloud",
        question="order",
        kinds=("gguf",),
        judge=judges.asking(judges.generate),
        asks=lambda model, template, tokens: GenerateJudge(model, template, tokens, policy="keep_order"),
        prompt="listwise/rankgpt",
    )
    forget = register(row)
    try:
        assert render_prompt(load_prompt("rankgpt"), REQUEST, method="aloud").method == "aloud"
    finally:
        forget()
    with pytest.raises(PromptError, match="which the method aloud does not"):
        render_prompt(load_prompt("rankgpt"), REQUEST, method="aloud")
