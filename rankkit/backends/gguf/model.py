"""A GGUF model on this machine, through llama-cpp-python's low-level interface (extra ``gguf``).

Three capabilities, one idea: what was computed is not computed again. The beginning that a prompt shares with the one
before it stays in the cache, answers that begin alike share their beginning, and logits are read only where a choice
is made. A prompt is one call of llama_decode, and each identifier after the first one more.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType

import numpy as np

from rankkit.backends.gguf import safety
from rankkit.backends.gguf.chat_template import DEFAULT_DATE, ChatTemplate, PromptSegment
from rankkit.backends.gguf.context import BRANCHES, LlamaContext, Row, Sizes, Work
from rankkit.backends.gguf.digest import weights_digest
from rankkit.backends.gguf.file import parts_of, read_head
from rankkit.backends.gguf.grammar import Grammar
from rankkit.backends.gguf.text import Tokenizer
from rankkit.backends.gguf.token_tree import Tokens, exact_log_probability, grow
from rankkit.backends.gguf.writer import Writer
from rankkit.backends.protocols import Continuations, Generated, Permuted, Prompt
from rankkit.core.limits import Gate
from rankkit.core.usage import Usage
from rankkit.errors import BackendError, ConfigError, ContractViolation, InvalidOutput
from rankkit.machine.cpus import available_cpus

_LONGEST_DEFAULT_CONTEXT = 8192


class GgufModel:
    """Generates, scores continuations and decodes permutations. Threads may share it: calls run one after the other.

    ``context`` is in tokens, by default what the model was trained on, 8192 at most. ``threads`` are never more than
    the CPUs that this process may use, whatever is asked for. ``template`` is a name (``chatml``, ``zephyr``, ...) or
    a Jinja text, by default the file's own. ``batch`` is how many tokens are computed at a time, and the grain of what
    a prompt reuses from the one before it: a CPU is as fast with 32 as with 512.

    A prompt of messages goes through the template; only the template's own text may hold control tokens, so a
    document that says ``<|im_end|>`` is just those letters. A plain string is tokenised as text throughout. ``date``
    (ISO 8601) is the day that a template is given which asks for it: answers do not depend on when they were asked for.

    A call ends when the current cancellation is turned, and the one after it gives what it always gives. A copy,
    pickled or deep, is another model of the same settings, loaded anew; so is what a forked child uses.
    """

    concurrency = 1
    thinking_tokens = 0

    def __init__(
        self,
        path: str | Path,
        *,
        context: int | None = None,
        threads: int | None = None,
        template: str | None = None,
        name: str = "",
        batch: int = 64,
        date: str = DEFAULT_DATE,
    ) -> None:
        """Raises:
        ModelNotPulled, InvalidModel: no such file, or a broken one.
        ConfigError: a setting that cannot be, or an unknown template.
        BackendError: memory is short, or this build of llama.cpp would crash here.
        """
        self._path = Path(path)
        self._settings = (context, threads, template, name, batch, date)
        head = read_head(self._path)
        for what, value in {"context": context, "threads": threads, "batch": batch}.items():
            if value is not None and value < 1:
                raise ConfigError(f"{what}={value} is not possible", hint="Give a number of 1 or more.")
        trained = head.trained_context or _LONGEST_DEFAULT_CONTEXT
        if context is not None and context > trained:
            raise ConfigError(
                f"context={context}, but {self._path.name} was trained on {trained} tokens",
                hint=f"Give context={trained} or less.",
            )
        self._context_length = context or min(trained, _LONGEST_DEFAULT_CONTEXT)
        self._name = name or str(head.metadata.get("general.name") or self._path.stem)
        cpus = available_cpus()
        self.threads = min(threads or cpus, cpus)
        self.gate = Gate(self.concurrency)
        self._sizes = Sizes(self._context_length, batch, self.threads)
        self._adds_space = bool(head.metadata.get("tokenizer.ggml.add_space_prefix", True))
        self._open()
        own = str(head.metadata.get("tokenizer.chat_template", ""))
        self._template = ChatTemplate(
            own if template is None else template,
            bos=self._text.name(self._text.bos),
            eos=self._text.name(self._text.eos),
            date=date,
        )

    def _open(self) -> None:
        self._process, self._opening = os.getpid(), threading.Lock()
        self._llama = LlamaContext(self._path, read_head(self._path), self._sizes)
        self._text = Tokenizer(self._llama.vocabulary, adds_space=self._adds_space)

    def __reduce__(self) -> tuple[object, ...]:
        return _load, (type(self), self._path, *self._settings)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._path)!r}, context={self._context_length}, threads={self.threads})"

    def __enter__(self) -> GgufModel:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Free the model's memory now rather than when nobody holds it any more. A call that runs is waited for."""
        self._llama.close()

    @property
    def name(self) -> str:
        return self._name

    @property
    def context_length(self) -> int:
        return self._context_length

    @cached_property
    def weights(self) -> tuple[str, ...]:
        """Their sha256, as the manifest gives it where there is one; over all parts of a split file."""
        return (weights_digest(parts_of(self._path)),)

    @cached_property
    def fingerprint(self) -> str:
        """Of the weights, the library, and all that was given to the constructor and changes an answer."""
        [weights] = self.weights
        how = (self._template.source, self._template.date, self._context_length, self._sizes.batch)
        facts = safety.diagnose()
        identity = "\n".join(map(str, (*how, facts.version, safety.allow_extra_buffers(facts))))
        return f"gguf-{weights[:16]}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"

    def count_tokens(self, prompt: Prompt) -> int:
        """Exact, template and beginning token included."""
        # Beside a call that runs: tokenising needs the vocabulary only.
        llama = self._here()
        with llama.native.handles.texts:
            llama.check_open()
            return len(self._encode(prompt))

    def templated(self, prompt: Prompt) -> str:
        """The text that a prompt is tokenised from: messages as the chat template puts them, special tokens spelt."""
        return prompt if isinstance(prompt, str) else "".join(part.text for part in self._template.parts(prompt))

    def price(self, *, input_tokens: int, output_tokens: int) -> float | None:
        """``None``: what is computed here has no price."""
        return None

    def generate(
        self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = (), grammar: str | None = None
    ) -> Generated:
        """Greedy decoding, until the model ends, a ``stop`` text appears (it is cut off) or ``max_tokens`` are there.

        ``grammar`` (GBNF) restricts what may be said.

        Raises:
            ContextTooSmall: prompt and ``max_tokens`` do not fit.
            ConfigError: the grammar is not valid.
        """
        writer = Writer(stop)
        with self._use() as work, contextlib.ExitStack() as stack:
            started, trunk = time.perf_counter(), self._encode(prompt)
            self._check(trunk, max_tokens, "the prompt with its answer")
            rules = stack.enter_context(Grammar(self._llama.vocabulary, grammar)) if grammar else None
            for _ in range(max_tokens):
                row = _finite(self._llama.row([*trunk, *writer.tokens]))
                token = rules.pick(row) if rules else int(row.argmax())
                if self._text.is_end(token) or writer.stops(token, self._text.piece(token)):
                    break
            else:
                writer.finish = "length"
            usage = _bill(work, len(trunk), work.steps, started)
        thought = writer.thought()
        return Generated(thought.answer, writer.finish, thought.thinking, usage, work.steps)

    def score_continuations(self, prompt: Prompt, continuations: Sequence[str]) -> Continuations:
        """log P(continuation | prompt) for each: the sum over its tokens. "1" counts without the cases in which the
        model would go on to a "10" that is among them.

        Prompt and continuation are tokenised apart, so the prompt's tokens are the same for all of them; put the
        space between the two at the beginning of the continuation, where most vocabularies have it. All are scored in
        one call of the model; single tokens cost nothing beyond the prompt.

        Raises:
            ContextTooSmall: prompt and continuations do not fit.
        """
        with self._use() as work:
            started, trunk = time.perf_counter(), self._encode(prompt)
            paths = [tuple(self._text.continuation(text, trunk)) for text in continuations]
            trees = grow(paths, BRANCHES)
            self._check(trunk, max(len(tree.nodes) for tree in trees), "the prompt with its continuations")
            rows = self._llama.rows(trunk, trees)
            usage = _bill(work, len(trunk), None, started)
        return Continuations(tuple(exact_log_probability(path, paths, rows) for path in paths), usage, work.steps)

    def permute(
        self, prompt: Prompt, labels: Sequence[str], *, top: int, opening: str = "", separator: str = " > "
    ) -> Permuted:
        """Greedy decoding of ``opening label separator label ...`` where each label may come once.

        At each step the label with the highest probability of all its tokens is taken; "1" counts without the cases in
        which the model would go on to a remaining "10". Separators go into the batch of the label before them, and
        the last label that remains needs no model: labels 1, 2, ... cost at most one call each, the prompt's included.

        Raises:
            ContextTooSmall: prompt and answer do not fit.
        """
        if len(set(labels)) < len(labels) or not all(labels) or top < 1:
            raise ContractViolation(
                f"labels are unique and not empty, top is at least 1; got {list(labels)}, top={top}"
            )
        body, lead = _split_space(opening)
        between, next_lead = _split_space(separator)
        order: list[int] = []
        with self._use() as work:
            started, trunk = time.perf_counter(), self._encode(prompt)
            asked = len(trunk)
            trunk += self._text.continuation(body, trunk)
            paths = self._paths(labels, lead, trunk)
            step = max(map(len, paths.values()), default=0) + len(self._text.continuation(between, trunk))
            spare = sum(len(path) - 1 for path in paths.values())
            self._check(trunk, min(top, len(labels)) * step + spare, "the prompt with its ranking")
            while len(order) < min(top, len(labels)):
                order.append(self._choose(trunk, paths))
                trunk += paths.pop(order[-1])
                trunk += self._text.continuation(between, trunk)
                if lead != next_lead:
                    lead, paths = next_lead, self._paths(labels, next_lead, trunk)
                    paths = {place: path for place, path in paths.items() if place not in order}
            usage = _bill(work, asked, None, started)
        return Permuted(tuple(order), usage, work.steps)

    @contextlib.contextmanager
    def _use(self) -> Iterator[Work]:
        """One call at a time, and none on a closed model: even its vocabulary is gone."""
        with self.gate.held():
            llama = self._here()
            with llama.native.handles.calls:
                yield llama.start()

    def _here(self) -> LlamaContext:
        """The model of this process. A forked child opens it anew: a call of its parent's may have been under way."""
        if self._process != os.getpid():
            with self._opening:
                if self._process != os.getpid():
                    self._llama.native.forsake()
                    self._open()
        return self._llama

    def _choose(self, trunk: list[int], paths: dict[int, Tokens]) -> int:
        """The best of the labels that remain, the first of equals."""
        if len(paths) == 1:
            return next(iter(paths))
        rows = self._llama.rows(trunk, grow(paths.values(), BRANCHES))
        return max(paths, key=lambda label: exact_log_probability(paths[label], paths.values(), rows))

    def _paths(self, labels: Sequence[str], lead: str, trunk: list[int]) -> dict[int, Tokens]:
        return {place: tuple(self._text.continuation(lead + label, trunk)) for place, label in enumerate(labels)}

    def _encode(self, prompt: Prompt) -> list[int]:
        if isinstance(prompt, str):
            parts = [PromptSegment(prompt, trusted=False)]
        else:
            parts = self._template.parts(prompt) if prompt else []
        tokens = self._text.encode(parts)
        if not tokens:
            raise BackendError("the prompt is empty", hint="This model has no beginning token: give it some text.")
        return tokens

    def _check(self, trunk: list[int], more: int, what: str) -> None:
        safety.check_context(len(trunk) + more, self._context_length, what=what)


def _load(
    kind: type[GgufModel],
    path: Path,
    context: int | None,
    threads: int | None,
    template: str | None,
    name: str,
    batch: int,
    date: str,
) -> GgufModel:
    return kind(path, context=context, threads=threads, template=template, name=name, batch=batch, date=date)


def _finite(row: Row) -> Row:
    if not np.isfinite(row.max()):  # the maximum of a row with NaN is NaN
        raise InvalidOutput("the model's logits are not finite", hint="Its weights are damaged: fetch the file again.")
    return row


def _split_space(text: str) -> tuple[str, str]:
    """A text and the spaces at its end: vocabularies have them at the beginning of the next word."""
    body = text.rstrip(" ")
    return body, text[len(body) :]


def _bill(work: Work, prompt: int, said: int | None, started: float) -> Usage:
    """``output_tokens`` are those the model said, or, where it only scored, those computed beyond the prompt."""
    reused = min(work.reused, prompt)
    beyond = work.decoded - (prompt - reused)
    return Usage(
        calls=1,
        input_tokens=prompt,
        output_tokens=beyond if said is None else said,
        cached_tokens=reused,
        seconds=time.perf_counter() - started,
    )
