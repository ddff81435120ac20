"""PyTerrier: a transformer in pipelines, held against PyTerrier's own contract. No Java is started."""

from __future__ import annotations

import pickle

import pytest

from tests.lanes import needs

needs("frameworks", "pyterrier")

import pandas as pd
import pyterrier as pt

from rankkit import load
from rankkit.errors import EmptyQuery, UnknownModel
from rankkit.integrations.pyterrier import RankkitReranker
from tests.integrations.rerankers_for_tests import Backwards, NotToBeAsked
from tests.tiny import tiny_cross_encoder

COLUMNS = ["qid", "query", "docno", "text", "score", "rank"]


def results():
    rows = [
        ("q2", "word", "b1", "bad", 9.0, 0),
        ("q1", "good", "a1", "word", 8.0, 0),
        ("q2", "word", "b2", "best", 7.0, 1),
        ("q1", "good", "a2", "good word", 6.0, 1),
        ("q2", "word", "b3", None, 5.0, 2),
    ]
    return pd.DataFrame(rows, columns=COLUMNS).assign(extra=list("vwxyz"))


@pytest.fixture
def folder(tmp_path):
    return str(tiny_cross_encoder(tmp_path))


TestContract = pt.testing.transformer_test_class(lambda: RankkitReranker(NotToBeAsked()))


def test_the_same_rows_with_new_scores_and_ranks_best_first_in_each_query(folder):
    frame = results()
    ranked = RankkitReranker(folder)(frame)
    assert list(zip(ranked["qid"], ranked["docno"], ranked["score"], ranked["rank"], strict=True)) == [
        ("q2", "b2", 3.25, 0),
        ("q2", "b1", -0.75, 1),
        ("q2", "b3", -0.75, 2),
        ("q1", "a2", 2.25, 0),
        ("q1", "a1", 1.25, 1),
    ]
    assert list(ranked["extra"]) == ["x", "v", "z", "y", "w"] and list(ranked.index) == list(range(5))
    pd.testing.assert_frame_equal(frame, results())
    assert not pt.java.started()


def test_columns_of_a_first_stage_without_scores(folder):
    ranked = RankkitReranker(folder).transform(results()[["qid", "query", "docno", "text"]])
    assert list(ranked["docno"]) == ["b2", "b1", "b3", "a2", "a1"] and list(ranked.columns) == COLUMNS


@pytest.mark.parametrize("columns", [COLUMNS, COLUMNS[:4], [*COLUMNS, "extra"]])
def test_no_rows_no_call_and_all_columns(columns):
    ranked = RankkitReranker(NotToBeAsked()).transform(pd.DataFrame(columns=columns))
    assert len(ranked) == 0 and set(ranked.columns) == {*columns, "score", "rank"}


def test_inspection_calls_no_model():
    reranker = RankkitReranker(NotToBeAsked(), text_field="body")
    [inputs] = pt.inspect.transformer_inputs(reranker)
    assert set(inputs) == {"qid", "query", "docno", "body"}
    assert set(pt.inspect.transformer_outputs(reranker, [*inputs, "more"])) == {*inputs, "more", "score", "rank"}
    with pytest.raises(pt.validate.InputValidationError, match="body"):
        reranker.transform(results())


def test_attributes_are_what_it_was_made_with(folder):
    reranker = RankkitReranker(folder, options={"threads": 1}, text_field="body")
    values = {one.name: one.value for one in pt.inspect.transformer_attributes(reranker)}
    assert values == {"model": folder, "paradigm": None, "options": {"threads": 1}, "text_field": "body"}
    assert pt.inspect.transformer_apply_attributes(reranker, text_field="body") == reranker
    assert pt.inspect.transformer_apply_attributes(reranker, text_field="text") != reranker
    assert hash(reranker) == hash(RankkitReranker(folder, options={"threads": 1}, text_field="body"))


def test_in_pipelines(folder):
    first = pt.Transformer.from_df(results())
    reranker = RankkitReranker(folder)
    cut = (first % 2 >> reranker % 1).transform(pd.DataFrame({"qid": ["q1", "q2"], "query": ["good", "word"]}))
    assert sorted(cut["docno"]) == ["a2", "b2"] and set(cut["rank"]) == {0}
    fused = (first >> (reranker + 2 * reranker)).transform(pd.DataFrame({"qid": ["q2"], "query": ["word"]}))
    assert dict(zip(fused["docno"], fused["score"], strict=True))["b2"] == pytest.approx(9.75)
    assert first >> reranker == first >> RankkitReranker(folder)


def test_in_an_experiment(folder):
    pytest.importorskip("ir_measures")
    qrels = pd.DataFrame([("q1", "a2", 1), ("q2", "b2", 1)], columns=["qid", "docno", "label"])
    topics = pd.DataFrame({"qid": ["q1", "q2"], "query": ["good", "word"]})
    first = pt.Transformer.from_df(results())
    table = pt.Experiment([first, first >> RankkitReranker(folder)], topics, qrels, ["recip_rank"])
    assert list(table["recip_rank"]) == [0.5, 1.0]


def test_queries_are_ranked_together(folder):
    loaded = load(folder)
    seen = []

    class Watched(type(loaded)):
        def rank_many(self, requests, **more):
            requests = list(requests)
            seen.append([(request.query.id, len(request)) for request in requests])
            return super().rank_many(requests, **more)

    watched = object.__new__(Watched)
    for name, value in ((name, getattr(loaded, name)) for name in loaded.__dataclass_fields__):
        object.__setattr__(watched, name, value)
    RankkitReranker(watched).transform(results())
    assert seen == [[("q2", 2), ("q1", 2)]]


def test_without_scores_it_is_one_by_rank(caplog):
    ranked = RankkitReranker(Backwards()).transform(results())
    assert list(ranked["docno"]) == ["b2", "b1", "b3", "a2", "a1"] and list(ranked["score"][:2]) == [1.0, 0.5]
    assert "1 / rank" in caplog.text


def test_a_cascade_that_drops_gives_fewer_rows(folder):
    ranked = RankkitReranker(load(folder).drop_after(1)).transform(results())
    assert list(ranked["docno"]) == ["b2", "a2"] and list(ranked["rank"]) == [0, 0]


def test_one_document_twice_stays_twice(folder):
    ranked = RankkitReranker(folder).transform(pd.concat([results()] * 2, ignore_index=True))
    assert sorted(ranked["docno"]) == sorted([*results()["docno"]] * 2)


def test_errors_name_the_query_and_the_model():
    with pytest.raises(EmptyQuery, match="q1"):
        RankkitReranker(NotToBeAsked()).transform(results().assign(query=["word", " ", "word", " ", "word"]))
    with pytest.raises(UnknownModel):
        RankkitReranker("no-such-model")


def test_it_travels_to_another_process_by_its_spec(folder):
    reranker = RankkitReranker(folder)
    again = pickle.loads(pickle.dumps(reranker))
    assert again == reranker
    pd.testing.assert_frame_equal(again.transform(results()), reranker.transform(results()))
    reranker.close()
