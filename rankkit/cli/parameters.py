"""How the parameters of commands are declared: each with one of these functions, inside ``Annotated``.

Parameters that several commands share are the fields of a dataclass, and ``SPREAD`` makes options of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated

from cyclopts import App, Group, Parameter, Token

#: The panels of the help, in this order.
OPTIONS = Group("Options", sort_key=1)
FIRST_STAGE = Group("First stage", sort_key=2)
MODEL = Group("Model", sort_key=3)
POINTWISE = Group("Pointwise", sort_key=4)
METHOD = Group("Method", sort_key=5)
BUDGET = Group("Budget: when it runs out, the best order so far", sort_key=6)

#: The fields of a dataclass are options of the command, without the name of the parameter in front.
SPREAD = Parameter(name="*")

#: What holds for all parameters: an option takes the next word whatever it looks like, counts as it was given last, and
#: has no other forms than those that are declared (no ``--no-...``, no JSON).
_DEFAULTS = Parameter(negative=(), allow_leading_hyphen=True, allow_repeating=True, json_dict=False, json_list=False)


def argument(*, help: str, name: str | None = None, dash: bool = False) -> Parameter:
    """A word without a name. With ``dash``, it may be ``-``, which stands for standard input."""
    return Parameter(name=name, help=help, allow_leading_hyphen=dash)


def option(*names: str, help: str, panel: Group = OPTIONS, metavar: str | None = None) -> Parameter:
    """``--name VALUE``; with a list as its type, as often as it is given."""
    return Parameter(names, help=help, group=panel, metavar=metavar)


def flag(*names: str, help: str, panel: Group = OPTIONS, off: str | None = None) -> Parameter:
    """``--name``; with ``off``, a name for the contrary."""
    return Parameter(names, help=help, group=panel, negative=(off,) if off else (), show_default=bool(off))


def number(*names: str, help: str, panel: Group = OPTIONS, minimum: float = -math.inf) -> Parameter:
    """``--name NUMBER``, a whole one where the type is ``int``."""
    return Parameter(names, help=help, group=panel, converter=_at_least(minimum), metavar=_metavar(minimum))


def _metavar(minimum: float) -> str:
    return "N" if minimum == -math.inf else f"N>={minimum}"


def _at_least(minimum: float) -> Callable[[type, Sequence[Token]], float]:
    """The library's own numbers are rounded, and may be hexadecimal; these are Python's."""

    def convert(kind: type, tokens: Sequence[Token]) -> float:
        word = tokens[-1].value
        try:
            value: float = kind(word)
        except ValueError:
            value = math.nan
        if value >= minimum:
            return value
        least = "" if minimum == -math.inf else f" of at least {minimum}"
        raise ValueError(f"{word!r} is no {'whole ' if kind is int else ''}number{least}")

    return convert


class Named(str):
    """The value of an option, which knows by which of its names it was given."""

    __slots__ = ("option",)
    option: str


def by_name(*names: str, help: str, panel: Group = OPTIONS, metavar: str | None = None) -> Parameter:
    """Options that are kept in the order in which they are given, whichever it is each time: a list of ``Named``."""
    return Parameter(names, help=help, group=panel, metavar=metavar, converter=_named)


def _named(kind: type, tokens: Sequence[Token]) -> list[Named]:
    values = []
    for token in tokens:
        values.append(value := Named(token.value))
        value.option = token.keyword or ""
    return values


def branch(name: str, help: str) -> App:
    """A command that holds commands."""
    return App(
        name=name,
        help=help,
        help_format="plaintext",
        help_flags=["--help"],
        version_flags=[],
        default_parameter=_DEFAULTS,
        group_parameters=OPTIONS,
    )


AsJson = Annotated[bool, flag("--json", help="JSON on stdout.")]
