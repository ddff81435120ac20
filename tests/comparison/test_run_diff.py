"""What is other in one run than in another: the named change of the system, and how each query moved."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from scipy.stats import kendalltau

from rankkit.comparison.identity import SystemIdentity, identity_of
from rankkit.comparison.run_diff import Change, diff, differences
from rankkit.comparison.store import RunStore
from rankkit.config.loading import read_spec
from rankkit.config.writing import as_table
from rankkit.core.ranking import Candidate, Query, Ranking, Request, Step
from rankkit.errors import InputError
from rankkit.listwise.generate import GenerateJudge
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.pipeline.judged import JudgeReranker
from rankkit.prompting.loading import load_prompt
from rankkit.testing import ScriptedModel
from tests.comparison.test_identity import scoring
from tests.tiny import tiny_cross_encoder

ONE = SystemIdentity("1" * 32, {"kind": "one", "k": 1})
TWO = SystemIdentity("2" * 32, {"kind": "one", "k": 2})


@pytest.fixture
def store(tmp_path: Path):
    with RunStore.open(tmp_path / "store.sqlite3") as opened:
        yield opened


def ranking(query: str, order: str, dropped: str = "", letters: str = "") -> Ranking:
    letters = letters or "".join(sorted(order + dropped))
    candidates = tuple(Candidate(letter, f"text {letter}") for letter in letters)
    places = tuple(map(letters.index, order))
    return Ranking(
        Request(Query(f"about {query}", query), candidates), places, dropped=tuple(map(letters.index, dropped))
    )


def kept(store: RunStore, name: str, identity: SystemIdentity, *rankings: Ranking, **about: object) -> None:
    with store.begin_run(identity, name=name, **about) as run:
        for number, one in enumerate(rankings):
            run.add(one, repeat=number)


def test_a_changed_word_of_a_prompt_file_is_named(store, tmp_path):
    text = 'question = "order"\nversion = 1\nsource = "here"\ndescription = "a test"\npassage = "[$label] $passage"\n'
    file = tmp_path / "mine.toml"

    def system() -> JudgeReranker:
        return JudgeReranker(GenerateJudge(ScriptedModel(), load_prompt(file)), Sliding())

    words = 'text = """Order these for $query:\n$passages\n"""\n'
    file.write_text(f"{text}{words}")
    kept(store, "before", identity_of(scoring() >> system()), ranking("q", "abc"))
    file.write_text(f"{text}{words.replace('Order', 'Sort')}")
    kept(store, "after", identity_of(scoring() >> system()), ranking("q", "abc"))
    found = diff(store, "before", "after")
    assert [change.path for change in found.changed] == [
        "stages[1].reranker.judge.prompt.fingerprint",
        "stages[1].reranker.judge.prompt.text",
    ]
    assert all("mine" in change.about for change in found.changed)
    assert found.changed[1].before.startswith("Order these") and found.changed[1].after.startswith("Sort these")
    assert found.moved == () and found.unmoved == 1
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()


def test_a_renamed_prompt_is_no_change(store):
    prompt = load_prompt("rankgpt")
    for name, template in (("before", prompt), ("after", replace(prompt, name="renamed"))):
        made = JudgeReranker(GenerateJudge(ScriptedModel(), template), Sliding())
        kept(store, name, identity_of(made), ranking("q", "abc"))
    assert diff(store, "before", "after").changed == ()


def test_parameters_data_and_seed_are_named(store):
    kept(store, "before", ONE, data="here", seed=1)
    kept(store, "after", TWO, data="there", seed=1)
    assert diff(store, "before", "after").changed == (Change("data", "here", "there"), Change("k", 1, 2))


def test_a_part_that_came_or_went_is_one_change():
    one, other = scoring(), scoring().skip_if()
    before = identity_of(one >> other).description
    after = identity_of(one >> other >> one.reorder_top(3)).description
    [change] = differences(before, after)
    assert change.path == "stages[2]" and change.before is None and change.after["top"] == 3
    assert list(differences(before, before)) == []


def test_a_part_of_another_kind_is_one_change(store):
    one, other = identity_of(scoring()), identity_of(scoring() >> scoring())
    [change] = differences(one.description, other.description)
    assert change == Change("system", one.description, other.description)
    replaced = identity_of(scoring() >> JudgeReranker(scoring().judge, Sliding()))
    [change] = differences(other.description, replaced.description)
    assert change.path == "stages[1].reranker.strategy"
    assert (change.before["kind"], change.after["kind"]) == ("ScoreAll", "Sliding")


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"max_length": 16}, {"max_length": 12}, [("spec.max_length", 16, 12), "judge.model.fingerprint"]),
        ({}, {"max_length": 12}, [("spec.max_length", None, 12), "judge.model.fingerprint"]),
        ({"on_failure": "partial"}, {"on_failure": "keep"}, [("spec.on_failure", "partial", "keep")]),
        ({}, {"drop_after": 3}, [("spec.drop_after", None, 3)]),
    ],
)
def test_a_key_of_the_file_is_named_with_its_values(store, tmp_path, before, after, changes):
    model = str(tiny_cross_encoder(tmp_path / "model"))
    for name, keys in (("before", before), ("after", after)):
        kept(store, name, identity_in_a_file({"model": model, **keys}), ranking("q", "abc"))
    found = [(one.path, one.before, one.after) for one in diff(store, "before", "after").changed]
    assert [row if isinstance(change, tuple) else row[0] for row, change in zip(found, changes, strict=True)] == changes


def test_keys_of_stages_are_named_each_by_its_place(store, tmp_path):
    model = str(tiny_cross_encoder(tmp_path / "model"))
    pair = {"paradigm": "pairwise", "model": model, "reorder_top": 3}
    for name, keys in (("before", {}), ("after", {"on_failure": "keep", "strategy": "allpairs"})):
        kept(store, name, identity_in_a_file({"stages": [{"model": model}, pair | keys]}), ranking("q", "abc"))
    assert diff(store, "before", "after").changed == (
        Change("spec.stages[1].on_failure", None, "keep"),
        Change("spec.stages[1].strategy", None, "allpairs"),
    )


def test_what_a_file_says_makes_no_other_system(tmp_path):
    spec = read_spec({"model": str(tiny_cross_encoder(tmp_path / "model"))})
    with spec.build() as reranker:
        alone, with_spec = identity_of(reranker), identity_of(reranker, spec)
    assert alone.fingerprint == with_spec.fingerprint
    assert with_spec.description == {**alone.description, "spec": as_table(spec)}


def identity_in_a_file(keys: dict[str, object]) -> SystemIdentity:
    spec = read_spec(keys)
    with spec.build() as reranker:
        return identity_of(reranker, spec)


def test_how_a_query_moved(store):
    kept(store, "before", ONE, ranking("same", "abc"), ranking("little", "abcdef"), ranking("much", "abcdef"))
    kept(store, "after", TWO, ranking("same", "abc"), ranking("little", "bacdef"), ranking("much", "fedcba"))
    found = diff(store, "before", "after")
    assert [move.query_id for move in found.moved] == ["much", "little"] and found.unmoved == 1
    much, little = found.moved
    assert much.tau == pytest.approx(-1.0) and little.tau == pytest.approx(1 - 2 * 1 / 15)
    assert little.query == "about little" and little.same_candidates
    assert [(move.id, move.before, move.after) for move in little.documents] == [("a", 1, 2), ("b", 2, 1)]
    assert [move.id for move in much.documents] == ["a", "f", "b", "e", "c", "d"]
    assert little.entered_top == little.left_top == ()


def test_who_entered_and_left_the_top(store):
    letters = "abcdefghijkl"
    kept(store, "before", ONE, ranking("q", letters))
    kept(store, "after", TWO, ranking("q", f"l{letters[:-1]}"))
    [move] = diff(store, "before", "after").moved
    assert (move.entered_top, move.left_top) == (("l",), ("j",))
    ranks = [*range(2, 13), 1]
    assert move.tau == pytest.approx(kendalltau(range(12), ranks).statistic)


def test_documents_that_were_dropped_have_no_rank(store):
    kept(store, "before", ONE, ranking("q", "abcd"), ranking("short", "a", "b"))
    kept(store, "after", TWO, ranking("q", "dab", "c"), ranking("short", "b", "a"))
    short, move = sorted(diff(store, "before", "after").moved, key=lambda move: move.tau is not None)
    assert ("c", 3, None) in [(one.id, one.before, one.after) for one in move.documents]
    assert short.tau is None and short.entered_top == ("b",) and short.left_top == ("a",)


def test_other_candidates_are_said(store):
    kept(store, "before", ONE, ranking("q", "abc"))
    kept(store, "after", ONE, ranking("q", "bcd"))
    [move] = diff(store, "before", "after").moved
    assert not move.same_candidates and move.tau == pytest.approx(1.0)


def test_queries_without_a_ranking_in_one_of_them_are_named(store):
    failed = replace(ranking("q", "abc"), steps=(Step("s", failures=("ConnectionFailed: nobody",)),))
    kept(store, "before", ONE, failed, ranking("old", "ab"))
    kept(store, "after", TWO, ranking("q", "abc"), ranking("new", "ab"))
    found = diff(store, "before", "after")
    assert found.only_before == ("old",) and found.only_after == ("q", "new") and found.unmoved == 0


def test_queries_that_were_ranked_several_times_are_paired_by_their_turn(store):
    turns = [ranking("q", "abc", letters=letters) for letters in ("abc", "cba", "bac")]
    kept(store, "before", ONE, *turns)
    failed = replace(turns[0], steps=(Step("s", failures=("ConnectionFailed: nobody",)),))
    kept(store, "after", TWO, failed, *turns[1:])
    found = diff(store, "before", "after")
    assert found.unmoved == 2 and found.only_before == ("q",) and all(move.same_candidates for move in found.moved)


def test_a_run_that_is_not_there_is_an_error(store):
    kept(store, "before", ONE)
    with pytest.raises(InputError, match="no run 'befor'"):
        diff(store, "before", "befor")
