"""Encoders: a *head* (what tokens go in, what scores mean) on an *engine* (arrays in, arrays out)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.backends.encoders.bi_encoder import BiEncoder as BiEncoder
    from rankkit.backends.encoders.cross_encoder import CrossEncoder as CrossEncoder
    from rankkit.backends.encoders.duo import DuoEncoder as DuoEncoder
    from rankkit.backends.encoders.engine import Engine as Engine
    from rankkit.backends.encoders.engine import TensorSpec as TensorSpec
    from rankkit.backends.encoders.engine import open_engine as open_engine
    from rankkit.backends.encoders.late_interaction import LateInteraction as LateInteraction
    from rankkit.backends.encoders.onnx import OnnxEngine as OnnxEngine
    from rankkit.backends.encoders.openvino import OpenVinoEngine as OpenVinoEngine
    from rankkit.backends.encoders.seq2seq import Seq2Seq as Seq2Seq
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "BiEncoder": "rankkit.backends.encoders.bi_encoder",
            "CrossEncoder": "rankkit.backends.encoders.cross_encoder",
            "DuoEncoder": "rankkit.backends.encoders.duo",
            "Engine": "rankkit.backends.encoders.engine",
            "LateInteraction": "rankkit.backends.encoders.late_interaction",
            "OnnxEngine": "rankkit.backends.encoders.onnx",
            "OpenVinoEngine": "rankkit.backends.encoders.openvino",
            "Seq2Seq": "rankkit.backends.encoders.seq2seq",
            "TensorSpec": "rankkit.backends.encoders.engine",
            "open_engine": "rankkit.backends.encoders.engine",
        },
    )
