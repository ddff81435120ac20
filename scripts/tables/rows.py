"""Each table's cells: a heading and the lines below it, made from the rows that the program itself reads."""

from __future__ import annotations

from collections.abc import Iterable

from rankkit.backends.encoders.engine import ROWS as ENGINES
from rankkit.config import registry
from rankkit.config.built_in import METHODS, STRATEGIES
from rankkit.config.kinds import PARADIGMS
from rankkit.config.methods import methods_of
from rankkit.models import catalogue
from rankkit.pairwise.aggregation.methods import AGGREGATIONS
from rankkit.prompting.loading import list_prompts, load_prompt

Cells = list[list[str]]


def paradigms() -> Cells:
    lines = [[_code(row.name), _codes([row.model] if row.model else []), _codes(row.marks)] for row in PARADIGMS]
    return [["`paradigm`", "default model", "also meant by a table with"], *lines]


def kinds_of_models() -> Cells:
    lines = []
    for row in registry.kinds().values():
        asked = [name for names in methods_of(row.name).values() for name in names]
        lines.append([row.name, row.paradigm, _codes(asked), _codes(row.keys)])
    return [["model", "paradigm where none is said", "`method`", "keys that only some kinds use"], *lines]


def methods() -> Cells:
    lines = []
    for paradigm in _asking():
        for row in registry.methods(paradigm).values():
            models = [f"**{kind}**" if kind in row.default_for else kind for kind in row.kinds]
            needs = [need.replace("_", "-") for need in row.needs]
            lines.append(
                [
                    _code(row.name),
                    paradigm,
                    row.question,
                    ", ".join(models),
                    ", ".join(needs),
                    _codes([row.prompt] if row.prompt else []),
                    _codes([*row.keys, *row.options]),
                ]
            )
    heading = ["`method`", "paradigm", "question", "models (**default for**)", "needs", "prompt", "keys of its own"]
    return [heading, *lines]


def strategies() -> Cells:
    lines = []
    for question in dict.fromkeys(row.question for row in STRATEGIES):
        for place, row in enumerate(registry.strategies(question).values()):
            name = f"{_code(row.name)}{' (default)' if place == 0 else ''}"
            given = "scores" if row.scores else "an order"
            lines.append([f"{name}, {question}", row.paradigm, given, _codes([*row.keys, *row.options])])
    return [["`strategy`, question", "paradigm", "gives", "keys of its own"], *lines]


def aggregations() -> Cells:
    lines = [[_code(name), _code(one.kind.value)] for name, one in AGGREGATIONS.items()]
    return [["`aggregate`", "kind of scores"], *lines]


def engines() -> Cells:
    return [["`engine`", "module"], *([_code(row.name), _code(row.opens.partition(":")[0])] for row in ENGINES)]


def prompts() -> Cells:
    loaded = [load_prompt(name) for name in list_prompts()]
    lines = [[_code(one.name), one.question, one.description, one.source] for one in loaded]
    return [["prompt", "question", "for", "source"], *lines]


def models() -> Cells:
    lines = []
    for row in catalogue.rows():
        limit = "" if row.max_length is None else str(row.max_length)
        trained = _codes([row.prompt] if row.prompt else [])
        pinned = "no" if len(row.unpinned) == len(row.source) else "yes"
        terms = f"{row.licence} (terms)" if row.terms else row.licence
        lines.append([_code(row.name), row.kind, terms, limit, trained, pinned])
    return [["model", "kind", "licence", "tokens", "trained on the prompt", "pinned"], *lines]


def _asking() -> list[str]:
    """The paradigms whose rerankers ask a model."""
    return list(dict.fromkeys(row.paradigm for row in METHODS))


def _code(name: str) -> str:
    return f"`{name}`"


def _codes(names: Iterable[str]) -> str:
    return ", ".join(map(_code, names))
