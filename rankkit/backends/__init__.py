"""What judges ask: a model on this machine or behind a server, each by the protocols of what it can do.

::

    from rankkit.backends import CrossEncoder, Endpoint, GgufModel

    encoders    cross-encoders and sequence-to-sequence models, as heads on an engine    gguf    llama.cpp
    openai      servers that speak OpenAI's protocol, on the client of http              language, tokenizing    shared
    rerank_api  services and servers that score documents, on the same client
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.backends.encoders.cross_encoder import CrossEncoder as CrossEncoder
    from rankkit.backends.encoders.duo import DuoEncoder as DuoEncoder
    from rankkit.backends.encoders.engine import Engine as Engine
    from rankkit.backends.encoders.onnx import OnnxEngine as OnnxEngine
    from rankkit.backends.encoders.openvino import OpenVinoEngine as OpenVinoEngine
    from rankkit.backends.encoders.seq2seq import Seq2Seq as Seq2Seq
    from rankkit.backends.gguf.model import GgufModel as GgufModel
    from rankkit.backends.language.pricing import Prices as Prices
    from rankkit.backends.openai.endpoint import Endpoint as Endpoint
    from rankkit.backends.protocols import Backend as Backend
    from rankkit.backends.protocols import Continuations as Continuations
    from rankkit.backends.protocols import ContinuationScorer as ContinuationScorer
    from rankkit.backends.protocols import DuoScorer as DuoScorer
    from rankkit.backends.protocols import Generated as Generated
    from rankkit.backends.protocols import PairScorer as PairScorer
    from rankkit.backends.protocols import PermutationDecoder as PermutationDecoder
    from rankkit.backends.protocols import Permuted as Permuted
    from rankkit.backends.protocols import TargetScorer as TargetScorer
    from rankkit.backends.protocols import TextBackend as TextBackend
    from rankkit.backends.protocols import TextGenerator as TextGenerator
    from rankkit.backends.rerank_api.client import RerankApi as RerankApi
    from rankkit.backends.rerank_api.pricing import RerankPrices as RerankPrices
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "Backend": "rankkit.backends.protocols",
            "ContinuationScorer": "rankkit.backends.protocols",
            "Continuations": "rankkit.backends.protocols",
            "CrossEncoder": "rankkit.backends.encoders.cross_encoder",
            "DuoEncoder": "rankkit.backends.encoders.duo",
            "DuoScorer": "rankkit.backends.protocols",
            "Endpoint": "rankkit.backends.openai.endpoint",
            "Engine": "rankkit.backends.encoders.engine",
            "Generated": "rankkit.backends.protocols",
            "GgufModel": "rankkit.backends.gguf.model",
            "OnnxEngine": "rankkit.backends.encoders.onnx",
            "OpenVinoEngine": "rankkit.backends.encoders.openvino",
            "PairScorer": "rankkit.backends.protocols",
            "PermutationDecoder": "rankkit.backends.protocols",
            "Permuted": "rankkit.backends.protocols",
            "Prices": "rankkit.backends.language.pricing",
            "RerankApi": "rankkit.backends.rerank_api.client",
            "RerankPrices": "rankkit.backends.rerank_api.pricing",
            "Seq2Seq": "rankkit.backends.encoders.seq2seq",
            "TargetScorer": "rankkit.backends.protocols",
            "TextBackend": "rankkit.backends.protocols",
            "TextGenerator": "rankkit.backends.protocols",
        },
    )
