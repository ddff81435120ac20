"""``rankkit plan``: what is told before a run is what the run then costs."""

from __future__ import annotations

import json

import pytest

from rankkit.cli.app import run
from rankkit.config import load
from rankkit.core.usage import Usage
from rankkit.planning.calibration import calibrate, sample_request
from tests.backends.loopback import Loopback
from tests.tiny import tiny_cross_encoder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> str:
    return str(tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny", max_length=512))


def planned(tmp_path, capsys, table: dict[str, object], *options: str) -> dict[str, object]:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(table))
    assert run(["plan", "--config", str(file), "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


def test_deterministic_stages_cost_what_was_planned(tiny, tmp_path, capsys):
    pairs = {"paradigm": "pairwise", "model": tiny, "strategy": "allpairs", "reorder_top": 4}
    table = {"stages": [{"model": tiny, "drop_after": 6}, pairs, {"members": [{"model": tiny}, pairs]}]}
    plan = planned(tmp_path, capsys, table, "--candidates", "9", "--no-calibrate")
    steps = load(table).rank(sample_request(9)).steps
    for stage, step in zip(plan["stages"], steps, strict=True):
        assert stage["stage"] == step.stage and stage["questions"] == step.questions
        assert stage["calls"] == step.usage.calls and stage["rounds_a_query"] == step.sequential_rounds
        assert stage["input_tokens_expected"] >= step.usage.input_tokens
        bound = stage["input_tokens_expected"] if stage["exact"] else None
        assert stage["input_tokens_at_most"] == bound
    assert [stage["questions"] for stage in plan["stages"]][:2] == [9, 12]
    assert plan["calls"] == sum(step.usage.calls for step in steps)


def test_a_first_stage_that_sees_all_is_planned_to_the_token(tiny, tmp_path, capsys):
    table = {"stages": [{"model": tiny}, {"model": tiny, "scores": "probability"}]}
    plan = planned(tmp_path, capsys, table, "--candidates", "9", "--no-calibrate")
    usage = load(table).rank(sample_request(9)).usage
    assert plan["exact"] and (plan["calls"], plan["input_tokens_at_most"]) == (usage.calls, usage.input_tokens)


def test_only_what_holds_for_every_course_is_told_as_a_bound(tiny, tmp_path, capsys):
    pairs = {"paradigm": "pairwise", "model": tiny, "strategy": "bubblesort", "top_k": 3}
    plan = planned(tmp_path, capsys, pairs, "--candidates", "9", "--no-calibrate")
    assert not plan["exact"] and plan["questions"] < plan["questions_at_most"] == 2 * (8 + 7 + 6)
    # Each document is scored once, whatever it is compared with: there the course is the dearest already.
    usage = load(pairs).rank(sample_request(9)).usage
    assert plan["input_tokens_at_most"] == usage.input_tokens and usage.calls <= plan["calls_at_most"] == 9
    staged = {"stages": [{"model": tiny, "drop_after": 5}, pairs]}
    later = planned(tmp_path, capsys, staged, "--candidates", "9", "--no-calibrate")["stages"][1]
    assert later["input_tokens_at_most"] is None and later["input_tokens_expected"] > 0  # of five nobody knows yet


def test_seconds_come_from_calls_of_the_stage_s_own_model(tiny, tmp_path, capsys):
    table = {"stages": [{"model": tiny}, {"paradigm": "pairwise", "model": tiny}]}
    plan = planned(tmp_path, capsys, table, "--candidates", "9")
    assert plan["seconds_estimated"] > 0 and all(stage["seconds_estimated"] > 0 for stage in plan["stages"])
    assert all(spent["calls"] > 0 and spent["why_not"] is None for spent in plan["calibration"].values())
    without = planned(tmp_path, capsys, table, "--candidates", "9", "--no-calibrate")
    assert without["seconds_estimated"] is None and without["calibration"] == {}


def test_a_server_is_priced_but_not_called(tiny, tmp_path, capsys):
    pytest.importorskip("openai", reason="the openai extra is not installed")
    with Loopback() as server:
        prices = {"price_input": 1000.0, "price_output": 2000.0, "context": 4096}
        stage = {"paradigm": "listwise", "model": "little", "endpoint": server.url, **prices}
        plan = planned(tmp_path, capsys, {"stages": [{"model": tiny}, stage]}, "--candidates", "5")
        assert server.asked == []
    _, listwise = plan["stages"]
    cost = (listwise["input_tokens_at_most"] * 1000 + listwise["output_tokens_at_most"] * 2000) / 1e6
    assert listwise["cost_at_most"] == pytest.approx(cost) == plan["cost_at_most"]
    assert listwise["calls"] == 1 and listwise["seconds_estimated"] is None and plan["seconds_estimated"] is None


def test_stages_that_only_count_are_planned_as_skipped(tiny, tmp_path, capsys):
    table = {"stages": [{"model": tiny}, {"model": tiny, "skip_if": {"fewer_than": 5}}]}
    plan = planned(tmp_path, capsys, table, "--candidates", "4", "--no-calibrate")
    assert [stage["calls"] > 0 for stage in plan["stages"]] == [True, False] and plan["exact"]


def test_a_table_for_people_and_remarks_beside_it(tiny, tmp_path, capsys):
    (tmp_path / "a.json").write_text(json.dumps({"stages": [{"model": tiny}, {"paradigm": "pairwise", "model": tiny}]}))
    assert run(["plan", "-c", str(tmp_path / "a.json"), "--candidates", "3"]) == 0
    told = capsys.readouterr()
    assert [line.split("  ")[0] for line in told.out.splitlines()] == [
        "stage",
        "pointwise(tiny)",
        "tournament(tiny)",
        "together, 1 query",
    ]
    assert "were made to time this machine" in told.err and "not exact" in told.err


def test_data_or_candidates_must_be_given(tiny, tmp_path, capsys):
    (tmp_path / "a.json").write_text(json.dumps({"model": tiny}))
    assert run(["plan", "-c", str(tmp_path / "a.json")]) == 2
    assert run(["plan", "-c", str(tmp_path / "a.json"), "--candidates", "3", "--limit", "2"]) == 2


def test_a_model_that_fails_is_no_reason_to_plan_nothing(tiny):
    request = sample_request(2, "nan")
    [speed] = calibrate(load(tiny), request).values()
    assert speed.seconds_a_token is None and "nan" in speed.why_not and speed.spent == Usage()


def test_an_evaluation_s_plan_tells_the_same_figures(tiny, tmp_path, capsys):
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td1\t1\n")
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "harbour"}\n')
    documents = [{"_id": f"d{number}", "text": f"harbour {number}"} for number in range(9)]
    (tmp_path / "corpus.jsonl").write_text("".join(f"{json.dumps(document)}\n" for document in documents))
    model = ["--paradigm", "pairwise", "--model", tiny, "--strategy", "bubblesort"]
    assert run(["eval", "--data", str(tmp_path), "--first-stage", "bm25", *model, "--plan", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["questions"] < plan["questions_at_most"] == 9 * 8
    assert plan["input_tokens_at_most"] >= plan["input_tokens_expected"] > 0 and not plan["exact"]
