"""DSPy: what ``dspy.settings.rm`` gives, reranked."""

from __future__ import annotations

import asyncio
import copy
import pickle

import pytest

from tests.lanes import needs

needs("frameworks", "dspy")

import dspy

from rankkit.errors import ConfigError, InputError, InvalidDocument
from rankkit.integrations.dspy import Rerank, RerankedRM
from tests.integrations.rerankers_for_tests import Backwards, NotToBeAsked
from tests.tiny import tiny_cross_encoder

TEXTS = ["bad", "word", "best", "good", ""]


class Search:
    """A retrieval model; notes what it was asked."""

    def __init__(self):
        self.found = [dspy.Example(long_text=text, pid=place, score=9 - place) for place, text in enumerate(TEXTS)]
        self.asked = []

    def __call__(self, query, k, **more):
        self.asked.append((query, k, more))
        return self.found[:k]


@pytest.fixture
def folder(tmp_path):
    return str(tiny_cross_encoder(tmp_path))


@pytest.fixture
def search():
    return Search()


def test_dspys_own_retrieve_gets_the_best_of_what_was_fetched(folder, search):
    before = copy.deepcopy(search.found)
    with dspy.context(rm=RerankedRM(search, model=folder, fetch=5)):
        assert dspy.Retrieve(k=2)("word").passages == ["best", "good"]
    assert search.asked == [("word", 5, {})] and search.found == before


def test_passages_are_the_very_objects_with_all_their_attributes(folder, search):
    best, second = RerankedRM(search, model=folder)("word", k=2, filter="x")
    assert best is search.found[2] and (best.pid, best.score) == (2, 7) and second is search.found[3]
    assert search.asked == [("word", 50, {"filter": "x"})]


def test_more_are_fetched_where_more_are_wanted(folder, search):
    assert len(RerankedRM(search, model=folder, fetch=2)("word", k=4)) == 4
    assert search.asked[0][1] == 4


@pytest.mark.parametrize("found", [[], None, ()])
def test_nothing_found_no_call(found):
    assert RerankedRM(lambda query, k: found, model=NotToBeAsked())("word") == []
    assert Rerank(model=NotToBeAsked(), rm=lambda query, k: found)(query="word").passages == []


def test_a_module_over_the_retrieval_model_that_is_set(folder, search):
    module = Rerank(k=2, model=folder, fetch=5)
    with dspy.context(rm=search):
        prediction = module(query="word")
        more = module(query="word", k=4)
    assert prediction.passages == ["best", "good"] and prediction.scores == [3.25, 1.25]
    assert prediction.documents[0] is search.found[2] and len(more.passages) == 4


def test_in_a_program(folder, search):
    class Program(dspy.Module):
        def __init__(self):
            super().__init__()
            self.retrieve = Rerank(k=1, model=folder)

        def forward(self, question):
            return dspy.Prediction(answer=self.retrieve(query=question).passages[0])

    program = Program()
    with dspy.context(rm=search):
        assert program(question="word").answer == "best"
        assert program.deepcopy()(question="word").answer == "best"


def test_the_same_while_an_event_loop_goes_on(folder, search):
    module = Rerank(k=2, model=folder, rm=search)
    assert asyncio.run(module.acall(query="word")).passages == ["best", "good"]
    assert asyncio.run(Rerank(model=NotToBeAsked(), rm=lambda query, k: []).acall(query="word")).passages == []


def test_strings_mappings_and_one_passage_by_itself(folder):
    for found in (["bad", "best"], [{"long_text": "bad"}, {"long_text": "best"}]):
        assert RerankedRM(lambda query, k, found=found: found, model=folder)("word", k=1) == [found[1]]
    one = dspy.Example(long_text="best")
    assert Rerank(model=folder, rm=lambda query, k: {"long_text": "best"})(query="word").passages == ["best"]
    assert RerankedRM(lambda query, k: [one], model=folder)("word") == [one]


def test_a_method_without_scores_gives_none(search):
    prediction = Rerank(k=2, model=Backwards(), rm=search)(query="word")
    assert prediction.passages == ["good", "best"] and prediction.scores == [None, None]


def test_passages_without_words_come_last_and_unscored(folder, search):
    search.found.insert(0, dspy.Example(long_text=" "))
    prediction = Rerank(k=6, model=folder, rm=search)(query="word")
    assert prediction.passages == ["best", "good", "word", "bad", " ", ""]
    assert prediction.scores == [3.25, 1.25, 0.5, -0.75, None, None]
    assert RerankedRM(search, model=folder)("word", k=6) == prediction.documents


def test_what_cannot_be_done_is_an_error(search):
    with pytest.raises(InvalidDocument, match="long_text"):
        RerankedRM(lambda query, k: [dspy.Example(text="a")], model=NotToBeAsked())("word")
    with dspy.context(rm=None), pytest.raises(ConfigError, match=r"dspy\.configure"):
        Rerank(model=NotToBeAsked())(query="word")
    with pytest.raises(InputError, match="fetch"):
        RerankedRM(search, fetch=0)
    with pytest.raises(ConfigError, match="callable"):
        RerankedRM("search")


def test_it_travels_to_another_process_by_its_spec(folder):
    again = pickle.loads(pickle.dumps(RerankedRM(len, model=folder, fetch=7)))
    assert again.fetch == 7 and repr(again) == f"RerankedRM({len!r}, {folder!r}, fetch=7)"
    again.close()
