"""A run is kept, and run again from the file without a model."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from rankkit.core.questions import Order
from rankkit.errors import ConnectionFailed, ContextTooSmall, DataError, InvalidReply
from rankkit.listwise.generate import GenerateJudge
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.prompting.loading import load_prompt
from rankkit.replay.record import RecordedJudge, Recorder, read_record
from rankkit.testing import ScriptedModel, oracle, request_of

ANSWERS = ["[2] > [1] > [4] > [3]", "I cannot.", "[4] > [1]"]


@pytest.fixture
def recorded(tmp_path):
    """Three windows over eight documents; one answer is good, one is none, one is incomplete."""
    answers = iter(ANSWERS)
    judge = GenerateJudge(ScriptedModel(say=lambda prompt: next(answers)), load_prompt("listwise/rankgpt"))
    path = tmp_path / "run.jsonl"
    with Recorder(path, judge.fingerprints) as recorder:
        ranking = JudgeReranker(judge, Sliding(4, 2), on_reply=recorder.write).rank(request_of([0] * 8))
    return path, ranking


def test_a_replay_gives_the_same_ranking_outcomes_and_bill(recorded):
    path, ranking = recorded
    again = JudgeReranker(RecordedJudge(read_record(path)), Sliding(4, 2)).rank(request_of([0] * 8))
    assert again.order == ranking.order
    assert again.steps[0].outcomes == ranking.steps[0].outcomes == {"ok": 1, "refused": 1, "repaired": 1}
    assert again.steps[0].defects == ranking.steps[0].defects
    assert again.usage.tokens == ranking.usage.tokens


def test_a_record_holds_what_was_said_but_no_document(recorded):
    path, _ = recorded
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["said"] for line in lines] == ANSWERS
    assert lines[0]["ids"] == ["d4", "d5", "d6", "d7"] and lines[0]["value"] == ["d5", "d4", "d7", "d6"]
    assert "prompt" in lines[0]["fingerprints"] and "document 4" not in path.read_text()


def test_old_answers_can_be_read_by_new_rules(recorded):
    from rankkit.core.questions import Answer

    path, _ = recorded

    def reversed_always(question: Order, said: str) -> Answer:
        return Answer(tuple(reversed(question.indices)))

    judge = RecordedJudge(read_record(path), reread=reversed_always)
    with pytest.raises(InvalidReply, match="first difference"):
        JudgeReranker(judge, Sliding(4, 2)).rank(request_of([0] * 8))


def test_the_first_difference_is_told(recorded):
    path, _ = recorded
    with pytest.raises(
        InvalidReply, match=r"query 'the query' asks Order about d3, d4, d5, d6, d7; the nearest .* d4, d5, d6, d7"
    ):
        JudgeReranker(RecordedJudge(read_record(path)), Sliding(5, 2)).rank(request_of([0] * 8))


def test_recorded_answers_that_the_run_did_not_come_to_are_told(tmp_path):
    path = tmp_path / "run.jsonl"
    with Recorder(path, {}) as recorder:
        judge = GenerateJudge(
            ScriptedModel(say=lambda prompt: "[2] > [1] > [4] > [3]"), load_prompt("listwise/rankgpt")
        )
        JudgeReranker(judge, Sliding(4, 2, passes=2), on_reply=recorder.write).rank(request_of([0] * 8))
    held = len(read_record(path))
    replayed = RecordedJudge(read_record(path))
    JudgeReranker(replayed, Sliding(4, 2)).rank(request_of([0] * 8))
    with pytest.raises(InvalidReply, match=f"has {held} recorded answers, and this run asked for 3 of them"):
        replayed.left_over()
    JudgeReranker(replayed, Sliding(4, 2, passes=2)).rank(request_of([0] * 8))
    assert replayed.left_over() == 0 and RecordedJudge(read_record(path)).left_over() == 1


def test_each_line_names_the_model_and_prompt_that_replied(tmp_path):
    path, prompt = tmp_path / "run.jsonl", load_prompt("listwise/rankgpt")
    with Recorder(path, {"window": "4", "model": "as the user calls it"}) as recorder:
        JudgeReranker(GenerateJudge(ScriptedModel(), prompt), Sliding(4, 2), on_reply=recorder.write).rank(
            request_of([0] * 4)
        )
    assert json.loads(path.read_text())["fingerprints"] == {
        "window": "4",
        "model": "scripted model@scripted",
        "prompt": f"listwise/rankgpt@{prompt.fingerprint}",
        "method": "generate",
        "passage_tokens": "300",
        "policy": "repair",
    }


def test_another_prompt_is_a_difference_where_it_is_known(recorded):
    path, ranking = recorded
    rankgpt, small = load_prompt("listwise/rankgpt"), load_prompt("listwise/small")
    renamed = RecordedJudge(read_record(path), prompt=replace(rankgpt, name="my-copy"))
    assert JudgeReranker(renamed, Sliding(4, 2)).rank(request_of([0] * 8)).order == ranking.order
    with pytest.raises(
        InvalidReply, match=r"first difference .* prompt listwise/small@\w{12}, and .* listwise/rankgpt@\w{12}"
    ):
        JudgeReranker(RecordedJudge(read_record(path), prompt=small), Sliding(4, 2)).rank(request_of([0] * 8))


def recorded_and_replayed(tmp_path, model: ScriptedModel, policy: str = "repair", count: int = 8):
    request = request_of([0] * count)
    judge = GenerateJudge(model, load_prompt("listwise/rankgpt"), policy=policy)
    with Recorder(tmp_path / "run.jsonl", {}) as recorder:
        live = JudgeReranker(judge, Sliding(4, 2), on_call_failure="partial", on_reply=recorder.write).rank(request)
    again = JudgeReranker(RecordedJudge(read_record(tmp_path / "run.jsonl")), Sliding(4, 2)).rank(request)
    return live, again


def test_a_failed_call_is_recorded_and_fails_again_in_the_replay(tmp_path):
    answers = iter(["[2] > [1] > [4] > [3]", None, "[4] > [3] > [2] > [1]"])

    def say(prompt):
        answer = next(answers)
        if answer is None:
            raise ConnectionFailed("nobody answers at 127.0.0.1")
        return answer

    live, again = recorded_and_replayed(tmp_path, ScriptedModel(say=say))
    assert again.order == live.order and again.usage.calls == live.usage.calls == 3
    assert again.steps[0].outcomes == live.steps[0].outcomes == {"ok": 2, "failed": 1}
    assert again.steps[0].failures == live.steps[0].failures == ("ConnectionFailed: nobody answers at 127.0.0.1",)


def test_a_retry_that_failed_leaves_the_answer_before_it_and_says_so_in_the_replay_too(tmp_path):
    def say(prompt):
        if "could not be used" in prompt[-1].content:
            raise ConnectionFailed("nobody answers at 127.0.0.1")
        return "[4] > [3]"

    live, again = recorded_and_replayed(tmp_path, ScriptedModel(say=say), "retry")
    assert again.order == live.order != tuple(range(8))
    assert again.steps[0].failures == live.steps[0].failures and "3x" in live.steps[0].failures[0]
    assert again.usage.calls == live.usage.calls == 6


def test_a_window_that_does_not_fit_is_recorded_though_no_call_was_made(tmp_path):
    live, again = recorded_and_replayed(tmp_path, ScriptedModel(context_length=50), count=2)
    assert ContextTooSmall.__name__ in live.steps[0].failures[0]
    assert again.steps[0].failures == live.steps[0].failures and again.usage.calls == live.usage.calls == 0


def test_the_words_of_the_answer_that_stands_are_those_that_can_be_read_anew(tmp_path):
    answers = iter(["[4] > [3]", "no"])
    judge = GenerateJudge(
        ScriptedModel(say=lambda prompt: next(answers)), load_prompt("listwise/rankgpt"), policy="retry"
    )
    with Recorder(tmp_path / "run.jsonl", {}) as recorder:
        JudgeReranker(judge, Sliding(4, 2), on_reply=recorder.write).rank(request_of([0] * 4))
    [kept] = read_record(tmp_path / "run.jsonl").values()
    assert kept.said == "[4] > [3]" and kept.usage.calls == 2


def test_an_error_of_another_program_is_told_as_it_was(recorded):
    path, _ = recorded
    line = {**json.loads(path.read_text().splitlines()[0]), "value": None, "outcome": "failed", "error": "Odd: no luck"}
    path.write_text(json.dumps(line))
    ranking = JudgeReranker(RecordedJudge(read_record(path)), Sliding(4, 2)).rank(
        request_of([0] * 8).select(range(4, 8))
    )
    assert ranking.steps[0].failures == ("BackendError: Odd: no luck",)


def test_scores_are_recorded_too(tmp_path):
    path = tmp_path / "scores.jsonl"
    with Recorder(path, {}) as recorder:
        JudgeReranker(oracle(), ScoreAll(), on_reply=recorder.write).rank(request_of([1, 3, 2]))
    assert JudgeReranker(RecordedJudge(read_record(path)), ScoreAll()).rank(request_of([0, 0, 0])).scores == (
        3.0,
        2.0,
        1.0,
    )


def test_what_is_no_record_is_refused_by_line(recorded, tmp_path):
    path, _ = recorded
    path.write_text(path.read_text()[:-40])
    with pytest.raises(DataError, match=r"run\.jsonl:3: not valid JSON"):
        read_record(path)
    with pytest.raises(DataError, match="there is no such file"):
        read_record(tmp_path / "none")
    with pytest.raises(DataError, match="there is no folder"):
        Recorder(tmp_path / "no" / "folder", {})


def test_a_run_that_fails_keeps_its_replies_beside_the_record_that_is_there(recorded):
    path, _ = recorded
    before = path.read_text()
    judge = GenerateJudge(ScriptedModel(say=lambda prompt: "[1] > [2]"), load_prompt("listwise/rankgpt"))
    recorder = Recorder(path, {})
    with pytest.raises(KeyboardInterrupt), recorder:
        JudgeReranker(judge, Sliding(4, 2), on_reply=recorder.write).rank(request_of([0] * 4))
        raise KeyboardInterrupt
    partial = path.with_name("run.jsonl.partial")
    assert path.read_text() == before and len(read_record(partial)) == 1
    assert recorder.trouble == f"replies so far are kept in {partial}"
    with Recorder(path, {}) as again:
        pass
    assert again.trouble == "" and path.read_text() == "" and len(read_record(partial)) == 1


def test_a_full_disk_does_not_cost_the_ranking(tmp_path, monkeypatch):
    judge = GenerateJudge(ScriptedModel(say=lambda prompt: "[2] > [1]"), load_prompt("listwise/rankgpt"))
    with Recorder(tmp_path / "run.jsonl", {}) as recorder:

        def full(_: bytes) -> int:
            raise OSError(28, "No space left on device")

        recorder._file.close()
        monkeypatch.setattr(
            recorder, "_file", type("Full", (), {"write": staticmethod(full), "close": lambda _: None})()
        )
        ranking = JudgeReranker(judge, Sliding(4, 2), on_reply=recorder.write).rank(request_of([0] * 2))
    assert ranking.order == (1, 0) and "No space left on device" in recorder.trouble


def test_a_record_is_not_written_over_something_else(tmp_path):
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("precious")
    with pytest.raises(DataError, match="a file already that is not a record"):
        Recorder(thesis, {})
    with pytest.raises(DataError, match="is read as data"):
        Recorder(thesis, {}, inputs=[thesis])
    assert thesis.read_text() == "precious" and list(tmp_path.iterdir()) == [thesis]


def test_half_characters_in_queries_and_answers_are_recorded(tmp_path):
    judge = GenerateJudge(ScriptedModel(say=lambda prompt: "[2] > [1] \ud83d"), load_prompt("listwise/rankgpt"))
    with Recorder(tmp_path / "run.jsonl", {}) as recorder:
        JudgeReranker(judge, Sliding(4, 2), on_reply=recorder.write).rank(request_of([0] * 2, query="half \ud83d"))
    [known] = read_record(tmp_path / "run.jsonl").values()
    assert known.said == "[2] > [1] \ud83d" and recorder.trouble == ""
