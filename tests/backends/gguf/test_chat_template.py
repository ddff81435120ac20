# ruff: noqa: E501  # a template is easier to read on one line
"""Templates of models are programs of strangers: what real ones use works, and what is hostile ends soon, in words."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

pytest.importorskip("jinja2")

from rankkit.backends.gguf.chat_template import NAMED, ChatTemplate
from rankkit.backends.protocols import Message
from rankkit.errors import BackendError, ConfigError
from tests.conftest import ROOT

SHOWN = "{% for m in messages %}{{ m.content }}{% endfor %}"
USER = [Message("user", "hello")]


def render(template: str, *messages: Message, **options: str) -> str:
    return "".join(part.text for part in ChatTemplate(template, **options).parts(messages or USER))


HOSTILE = {
    "a long loop": "{% for i in range(10**9) %}x{% endfor %}",
    "nested loops": "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
    "nested loops that print": "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}",
    "a loop over a text": "{% for i in 'x' * 99999 %}{% for j in 'x' * 99999 %}{% endfor %}{% endfor %}",
    "a loop over filters": "{% for i in range(9999)|map('string')|list %}{{ range(9999)|map('string')|list|length }}"
    "{% endfor %}",
    "comparisons in a loop": "{% set a = range(9000)|list %}{% set b = range(9000)|list %}{% for i in range(9000) %}"
    "{% if a == b %}{% endif %}{% endfor %}",
    "membership in a loop": "{% set a = range(9000)|list %}{% for i in range(9000) %}{{ 'x' in a }}{% endfor %}",
    "slices in a loop": "{% set a = 'x' * 900000 %}{% for i in range(9000) %}{% if a[1:] %}{% endif %}{% endfor %}",
    "a loop that calls itself": "{% for i in [1, 2, 3] recursive %}{{ loop([1, 2, 3]) }}{% endfor %}",
    "a macro that calls itself": "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}",
    "a macro that calls itself twice": "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}"
    "{{ f(90) }}",
    "division by zero": "{{ 1 / 0 }}",
    "division by zero at run time": "{{ 1 / (messages|length - messages|length) }}",
    "a power": "{{ (9 ** 9999 ** 2) }}",
    "a power of constants": "{{ ((9 ** 999) ** 999)|string|length }}",
    "a power at run time": "{{ ((messages|length + 8) ** 99999999)|string|length }}",
    "a product of powers": "{% set ns = namespace(x=9 ** 999) %}{% for i in range(99) %}{% set ns.x = ns.x * ns.x %}"
    "{% endfor %}",
    "a long text": "{{ ('x' * 10 ** 10)|length }}",
    "a long text at run time": "{{ ('x' * (messages|length * 10 ** 10))|length }}",
    "a long text the other way": "{{ (10 ** 10 * 'x')|length }}",
    "a long list": "{{ ([0] * 10 ** 10)|length }}",
    "a text that doubles": "{% set ns = namespace(x='xx') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "a text that doubles by ~": "{% set ns = namespace(x='xx') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}"
    "{% endfor %}",
    "a text that doubles without a loop": "{% set a = 'xx' %}" + "{% set a = a ~ a %}" * 99,
    "a block that doubles": "{% set a = 'xx' %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 99,
    "a list that doubles": "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "a list of itself twice": "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}"
    "{% endfor %}{{ ns.x }}",
    "a tuple of itself twice, as a key": "{% set a = (1, 1) %}" + "{% set a = (a, a) %}" * 99 + "{{ {a: 1} }}",
    "a dictionary of itself": "{% set a = {} %}" + "{% set a = {1: a, 2: a} %}" * 99 + "{{ a|tojson }}",
    "a format's width": "{{ ('%' ~ 3000000000 ~ 'd')|format(1)|length }}",
    "a format's width by %": "{{ ('%3000000000d' % 1)|length }}",
    "a format's precision": "{{ ('%.3000000000f' % 1.5)|length }}",
    "a format's width as an argument": "{{ ('%*d' % (3000000000, 1))|length }}",
    "a format's width with a key": "{{ ('%(a)03000000000d' % {'a': 1})|length }}",
    "str.format's width": "{{ '{:3000000000}'.format(1)|length }}",
    "str.format's width as an argument": "{{ '{:{w}}'.format(1, w=3000000000)|length }}",
    "many fields of a long text": "{{ ('%(a)s' * 2000) % {'a': 'x' * 900000} }}",
    "center": "{{ 'x'|center(3000000000)|length }}",
    "ljust": "{{ 'x'.ljust(3000000000)|length }}",
    "zfill": "{{ 'x'.zfill(3000000000)|length }}",
    "expandtabs": "{{ '\t'.expandtabs(3000000000)|length }}",
    "indent": "{{ ('\n' * 900000)|indent(1000)|length }}",
    "indent by a text": "{{ ('\n' * 900000)|indent('x' * 900000)|length }}",
    "replace": "{{ ('x' * 900000)|replace('x', 'y' * 900000)|length }}",
    "str.replace": "{{ ('x' * 900000).replace('x', 'y' * 900000)|length }}",
    "join": "{{ range(9000)|join('x' * 900000)|length }}",
    "str.join": "{{ ('x' * 900000).join(['a'] * 9000)|length }}",
    "str.split": "{{ ('x ' * 500000).split(' ')|length }}",
    "batch": "{{ [1]|batch(3000000000, 'x')|list|length }}",
    "slice": "{{ [1]|slice(3000000000)|list|length }}",
    "round": "{{ 5|round(-3000000000) }}",
    "wordwrap": "{{ ('x ' * 400000)|wordwrap(1) }}",
    "lipsum": "{{ lipsum(n=100000) }}",
    "tojson with a wide indent": "{{ [[[1]]]|tojson(indent=3000000000) }}",
    "strftime with a width": "{{ strftime_now('%3000000000Y') }}",
    "a long date": "{{ strftime_now('%A' * 99999) }}",
    "deep parentheses": "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "deep lists": "{{ " + "[" * 3000 + "]" * 3000 + " }}",
    "deep ifs": "{% if 1 %}" * 3000 + "{% endif %}" * 3000,
    "a long sum": "{{ " + "1 + " * 20_000 + "1 }}",
    "a number of many digits": "{{ " + "9" * 10_000 + " }}",
    "a million characters": "x" * 1_000_000,
    "an unclosed block": "{% for m in messages %}",
    "an unknown filter": "{{ 1|unknown }}",
    "an unknown tag": "{% unknown %}",
    "another template": "{% include '/etc/passwd' %}",
    "inheritance": "{% extends 'x' %}",
    "an import": "{% import 'os' as os %}",
    "nothing to call": "{{ nothing() }}",
    "a missing attribute": "{{ messages[7].content.x }}",
    "a reason with control characters": "{{ raise_exception('\x1b[2J') }}",
}


@pytest.mark.parametrize("template", HOSTILE.values(), ids=HOSTILE)
def test_what_is_hostile_or_wrong_is_refused(template: str) -> None:
    with pytest.raises((ConfigError, BackendError)) as caught:
        render(template + SHOWN)
    assert str(caught.value).replace("\n", "").isprintable()


SMALL = """
import resource
from tests.backends.gguf.test_chat_template import HOSTILE, SHOWN, BackendError, ConfigError, render

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for template in HOSTILE.values():
    try:
        render(template + SHOWN)
    except (BackendError, ConfigError):
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_what_is_hostile_takes_little_memory() -> None:
    pytest.importorskip("resource")
    done = subprocess.run([sys.executable, "-c", SMALL], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < (200_000 if sys.platform != "darwin" else 200_000_000), "kB on Linux, bytes on macOS"


ESCAPES = {
    "class": "{{ ''.__class__.__mro__ }}",
    "attr": "{{ ''|attr('__class__') }}",
    "format": "{{ '{0.__class__.__init__.__globals__}'.format(namespace) }}",
    "format of an item": "{{ '{0[a]}'.format({'a': namespace}) }}",
    "attr of format": "{% set f = '{0.__globals__}'|attr('format') %}{{ f(raise_exception) }}",
    "format_map": "{{ '{a.__globals__}'.format_map({'a': raise_exception}) }}",
    "map of format": "{{ (['{0.__globals__}']|map(attribute='format')|list)[0](raise_exception) }}",
    "a method as text": "{{ ['x']|map(attribute='format')|first }}",
    "a function as text": "{{ raise_exception }}",
    "a function in a list": "{{ [raise_exception] }}",
    "a function by ~": "{{ 'x' ~ raise_exception }}",
    "a function by %": "{{ '%s' % raise_exception }}",
    "a function by join": "{{ [raise_exception]|join }}",
    "a function by string": "{{ raise_exception|string }}",
    "a function by json": "{{ raise_exception|tojson }}",
    "a namespace as text": "{{ namespace(x=raise_exception) }}",
    "globals of a macro": "{% macro m() %}{% endmacro %}{{ m.__globals__ }}{{ m._func }}",
    "self": "{{ self._TemplateReference__context }}",
    "mutation": "{{ messages.append(1) }}",
    "mutation of a message": "{{ messages[0].update({'content': 'x'}) }}",
    "a type": "{{ dict.mro() }}",
}


@pytest.mark.parametrize("template", ESCAPES.values(), ids=ESCAPES)
def test_nothing_of_the_process_gets_into_a_prompt(template: str) -> None:
    try:
        text = render(template + SHOWN)
    except BackendError:
        return
    assert text == "hello", "an attribute that nobody may see is undefined, which shows nothing"


# What templates of models in use do.

WORKS = {
    "loop variables": (
        "{% for m in messages %}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ m.content }}{% endfor %}",
        "0TrueTrue1hello",
    ),
    "loop controls": ("{% for i in range(9) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}"
                      "{{ i }}{% endfor %}" + SHOWN, "02hello"),
    "a namespace": ("{% set ns = namespace(n=0, s='') %}{% for m in messages %}{% set ns.n = ns.n + 1 %}"
                    "{% set ns.s = ns.s ~ ns.n %}{% endfor %}{{ ns.s }}" + SHOWN, "1hello"),
    "generation": (
        "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}", "hello"),
    "a macro": ("{% macro turn(m, end='.') %}<{{ m.role }}>{{ m.content }}{{ end }}{% endmacro %}"
                "{% for m in messages %}{{ turn(m) }}{% endfor %}", "<user>hello."),
    "tojson": ("{{ {'a': ['<', 1, none, true], 'b': '\u00e4'}|tojson }}" + SHOWN, '{"a": ["<", 1, null, true], "b": "ä"}hello'),
    "tojson with an indent": ("{{ [1]|tojson(indent=4) }}" + SHOWN, "[\n    1\n]hello"),
    "methods of texts": ("{{ 'a-b'.split('-')[-1].upper().replace('B', 'c').strip() }}{{ ' x '.lstrip() }}"
                         "{{ 'ab'.startswith('a') }}{{ '{}/{name}'.format(1, name='x') }}" + SHOWN, "cx True1/xhello"),
    "methods of dictionaries": ("{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}{{ messages[0].get('x', 'y') }}"
                                + SHOWN, "a1yhello"),
    "filters": ("{{ ' a '|trim|upper }}{{ [3, 1]|sort|join(', ') }}{{ 'x'|default('y') }}{{ nothing|default('y') }}"
                "{{ messages|map(attribute='role')|list|first }}{{ messages|selectattr('role', 'equalto', 'user')|list|length }}"
                "{{ '%s %d'|format('a', 1) }}{{ 'a\nb'|indent(2) }}{{ [1, 2]|sum }}{{ 2.5|round|int }}" + SHOWN,
                "A1, 3xyuser1a 1a\n  b32hello"),
    "tests": ("{{ messages is iterable }}{{ messages[0].content is string }}{{ nothing is defined }}{{ none is none }}"
              "{{ {} is mapping }}{{ 3 is odd }}{{ 'user' in ['user', 'x'] }}" + SHOWN, "TrueTrueFalseTrueTrueTrueTruehello"),
    "slices": ("{{ messages[1:]|length }}{{ 'abc'[::-1] }}" + SHOWN, "0cbahello"),
    "arithmetic": ("{{ 7 // 2 }}{{ 7 % 2 }}{{ 2 ** 10 }}{{ -1 }}{{ 'ab' * 2 }}" + SHOWN, "311024-1ababhello"),
    "a block that is set": ("{% set x %}a{{ 1 }}{% endset %}{{ x|trim }}" + SHOWN, "a1hello"),
    "a block with a filter": ("{% filter upper %}a{{ 1 }}b{% endfilter %}" + SHOWN, "A1Bhello"),
    "a caller": ("{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}x{% endcall %}" + SHOWN, "[x]hello"),
    "no tools": ("{% if tools is not none and tools %}tools{% endif %}{% if documents %}d{% endif %}" + SHOWN, "hello"),
    "a loop over a tree": ("{% for x in [[1, []], [2, []]] recursive %}{{ x[0] }}{{ loop(x[1]) }}{% endfor %}" + SHOWN,
                           "12hello"),
    "an attribute that is missing": ("{{ messages[0].tool_calls }}{% if messages[0].x is defined %}y{% endif %}" + SHOWN, "hello"),
    "the date": ("{{ strftime_now('%d %b %Y') }} " + SHOWN, "26 Jul 2024 hello"),
}  # fmt: skip


@pytest.mark.parametrize(("template", "text"), WORKS.values(), ids=WORKS)
def test_what_templates_of_models_use_works(template: str, text: str) -> None:
    assert render(template) == text


@pytest.mark.parametrize("name", NAMED)
def test_long_conversations_go_through(name: str) -> None:
    messages = [Message("assistant" if turn % 2 else "user", f"turn {turn}") for turn in range(201)]
    assert "turn 200" in render(name, *messages)


def test_a_template_may_look_at_all_messages_for_each_of_them() -> None:
    asks = "{% if loop.index0 == messages|length - 1 and messages[1:] and messages[-1].role == m.role %}!{% endif %}"
    template = "{% for m in messages %}" + asks * 5 + "{{ m.content }}{% endfor %}"
    messages = [Message("assistant" if turn % 2 else "user", f"turn {turn}") for turn in range(401)]
    assert render(template, *messages).endswith("!!!!!turn 400")


def test_the_day_is_the_callers_and_never_todays() -> None:
    template = "{{ strftime_now('%Y-%m-%d') }}" + SHOWN
    assert render(template, date="2031-01-02") == "2031-01-02hello"
    assert time.strftime("%Y-%m-%d") not in render(template)
    for wrong in ("yesterday", "", "2031-02-31"):
        with pytest.raises(ConfigError, match="is no day"):
            ChatTemplate(template, date=wrong)
