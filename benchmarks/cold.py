"""One question, one freshly started ``llama_cpp.server``: its answers must be those of the model in this process.

A server that was asked before goes on from whatever two prompts share, and llama.cpp's results depend on how a prompt
is cut into batches. With nothing in its cache there is nothing left in which the two could differ.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.progress import track

from benchmarks.llama_server import LlamaServer
from benchmarks.methods import CONTEXT, MODELS, short
from rankkit.backends.gguf.model import GgufModel
from rankkit.backends.openai.endpoint import Endpoint
from rankkit.backends.openai.probe import Capabilities
from rankkit.backends.openai.structure import Form
from rankkit.core.ranking import Request
from rankkit.data.datasets import load_dataset
from rankkit.listwise.constrained import ConstrainedJudge
from rankkit.listwise.first_token import FirstTokenJudge
from rankkit.listwise.strategies.single import Single
from rankkit.models import store
from rankkit.models.catalogue import find
from rankkit.pipeline.judged import JudgeReranker
from rankkit.prompting.loading import load_prompt

#: With its prompt, and how many passages are shown.
JUDGES = {
    "first-token": (FirstTokenJudge, "listwise/letters", 20),
    "constrained": (ConstrainedJudge, "listwise/small", 8),
}
#: Declared, since finding them out would be the server's first question.
ABLE = Capabilities(log_probabilities=20, structure=Form.GRAMMAR)


def said(method: str, backend: GgufModel | Endpoint, request: Request) -> list[str]:
    """The labels that the model named, best first."""
    judge, prompt, shown = JUDGES[method]
    words: list[str] = []
    reranker = JudgeReranker(
        judge(backend, load_prompt(prompt)), Single(), on_reply=lambda asked, reply: words.append(reply.said)
    )
    reranker.rank(request.select(range(shown)))
    return words[-1].split(" > " if method == "first-token" else "] > [")


def same(model: str, options: Mapping[str, object], method: str, requests: Sequence[Request]) -> int:
    """How many requests get the same order from both, as far as the server names anybody."""
    found, path = 0, store.locate(model)
    with GgufModel(path, context=CONTEXT) as here:
        for request in track(requests, description=f"{model}, {method}", console=Console(stderr=True)):
            with LlamaServer(path, name=model, context=CONTEXT) as server:
                extra = {"extra_body": {"repeat_penalty": 1.0}, "context_length": 8 * CONTEXT, "timeout": 600.0}
                with Endpoint(model, base_url=server.url, capabilities=ABLE, **extra, **options) as there:
                    named = said(method, there, request)
            found += said(method, here, request)[: len(named)] == named
    return found


def run(arguments: argparse.Namespace) -> None:
    requests = short(load_dataset(arguments.data / "noveleval", limit=arguments.queries).requests)
    figures = {}
    for model, options in MODELS.items():
        for method in JUDGES if store.installed(find(model)) else ():
            figures[f"{model}, {method}"] = same(model, options, method, requests)
            Console().print(f"{model}, {method}: {figures[f'{model}, {method}']} of {len(requests)} orders the same")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))
