"""``rankkit demo``: real documents reranked by a real model, from nothing."""

from __future__ import annotations

import importlib.util
import tomllib
from importlib import resources
from typing import Annotated

from rankkit.cli.output import bill_line, ranking_table, stderr, stdout, write_json
from rankkit.cli.parameters import AsJson, flag
from rankkit.config import DEFAULT_MODELS, load
from rankkit.core.ranking import Request
from rankkit.errors import ModelNotPulled


def demo(
    *,
    pull: Annotated[bool, flag("--pull", help="Download the model first where this machine lacks it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Rerank ten short documents with the default cross-encoder, and with a small language model where there is one."""
    model = DEFAULT_MODELS["pointwise"]
    if pull:
        _pull_missing(model)
    request = demo_request()
    ranking = load(model, options={"scores": "probability"}).rank(request)
    if as_json:
        write_json(ranking.to_dict())
        return
    stdout().print(request.query.text, style="bold", end="\n\n")
    stdout().print(ranking_table(ranking))
    stderr().print(f"{model}: {bill_line(ranking)}", style="dim")
    _listwise(request, pull=pull)
    hint = 'Now yours: rankkit rerank "your question" your-documents.txt   (one text a line, or JSON lines)'
    stderr().print(hint, style="dim")


def _listwise(request: Request, *, pull: bool) -> None:
    """The listwise paradigm too, where the gguf extra is installed and its small model is here."""
    model = DEFAULT_MODELS["listwise"]
    if importlib.util.find_spec("llama_cpp") is None:
        return
    if pull:
        _pull_missing(model)
    try:
        reranker = load(model, paradigm="listwise", options={"context": 2048})
    except ModelNotPulled:
        return
    ranking = reranker.rank(request)
    stdout().print(f"\nThe same by {model}, listwise, constrained to permutations", style="bold", end="\n\n")
    stdout().print(ranking_table(ranking))
    words = f"{bill_line(ranking)}. A model of this size shows that the way works, not how well: try one of 7B."
    stderr().print(words, style="dim")


def demo_request() -> Request:
    """The ten documents that ship with rankkit, in the order in which BM25 found them."""
    text = resources.files("rankkit.cli").joinpath("demo_documents.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    return Request.of(data["query"], data["documents"])


def _pull_missing(model: str) -> None:
    from rankkit.cli.models import pull as pull_command
    from rankkit.models import store

    try:
        store.locate(model)
    except ModelNotPulled:
        pull_command(model)
