"""Log-probabilities as servers write them: what is a finite number is read, all else is left out and counted."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rankkit
from rankkit.backends.openai.endpoint import Endpoint
from rankkit.backends.openai.log_probabilities import read_shown
from rankkit.backends.protocols import Message
from rankkit.errors import CapabilityMissing, InvalidReply
from tests.backends.loopback import Loopback, chat, completion

PROMPT = (Message("user", "Is the sky blue?"),)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as loopback:
        yield loopback


def shown(*pairs: tuple[object, object]) -> dict[str, object]:
    return {"content": [{"top_logprobs": [{"token": token, "logprob": value} for token, value in pairs]}]}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("-0.5", -0.5),
        ("0", 0.0),
        ('"-0.5"', -0.5),
        ('" -0.5\\n"', -0.5),
        ('"-5e-1"', -0.5),
        ('"-.5"', -0.5),
        ('"0"', 0.0),
        ('"-3"', -3.0),
    ],
)
def test_what_is_a_finite_number_is_read(server: Loopback, written: str, value: float):
    server.script(chat("A", logprobs=shown(("A", json.loads(written)), ("B", -3.5))))
    with Endpoint("little", base_url=server.url) as endpoint:
        scored = endpoint.score_continuations(PROMPT, ["A", "B"])
    assert (scored.log_probabilities, scored.notes) == ((value, -3.5), ())


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("null", "null"),
        ("NaN", "not finite"),
        ("Infinity", "not finite"),
        ("-Infinity", "not finite"),
        ("1e999", "not finite"),
        ("-1" + "0" * 400, "not finite"),
        ('"-inf"', "not finite"),
        ('"Infinity"', "not finite"),
        ('"nan"', "not finite"),
        ('"-1e999"', "not finite"),
        ("-9999", "not shown"),
        ("-9999.0", "not shown"),
        ('"-9999.0"', "not shown"),
        ("-1e30", "not shown"),
        ("true", "no number"),
        ('""', "no number"),
        ('"null"', "no number"),
        ('"minus one"', "no number"),
        ('"1_0"', "no number"),
        ('"\\uff10"', "no number"),
        ("[-0.1]", "no number"),
        ('{"value": -0.1}', "no number"),
    ],
)
def test_all_else_is_left_out_and_counted(server: Loopback, written: str, kind: str):
    left_out = json.loads(written)
    server.script(chat("A", logprobs=shown(("A", -0.1), ("B", left_out), ("C", left_out))))
    with Endpoint("little", base_url=server.url) as endpoint:
        scored = endpoint.score_continuations(PROMPT, ["A", "B", "C"])
    assert scored.log_probabilities == (-0.1, None, None)
    assert scored.notes == (f"log-probability left out: {kind}",) * 2


def test_tokens_that_are_none():
    read = read_shown(shown(("A", -0.1), (None, -0.2), (7, -0.3), ("", -0.4)))
    assert read is not None and read.values == {"A": -0.1}
    assert read.left_out == {"no token": 2}


def test_a_plain_completion(server: Loopback):
    server.script(completion(" A", logprobs={"top_logprobs": [{" A": "-0.1", " B": None, " C": "nan"}]}))
    with Endpoint("little", base_url=server.url) as endpoint:
        scored = endpoint.score_continuations("Blue:", [" A", " B"])
    assert scored.log_probabilities == (-0.1, None)
    assert scored.notes == ("log-probability left out: not finite", "log-probability left out: null")


@pytest.mark.parametrize(
    "nothing", [None, [], {}, "A", 7, {"content": []}, {"content": [None]}, {"top_logprobs": [None]}]
)
def test_none_at_all(nothing: object):
    assert read_shown(nothing) is None


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.lists(st.tuples(values, values), max_size=8))
def test_nothing_that_a_server_writes_is_an_exception(pairs):
    read = read_shown(shown(*pairs))
    if read is not None:
        assert all(-9999 < value < float("inf") for value in read.values.values())
        assert len(read.notes) == sum(read.left_out.values())


def test_a_server_that_shows_only_what_is_no_number(server: Loopback):
    server.script(chat("A", logprobs=shown(("A", None), ("B", "-inf"))))
    with (
        Endpoint("little", base_url=server.url) as endpoint,
        pytest.raises(CapabilityMissing, match="1 not finite, 1 null"),
    ):
        endpoint.score_continuations(PROMPT, ["A", "B"])
    server.script(chat("A", logprobs=shown(("A", -0.1))), chat("A", logprobs=shown(("A", None))))
    with Endpoint("little", base_url=server.url) as endpoint, pytest.raises(InvalidReply, match="left out: 1 null"):
        endpoint.score_continuations(PROMPT, ["A", "B"])


def test_the_step_counts_them(server: Loopback):
    server.script(chat("A", logprobs=shown(("A", "-0.1"), ("B", "-2.5"), ("C", None))))
    spec = {"paradigm": "pairwise", "method": "prompted", "endpoint": server.url, "model": "little"}
    ranking = rankkit.load({**spec, "strategy": "allpairs"}).rerank("fleas", ["a flea", "a dog"])
    assert ranking.steps[0].notes == {"log-probability left out: null": 2}
