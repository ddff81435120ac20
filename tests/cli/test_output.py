"""What a ranking cost and what went wrong, in a line; and which of it ends a command with 7."""

from __future__ import annotations

import pytest

from rankkit.cli.output import bill_line, end, troubled
from rankkit.core.ranking import Ranking, Step
from rankkit.core.usage import Usage
from rankkit.testing import request_of


def ranking(step: Step) -> Ranking:
    return Ranking(request_of([0, 0]), (0, 1), usage=step.usage, steps=(step,))


def test_the_bill_has_money_where_something_is_priced():
    free, priced = Usage(2, 100, 10), Usage(2, 100, 10, cost=0.0125)
    assert bill_line(ranking(Step("llm", free))) == "2 documents, 2 calls, 110 tokens, 0.00 s"
    assert bill_line(ranking(Step("llm", priced))) == "2 documents, 2 calls, 110 tokens, 0.00 s · money 0.0125"


@pytest.mark.parametrize(
    ("step", "words", "trouble"),
    [
        (Step("llm", failures=("EndpointTimeout: no answer",)), "EndpointTimeout: no answer", True),
        (Step("llm", stopped="budget of 0.4 seconds"), "stopped llm: budget of 0.4 seconds", True),
        (Step("llm", stopped="budget of 5 calls"), "stopped llm: budget of 5 calls", False),
        (Step("llm", skipped="it is easy"), "skipped llm: it is easy", False),
    ],
)
def test_failures_and_lateness_are_trouble(step: Step, words: str, trouble: bool):
    assert words in bill_line(ranking(step))
    assert troubled(ranking(step)) is trouble


def test_trouble_ends_a_command_with_7(capsys):
    end(trouble=False)
    assert capsys.readouterr().err == ""
    with pytest.raises(SystemExit) as ended:
        end(trouble=True)
    assert ended.value.code == 7 and "order before them was kept" in capsys.readouterr().err
