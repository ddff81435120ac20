"""How each method's judge is built from a spec. Heavy imports are inside: specs are checked without a runtime."""

from __future__ import annotations

from typing import Any

from rankkit.models import store


def cross_encoder(spec: Any) -> object:
    from rankkit.backends.encoders.cross_encoder import CrossEncoder
    from rankkit.pointwise.cross_encoder import CrossEncoderJudge

    encoder = CrossEncoder(store.locate(spec.model), graph=spec.graph, **spec.reading())
    return CrossEncoderJudge(encoder, spec.scores or "logit")


def monot5(spec: Any) -> object:
    from rankkit.backends.encoders.seq2seq import Seq2Seq
    from rankkit.pointwise.monot5 import MonoT5Judge

    seq2seq = Seq2Seq(store.locate(spec.model), **spec.reading())
    return MonoT5Judge(seq2seq, spec.prompt_template(), spec.scores or "log-probability")


def difference(spec: Any) -> object:
    from rankkit.pairwise.difference import ScoreDifferenceJudge

    return ScoreDifferenceJudge(spec.scoring().judge(), **spec.method_options)


def duo(spec: Any) -> object:
    from rankkit.backends.encoders.duo import DuoEncoder
    from rankkit.pairwise.cross_encoder import DuoEncoderJudge

    return DuoEncoderJudge(DuoEncoder(store.locate(spec.model), **spec.reading()))


def duot5(spec: Any) -> object:
    from rankkit.backends.encoders.seq2seq import Seq2Seq
    from rankkit.pairwise.duot5 import DuoT5Judge

    return DuoT5Judge(Seq2Seq(store.locate(spec.model), **spec.reading()), spec.prompt_template())


def prompted(spec: Any) -> object:
    from rankkit.pairwise.prompted import PromptedJudge

    template = spec.prompt_template()
    return PromptedJudge(spec.backend(), template, spec.passage_tokens)


def prompted_text(spec: Any) -> object:
    from rankkit.pairwise.prompted import PromptedJudge

    template = spec.prompt_template()
    return PromptedJudge(spec.backend(), template, spec.passage_tokens, by_text=True)


def generate(spec: Any) -> object:
    from rankkit.listwise.generate import GenerateJudge

    template = spec.prompt_template()
    return GenerateJudge(spec.backend(), template, spec.passage_tokens, policy=spec.policy)


def constrained(spec: Any) -> object:
    from rankkit.listwise.constrained import ConstrainedJudge

    template = spec.prompt_template()
    return ConstrainedJudge(spec.backend(), template, spec.passage_tokens)


def first_token(spec: Any) -> object:
    from rankkit.listwise.first_token import FirstTokenJudge

    template = spec.prompt_template()
    return FirstTokenJudge(spec.backend(), template, spec.passage_tokens)


def setwise(spec: Any) -> object:
    """By log-probabilities, by a constraint or by the text: the best that the server can."""
    from rankkit.listwise.setwise import SetwiseConstrainedJudge, SetwiseJudge, SetwiseTextJudge

    template, backend = spec.prompt_template(), spec.backend()
    if spec.can(backend, "log_probabilities"):
        return SetwiseJudge(backend, template, spec.passage_tokens)
    judge = SetwiseConstrainedJudge if spec.can(backend, "structure") else SetwiseTextJudge
    return judge(backend, template, spec.passage_tokens)
