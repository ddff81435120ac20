"""The ways to order a window, on a model that says what it is told to."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from rankkit.backends.protocols import Generated
from rankkit.core.judge import BoundQuestion
from rankkit.core.questions import Order
from rankkit.core.ranking import Candidate, Query, Request
from rankkit.core.usage import Budget
from rankkit.errors import CapabilityMissing, ConnectionFailed, InvalidOutput, PromptError
from rankkit.listwise.constrained import MOST_CALLS, ConstrainedJudge
from rankkit.listwise.first_token import FirstTokenJudge
from rankkit.listwise.generate import GenerateJudge
from rankkit.listwise.setwise import SetwiseJudge, SetwiseTextJudge
from rankkit.listwise.strategies.setwise import SetwiseHeapsort
from rankkit.listwise.strategies.single import Single
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.pipeline.judged import JudgeReranker
from rankkit.prompting.loading import load_prompt
from rankkit.replay.record import RecordedJudge, Recorder, read_record
from rankkit.testing import ScriptedModel, check_reranker, request_of, words_of

RANKGPT, SMALL = load_prompt("listwise/rankgpt"), load_prompt("listwise/small")
LETTERS, SETWISE = load_prompt("listwise/letters"), load_prompt("listwise/setwise")


def saying(*answers: str | Generated) -> ScriptedModel:
    """Each answer in turn, the last one again and again."""
    left = list(answers)
    return ScriptedModel(say=lambda prompt: left.pop(0) if len(left) > 1 else left[0])


def generated(model: ScriptedModel, policy: str = "repair", count: int = 4, budget: Budget | None = None):
    reranker = JudgeReranker(GenerateJudge(model, RANKGPT, policy=policy), Single())  # type: ignore[arg-type]
    return reranker.rank(request_of([0] * count), budget=budget)


def test_a_written_permutation_becomes_the_order_and_no_scores():
    ranking = generated(saying("[3] > [1] > [4] > [2]"))
    assert ranking.order == (2, 0, 3, 1) and ranking.scores is None
    assert ranking.steps[0].outcomes == {"ok": 1}
    assert set(ranking.steps[0].fingerprints) >= {"model", "prompt", "method"}


@pytest.mark.parametrize(
    ("answer", "order", "outcome", "defect"),
    [
        ("[3] > [1]", (2, 0, 1, 3), "repaired", "missing"),
        ("[3] > [3] > [9] > [2] > [1] > [4]", (2, 1, 0, 3), "repaired", "repeated"),
        ("4 passages have been provided.", (0, 1, 2, 3), "unreadable", "prose"),
        ("", (0, 1, 2, 3), "unreadable", "empty"),
        (Generated("[2] > [1", "length"), (0, 1, 2, 3), "truncated", "truncated"),
        (Generated("I cannot help with that.", "refused"), (0, 1, 2, 3), "refused", "refused"),
        (Generated("", "length", thinking="12 or 3?"), (0, 1, 2, 3), "truncated", "truncated"),
    ],
)
def test_a_bad_answer_is_a_counted_outcome_and_loses_nobody(answer, order, outcome, defect):
    ranking = generated(saying(answer))
    assert ranking.order == order
    assert ranking.steps[0].outcomes == {outcome: 1} and defect in ranking.steps[0].defects


def test_retry_asks_in_stricter_words_then_about_half_the_window():
    prompts: list[str] = []
    answers = ["no", "no", "[2] > [1]"]

    def say(prompt):
        prompts.append(words_of(prompt))
        return answers[len(prompts) - 1]

    ranking = generated(ScriptedModel(say=say), "retry")
    assert ranking.order == (1, 0, 2, 3) and ranking.usage.calls == 3
    assert "could not be used" not in prompts[0] and "could not be used" in prompts[1]
    assert "document 3" in prompts[1] and "document 3" not in prompts[2]
    assert ranking.steps[0].outcomes == {"retried": 2, "repaired": 1}
    assert ranking.steps[0].defects == {"smaller-window": 1}


def test_a_retry_that_teaches_nothing_leaves_the_first_repaired_answer():
    ranking = generated(saying("[4] > [3] > [2]", "no"), "retry")
    assert ranking.order == (3, 2, 1, 0) and ranking.steps[0].outcomes == {"retried": 1, "repaired": 1}
    assert ranking.usage.calls == 2  # half of the window could not better it
    assert generated(saying("[4] > [3] > [2]", "[1] > [2]"), "retry").order == (3, 2, 1, 0)
    assert generated(saying("no", "[4] > [2]", "[2] > [1]"), "retry").order == (3, 1, 0, 2)


def test_stricter_words_are_filled_in_and_make_room_for_themselves():
    prompts: list[tuple[str, int]] = []

    def say(prompt):
        prompts.append((words_of(prompt), len(words_of(prompt).split())))
        return "no"

    wordy = [Candidate(str(number), "word " * 100) for number in range(4)]
    answer_tokens, context = 36, 450
    reranker = JudgeReranker(
        GenerateJudge(ScriptedModel(say=say, context_length=context), RANKGPT, policy="retry"), Single()
    )
    ranking = reranker.rank(Request(Query("words"), tuple(wordy)))
    assert "every number from [1] to [4] exactly once" in prompts[1][0] and "$" not in prompts[1][0]
    assert [length + answer_tokens <= context for _, length in prompts] == [True, True, True]
    assert ranking.steps[0].notes == {"passage shortened": 4}  # each passage is told of once


def test_where_stricter_words_do_not_fit_half_of_the_window_is_asked_about():
    said: list[str] = []

    def say(prompt):
        said.append(words_of(prompt))
        return "[2] > [1]" if len(said) > 1 else "no"

    fixed = ScriptedModel().count_tokens(RANKGPT.render({"query": "the query"}, [""] * 4))
    model = ScriptedModel(say=say, context_length=fixed + 36 + 4 * 3)
    judge = GenerateJudge(model, RANKGPT, policy="retry")
    [call] = judge.prepare([BoundQuestion(request_of([0] * 4), Order((0, 1, 2, 3)))])
    [first] = call.run()
    assert first.again is not None
    [second] = first.again.run()
    assert second.answer.value == (1, 0, 2, 3) and second.again is None
    assert "could not be used" not in said[1] and "document 3" not in said[1]


@pytest.mark.parametrize("strict", ["It costs $", "Every number up to $highest."])
def test_stricter_words_that_cannot_be_filled_in_are_refused_when_the_judge_is_built(strict):
    with pytest.raises(PromptError, match="cannot be filled in"):
        GenerateJudge(ScriptedModel(), replace(RANKGPT, answer=(("strict", strict),)))


def test_a_retry_that_is_good_stands_and_a_budget_stops_retries():
    assert generated(saying("no", "[2] > [1] > [3] > [4]"), "retry").order == (1, 0, 2, 3)
    stopped = generated(saying("[4] > [2]", "x"), "retry", budget=Budget(calls=1))
    assert stopped.order == (3, 1, 0, 2) and stopped.usage.calls == 1


def test_the_other_policies():
    with pytest.raises(InvalidOutput, match=r"no clean order \(missing\): '\[4\] > \[2\]'"):
        generated(saying("[4] > [2]"), "raise")
    kept = generated(saying("[4] > [2]"), "keep_order")
    assert kept.order == (0, 1, 2, 3) and kept.steps[0].defects == {"missing": 1}
    assert generated(saying("[4] > [2] > [1] > [3]"), "keep_order").order == (3, 1, 0, 2)


def test_a_step_of_ten_needs_ten_identifiers_only():
    asked: list[int] = []

    class Counting(ScriptedModel):
        def permute(self, prompt, labels, *, top, opening="", separator=""):
            asked.append(top)
            return super().permute(prompt, labels, top=top)

    judge = ConstrainedJudge(Counting(worth=lambda prompt, text: float(text)), SMALL)
    JudgeReranker(judge, Sliding(20, 10, top_k=10)).rank(request_of([0] * 100))
    assert asked == [10] * 9
    asked.clear()
    JudgeReranker(judge, Sliding(20, 10)).rank(request_of([0] * 100))
    assert asked == [20] * 9


def by_document_number(prompt, label: str) -> float:
    """The higher the document's own number, the better, whatever label it has in this prompt."""
    found = re.search(rf"(?:\[{label}\]|Passage {label}:) document (\d+)", words_of(prompt))
    return float(found[1]) if found else -1.0


@pytest.mark.parametrize(
    ("judge", "strategy"),
    [
        (ConstrainedJudge(ScriptedModel(worth=by_document_number), SMALL), Sliding(4, 2)),
        (FirstTokenJudge(ScriptedModel(worth=by_document_number), LETTERS), Sliding(4, 2)),
        (SetwiseJudge(ScriptedModel(worth=by_document_number), SETWISE), SetwiseHeapsort(3, 2)),
    ],
    ids=["constrained", "first-token", "setwise"],
)
def test_a_model_that_knows_brings_the_best_to_the_top(judge, strategy):
    ranking = JudgeReranker(judge, strategy).rank(request_of([0] * 9))
    assert ranking.order[:2] == (8, 7)
    assert ranking.steps[0].outcomes == {"ok": ranking.steps[0].questions}
    check_reranker(JudgeReranker(judge, strategy))


class Forgetful(ScriptedModel):
    """As behind a server whose constraint cannot forbid a label twice: one place at a time, and what it was told."""

    def __init__(self) -> None:
        super().__init__(worth=by_document_number)
        self.told: list[tuple[str, tuple[str, ...]]] = []

    def permute(self, prompt, labels, *, top, opening="", separator=""):
        self.told.append((opening, tuple(labels)))
        return super().permute(prompt, labels, top=1)


def test_an_order_that_ends_early_is_gone_on_with_from_those_that_remain():
    model = Forgetful()
    judge = ConstrainedJudge(model, SMALL)
    ranking = JudgeReranker(judge, Single()).rank(request_of([0] * 4))
    assert ranking.order == (3, 2, 1, 0)
    # Who is last follows.
    assert model.told == [("[", ("1", "2", "3", "4")), ("[4] > [", ("1", "2", "3")), ("[4] > [3] > [", ("1", "2"))]
    assert ranking.steps[0].outcomes == {"retried": 2, "ok": 1} and ranking.usage.calls == 3
    check_reranker(JudgeReranker(judge, Sliding(4, 2)))


def test_a_model_that_repeats_itself_for_ever_is_not_asked_for_ever():
    ranking = JudgeReranker(ConstrainedJudge(Forgetful(), SMALL), Single()).rank(request_of([0] * 20))
    assert ranking.order == (*range(19, 11, -1), *range(12)) and ranking.usage.calls == MOST_CALLS
    assert ranking.steps[0].defects == {"missing": 1}


def test_a_budget_is_asked_before_an_order_is_gone_on_with():
    reranker = JudgeReranker(ConstrainedJudge(Forgetful(), SMALL), Single())
    ranking = reranker.rank(request_of([0] * 4), budget=Budget(calls=1))
    assert ranking.order == (3, 0, 1, 2) and ranking.usage.calls == 1
    assert ranking.steps[0].defects == {"missing": 1} and ranking.steps[0].stopped == "budget of 1 calls"
    # What stood for want of money is not what another stage has to be content with.
    whole = reranker.with_budget(Budget(calls=1)).on_failure(reranker).rank(request_of([0] * 4))
    assert whole.order == (3, 2, 1, 0)


def test_a_replay_has_the_bill_of_all_calls(tmp_path):
    with Recorder(tmp_path / "run.jsonl", {}) as recorder:
        judge = ConstrainedJudge(Forgetful(), SMALL)
        live = JudgeReranker(judge, Single(), on_reply=recorder.write).rank(request_of([0] * 4))
    judge = RecordedJudge(read_record(tmp_path / "run.jsonl"))
    again = JudgeReranker(judge, Single()).rank(request_of([0] * 4))
    assert again.order == live.order and again.usage.calls == live.usage.calls == 3
    assert again.usage.input_tokens == live.usage.input_tokens


def test_identifiers_that_are_not_shown_follow_in_their_old_order():
    seen = {"C": -0.1, "B": -2.0}
    judge = FirstTokenJudge(ScriptedModel(worth=lambda prompt, text: seen.get(text)), LETTERS)
    ranking = JudgeReranker(judge, Single()).rank(request_of([0] * 4))
    assert ranking.order == (2, 1, 0, 3) and ranking.steps[0].defects == {"unseen": 1}
    unsure = FirstTokenJudge(ScriptedModel(worth=lambda prompt, text: None), LETTERS)
    ranking = JudgeReranker(unsure, Single()).rank(request_of([0] * 4))
    assert ranking.order == (0, 1, 2, 3) and ranking.steps[0].outcomes == {"unreadable": 1}


@pytest.mark.parametrize("answer", ["B", " b.", "Passage B", "**B**", "[B]"])
def test_setwise_reads_a_written_letter(answer):
    judge = SetwiseTextJudge(saying(answer), SETWISE)
    assert JudgeReranker(judge, SetwiseHeapsort(3, 1)).rank(request_of([0, 0])).order == (1, 0)


def test_setwise_prose_is_no_choice():
    judge = SetwiseTextJudge(saying("A passage is what I would need."), SETWISE)
    ranking = JudgeReranker(judge, SetwiseHeapsort(3, 1)).rank(request_of([0, 0, 0]))
    assert ranking.order == (0, 1, 2) and ranking.steps[0].outcomes == {"unreadable": 1}


def test_what_does_not_go_together_is_refused_when_it_is_built():
    class Talker:
        name, fingerprint, concurrency, context_length, thinking_tokens = "talker", "t", 1, None, 0

        def count_tokens(self, prompt):
            return 1

        def generate(self, prompt, *, max_tokens, stop=()):
            return Generated("")

    with pytest.raises(CapabilityMissing, match=r"the constrained method needs .* under a constraint.*\n.*GGUF"):
        ConstrainedJudge(Talker(), SMALL)  # type: ignore[arg-type]
    with pytest.raises(CapabilityMissing, match="log-probabilities"):
        FirstTokenJudge(Talker(), LETTERS)  # type: ignore[arg-type]
    with pytest.raises(PromptError, match="puts a choose question"):
        GenerateJudge(ScriptedModel(), SETWISE)


def test_a_failing_endpoint_keeps_the_order_and_says_so():
    def say(prompt):
        raise ConnectionFailed("nobody answers at 127.0.0.1")

    reranker = JudgeReranker(GenerateJudge(ScriptedModel(say=say), RANKGPT), Sliding(4, 2), on_call_failure="partial")
    ranking = reranker.rank(request_of([0] * 8))
    assert ranking.order == tuple(range(8))
    assert ranking.steps[0].failures == ("ConnectionFailed: nobody answers at 127.0.0.1 (3x)",)


def test_a_budget_of_money_is_asked_before_the_call():
    class Priced(ScriptedModel):
        def price(self, *, input_tokens, output_tokens):
            return 0.01 * (input_tokens + output_tokens)

    judge = GenerateJudge(Priced(say=lambda prompt: "[2] > [1]"), RANKGPT)
    ranking = JudgeReranker(judge, Single()).rank(request_of([0, 0]), budget=Budget(cost=0.5))
    assert ranking.usage.calls == 0 and ranking.steps[0].stopped == "budget of 0.5 money"


def test_a_plan_bounds_what_a_run_costs():
    reranker = JudgeReranker(GenerateJudge(saying("[2] > [1]"), RANKGPT), Sliding(20, 10))
    request = request_of([0] * 100)
    plan, ranking = reranker.plan(request), reranker.rank(request)
    assert (plan.calls, plan.sequential_rounds) == (ranking.usage.calls, ranking.steps[0].sequential_rounds) == (9, 9)
    assert plan.usage.input_tokens >= ranking.usage.input_tokens * 0.99
    assert plan.usage.output_tokens >= ranking.usage.output_tokens
