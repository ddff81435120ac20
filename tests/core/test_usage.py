"""Bills add up; budgets refuse before, not after."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.core.usage import Budget, Usage
from rankkit.errors import ConfigError

bills = st.builds(
    Usage,
    calls=st.integers(0, 99),
    input_tokens=st.integers(0, 999),
    output_tokens=st.integers(0, 999),
    cached_tokens=st.integers(0, 999),
    cost=st.none() | st.integers(0, 99).map(float),
    billed_units=st.none() | st.integers(0, 99).map(float),
)


@given(bills, bills, bills)
def test_bills_add_up_in_any_order(a, b, c):
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + Usage() == a


def test_what_is_not_priced_is_not_free():
    assert (Usage() + Usage()).cost is None
    assert (Usage(cost=0.5) + Usage()).cost == 0.5


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        (Budget(questions=4), "budget of 4 questions"),
        (Budget(calls=2), "budget of 2 calls"),
        (Budget(tokens=14), "budget of 14 tokens"),
        (Budget(seconds=1.5), "budget of 1.5 seconds"),
        (Budget(cost=0.01), "budget of 0.01 money"),
        (Budget(questions=5, calls=3, tokens=15, seconds=2, cost=0.02), ""),
        (Budget(), ""),
    ],
)
def test_a_budget_names_the_limit_that_a_total_would_break(budget, reason):
    total = Usage(calls=3, input_tokens=10, output_tokens=5, cost=0.02)
    assert budget.refuses(questions=5, usage=total, seconds=1.5) == reason


def test_a_budget_below_nothing_is_a_mistake():
    with pytest.raises(ConfigError, match="-1 calls"):
        Budget(calls=-1)
    with pytest.raises(ConfigError, match="nan seconds"):
        Budget(seconds=float("nan"))
