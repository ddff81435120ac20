"""What the window strategies share: checks of their parameters, and how an answer is put in place."""

from __future__ import annotations

from collections.abc import Sequence

from rankkit.core.questions import Answer, Order, Task
from rankkit.errors import ConfigError

#: What an ``Order`` is answered by.
Permutation = tuple[int, ...]


def at_least(least: int, parameter: str, value: int | None) -> None:
    """Refuse a whole number below ``least``; ``None`` passes.

    Raises:
        ConfigError: the value is no whole number, or too small.
    """
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"{parameter} is a whole number, not {value!r}")
    if value < least:
        raise ConfigError(f"{parameter} = {value} is not possible", hint=f"Give {least} or more.")


def spelled(kind: str, *always: object, given: Sequence[tuple[str, object, object]] = ()) -> str:
    """A strategy's name as it would be called; of ``given`` (parameter, value, default) what differs is named."""
    extra = [f"{parameter}={value}" for parameter, value, default in given if value != default]
    return f"{kind}({', '.join([*map(str, always), *extra])})"


def head_of(task: Task, depth: int | None) -> int:
    """How many candidates are reordered; the others stay behind them, as they were."""
    return task.n if depth is None else min(task.n, depth)


def fitting(window: int, task: Task) -> int:
    """The window that the context allows: ``Task.largest`` where that is smaller."""
    return window if task.max_group_size is None else min(window, task.max_group_size)


def shrinkage(wanted: int, used: int) -> tuple[tuple[str, float], ...]:
    """For ``StrategyResult.diagnostics``: which window was used, where the context did not allow the one wanted."""
    return (("window", float(used)),) if used < wanted else ()


def question(indices: Sequence[int], top: int | None = None) -> Order:
    """An ``Order``. A ``top`` that takes in everything is the same question as none, so that it is asked only once."""
    return Order(tuple(indices), None if top is None or top >= len(indices) else top)


def arranged(indices: Sequence[int], answer: Answer[Permutation]) -> list[int]:
    """``indices`` in the order of the answer; as they are where nothing was learned."""
    return list(indices if answer.value is None else answer.value)
