"""The circuit alone, on a clock that only moves when told."""

from __future__ import annotations

import pytest

from rankkit.backends.http.circuit import Circuit
from rankkit.errors import CircuitOpen, ConfigError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuit(clock: Clock) -> Circuit:
    return Circuit(failures=3, cooldown=10, clock=clock)


def fail(circuit: Circuit, times: int) -> None:
    for _ in range(times):
        circuit.before_call()
        circuit.failed("refused")


def test_failures_in_a_row_open_it(circuit: Circuit):
    fail(circuit, 3)
    with pytest.raises(CircuitOpen, match=r"last 3 calls failed, the latest with: refused\n.*in 10.0 seconds"):
        circuit.before_call()


def test_a_success_between_starts_the_count_again(circuit: Circuit):
    for _ in range(5):
        fail(circuit, 2)
        circuit.succeeded()
    circuit.before_call()


def test_one_trial_at_a_time_after_the_cooldown(circuit: Circuit, clock: Clock):
    fail(circuit, 3)
    clock.now = 10.0
    circuit.before_call()
    with pytest.raises(CircuitOpen):
        circuit.before_call()


def test_a_good_trial_closes_it(circuit: Circuit, clock: Clock):
    fail(circuit, 3)
    clock.now = 10.0
    circuit.before_call()
    circuit.succeeded()
    for _ in range(3):
        circuit.before_call()


def test_a_bad_trial_starts_another_cooldown(circuit: Circuit, clock: Clock):
    fail(circuit, 3)
    clock.now = 10.0
    fail(circuit, 1)
    clock.now = 19.9
    with pytest.raises(CircuitOpen):
        circuit.before_call()
    clock.now = 20.0
    circuit.before_call()


def test_a_trial_that_never_reports_back_blocks_nobody_for_ever(circuit: Circuit, clock: Clock):
    fail(circuit, 3)
    clock.now = 10.0
    circuit.before_call()
    clock.now = 20.0
    circuit.before_call()


@pytest.mark.parametrize("values", [{"failures": 0}, {"cooldown": -1.0}])
def test_values_that_are_not_possible(values: dict[str, float]):
    with pytest.raises(ConfigError, match="not possible"):
        Circuit(**values)


def test_its_repr():
    assert repr(Circuit(failures=3, cooldown=10)) == "Circuit(failures=3, cooldown=10)"
