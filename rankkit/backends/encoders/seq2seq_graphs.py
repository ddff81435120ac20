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

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rankkit.backends.encoders.onnx import OnnxSession, find_graph
from rankkit.errors import InvalidModel

Ids = NDArray[np.int32]


class FirstStep(Protocol):
    """A model that has read its input and is about to write."""

    @property
    def sessions(self) -> tuple[OnnxSession, ...]: ...

    def logits(self, ids: Ids, mask: Ids, start: int) -> NDArray[Any]:
        """Shape (inputs, vocabulary): what follows the decoder's start token. The encoder runs once."""


def open_graphs(folder: Path) -> FirstStep:
    """The first layout that the folder has.

    Raises:
        InvalidModel: it has none, or an encoder without its decoder.
    """
    places = (folder, folder / "onnx")
    if any(list(place.glob("encoder_model*.onnx")) for place in places):
        decoder = find_graph(folder, "decoder_model.onnx", "decoder_model_merged.onnx", "decoder_model_*.onnx")
        return EncoderDecoder(
            OnnxSession(find_graph(folder, "encoder_model.onnx", "encoder_model*.onnx")), OnnxSession(decoder)
        )
    if any(list(place.glob("decoder_model*.onnx")) for place in places):
        find_graph(folder, "encoder_model.onnx")
    return OneGraph(OnnxSession(find_graph(folder, "model.onnx", "encoder_model.onnx", "model*.onnx")))


class EncoderDecoder:
    """An encoder's graph and a decoder's. Of a merged decoder the branch without past is taken."""

    def __init__(self, encoder: OnnxSession, decoder: OnnxSession) -> None:
        self._encoder, self._decoder = encoder, decoder
        self.sessions = (encoder, decoder)
        _needs(encoder, {"input_ids"}, {"attention_mask"}, "an encoder")
        past = {name for name in decoder.inputs if name.startswith("past_key_values.")}
        _needs(
            decoder,
            {"input_ids", "encoder_hidden_states"},
            {"encoder_attention_mask", "use_cache_branch", "decoder_attention_mask"} | past,
            "a decoder",
        )
        if past and "use_cache_branch" not in decoder.inputs:
            raise InvalidModel(
                f"{decoder.path} only goes on from a past; the first step needs a decoder without one",
                hint="Take decoder_model.onnx or decoder_model_merged.onnx of the same export.",
            )
        self._past = sorted(past)

    def logits(self, ids: Ids, mask: Ids, start: int) -> NDArray[Any]:
        count = len(ids)
        hidden = self._encoder.run({"input_ids": ids, "attention_mask": mask})
        feeds = {
            "input_ids": np.full((count, 1), start, np.int32),
            "encoder_hidden_states": hidden,
            "encoder_attention_mask": mask,
            "decoder_attention_mask": np.ones((count, 1), np.int32),
            "use_cache_branch": np.zeros(1, np.bool_),
            **{name: self._no_past(name, count) for name in self._past},
        }
        return _first(self._decoder.run(feeds), self._decoder)

    def _no_past(self, name: str, count: int) -> NDArray[Any]:
        """Zeros that the branch without past does not read: (inputs, heads, 1 step, numbers a head)."""
        shape = self._decoder.input_shapes[name]
        return np.zeros([count, *(size if isinstance(size, int) else 1 for size in shape[1:])], np.float32)


class OneGraph:
    """Encoder and decoder in one graph."""

    def __init__(self, session: OnnxSession) -> None:
        self._session = session
        self.sessions = (session,)
        _needs(
            session,
            {"input_ids", "decoder_input_ids"},
            {"attention_mask", "decoder_attention_mask"},
            "a sequence-to-sequence model in one graph",
        )

    def logits(self, ids: Ids, mask: Ids, start: int) -> NDArray[Any]:
        first = np.full((len(ids), 1), start, np.int32)
        feeds = {"input_ids": ids, "attention_mask": mask, "decoder_input_ids": first}
        return _first(self._session.run({**feeds, "decoder_attention_mask": np.ones_like(first)}), self._session)


def _first(output: NDArray[Any], session: OnnxSession) -> NDArray[Any]:
    if output.ndim != 3:
        raise InvalidModel(
            f"the first output of {session.path}, {session.output!r}, has shape {output.shape}; "
            "logits of (inputs, steps, vocabulary) were due",
            hint="Export it with a language-modelling head: rankkit models export --kind seq2seq",
        )
    return np.asarray(output[:, 0, :])


def _needs(session: OnnxSession, needed: set[str], possible: set[str], what: str) -> None:
    seen = set(session.inputs)
    if needed - seen or seen - needed - possible:
        raise InvalidModel(
            f"{session.path} takes the inputs {', '.join(session.inputs)}; {what} takes {', '.join(sorted(needed))}"
            f" and may take {', '.join(sorted(possible))}",
            hint="Make a folder that fits with: rankkit models export --kind seq2seq",
        )
