"""A cross-encoder that reads two documents, on a model whose logit is the sum of its words."""

from __future__ import annotations

import json
import math

import pytest

from rankkit.backends.encoders.cross_encoder import CrossEncoder
from rankkit.backends.encoders.duo import DuoEncoder
from rankkit.backends.encoders.seq2seq import Seq2Seq
from rankkit.backends.tokenizing.triples import TripleTokenizer
from rankkit.core.judge import BoundQuestion
from rankkit.core.questions import Compare
from rankkit.core.ranking import Request, ScoreKind
from rankkit.errors import CapabilityMissing, InvalidModel
from rankkit.pairwise.cross_encoder import DuoEncoderJudge
from tests.tiny import VOCABULARY, tiny_cross_encoder, tiny_tokenizer
from tests.tiny_seq2seq import tiny_seq2seq

CLS, SEP, WORD, GOOD, BAD = (VOCABULARY[token] for token in ("[CLS]", "[SEP]", "word", "good", "bad"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_cross_encoder(tmp_path_factory.mktemp("tiny"))


def test_the_answer_is_the_logistic_function_of_the_logit(folder):
    judge = DuoEncoderJudge(DuoEncoder(folder))
    request = Request.of("word", ["good", "bad", {"title": "bad", "text": "bad"}])
    asked = [BoundQuestion(request, Compare(0, 1)), BoundQuestion(request, Compare(2, 1))]
    found = {}
    for call in judge.prepare(asked):
        found |= dict(zip(call.slots, call.run(), strict=True))
    assert found[0].answer.value == pytest.approx(1 / (1 + math.exp(-0.25)))
    assert found[1].answer.value == pytest.approx(1 / (1 + math.exp(2.75)))
    assert found[0].usage.input_tokens == 7 and judge.score_kind is ScoreKind.PROBABILITY


@pytest.mark.parametrize(("known", "types"), [(2, [0, 0, 0, 1, 1, 1, 1]), (3, [0, 0, 0, 1, 1, 2, 2])])
def test_query_and_documents_are_parted_by_the_models_own_separator(folder, known, types):
    (folder / "config.json").write_text(json.dumps({"type_vocab_size": known}))
    [encoded] = TripleTokenizer(folder).encode([("word", "good", "bad")])
    assert encoded.ids.tolist() == [CLS, WORD, SEP, GOOD, SEP, BAD, SEP]
    assert encoded.types.tolist() == types


def test_long_documents_are_cut_evenly(folder):
    [encoded] = TripleTokenizer(folder).encode([("word", "good " * 9, "bad " * 8)])
    assert len(encoded) == 16 and encoded.shortened
    ids = encoded.ids.tolist()
    assert (ids.count(WORD), ids.count(GOOD), ids.count(BAD), ids[-1]) == (1, 6, 5, SEP)


def test_models_of_another_kind_are_refused(folder, tmp_path):
    with pytest.raises(CapabilityMissing, match="score a query with two documents"):
        DuoEncoderJudge(CrossEncoder(folder))  # type: ignore[arg-type]
    with pytest.raises(CapabilityMissing, match="score a query with two documents"):
        DuoEncoderJudge(Seq2Seq(tiny_seq2seq(tmp_path / "t5")))  # type: ignore[arg-type]
    plain = tiny_cross_encoder(tmp_path / "plain")
    tokenizer = tiny_tokenizer()
    tokenizer.post_processor = None
    tokenizer.save(str(plain / "tokenizer.json"))
    with pytest.raises(InvalidModel, match="puts nothing between two texts"):
        DuoEncoder(plain)
