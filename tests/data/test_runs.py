from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.core.ranking import Candidate, Query, Ranking, Request
from rankkit.data.runs import check_run_out, printable_scores, read_run, write_run
from rankkit.errors import DataError
from rankkit.evaluation.measures import evaluate, parse_measures


def ranking(order: str, scores: tuple[float | None, ...] | None = None, qid: str = "q1") -> Ranking:
    """A ranking of the candidates a, b, c, ... in this order."""
    names = sorted(order)
    request = Request(Query("fleas", qid), tuple(Candidate(name, "text") for name in names))
    return Ranking(request, tuple(names.index(name) for name in order), scores)


def test_a_run_is_read_as_trec_eval_reads_it(write):
    path = write(
        "a.run",
        """
        q1 Q0 a 1 1.5 bm25
        q1 Q0 c 2 2.5 bm25
        q2 Q0 x 9 0 bm25
        q1 Q0 b 3 1.5 bm25
        """,
    )
    run = read_run(path)
    # By score, whatever the ranks say; equal scores by document id, descending: b before a.
    assert run.rows == {"q1": (("c", 2.5), ("b", 1.5), ("a", 1.5)), "q2": (("x", 0.0),)}
    assert run.orders == {"q1": ("c", "b", "a"), "q2": ("x",)}
    assert run.tag == "bm25"


def test_scores_that_single_precision_cannot_tell_apart_are_ties(write):
    path = write("a.run", "q1 Q0 a 1 0.10000000000000002 t\nq1 Q0 b 2 0.1 t\n")
    assert read_run(path).orders == {"q1": ("b", "a")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q1 Q0 a 1 2.0 t\nq1 Q0 b 2 1.0\n", r"a\.run:2: 5 columns instead of 6: 'q1 Q0 b 2 1.0'"),
        ("q1 Q0 a 1 high t\n", r"a\.run:1: the score 'high' is not a finite number"),
        ("q1 Q0 a 1 nan t\n", r"a\.run:1: the score 'nan' is not a finite number"),
        ("q1 Q0 a 1 2 t\nq2 Q0 a 1 2 t\nq1 Q0 a 2 1 t\n", r"a\.run:3: document 'a' is there twice for query 'q1'"),
        ("\n\n", r"a\.run: the run is empty"),
    ],
)
def test_malformed_runs(write, text: str, message: str):
    with pytest.raises(DataError, match=message) as caught:
        read_run(write("a.run", text))
    assert caught.value.hint


def test_scores_that_fall_are_written_as_they_are(tmp_path: Path):
    write_run(tmp_path / "a.run", [ranking("cab", (0.1, -2.5, -3.0))], tag="mine")
    assert (tmp_path / "a.run").read_text() == "q1 Q0 c 1 0.1 mine\nq1 Q0 a 2 -2.5 mine\nq1 Q0 b 3 -3.0 mine\n"


@pytest.mark.parametrize(
    "scores",
    [
        None,  # a listwise method
        (2.0, 2.0, 1.0),  # a tie
        (0.10000000000000002, 0.1, 0.0),  # a tie in single precision
        (1.0, 2.0, 0.0),  # an order that is not by score
        (2.0, 1.0, None),  # a document that was not scored
    ],
)
def test_other_scores_are_derived_from_the_rank(scores):
    assert printable_scores(ranking("cab", scores)) == [3.0, 2.0, 1.0]


def test_dropped_candidates_are_left_out(tmp_path: Path):
    write_run(tmp_path / "a.run", [ranking("cab").top(1)])
    assert (tmp_path / "a.run").read_text() == "q1 Q0 c 1 1.0 rankkit\n"


def test_a_name_with_gz_is_compressed_the_same_way_every_time(tmp_path: Path):
    write_run(tmp_path / "a.run.gz", [ranking("cab")])
    write_run(tmp_path / "b.run.gz", [ranking("cab")])
    assert gzip.decompress((tmp_path / "a.run.gz").read_bytes()).startswith(b"q1 Q0 c 1 3.0 rankkit\n")
    assert (tmp_path / "a.run.gz").read_bytes() == (tmp_path / "b.run.gz").read_bytes()
    assert read_run(tmp_path / "a.run.gz").orders == {"q1": ("c", "a", "b")}


@pytest.mark.parametrize(
    ("rankings", "tag", "message"),
    [
        ([ranking("ab", qid="")], "t", "the id of the query 'fleas' is ''"),
        ([ranking("ab", qid="q 1")], "t", "the id of the query 'fleas' is 'q 1'"),
        ([ranking("a b")], "t", "a document id is ' '"),
        ([ranking("ab")], "two words", "the tag is 'two words'"),
        ([ranking("ab"), ranking("ba")], "t", "query 'q1' is ranked twice"),
    ],
)
def test_what_the_format_cannot_hold_is_refused_and_nothing_is_written(tmp_path: Path, rankings, tag, message):
    with pytest.raises(DataError, match=message):
        write_run(tmp_path / "a.run", rankings, tag=tag)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="there is no folder"):
        write_run(tmp_path / "missing" / "a.run", [ranking("ab")])
    with pytest.raises(DataError, match="is a folder"):
        check_run_out(tmp_path)


@st.composite
def rankings(draw: st.DrawFn) -> list[Ranking]:
    """One to four rankings, with no scores, with ties, with holes, in orders that do not follow the scores."""
    made = []
    for qid in range(draw(st.integers(1, 4))):
        names = draw(st.lists(st.sampled_from("abcdefghijKLMÄ中"), min_size=1, unique=True))
        score = st.one_of(st.sampled_from([0.0, 1.0, 1e-40, 1e39]), st.floats(allow_nan=False, allow_infinity=False))
        values = st.lists(score, min_size=len(names), max_size=len(names))
        scores = draw(st.none() | values.map(lambda given: sorted(given, reverse=True)) | values)
        request = Request(Query("fleas", f"q{qid}"), tuple(Candidate(name, "text") for name in names))
        order = tuple(draw(st.permutations(range(len(names)))))
        made.append(Ranking(request, order, None if scores is None else tuple(scores)))
    return made


@settings(deadline=None)  # it writes files
@given(rankings())
def test_a_run_read_back_has_the_same_order_and_figures_here_and_elsewhere(made: list[Ranking]):
    orders = {item.query.id: item.ids for item in made}
    qrels = {item.query.id: {name: place % 3 for place, name in enumerate(sorted(item.ids))} for item in made}
    measures = parse_measures("nDCG@3,nDCG,RR@10,AP,P@1")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.run"
        write_run(path, made)
        assert read_run(path).orders == orders
        figures = evaluate(qrels, orders, measures)
        elsewhere = ir_measures.calc_aggregate(
            [measure.definition for measure in measures], qrels, ir_measures.read_trec_run(str(path))
        )
    assert figures.means == pytest.approx({measure.name: elsewhere[measure.definition] for measure in measures})


def test_a_run_of_three_columns_is_one_of_msmarco(tmp_path):
    (tmp_path / "a.tsv").write_text("1\tb\t2\n1\ta\t1\n2\tc\t1\n")
    assert read_run(tmp_path / "a.tsv").orders == {"1": ("a", "b"), "2": ("c",)}
