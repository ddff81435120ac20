"""The tries of a call: what was sent is charged, and none begins that a budget has no room for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.core.budgeting import Account
from rankkit.core.tries import Tries, current
from rankkit.core.usage import Budget, Usage

BOUND = Usage(calls=1, input_tokens=10, output_tokens=5, cost=0.5)


def tries_on(account: Account) -> Tries:
    assert not account.reserve(BOUND)
    return Tries(BOUND, account)


def test_a_try_that_was_not_sent_leaves_its_place_to_the_next():
    account = Account(Budget(calls=1))
    tries = tries_on(account)
    for _ in range(5):
        tries.ended(sent=False, answered=False)
        assert tries.may_go_again() == ""
    tries.ended(sent=True, answered=False)
    assert tries.may_go_again() == "budget of 1 calls"
    assert (tries.failed, account.spent.calls) == (1, 1)


def test_a_refusal_is_an_answer_and_leaves_its_place_to_the_next():
    tries = tries_on(Account(Budget(calls=1)))
    tries.ended(sent=True, answered=True)
    assert (tries.may_go_again(), tries.failed, tries.answered) == ("", 0, True)


@pytest.mark.parametrize("limit", [{"tokens": 44}, {"cost": 1.4}, {"calls": 2}])
def test_each_limit_is_asked(limit: dict[str, float]):
    tries = tries_on(Account(Budget(**limit)))
    tries.ended(sent=True, answered=False)
    assert tries.may_go_again() == ""
    tries.ended(sent=True, answered=False)
    assert "budget of" in tries.may_go_again()
    assert tries.give_back() == Usage(calls=2, input_tokens=20, output_tokens=10, cost=1.0)


def test_the_budget_above_is_asked_too():
    tries = tries_on(Account(Budget(calls=9), Account(Budget(calls=1))))
    tries.ended(sent=True, answered=False)
    assert tries.may_go_again() == "budget of 1 calls"


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=12), st.integers(1, 8))
def test_all_that_was_set_aside_is_given_back(outcomes: list[tuple[bool, bool]], limit: int):
    account = Account(Budget(calls=limit))
    tries = tries_on(account)
    for sent, answered in outcomes:
        tries.ended(sent=sent, answered=sent and answered)
        if tries.may_go_again():
            break
        assert tries.failed < account.spent.calls <= limit
    assert tries.give_back().calls >= tries.failed
    assert account.spent.calls == 0 and account.spent.tokens == 0


def test_a_call_that_was_given_up_is_not_tried_again():
    account = Account()
    tries = tries_on(account)
    tries.give_back()
    tries.ended(sent=True, answered=False)
    assert tries.may_go_again() == "the call was given up"
    assert account.spent.calls == 0


def test_outside_a_ranking_nobody_counts():
    tries = current()
    for _ in range(99):
        tries.ended(sent=True, answered=False)
        assert tries.may_go_again() == ""
    assert current().failed == 0
    with tries.active():
        assert current() is tries
