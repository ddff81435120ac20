"""How each method's judge is built from a spec. Heavy imports are inside: specs are checked without a runtime."""

from __future__ import annotations

from collections.abc import Callable
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


def remote(spec: Any) -> object:
    from rankkit.pointwise.remote import RemoteJudge

    return RemoteJudge(spec.rerank_api())


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


def scored(model: Any, template: Any, passage_tokens: int) -> object:
    from rankkit.pointwise.prompted import PromptedScoreJudge

    return PromptedScoreJudge(model, template, passage_tokens)


def scored_text(model: Any, template: Any, passage_tokens: int) -> object:
    from rankkit.pointwise.prompted import PromptedScoreJudge

    return PromptedScoreJudge(model, template, passage_tokens, by_text=True)


def likelihood(model: Any, template: Any, passage_tokens: int) -> object:
    from rankkit.pointwise.likelihood import QueryLikelihoodJudge

    return QueryLikelihoodJudge(model, template, passage_tokens)


def prompted(model: Any, template: Any, passage_tokens: int) -> object:
    from rankkit.pairwise.prompted import PromptedJudge

    return PromptedJudge(model, template, passage_tokens)


def prompted_text(model: Any, template: Any, passage_tokens: int) -> object:
    from rankkit.pairwise.prompted import PromptedJudge

    return PromptedJudge(model, template, passage_tokens, by_text=True)


def generate(model: Any, template: Any, passage_tokens: int) -> object:
    from rankkit.listwise.generate import GenerateJudge

    return GenerateJudge(model, template, passage_tokens, policy="repair")


def constrained(model: Any, template: Any, passage_tokens: int) -> object:
    from rankkit.listwise.constrained import ConstrainedJudge

    return ConstrainedJudge(model, template, passage_tokens)


def first_token(model: Any, template: Any, passage_tokens: int) -> object:
    from rankkit.listwise.first_token import FirstTokenJudge

    return FirstTokenJudge(model, template, passage_tokens)


def setwise(model: Any, template: Any, passage_tokens: int) -> object:
    from rankkit.listwise.setwise import SetwiseJudge

    return SetwiseJudge(model, template, passage_tokens)


def asking(judge: Callable[[Any, Any, int], object]) -> Callable[[Any], object]:
    """The judge of a spec whose model is asked by a prompt."""

    def built(spec: Any) -> object:
        template = spec.prompt_template()  # before a model is opened for it
        return judge(spec.backend(), template, spec.passage_tokens)

    return built


def generate_by_policy(spec: Any) -> object:
    from rankkit.listwise.generate import GenerateJudge

    template = spec.prompt_template()
    return GenerateJudge(spec.backend(), template, spec.passage_tokens, policy=spec.policy)


def best_setwise(spec: Any) -> object:
    """By log-probabilities, by a constraint or by the text: the best that the server can."""
    from rankkit.listwise.setwise import SetwiseConstrainedJudge, SetwiseJudge, SetwiseTextJudge

    template, backend = spec.prompt_template(), spec.backend()
    if spec.can(backend, "log_probabilities"):
        return SetwiseJudge(backend, template, spec.passage_tokens)
    judge = SetwiseConstrainedJudge if spec.can(backend, "structure") else SetwiseTextJudge
    return judge(backend, template, spec.passage_tokens)
