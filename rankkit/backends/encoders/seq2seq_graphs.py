"""The ways in which an encoder-decoder model lies in a folder, each made to give the logits of the first output token.

======================================================  ==========================================================
files                                                   written by
======================================================  ==========================================================
``encoder_model.onnx``, ``decoder_model.onnx``          optimum and ``rankkit models export``
``encoder_model.onnx``, ``decoder_model_merged.onnx``   optimum: both branches of the decoder, with and without past
``model.onnx``                                          one graph, from ``input_ids`` and ``decoder_input_ids``
======================================================  ==========================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rankkit.backends.encoders.engine import Arrays, Engine, check_inputs, open_engine, outputs_of, run
from rankkit.backends.encoders.graph_files import find_graph, has_graph
from rankkit.core.limits import Gate
from rankkit.errors import InvalidModel

Ids = NDArray[np.int32]

_HINT = "Make a folder that fits with: rankkit models export --kind seq2seq"
_WHICH = "Leave only the one that is meant in the folder."


class FirstStep(Protocol):
    """A model that has read its input and is about to write."""

    def logits(self, ids: Ids, mask: Ids, start: int) -> NDArray[Any]:
        """Shape (inputs, vocabulary): what follows the decoder's start token. The encoder runs once."""


def open_graphs(folder: Path, engine: str, gate: Gate) -> list[Engine]:
    """The graphs of the first layout that the folder has, on one gate: an encoder and its decoder, or one graph.

    Raises:
        InvalidModel: it has none, or an encoder without its decoder.
    """
    paths: list[Path] = []
    if has_graph(folder, "encoder_model"):
        decoder = find_graph(folder, "decoder_model", "decoder_model_merged", hint=_WHICH)
        paths = [find_graph(folder, "encoder_model", hint=_WHICH), decoder]
    elif has_graph(folder, "decoder_model"):
        paths = [find_graph(folder, "encoder_model", hint=_WHICH)]
    else:
        paths = [find_graph(folder, "model", "encoder_model", hint=_WHICH)]
    return [open_engine(engine, path, gate) for path in paths]


def first_step(engines: Sequence[Engine]) -> FirstStep:
    """What an encoder's engine and a decoder's, or one for both, make together.

    Raises:
        InvalidModel: they are not such graphs.
    """
    match list(engines):
        case [whole]:
            return OneGraph(whole)
        case [encoder, decoder]:
            return EncoderDecoder(encoder, decoder)
    raise InvalidModel(f"a sequence-to-sequence model has one engine, or an encoder's and a decoder's: not {engines!r}")


class EncoderDecoder:
    """An encoder's graph and a decoder's. Of a merged decoder the branch without past is taken."""

    def __init__(self, encoder: Engine, decoder: Engine) -> None:
        self._encoder, self._decoder = encoder, decoder
        check_inputs(encoder, {"input_ids"}, {"attention_mask"}, "an encoder", hint=_HINT)
        past = {name for name in decoder.inputs if name.startswith("past_key_values.")}
        check_inputs(
            decoder,
            {"input_ids", "encoder_hidden_states"},
            {"encoder_attention_mask", "use_cache_branch", "decoder_attention_mask"} | past,
            "a decoder",
            hint=_HINT,
        )
        if past and "use_cache_branch" not in decoder.inputs:
            raise InvalidModel(
                f"{decoder.source} only goes on from a past; the first step needs a decoder without one",
                hint="Take decoder_model.onnx or decoder_model_merged.onnx of the same export.",
            )
        self._past = sorted(past)
        self._hidden = _output(encoder, "last_hidden_state")
        self._logits = _output(decoder, "logits")

    def logits(self, ids: Ids, mask: Ids, start: int) -> NDArray[Any]:
        count = len(ids)
        hidden = run(self._encoder, {"input_ids": ids, "attention_mask": mask})[self._hidden]
        feeds: Arrays = {
            "input_ids": np.full((count, 1), start, np.int32),
            "encoder_hidden_states": hidden,
            "encoder_attention_mask": mask,
            "decoder_attention_mask": np.ones((count, 1), np.int32),
            "use_cache_branch": np.zeros(1, np.bool_),
            **{name: self._no_past(name, count) for name in self._past},
        }
        return _first(run(self._decoder, feeds)[self._logits], self._decoder)

    def _no_past(self, name: str, count: int) -> NDArray[Any]:
        """Zeros that the branch without past does not read: (inputs, heads, 1 step, numbers a head)."""
        shape = self._decoder.inputs[name].shape or (None,) * 4
        return np.zeros([count, *(size or 1 for size in shape[1:])], np.float32)


class OneGraph:
    """Encoder and decoder in one graph."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        check_inputs(
            engine,
            {"input_ids", "decoder_input_ids"},
            {"attention_mask", "decoder_attention_mask"},
            "a sequence-to-sequence model in one graph",
            hint=_HINT,
        )
        self._logits = _output(engine, "logits")

    def logits(self, ids: Ids, mask: Ids, start: int) -> NDArray[Any]:
        first = np.full((len(ids), 1), start, np.int32)
        feeds = {"input_ids": ids, "attention_mask": mask, "decoder_input_ids": first}
        feeds["decoder_attention_mask"] = np.ones_like(first)
        return _first(run(self._engine, feeds)[self._logits], self._engine)


def _output(engine: Engine, name: str) -> str:
    """The output of that name, else the first."""
    chosen = name if name in engine.outputs else next(iter(engine.outputs), "")
    spec = engine.outputs.get(chosen)
    if spec is None or spec.kind is None:
        raise InvalidModel(f"{engine.source} has the outputs {outputs_of(engine)}; {name} was due", hint=_HINT)
    return chosen


def _first(output: NDArray[Any], engine: Engine) -> NDArray[Any]:
    if output.ndim != 3 or not output.size:
        raise InvalidModel(
            f"an output of {engine.source} has shape {output.shape}; logits of (inputs, steps, vocabulary) were due",
            hint=f"Its outputs are {outputs_of(engine)}. Export it with a language-modelling head: rankkit models "
            "export --kind seq2seq",
        )
    return np.asarray(output[:, 0, :])
