"""What the order of the input does to the order of the output: oracles on made-up runs."""

import pytest

pytest.importorskip("scipy", reason="the extra `eval` is not installed")

from rankkit.comparison.robustness import Variant, VariedRun, kendall, robustness, variants
from rankkit.core.ranking import Request
from rankkit.data.datasets import Dataset

REQUESTS = tuple(
    Request.of(name, [{"id": f"{name}{at}", "text": f"text {at}"} for at in range(10)]) for name in ("a", "b", "c")
)
DATA = Dataset("mine", {"": "a"}, {"": {"a0": 1}}, REQUESTS)


def run(kind, given, ranked, measure=0.5, **diagnostics):
    return VariedRun(Variant(DATA, kind, kind), {"nDCG@10": measure}, {"q": given}, {"q": ranked}, diagnostics)


def test_variants_hold_the_same_documents_and_only_the_head_moves():
    made = list(variants(DATA, shuffle=2, reverse=True, repeat=1, seed=3, depth=4))
    assert [one.label for one in made] == ["", "shuffled 1", "shuffled 2", "reversed", "repeated 1"]
    for one in made:
        for before, after in zip(REQUESTS, one.dataset.requests, strict=True):
            assert set(before.candidates[:4]) == set(after.candidates[:4])
            assert before.candidates[4:] == after.candidates[4:]
    assert made[3].dataset.requests[0].candidates[:4] == REQUESTS[0].candidates[3::-1]
    assert made[1].dataset.requests != made[2].dataset.requests


def test_a_shuffle_is_of_its_seed_and_its_query_alone():
    again = Dataset("mine", DATA.queries, DATA.qrels, REQUESTS[1:])
    _, whole = variants(DATA, shuffle=1, seed=3)
    _, part = variants(again, shuffle=1, seed=3)
    assert whole.dataset.requests[1:] == part.dataset.requests


@pytest.mark.parametrize(("other", "tau"), [("abcd", 1.0), ("dcba", -1.0), ("abdc", 2 / 3), ("abxy", 1.0), ("a", None)])
def test_kendall_by_hand(other, tau):
    assert kendall("abcd", other) == (tau if tau is None else pytest.approx(tau))


def test_who_repeats_the_input_is_found_out():
    runs = [run("", "abcd", "abcd"), run("shuffled", "bdac", "bdac", 0.3), run("reversed", "dcba", "dcba", 0.1)]
    found = robustness(runs)
    assert found["input_tau"] == 1.0 and found["favoured"] == [1.0, 0.0, 0.0, 0.0]
    assert found["expected"] == pytest.approx([0.25] * 4)
    assert found["spread"] == {"nDCG@10": {"original": 0.5, "low": 0.1, "high": 0.5}}
    assert found["tau"] < 0


def test_who_reads_documents_alone_gives_one_order():
    found = robustness([run("", "abcd", "cabd"), run("shuffled", "bdac", "cabd"), run("reversed", "dcba", "cabd")])
    assert found["tau"] == 1.0 and found["favoured"] == [0.0, 0.0, 0.0, 1.0]


def test_repeated_runs_are_held_against_one_another():
    found = robustness([run("", "abcd", "abcd"), run("repeated", "abcd", "abdc")])
    assert found == {"repeated_tau": pytest.approx(2 / 3), "repeated_equal": 0.0}


def test_what_a_pairwise_judge_prefers_is_taken_where_the_candidates_are_in_no_order():
    runs = [
        run("", "abcd", "abcd", first_preference=0.9),
        run("shuffled", "bdac", "abcd", first_preference=0.6, cycles=0.1),
    ]
    found = robustness(runs)
    assert (found["first_preference"], found["cycles"]) == (0.6, 0.1)
