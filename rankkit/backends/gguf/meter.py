"""What a chat template may spend: every step that it makes, and every value that it builds, is paid from one account.

A template comes out of a model's file, so somebody else wrote it, and the sandbox of Jinja keeps it from the process
but not from looping, multiplying or nesting without end. Values are measured in cells: a character is one; a number, a
list or another thing is ``THING``. What a value refers to twice counts twice, as it does where it is printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from rankkit.core.extras import require_extra

with require_extra("gguf", "a chat template"):
    import jinja2
    from jinja2.runtime import Undefined

#: Cells of one value, and of all steps of one rendering. A real template spends some thousand a message.
MOST_CELLS, ACCOUNT = 1 << 20, 8 << 20
THING = 16
#: Bits of a whole number.
MOST_BITS = 4096


class TooMuch(jinja2.TemplateError):
    """The template wants more time or memory than any template needs."""


class _Account:
    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = ACCOUNT


_account: ContextVar[_Account | None] = ContextVar("rankkit_template_account", default=None)


@contextmanager
def account() -> Iterator[None]:
    """Around one rendering, or one compilation: constants are computed there already."""
    token = _account.set(_Account())
    try:
        yield
    finally:
        _account.reset(token)


def spend(cells: int) -> None:
    """Raises:
    TooMuch: nothing is left.
    """
    current = _account.get()
    if current is None:
        raise TooMuch("the template runs outside of its account")
    current.left -= cells
    if current.left < 0:
        raise TooMuch("the template does more than any template needs: it loops or builds without end")


def weigh(value: object) -> int:
    """The cells of a value and of all that it holds.

    Raises:
        TooMuch: more than ``MOST_CELLS``.
    """
    total, rest = 0, [value]
    while rest:
        item = rest.pop()
        if isinstance(item, str):
            total += len(item) + 1
        elif isinstance(item, dict):
            total += THING
            rest += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple):
            total += THING
            rest += item
        else:
            total += _weigh_thing(item)
        if total + len(rest) > MOST_CELLS:
            raise TooMuch(f"the template builds a value of more than {MOST_CELLS} characters or things")
    return total


def _weigh_thing(item: object) -> int:
    if isinstance(item, int):
        if item.bit_length() > MOST_BITS:
            raise TooMuch(f"the template computes a number of {item.bit_length()} bits")
        return THING
    return THING * (1 + len(item)) if isinstance(item, range) else THING


def check_cells(cells: int) -> None:
    """Before something of this size is built.

    Raises:
        TooMuch: it is larger than any value may be.
    """
    if cells > MOST_CELLS:
        raise TooMuch(f"the template builds a value of {cells} characters, where {MOST_CELLS} are the most")
    spend(max(0, cells))


def pay(value: object) -> int:
    """Weigh a value and pay for it."""
    cells = weigh(value)
    spend(THING + cells)
    return cells


def check_plain(value: object) -> None:
    """Only plain data may become text: the text of anything else tells about the process.

    Raises:
        TooMuch: it holds something else.
    """
    pay(value)
    rest = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            rest += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple):
            rest += item
        elif not isinstance(item, str | int | float | range | Undefined | None):
            raise TooMuch(f"the template puts a {type(item).__name__} into the prompt, which is no text")
