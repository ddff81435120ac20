"""Money from price rows, and the estimate of tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.backends.language.pricing import Prices, estimate_prompt_tokens, estimate_tokens
from rankkit.backends.protocols import Message
from rankkit.errors import ConfigError


def test_money_is_per_million():
    prices = Prices(input_per_million=2.0, output_per_million=8.0)
    assert prices.cost(input_tokens=1_000_000, output_tokens=500_000) == 2.0 + 4.0


def test_cached_tokens_have_a_price_of_their_own_where_there_is_one():
    usage = {"input_tokens": 1_000_000, "output_tokens": 0, "cached_tokens": 250_000}
    assert Prices(2.0, 8.0).cost(**usage) == 2.0
    assert Prices(2.0, 8.0, cached_per_million=0.0).cost(**usage) == 1.5


@pytest.mark.parametrize("price", [-1.0, float("nan"), float("inf")])
def test_prices_that_are_none(price: float):
    for row in ((price, 1.0), (1.0, price), (1.0, 1.0, price)):
        with pytest.raises(ConfigError, match="per_million"):
            Prices(*row)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("cat", 1),
        ("The sky is blue.", 1 + 1 + 1 + 2 + 1),
        ("2024", 4),
        ("[12] > [3]", 4 + 1 + 3),
        ("page 12", 2 + 1 + 2),
        ("NKT cells", 2 + 2),
        ("a\n\nb", 1 + 2 + 1 + 1),
        ("中文", 5),
        ("é", 2),
    ],
)
def test_the_estimate(text: str, tokens: int):
    assert estimate_tokens(text) == tokens


@given(left=st.text(), right=st.text())
def test_more_text_is_never_fewer_tokens(left: str, right: str):
    assert estimate_tokens(left + right) >= max(estimate_tokens(left), estimate_tokens(right)) - 1


def test_a_prompt_counts_its_template():
    messages = (Message("system", "Be brief."), Message("user", "cat"))
    assert estimate_prompt_tokens(messages) == 16 + (8 + 4) + (8 + 1)
    assert estimate_prompt_tokens("cat") == 2
