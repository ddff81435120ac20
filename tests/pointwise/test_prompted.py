"""A language model asked about one passage, and the inputs that trained models expect, to the letter."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.backends.gguf.chat_template import ChatTemplate
from rankkit.backends.protocols import Generated
from rankkit.config.loading import read_spec
from rankkit.core.questions import Outcome
from rankkit.core.ranking import ScoreKind
from rankkit.errors import CapabilityMissing, ConfigError, ContextTooSmall, PromptError
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.likelihood import QueryLikelihoodJudge
from rankkit.pointwise.prompted import PromptedScoreJudge, Scale
from rankkit.pointwise.strategy import ScoreAll
from rankkit.prompting.loading import load_prompt
from rankkit.prompting.parsing import parse_prompt
from rankkit.testing import ScriptedModel, check_reranker, words_of

YES_NO = load_prompt("pointwise/yes-no")
GRADED = load_prompt("pointwise/graded")
LIKELIHOOD = load_prompt("pointwise/query-likelihood")
PASSAGES = ["nothing", "flea flea", "flea"]


def fleas(prompt) -> int:
    return words_of(prompt).split("Passage:")[1].count("flea")


def knowing(prompt, label: str) -> float:
    """The more fleas, the surer."""
    sure = min(0.99, 0.1 + 0.3 * fleas(prompt))
    return math.log(sure if label in ("Yes", "4") else (1 - sure) if label in ("No", "0") else 1e-9)


def asked(judge, passages=PASSAGES):
    return JudgeReranker(judge, ScoreAll()).rerank("insects", passages)


def test_the_score_is_the_probability_of_yes() -> None:
    ranking = asked(PromptedScoreJudge(ScriptedModel(worth=knowing), YES_NO))
    assert ranking.order == (1, 2, 0) and ranking.score_kind is ScoreKind.PROBABILITY
    assert ranking.scores == pytest.approx((0.7, 0.4, 0.1))
    check_reranker(JudgeReranker(PromptedScoreJudge(ScriptedModel(worth=lambda p, t: -1.0), YES_NO), ScoreAll()))


def test_a_grade_is_an_expected_value() -> None:
    ranking = asked(PromptedScoreJudge(ScriptedModel(worth=knowing), GRADED))
    assert ranking.scores == pytest.approx((2.8, 1.6, 0.4), abs=1e-6) and ranking.score_kind is ScoreKind.RELEVANCE


def test_likelihood_is_of_the_query_behind_the_passage() -> None:
    seen = set()

    def worth(prompt, text: str) -> float:
        seen.add(text)
        assert words_of(prompt).endswith("Question that this passage answers:")
        return -10.0 + fleas(prompt)

    ranking = asked(QueryLikelihoodJudge(ScriptedModel(worth=worth), LIKELIHOOD))
    assert seen == {" insects"} and ranking.order == (1, 2, 0)
    assert ranking.scores == (-8.0, -9.0, -10.0) and ranking.score_kind is ScoreKind.LOG_LIKELIHOOD


@given(st.lists(st.one_of(st.none(), st.floats(-500, 0)), min_size=5, max_size=5))
def test_an_expected_value_lies_between_the_values_whatever_is_shown(shown: list[float | None]) -> None:
    answer = Scale.of(GRADED).expected(shown)
    if all(share is None for share in shown):
        assert answer.value is None and answer.outcome is Outcome.UNREADABLE
    else:
        assert answer.value is not None and 0 <= answer.value <= 4
        assert (answer.outcome is Outcome.REPAIRED) == (None in shown)


def test_what_cannot_be_seen_or_is_refused_is_a_counted_outcome() -> None:
    unseen = asked(PromptedScoreJudge(ScriptedModel(worth=lambda prompt, text: None), YES_NO))
    assert unseen.order == (0, 1, 2) and unseen.steps[0].outcomes == {"unreadable": 3}
    assert unseen.scores == (None, None, None)


@pytest.mark.parametrize(
    ("said", "value", "outcome"),
    [
        ("Yes", 1.0, "ok"),
        (" no.", 0.0, "ok"),
        ("**Yes**", 1.0, "ok"),
        ("Answer: No", 0.0, "ok"),
        ("The answer is yes.", 1.0, "ok"),
        ("Yes, since it says how long they live.", 1.0, "ok"),
        ("<think>No? yes?</think>Yes", 1.0, "ok"),
        ("<think>Yes, it does", None, "unreadable"),
        ("Yes and no", None, "unreadable"),
        ("Not really; yes in part", None, "unreadable"),
        ("It depends", None, "unreadable"),
        ("", None, "unreadable"),
        ("I'm sorry, I cannot help with that.", None, "refused"),
    ],
)
def test_words_are_read_only_where_they_say_one_thing(said: str, value: float | None, outcome: str) -> None:
    model = ScriptedModel(say=lambda prompt: Generated(said))
    ranking = asked(PromptedScoreJudge(model, YES_NO, by_text=True), ["one"])
    assert ranking.scores == (value,) and ranking.steps[0].outcomes == {outcome: 1}


@pytest.mark.parametrize(
    ("said", "value"), [("3", 3.0), ("Grade: 4", 4.0), ("3/4", None), ("2 or 3", None), ("10", None), ("-1", 1.0)]
)
def test_grades_in_words(said: str, value: float | None) -> None:
    assert Scale.of(GRADED).read(said).value == value


def test_passages_give_way_to_a_short_context_and_instructions_do_not() -> None:
    model = ScriptedModel(worth=knowing, context_length=80)
    ranking = asked(PromptedScoreJudge(model, YES_NO), ["flea " * 300])
    assert ranking.steps[0].notes == {"passage shortened": 1}
    with pytest.raises(ContextTooSmall):
        asked(PromptedScoreJudge(ScriptedModel(worth=knowing, context_length=20), YES_NO))
    with pytest.raises(ContextTooSmall):
        long = QueryLikelihoodJudge(ScriptedModel(context_length=40), LIKELIHOOD)
        JudgeReranker(long, ScoreAll()).rerank("insects " * 50, ["one"])


QWEN3_SYSTEM = (
    "Judge whether the Document meets the requirements based on the Query and the Instruct provided. "
    'Note that the answer can only be "yes" or "no".'
)


def spoken(name: str, instruction: str = "") -> str:
    """The whole text that a ChatML model is given."""
    prompt = load_prompt(name)
    messages = prompt.render({**prompt.said_of("the query", instruction), "passage": "the passage"})
    return "".join(part.text for part in ChatTemplate("chatml").parts(messages))


@pytest.mark.parametrize("instruction", ["", "Given a claim, find what refutes it"])
def test_qwen3_reranker_is_asked_as_its_card_does(instruction: str) -> None:
    task = instruction or "Given a web search query, retrieve relevant passages that answer the query"
    prefix = f"<|im_start|>system\n{QWEN3_SYSTEM}<|im_end|>\n<|im_start|>user\n"
    body = f"<Instruct>: {task}\n<Query>: the query\n<Document>: the passage"
    suffix = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
    assert spoken("pointwise/qwen3-reranker", instruction) == prefix + body + suffix
    assert Scale.of(load_prompt("pointwise/qwen3-reranker")) == Scale(("yes", "no"), (1.0, 0.0))


@pytest.mark.parametrize("instruction", ["", "prefer official sources"])
def test_mxbai_rerank_is_asked_as_its_package_does(instruction: str) -> None:
    said = f"instruction: {instruction}\n" if instruction else ""
    task = (
        "You are a search relevance expert who evaluates how well documents match search queries. For each "
        "query-document pair, carefully analyze the semantic relationship between them, then provide your binary "
        "relevance judgment (0 for not relevant, 1 for relevant).\nRelevance:"
    )
    assert spoken("pointwise/mxbai-rerank-v2", instruction) == (
        "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
        f"<|im_start|>user\n{said}query: the query\ndocument: the passage\n{task}<|im_end|>\n<|im_start|>assistant\n"
    )
    assert Scale.of(load_prompt("pointwise/mxbai-rerank-v2")) == Scale(("1", "0"), (1.0, 0.0))


MINE = """
question = "score"
version = 1
source = "a test"
text = "{text}"
[answer]
{answer}
"""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("labels = 'Yes'\nvalues = '1'", "two labels or more"),
        ("labels = 'Yes No'\nvalues = '1'", "a value for each"),
        ("labels = 'Yes Yes'\nvalues = '1 0'", "each once"),
        ("labels = 'Yes No'\nvalues = '1 none'", "no numbers"),
        ("labels = 'Yes No'\nvalues = '1 nan'", "not finite"),
        ("labels = 'Yes No'", "does not say 'values'"),
    ],
)
def test_a_prompt_without_a_scale_is_refused(answer: str, words: str) -> None:
    prompt = parse_prompt(MINE.format(text="$query $passage", answer=answer), name="mine", where="mine.toml")
    with pytest.raises(PromptError, match=words):
        PromptedScoreJudge(ScriptedModel(), prompt)


def test_a_query_stands_before_the_passage_or_behind_it() -> None:
    with pytest.raises(PromptError, match=r"\$query does not occur"):
        parse_prompt(MINE.format(text="$passage", answer="labels = 'a b'"), name="m", where="m.toml")
    with pytest.raises(PromptError, match=r"\$query does not occur"):
        parse_prompt(MINE.format(text="$passage", answer="continuation = 'x'"), name="m", where="m.toml")
    with pytest.raises(PromptError, match="does not say 'continuation'"):
        QueryLikelihoodJudge(ScriptedModel(), YES_NO)
    with pytest.raises(PromptError, match="puts a order question"):
        PromptedScoreJudge(ScriptedModel(), load_prompt("listwise/small"))


def test_specs() -> None:
    endpoint = {"paradigm": "pointwise", "endpoint": "http://localhost:1/v1", "model": "any"}
    assert read_spec(endpoint).decided()["method"] == "prompted"
    read_spec({**endpoint, "method": "prompted-text", "prompt": "graded"}).check()
    with pytest.raises(CapabilityMissing, match="likelihood needs a gguf model"):
        read_spec({**endpoint, "method": "likelihood"}).check()
    with pytest.raises(ConfigError, match="no use for 'probability'"):
        read_spec({**endpoint, "scores": "probability"}).check()
    with pytest.raises(ConfigError, match="passage_tokens"):
        read_spec({"passage_tokens": 9}).check()


def test_a_trained_reranker_is_asked_as_it_was_trained_when_only_its_name_is_given() -> None:
    spec = read_spec("qwen3-reranker-0.6b")
    assert (spec.paradigm, spec.chosen_method) == ("pointwise", "prompted")
    prompt = spec.prompt_template()
    assert prompt.name == "pointwise/qwen3-reranker" and prompt.chat_template == "chatml" and prompt.takes_instruction
