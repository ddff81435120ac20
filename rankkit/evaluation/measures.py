"""Measures by ir_measures: names become measures, orders become values.

Two conventions, both trec_eval's. nDCG has linear gain (the grade itself) and a log2 discount. Averages are over
*all* judged queries: one that has no documents in the run counts as 0 (ir_measures always does so; trec_eval does with
``-c``). Unjudged documents are not relevant.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rankkit.core.extras import require_extra
from rankkit.data.lines import whole_id
from rankkit.errors import ConfigError, DataError

with require_extra("eval", "measuring"):
    import ir_measures

if TYPE_CHECKING:
    from ir_measures.providers import FallbackProvider

DEFAULT_MEASURES = "nDCG@10"

#: How many queries are measured together.
_TOGETHER = 500

_HOW = "Write a name, parameters in brackets, and the cutoff: nDCG@10, P(rel=2)@5, AP."


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure under the name that it was asked for by (``MRR@10``), which is its name in reports, too."""

    name: str
    definition: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Figures:
    """Values of measures: the mean over the queries, and for each query (measure -> query id -> value)."""

    means: Mapping[str, float]
    per_query: Mapping[str, Mapping[str, float]]


def parse_measures(names: str) -> tuple[Measure, ...]:
    """Read ``"nDCG@10, MRR@10, AP(rel=2)"``. A measure that is named twice is kept once.

    Raises:
        ConfigError: a name is not known, a cutoff or parameter is missing or wrong, or no name is given.
    """
    # Commas inside brackets separate parameters, not measures.
    given = [name.strip() for name in re.split(r",(?![^(]*\))", names) if name.strip()]
    if not given:
        raise ConfigError("no measure is given", hint=f"Name some: {DEFAULT_MEASURES},RR@10")
    measures: dict[object, Measure] = {}
    for name in given:
        definition = _define(name)
        measures.setdefault(definition, Measure(name, definition))
    return tuple(measures.values())


class Measuring:
    """Measures orders as they come in, a few hundred queries at a time; keeps their figures, and not the orders."""

    def __init__(self, qrels: Mapping[str, Mapping[str, int]], measures: Sequence[Measure]) -> None:
        """Raises:
        DataError: nothing is judged.
        """
        if not qrels:
            raise DataError("there are no judgements to measure by", hint="Give the judgements of at least one query.")
        self._qrels = qrels
        self._measures = measures
        self._waiting: dict[str, dict[str, float]] = {}
        self._values: dict[Any, dict[str, float]] = {measure.definition: {} for measure in measures}
        self._measured: set[str] = set()

    def add(self, query: str, order: Sequence[str]) -> None:
        """Document ids, best first. A query that is not judged is ignored.

        Raises:
            DataError: the order holds a document twice.
        """
        if order and query in self._qrels:
            self._waiting[query] = _scores(query, order)
            if len(self._waiting) >= _TOGETHER:
                self._measure(list(self._waiting))

    def figures(self) -> Figures:
        """Of all judged queries: one without an order counts as 0."""
        rest = [name for name in self._qrels if name not in self._measured]
        for start in range(0, len(rest), _TOGETHER):
            self._measure(rest[start : start + _TOGETHER])
        means: dict[str, float] = {}
        per_query: dict[str, dict[str, float]] = {}
        for measure in self._measures:
            values = self._values[measure.definition]
            per_query[measure.name] = {name: values[name] for name in self._qrels if name in values}
            aggregator = measure.definition.aggregator()
            for value in per_query[measure.name].values():
                aggregator.add(value)
            means[measure.name] = float(aggregator.result())
        return Figures(means, per_query)

    def _measure(self, names: Sequence[str]) -> None:
        grades = {name: self._qrels[name] for name in names}
        # What C code computes dies of ids that are no Unicode.
        for name, judged in grades.items():
            whole_id(name, "the query id")
            for document in judged:
                whole_id(document, "the document id")
        scores = {name: self._waiting.pop(name) for name in names if name in self._waiting}
        evaluator = _provider().evaluator([measure.definition for measure in self._measures], grades)
        for row in evaluator.iter_calc(scores):
            self._values[row.measure][row.query_id] = float(row.value)
        self._measured.update(names)


def evaluate(
    qrels: Mapping[str, Mapping[str, int]], orders: Mapping[str, Sequence[str]], measures: Sequence[Measure]
) -> Figures:
    """Measure orders of document ids (best first, for each query id) against judgements.

    Queries that are not judged are ignored. Ties cannot arise: positions are what is measured.

    Raises:
        DataError: nothing is judged, or an order holds a document twice.
    """
    measuring = Measuring(qrels, measures)
    for name, order in orders.items():
        measuring.add(name, order)
    return measuring.figures()


def _scores(query: str, order: Sequence[str]) -> dict[str, float]:
    if len(set(order)) < len(order):
        raise DataError(f"the order for query {query!r} holds a document twice", hint="Keep the first of them.")
    return {whole_id(document, "the document id"): float(len(order) - place) for place, document in enumerate(order)}


def _provider() -> FallbackProvider:
    # Only what comes as a wheel and gives a value for every query: others of ir_measures want Perl or a compiler.
    registry = ir_measures.providers.registry
    return ir_measures.providers.FallbackProvider(
        [registry[name] for name in ("pytrec_eval", "msmarco", "judged", "compat")]
    )


def _define(name: str) -> Any:
    try:
        definition = ir_measures.parse_measure(name)
    except NameError as error:
        raise ConfigError(f"there is no measure {name!r}", hint=_meant(name)) from error
    except ValueError as error:
        raise ConfigError(f"the measure {name!r} cannot be read", hint=_HOW) from error
    parameters = ", ".join(
        f"{key} (needed)" if row.required else key for key, row in definition.SUPPORTED_PARAMS.items()
    )
    try:
        supported = _provider().supports(definition)
    except AssertionError as error:  # this is how ir_measures validates parameters
        raise ConfigError(
            f"the measure {name!r} has a missing, wrong or unknown parameter",
            hint=f"{definition.NAME} takes {parameters or 'none'}. {_HOW}",
        ) from error
    if definition.params.get("cutoff", 1) < 1:
        raise ConfigError(f"the measure {name!r} looks at no document", hint="A cutoff is 1 or more.")
    if not supported:
        raise ConfigError(
            f"the measure {name!r} is known, but not computed here in this form",
            hint=f"Computed here, without software outside Python: {', '.join(_known())}.",
        )
    return definition


def _known() -> list[str]:
    return sorted({entry.NAME for provider in _provider().providers for entry in provider.SUPPORTED_MEASURES})


def _meant(name: str) -> str:
    """Name the nearest measures; trec_eval's own names (``ndcg_cut_10``) are translated."""
    try:
        translated = ir_measures.parse_trec_measure(re.sub(r"_(\d+)$", r".\1", name))
        return f"Did you mean {', '.join(map(str, translated))}?"
    except (ValueError, NameError, KeyError, IndexError):
        pass  # not one of trec_eval's
    stem, at, cutoff = name.partition("@")
    # Case is ignored first: to difflib, nDCG and ndcg have one letter in common.
    known = {entry.casefold(): entry for entry in _known()}
    close = difflib.get_close_matches(stem.casefold(), known, n=1, cutoff=0.6)
    return f"Did you mean {known[close[0]]}{at}{cutoff}?" if close else f"Known: {', '.join(known.values())}."
