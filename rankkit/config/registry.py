"""The one registry: what can be written in a spec as ``method`` and ``strategy``, and what kinds of models there are.

::

    from rankkit.config.registry import register
    from rankkit.config.rows import StrategyRow

    register(StrategyRow(name="random", question="order", build=lambda spec: Shuffled(seed=spec.seed), keys=("seed",)))

A package can bring rows without being imported first: an entry point of the group ``rankkit.rows`` named
``<paradigm>.<name>`` (``listwise.random``) is a row, or a function without arguments that returns one. It is loaded
when a spec asks for that name, and not before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from importlib.metadata import entry_points

from rankkit.config.built_in import ROWS
from rankkit.config.rows import KindRow, MethodRow, Row, StrategyRow
from rankkit.errors import ConfigError

GROUP = "rankkit.rows"


class Registry:
    """Rows by what they are and how they are called. Safe to share between threads."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._lock = threading.RLock()
        self._rows: dict[tuple[str, ...], Row] = {_key(row): row for row in rows}

    def register(self, row: Row) -> Callable[[], None]:
        """Add a row; what is returned takes it out again.

        Raises:
            ConfigError: there is one of its name.
        """
        key = _key(row)
        with self._lock:
            if key in self._rows:
                raise ConfigError(f"there is a {' '.join(key)} already", hint="Give yours a name of its own.")
            self._rows[key] = row
        return lambda: self._forget(key)

    def _forget(self, key: tuple[str, ...]) -> None:
        with self._lock:
            self._rows.pop(key, None)

    def rows(self) -> list[Row]:
        """All of them, rankkit's own first."""
        with self._lock:
            return list(self._rows.values())

    def look_up(self, paradigm: str, name: str) -> None:
        """Load the entry point of this name, if a package that is installed brings one and no row has the name yet."""
        with self._lock:
            if any(
                not isinstance(row, KindRow) and (row.paradigm, row.name) == (paradigm, name) for row in self.rows()
            ):
                return
            for found in entry_points(group=GROUP, name=f"{paradigm}.{name}"):
                loaded = found.load()
                row = loaded if isinstance(loaded, Row) else loaded()
                if not isinstance(row, MethodRow | StrategyRow) or (row.paradigm, row.name) != (paradigm, name):
                    raise ConfigError(
                        f"the entry point {found.name} of the group {GROUP} is no row of this name",
                        hint=f"It must be a MethodRow or a StrategyRow: {found.value}.",
                    )
                self.register(row)


def _key(row: Row) -> tuple[str, ...]:
    match row:
        case KindRow():
            return "kind of model", row.name
        case MethodRow():
            return row.paradigm, "method", row.name
        case StrategyRow():
            return row.question, "strategy", row.name


_REGISTRY = Registry(ROWS)


def register(row: Row) -> Callable[[], None]:
    """Make a method, a strategy or a kind of model known to specs, the command line's ``--method`` and ``--strategy``
    and the JSON Schema, for this process. What is returned takes it out again.

    Raises:
        ConfigError: there is one of its name.
    """
    return _REGISTRY.register(row)


def kinds() -> dict[str, KindRow]:
    return {row.name: row for row in _REGISTRY.rows() if isinstance(row, KindRow)}


def methods(paradigm: str) -> dict[str, MethodRow]:
    return {row.name: row for row in _REGISTRY.rows() if isinstance(row, MethodRow) and row.paradigm == paradigm}


def strategies(question: str) -> dict[str, StrategyRow]:
    """Those that ask this question, the default first."""
    return {row.name: row for row in _REGISTRY.rows() if isinstance(row, StrategyRow) and row.question == question}


def strategy_names(paradigm: str) -> list[str]:
    rows = (row for row in _REGISTRY.rows() if isinstance(row, StrategyRow) and row.paradigm == paradigm)
    return list(dict.fromkeys(row.name for row in rows))


def look_up(paradigm: str, name: str) -> None:
    """See to it that a name which an installed package brings is known."""
    _REGISTRY.look_up(paradigm, name)


def default_method(paradigm: str, kind: str, trained: str = "") -> MethodRow:
    """How a kind of model is asked when nothing is said, or, if it was ``trained`` on a prompt of a paradigm which that
    method refuses, by the first other method that it has; of one that cannot be asked, how the paradigm's first one is.
    """
    rows = methods(paradigm).values()
    own = sorted((row for row in rows if kind in row.kinds), key=lambda row: kind not in row.default_for)
    usual = next((row for row in own if kind in row.default_for), next(iter(rows)))
    return next((row for row in own if trained not in row.refuses), usual) if trained in usual.refuses else usual
