"""duoT5 on a model whose log-probabilities are known, and on the golden T5."""

from __future__ import annotations

import math

import pytest

from rankkit.backends.encoders.cross_encoder import CrossEncoder
from rankkit.backends.encoders.seq2seq import Seq2Seq
from rankkit.core.judge import BoundQuestion
from rankkit.core.questions import Compare
from rankkit.core.ranking import Request
from rankkit.errors import CapabilityMissing, InvalidModel, PromptError
from rankkit.pairwise.duot5 import DuoT5Judge
from rankkit.prompting.loading import load_prompt
from rankkit.prompting.parsing import parse_prompt
from tests.tiny import tiny_cross_encoder
from tests.tiny_seq2seq import tiny_seq2seq


@pytest.fixture(scope="module")
def backend(tmp_path_factory) -> Seq2Seq:
    return Seq2Seq(tiny_seq2seq(tmp_path_factory.mktemp("tiny")))


def answers(judge, request: Request, pairs: list[tuple[int, int]]):
    """Run a judge's calls; its replies in the order of the pairs."""
    replies = {}
    for call in judge.prepare([BoundQuestion(request, Compare(*pair)) for pair in pairs]):
        replies |= dict(zip(call.slots, call.run(), strict=True))
    return [replies[slot] for slot in range(len(pairs))]


def test_the_trained_format_is_kept_to_the_letter():
    prompt = load_prompt("duot5")
    assert prompt.text == "Query: $query Document0: $first Document1: $second Relevant:"
    assert (prompt.answers("yes"), prompt.answers("no")) == ("true", "false")


def test_the_answer_is_the_probability_of_true_among_the_two_target_words(backend):
    request = Request.of("word", ["good", {"title": "bad", "text": "word"}, "word"])
    found = answers(DuoT5Judge(backend), request, [(0, 1), (1, 0), (0, 2)])
    # 2 x (query + both documents + "Relevant:"): this model does not care for the order, so both orders agree
    due = [1 / (1 + math.exp(-odds)) for odds in (2 * (0.25 + 1 - 0.75 + 0.0625),) * 2 + (2 * (0.25 + 1.25 + 0.0625),)]
    assert [reply.answer.value for reply in found] == pytest.approx(due, abs=1e-6)
    assert sum(reply.usage.calls for reply in found) == 1
    assert sum(reply.usage.input_tokens for reply in found) == 9 + 9 + 8


def test_long_documents_are_cut_evenly_and_the_step_is_told(backend):
    request = Request.of("good", ["good " * 12, "bad " * 9])
    [reply] = answers(DuoT5Judge(backend), request, [(0, 1)])
    assert reply.notes == ("document shortened",) and reply.usage.input_tokens == 20
    odds = 2 * (1 + 8 - 6 + 0.0625)  # 14 tokens for 12 and 9: the longer one loses 4, the other 3
    assert reply.answer.value == pytest.approx(1 / (1 + math.exp(-odds)))


def test_what_cannot_work_is_refused_when_the_judge_is_built(backend, tmp_path):
    with pytest.raises(CapabilityMissing, match=r"duoT5 needs a backend.*target words.*\n.*monoT5, duoT5"):
        DuoT5Judge(CrossEncoder(tiny_cross_encoder(tmp_path)))  # type: ignore[arg-type]
    with pytest.raises(PromptError, match="no plain text that compares"):
        DuoT5Judge(backend, load_prompt("monot5"))
    words = 'question = "compare"\nversion = 1\nsource = "x"\ntext = "$query $first $second"'
    words += '\n[answer]\nyes = "true false"\nno = "no"'
    with pytest.raises(InvalidModel, match=r"'true false' is not one token of .* but 2"):
        DuoT5Judge(backend, parse_prompt(words, name="x", where="x"))


def test_nan_is_no_probability(backend):
    [reply] = answers(DuoT5Judge(backend), Request.of("word", ["nan", "good"]), [(0, 1)])
    assert math.isnan(reply.answer.value) and not Compare(0, 1).accepts(reply.answer.value)
