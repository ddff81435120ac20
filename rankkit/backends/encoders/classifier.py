"""Encoders with a classification head: a graph that gives an input one logit, or two."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from rankkit.backends.encoders.engine import Engine, check_inputs, gate_for, open_engine, outputs_of, run
from rankkit.backends.encoders.graph_files import find_graph, named_graph
from rankkit.backends.encoders.graphs.optimised import runnable
from rankkit.backends.encoders.head import DEFAULT_ENGINE, TOKENS_A_BATCH, Head, input_shape, no_threads
from rankkit.backends.protocols import PairBatch
from rankkit.backends.tokenizing.batching import padded
from rankkit.backends.tokenizing.files import LongQuery
from rankkit.backends.tokenizing.pairs import PairTokenizer
from rankkit.backends.tokenizing.triples import TripleTokenizer
from rankkit.core.ranking import ScoreKind
from rankkit.errors import ConfigError, InvalidModel

Reader = TypeVar("Reader", PairTokenizer, TripleTokenizer)


class Classifier(Head, Generic[Reader]):
    """A folder with a graph that has a classification head, and how it is run; what it reads is its children's
    business.

    The output named ``logits``, or else the first that fits, holds one logit an input, or two (no, yes), of which the
    difference is the score. A dynamically quantised graph is run one input at a time: in company its scores would move
    (by up to 0.76 for MiniLM-L-12) and cost as much. Other graphs get length-sorted batches of at most
    ``batch_tokens`` tokens, padding included, where a score moves by float rounding only (1e-5). A graph of fixed
    sizes gets its inputs padded to them.

    ``threads`` is how many runs go on at once, one core each; the default is what this process may use. ``graph``
    names the file where a folder has several. ``engine`` is the name of a row (see ``engine.py``), or an engine that
    is open already; the folder's tokenizer is read all the same.
    """

    score_kind = ScoreKind.LOGIT

    #: What makes tokens of its inputs.
    _reader: type[Reader]

    def __init__(
        self,
        folder: str | Path,
        *,
        name: str | None = None,
        graph: str | None = None,
        engine: str | Engine = DEFAULT_ENGINE,
        max_length: int | None = None,
        long_query: LongQuery = "shorten",
        threads: int | None = None,
        batch_tokens: int = TOKENS_A_BATCH,
    ) -> None:
        arguments: dict[str, Any] = {
            "name": name,
            "graph": graph,
            "engine": engine,
            "max_length": max_length,
            "long_query": long_query,
            "threads": threads,
            "batch_tokens": batch_tokens,
        }
        folder = Path(folder)
        self._engine = _opened(folder, graph, engine, threads)
        super().__init__(folder, [self._engine], name=name, arguments=arguments)
        optional = {"attention_mask", "token_type_ids"}
        check_inputs(self._engine, {"input_ids"}, optional, "a cross-encoder")
        self._output = _logits_output(self._engine)
        self._shape = input_shape(self._engine)
        self._tokenizer: Reader = self._reader(
            folder, max_length=max_length, long_query=long_query, most_tokens=self._shape.tokens
        )
        self.max_length = self._tokenizer.max_length
        self._long_query = long_query
        self._batch_tokens = 0 if self.runs_alone else max(batch_tokens, self.max_length)

    def _options(self) -> tuple[object, ...]:
        return self._output, self.max_length, self._long_query, self._batch_tokens

    def score(self, batch: PairBatch) -> list[float]:
        """One logit an input, along the batch's positions."""
        if not batch.positions:
            return []
        ids, mask, types = padded(batch, self._tokenizer.pad_id, self._shape)
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        output = run(self._engine, feeds)[self._output]
        return self._logits(output.astype(np.float64), len(ids))[: len(batch.positions)]

    def _logits(self, output: NDArray[np.float64], count: int) -> list[float]:
        fits = output.ndim > 0 and output.size > 0 and output.size % count == 0
        rows = output.reshape(count, -1) if fits else output
        match rows.shape:
            case (_, 1):
                return [float(value) for value in rows[:, 0]]
            case (_, 2):
                return [float(value) for value in rows[:, 1] - rows[:, 0]]
        raise InvalidModel(
            f"{self._engine.source} gave an output of shape {output.shape} for {count} input(s)",
            hint=f"Its outputs are {outputs_of(self._engine)}; one number an input was due, or two.",
        )


def _opened(folder: Path, graph: str | None, engine: str | Engine, threads: int | None) -> Engine:
    if not isinstance(engine, str):
        no_threads(threads)
        if graph is not None:
            raise ConfigError("graph is given, and an engine that has its own", hint="Give one of the two.")
        return engine
    gate = gate_for(threads)
    return open_engine(engine, runnable(named_graph(folder, graph) if graph else find_graph(folder, "model")), gate)


def _logits_output(engine: Engine) -> str:
    """The output to read: ``logits``, else the first that is not one number for each token, else the only one."""
    numbers = {name: spec.shape for name, spec in engine.outputs.items() if _is_number(spec.kind)}
    fitting = [name for name, shape in numbers.items() if shape is not None and len(shape) in (1, 2)]
    if "logits" in engine.outputs:
        fitting = [name for name in numbers if name == "logits"]
    elif len(numbers) == 1:
        fitting = list(numbers)
    if not fitting:
        raise InvalidModel(
            f"{engine.source} has the outputs {outputs_of(engine)}; a reranker gives one logit a pair, or two",
            hint="Is it an encoder without a head? A cross-encoder's output is called logits.",
        )
    shape = numbers[fitting[0]]
    labels = shape[-1] if shape and len(shape) > 1 else 1
    if labels not in (None, 1, 2):
        raise InvalidModel(
            f"{engine.source} gives {labels} numbers a pair; a reranker gives one logit or two",
            hint="Is it a classifier with other labels, or an encoder without a head?",
        )
    return fitting[0]


def _is_number(kind: str | None) -> bool:
    return kind is not None and kind.startswith(("float", "int"))
