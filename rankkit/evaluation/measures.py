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


def evaluate(
    qrels: Mapping[str, Mapping[str, int]], orders: Mapping[str, Sequence[str]], measures: Sequence[Measure]
) -> Figures:
    """Measure orders of document ids (best first, for each query id) against judgements.

    Queries that are not judged are ignored. Ties cannot arise: positions are what is measured.

    Raises:
        DataError: nothing is judged, or an order holds a document twice.
    """
    if not qrels:
        raise DataError("there are no judgements to measure by", hint="Give the judgements of at least one query.")
    scores = {name: _scores(name, order) for name, order in orders.items() if order and name in qrels}
    # What C code computes dies of ids that are no Unicode.
    for name, grades in qrels.items():
        whole_id(name, "the query id")
        for document in grades:
            whole_id(document, "the document id")
    evaluator = _provider().evaluator([measure.definition for measure in measures], qrels)
    means, rows = evaluator.calc(scores)
    values: dict[Any, dict[str, float]] = {measure.definition: {} for measure in measures}
    for row in rows:
        values[row.measure][row.query_id] = float(row.value)
    return Figures(
        means={measure.name: float(means[measure.definition]) for measure in measures},
        per_query={
            measure.name: {
                name: values[measure.definition][name] for name in qrels if name in values[measure.definition]
            }
            for measure in measures
        },
    )


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
