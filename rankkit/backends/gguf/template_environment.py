"""Jinja for chat templates: sandboxed, as transformers sets it up, and bounded in time and memory.

What a template can do is a list of what it may do: these filters, these methods of plain values, these functions. All
of it pays from the account of ``meter``. Loops, literals, comparisons and ``~`` are rewritten in the syntax tree so
that they pay as well; operators and calls go through the hooks of the sandbox.
"""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn, cast

from rankkit.backends.gguf.meter import THING, TooMuch, account, pay, spend, weigh
from rankkit.backends.gguf.template_texts import (
    STRING_METHODS,
    as_json,
    check_operands,
    indented,
    joined,
    padded,
    percent_formatted,
    replaced,
    text_of,
)
from rankkit.core.extras import require_extra

with require_extra("gguf", "a chat template"):
    import jinja2
    from jinja2 import nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.filters import FILTERS
    from jinja2.parser import Parser
    from jinja2.runtime import LoopContext, Macro, Undefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from jinja2.tests import TESTS
    from jinja2.utils import Namespace
    from jinja2.visitor import NodeTransformer

#: Characters of a template. The longest of a model in use has 25,000.
_LONGEST = 1 << 17
_LARGEST_ARGUMENT = 1000
#: Tests for which a large number is nothing special.
_COMPARING = frozenset("eq equalto == ne != lt lessthan < le <= gt greaterthan > ge >= in sameas".split())
#: Cells that a call costs by itself, whatever it is given.
_CALL = 8 * THING
#: Filters and tests that look at a value and not into it: a template may ask how many messages there are at each.
_SHALLOW = frozenset(
    "length count first last default d defined undefined none string mapping iterable sequence number integer "
    "float boolean true false odd even callable sameas filter test".split()
)
_DATE_FORMAT = re.compile(r"(%[-#]?[a-zA-Z%]|[^%]){0,100}")

#: Filters of Jinja that are bounded by what they are given.
_FILTERS = (
    "abs attr capitalize count d default dictsort first float groupby int items last length list lower map max min "
    "reject rejectattr reverse round select selectattr sort title trim truncate unique upper wordcount"
).split()
_METHODS: Mapping[type, frozenset[str]] = {
    dict: frozenset({"items", "keys", "values", "get", "copy"}),
    list: frozenset({"index", "count", "copy"}),
    tuple: frozenset({"index", "count"}),
    LoopContext: frozenset({"cycle", "changed"}),
}


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """``date`` is what ``strftime_now`` gives: an answer must not depend on the day on which it was asked for."""

    intercepted_binops = frozenset({"//", "%", "+", "*", "-", "/", "**"})

    def __init__(self, date: datetime.date) -> None:
        extensions = [loopcontrols, _Generation]
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=extensions, finalize=text_of)
        self._functions: dict[str, Callable[..., Any]] = {
            "range": _range,
            "namespace": Namespace,
            "dict": dict,
            "raise_exception": _refuse,
            "strftime_now": functools.partial(_date_text, date),
        }
        self.globals = dict(self._functions)
        self.filters = {name: _paid(name, FILTERS[name]) for name in _FILTERS} | _OWN_FILTERS
        self.tests = {name: _paid(name, test) for name, test in TESTS.items()}

    def template(self, source: str) -> jinja2.Template:
        """Raises:
        TemplateError, or whatever Python makes of it: the template cannot be read, or is too large.
        """
        if len(source) > _LONGEST:
            raise TooMuch(f"the template has {len(source)} characters, where {_LONGEST} are the most")
        with account():
            return self.from_string(_Rewritten().visit(self.parse(source)))

    def concat(self, parts: Iterable[str]) -> str:
        """What the parts of a template, a macro or a block come to."""
        return joined(parts)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        pay(left)
        pay(right)
        if operator == "%" and isinstance(left, str):
            return percent_formatted(left, right)
        check_operands(operator, left, right)
        result = super().call_binop(context, operator, left, right)
        pay(result)
        return result

    def _bounded_call(__self, __context: Any, __object: Any, *args: Any, **kwargs: Any) -> Any:
        spend(_CALL)
        owner = getattr(__object, "__self__", None)
        name = getattr(__object, "__name__", "")
        if isinstance(__object, Macro | LoopContext | Undefined):
            result = super().call(__context, __object, *args, **kwargs)
        elif isinstance(owner, str) and name in STRING_METHODS:
            pay([owner, args, kwargs])
            result = STRING_METHODS[name](owner, *args, **kwargs)
        elif any(isinstance(owner, kind) and name in names for kind, names in _METHODS.items()):
            result = __object(*args, **kwargs)
        elif __object in __self._functions.values():
            result = super().call(__context, __object, *args, **kwargs)
        else:
            raise TooMuch(f"the template calls {name[:100] or type(__object).__name__!r}, which templates may not")
        result = _listed(result)
        pay(result)
        return result

    #: Jinja's name for it.
    call = _bounded_call

    def wrap_str_format(self, value: Any) -> None:
        """The sandbox's own version of ``str.format`` is not needed: ``call`` has one that is bounded as well."""


class _Generation(Extension):
    """``{% generation %}``: where transformers learns what a model said. For a prompt it means nothing."""

    tags = {"generation"}  # noqa: RUF012  # Jinja's own attribute

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Rewritten(NodeTransformer):
    """Makes what has no hook pay: each turn of a loop, each literal, comparison, slice and ``~``."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = _filtered(node.iter, "_counted")
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), "_joined")

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = _filtered(node.expr, "_paid")
        for operand in node.ops:
            operand.expr = _filtered(operand.expr, "_paid")
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _filtered(node.node, "_sliced")
        return node

    def _visit_literal(self, node: nodes.List | nodes.Tuple | nodes.Dict) -> nodes.Node:
        self.generic_visit(node)
        return node if getattr(node, "ctx", "load") != "load" else _filtered(node, "_paid")

    visit_List = visit_Tuple = visit_Dict = _visit_literal


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(cast(nodes.Expr, node), name, [], [], None, None, lineno=node.lineno)


def _counted(values: Any) -> Iterator[Any]:
    for value in values:
        spend(THING)
        yield value


def _weighed(value: Any) -> Any:
    pay(value)
    return value


def _sliced(value: Any) -> Any:
    """What is about to be cut: the cut copies references, or characters."""
    spend(THING + len(value) if isinstance(value, str | list | tuple) else THING)
    return value


def _listed(result: Any) -> Any:
    """Nothing that is computed later is handed on: it would escape the account."""
    if isinstance(result, Iterator) or type(result).__name__ in ("dict_items", "dict_keys", "dict_values"):
        return list(_counted(result))
    return result


def _paid(name: str, wrapped: object) -> Callable[..., Any]:
    """A filter or test of Jinja's that pays for what it is given and gives. The flags that say what it is passed, such
    as the context, are copied with its name.
    """
    function = cast(Callable[..., Any], wrapped)
    first = 1 if hasattr(function, "jinja_pass_arg") else 0

    @functools.wraps(function)
    def _run(*args: Any, **kwargs: Any) -> Any:
        for value in (*args[first + 1 :], *kwargs.values()):
            if isinstance(value, int | float) and abs(value) > _LARGEST_ARGUMENT and name not in _COMPARING:
                raise TooMuch(f"the template gives a filter the number {value:.3g}")
        if name in _SHALLOW:
            spend(THING)
            return function(*args, **kwargs)
        pay([*args[first:], *kwargs.values()])
        result = _listed(function(*args, **kwargs))
        pay(result)
        return result

    return _run


@jinja2.pass_environment
def _join(environment: jinja2.Environment, values: Any, d: Any = "", attribute: Any = None) -> str:
    if attribute is not None:
        values = [environment.getattr(value, str(attribute)) for value in values]
    return joined(values, text_of(d))


def _sum(values: Any, start: float = 0) -> float:
    numbers = [start, *values]
    if not all(isinstance(number, int | float) for number in numbers):
        raise TooMuch("the template adds up what are no numbers")
    return sum(numbers[1:], start)


def _escape(value: Any) -> str:
    text = text_of(value)
    for character, entity in {"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", '"': "&#34;"}.items():
        text = replaced(text, character, entity)
    return text


def _format(text: Any, *values: Any, **named: Any) -> str:
    return percent_formatted(text_of(text), named or values)


def _replace(value: Any, old: Any, new: Any, count: int | None = None) -> str:
    return replaced(text_of(value), text_of(old), text_of(new), count)


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    weigh(numbers)
    return numbers


def _refuse(reason: Any) -> NoReturn:
    raise jinja2.TemplateError(text_of(reason)[:1000])


def _date_text(date: datetime.date, format: str) -> str:  # templates may name it
    if not _DATE_FORMAT.fullmatch(format):
        raise TooMuch(f"the template writes a date as {format[:100]!r}")
    return datetime.datetime.combine(date, datetime.time()).strftime(format)


_OWN_FILTERS: dict[str, Callable[..., Any]] = {
    "_counted": _counted,
    "_joined": joined,
    "_paid": _weighed,
    "_sliced": _sliced,
    "center": padded(str.center),
    "e": _escape,
    "escape": _escape,
    "format": _format,
    "indent": indented,
    "join": _join,
    "replace": _replace,
    "safe": text_of,
    "string": text_of,
    "sum": _sum,
    "tojson": as_json,
}
