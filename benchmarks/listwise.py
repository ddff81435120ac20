"""One 20-passage window, five ways to order it with the same GGUF; and what parallel calls bring over HTTP."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.slow_server import SlowServer
from rankkit.backends.gguf.model import GgufModel
from rankkit.backends.openai.endpoint import Endpoint
from rankkit.core.questions import Order, Outcome
from rankkit.core.ranking import Request
from rankkit.data.datasets import load_dataset
from rankkit.judging.window import Fitted, Window
from rankkit.listwise.generate import GenerateJudge, read_answer
from rankkit.listwise.strategies.single import Single
from rankkit.models import store
from rankkit.pipeline.judged import JudgeReranker
from rankkit.prompting.loading import load_prompt
from rankkit.testing import request_of

MODEL = "smollm2-135m-instruct"
PASSAGES, PASSAGE_TOKENS, CONTEXT = 20, 60, 4096


@dataclass
class Way:
    """What one way to order a window cost, over all windows."""

    name: str
    seconds: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    decoded: list[int] = field(default_factory=list)
    reused: list[int] = field(default_factory=list)
    malformed: int = 0


def run(arguments: argparse.Namespace) -> None:
    console = Console(width=130)
    dataset = load_dataset(arguments.data / "noveleval", limit=arguments.queries)
    ways = window_ways([request.select(range(PASSAGES)) for request in dataset.requests])
    figures = {way.name: _figures(way) for way in ways}
    console.print(_table(ways, len(dataset.requests)))
    speedup = parallel(console)
    if arguments.json:
        arguments.json.write_text(json.dumps({"ways": figures, "parallel": speedup}, indent=2))


def window_ways(requests: list[Request]) -> list[Way]:
    """Each window to each way in turn; before each, the cache is filled with another prompt, so that nobody profits
    from it.
    """
    small, letters = load_prompt("listwise/small"), load_prompt("listwise/letters")
    names = (
        "one chat completion",
        "generate",
        "a full answer, token by token",
        "constrained, all 20",
        "constrained, first 10",
        "first-token",
        "constrained, again",
    )
    ways = {name: Way(name) for name in names}
    with GgufModel(store.locate(MODEL), context=CONTEXT, name=MODEL) as model:
        for request in track(requests, description="windows", console=Console(stderr=True)):
            fitted = Window(model, small, PASSAGE_TOKENS).fit(request, range(PASSAGES), 200)
            lettered = Window(model, letters, PASSAGE_TOKENS).fit(request, range(PASSAGES), 200)
            _chat(ways["one chat completion"], model, fitted)
            _generate(ways["generate"], model, fitted)
            _full(ways["a full answer, token by token"], model, fitted)
            _permute(ways["constrained, all 20"], model, fitted, PASSAGES, cold=True)
            _permute(ways["constrained, again"], model, fitted, PASSAGES, cold=False)
            _permute(ways["constrained, first 10"], model, fitted, 10, cold=True)
            _first_token(ways["first-token"], model, lettered)
    return list(ways.values())


def _forget(model: GgufModel) -> None:
    model.generate("Something else entirely.", max_tokens=1)


def _note(way: Way, seconds: float, steps: int, output: int, reused: int, outcome: Outcome) -> None:
    way.seconds.append(seconds)
    way.steps.append(steps)
    way.decoded.append(output)
    way.reused.append(reused)
    way.malformed += outcome is not Outcome.OK


def _timed(work: Callable[[], object]) -> tuple[float, object]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _chat(way: Way, model: GgufModel, fitted: Fitted) -> None:
    """As the peers do it: one completion with room to spare (512 tokens, the peers' usual limit), whatever is said."""
    _written(way, model, fitted, max_tokens=512)


def _generate(way: Way, model: GgufModel, fitted: Fitted) -> None:
    """rankkit's: no more room than a full ranking can need."""
    _written(way, model, fitted, max_tokens=7 * PASSAGES + 8)


def _full(way: Way, model: GgufModel, fitted: Fitted) -> None:
    """What free generation costs when an answer has all its identifiers: this model must be made to write that many."""
    label = " | ".join(f'"{label}"' for label in fitted.labels)
    grammar = f'root ::= "[" label ("] > [" label){{{PASSAGES - 1}}} "]"\nlabel ::= {label}'
    _forget(model)
    started = time.perf_counter()
    generated = model.generate(fitted.prompt, max_tokens=7 * PASSAGES + 8, grammar=grammar)
    seconds = time.perf_counter() - started
    answer = read_answer(Order(tuple(range(PASSAGES))), generated.text, labels=fitted.labels, finish=generated.finish)
    _note(way, seconds, generated.steps, generated.usage.output_tokens, generated.usage.cached_tokens, answer.outcome)


def _written(way: Way, model: GgufModel, fitted: Fitted, *, max_tokens: int) -> None:
    _forget(model)
    started = time.perf_counter()
    generated = model.generate(fitted.prompt, max_tokens=max_tokens)
    seconds = time.perf_counter() - started
    answer = read_answer(Order(tuple(range(PASSAGES))), generated.text, labels=fitted.labels, finish=generated.finish)
    _note(way, seconds, generated.steps, generated.usage.output_tokens, generated.usage.cached_tokens, answer.outcome)


def _permute(way: Way, model: GgufModel, fitted: Fitted, top: int, *, cold: bool) -> None:
    if cold:
        _forget(model)
    started = time.perf_counter()
    permuted = model.permute(fitted.prompt, fitted.labels, top=top, opening="[", separator="] > [")
    seconds = time.perf_counter() - started
    valid = len(set(permuted.order)) == top
    _note(
        way,
        seconds,
        permuted.steps,
        permuted.usage.output_tokens,
        permuted.usage.cached_tokens,
        Outcome.OK if valid else Outcome.REPAIRED,
    )


def _first_token(way: Way, model: GgufModel, fitted: Fitted) -> None:
    _forget(model)
    started = time.perf_counter()
    scored = model.score_continuations(fitted.prompt, fitted.labels)
    seconds = time.perf_counter() - started
    _note(way, seconds, scored.steps, scored.usage.output_tokens, scored.usage.cached_tokens, Outcome.OK)


def _figures(way: Way) -> dict[str, float]:
    return {
        "seconds": statistics.mean(way.seconds),
        "steps": statistics.mean(way.steps),
        "decoded": statistics.mean(way.decoded),
        "reused": statistics.mean(way.reused),
        "malformed": way.malformed / len(way.seconds),
    }


def _table(ways: list[Way], count: int) -> Table:
    table = Table(title=f"{MODEL}, {count} windows of {PASSAGES} passages, {PASSAGE_TOKENS} tokens each at most; means")
    for heading in ("way", "seconds", "model steps", "tokens decoded", "prompt tokens reused", "malformed"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for way in ways:
        figures = _figures(way)
        table.add_row(
            way.name,
            f"{figures['seconds']:.2f}",
            f"{figures['steps']:.1f}",
            f"{figures['decoded']:.1f}",
            f"{figures['reused']:.0f}",
            f"{figures['malformed']:.0%}",
        )
    return table


def parallel(console: Console, queries: int = 8, delay: float = 0.25) -> float:
    """Eight queries' windows against a server that needs a quarter of a second for each call, one after another and
    together.
    """
    seconds = {}
    with SlowServer(delay) as server:
        for concurrency in (1, 8):
            endpoint = Endpoint("fixed", base_url=server.url, concurrency=concurrency)
            reranker = JudgeReranker(GenerateJudge(endpoint, load_prompt("listwise/rankgpt")), Single())
            requests = [request_of([0] * 4, f"query {number}") for number in range(queries)]
            seconds[concurrency], _ = _timed(lambda r=reranker, q=requests: r.rank_many(q))
    speedup = seconds[1] / seconds[8]
    console.print(
        f"{queries} queries over HTTP, {delay} s a call: {seconds[1]:.2f} s one after another, "
        f"{seconds[8]:.2f} s with 8 calls at once, "
        f"{speedup:.1f} times sooner"
    )
    return speedup
