"""A loaded model and its cache: decodes a prompt after the one before it, computing only what is new.

Sequence 0 of the cache holds the trunk, the longest text so far; sequences 1, 2, ... share its cells while a batch of
answers is scored (see ``token_tree``) and are dropped after it. One call at a time: the owner holds the lock.

An answer does not depend on the calls before it, to the last bit. llama.cpp's kernels round differently with the
number of tokens that are computed together (by up to 0.2 in a log-probability, on small quantised models), so a later
call reuses only whole blocks of ``Sizes.batch`` tokens, which it would have computed in just that company. For the
same reason flash attention is off: with it, blocks came out different as well, and on a CPU it is not faster.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rankkit.backends.gguf.head import GgufHead
from rankkit.backends.gguf.native import BRANCHES as BRANCHES
from rankkit.backends.gguf.native import OUTPUTS, Native
from rankkit.backends.gguf.native import Sizes as Sizes
from rankkit.backends.gguf.token_tree import Node, Rows, Tokens, Tree
from rankkit.errors import BackendError, InvalidOutput

Row = npt.NDArray[np.float32]


@dataclass(slots=True)
class Work:
    """What was done since ``LlamaContext.start``: tokens found in the cache, tokens computed, calls of llama_decode."""

    reused: int = 0
    decoded: int = 0
    steps: int = 0


class LlamaContext:
    def __init__(self, path: Path, head: GgufHead, sizes: Sizes) -> None:
        """Raises: as ``Native`` does."""
        self.native = Native(path, head, sizes)
        self._llama = self.native.llama
        self._log = self.native.log
        self._sizes = sizes
        self.vocabulary = self.native.vocabulary
        self._width: int = self._llama.llama_vocab_n_tokens(self.vocabulary)
        self._memory = self._llama.llama_get_memory(self.native.context)
        self._block: int = self._llama.llama_n_ubatch(self.native.context)
        self._trunk: list[int] = []
        self._whole = 0  # tokens at the trunk's beginning that were computed in whole blocks
        self.work = Work()

    def close(self) -> None:
        self.native.close()

    def check_open(self) -> None:
        """Raises:
        BackendError: the model was closed.
        """
        if not self.native.is_open:
            raise BackendError("this model was closed", hint="Load it again.")

    def start(self) -> Work:
        """Begin the bill of a new call.

        Raises:
            BackendError: the model was closed.
        """
        self.check_open()
        self.work = Work()
        return self.work

    def row(self, trunk: Sequence[int]) -> Row:
        """The logits after ``trunk``, valid until the next call."""
        (row,) = (row for _, row in self._advance(trunk, Tree((), {(): frozenset()}, 0)))
        return row

    def rows(self, trunk: Sequence[int], trees: Sequence[Tree]) -> Rows:
        """Log-probabilities of all tokens that the trees want, after ``trunk``."""
        found: dict[Tokens, dict[int, float]] = {}
        for tree in trees:
            for beginning, row in self._advance(trunk, tree):
                found.setdefault(beginning, {}).update(_log_softmax_at(row, sorted(tree.wanted[beginning])))
        return found

    def _advance(self, trunk: Sequence[int], tree: Tree) -> Iterator[tuple[Tokens, Row]]:
        """Make the cache's trunk this one, and yield the logits after it and after each node of the tree."""
        kept = self._rewind(trunk)
        for branch in range(1, tree.branches + 1):
            self._llama.llama_memory_seq_cp(self._memory, 0, branch, 0, kept)
        everywhere = tuple(range(tree.branches + 1))
        ends = [Node((token,), everywhere) for token in trunk[kept:]]
        entries = [*ends, *tree.nodes]
        positions = [
            *range(kept, len(trunk)),
            *(len(trunk) + len(node.beginning) - 1 for node in tree.nodes),
        ]
        first_asked = len(ends) - 1
        try:
            for start, stop in _chunks(len(entries), first_asked, self._sizes.context):
                self._decode(entries[start:stop], positions[start:stop], first_asked - start)
                for index in range(max(start, first_asked), stop):
                    beginning = () if index == first_asked else entries[index].beginning
                    yield beginning, self._logits(index - start)
        except BaseException:
            self._forget()
            raise
        for branch in everywhere[1:]:
            self._llama.llama_memory_seq_rm(self._memory, branch, -1, -1)
        self._trunk = list(trunk)

    def _rewind(self, trunk: Sequence[int]) -> int:
        """Drop what the cache holds beyond the common beginning, and at least the last token: its row is needed."""
        first = self.work.steps == 0
        limit = min(self._whole if first else len(self._trunk), len(trunk) - 1)
        kept = next((at for at in range(limit) if self._trunk[at] != trunk[at]), limit)
        if first:
            kept -= kept % self._block
        if not self._llama.llama_memory_seq_rm(self._memory, 0, kept, -1):
            self._forget()
            kept = 0
        if first:
            self.work.reused = kept
            self._whole = len(trunk) - len(trunk) % self._block
        else:
            self._whole = min(self._whole, kept - kept % self._block)
        self._trunk = list(trunk[:kept])
        return kept

    def _forget(self) -> None:
        self._llama.llama_memory_clear(self._memory, 0)
        self._trunk, self._whole = [], 0

    def _decode(self, entries: Sequence[Node], positions: Sequence[int], first_asked: int) -> None:
        batch, count = self.native.batch, len(entries)
        batch.n_tokens = count
        for index, entry in enumerate(entries):
            batch.token[index] = entry.beginning[-1]
            batch.pos[index] = positions[index]
            batch.n_seq_id[index] = len(entry.branches)
            ids = batch.seq_id[index]
            for place, branch in enumerate(entry.branches):
                ids[place] = branch
            batch.logits[index] = index >= first_asked
        self._log.clear()
        status = self.native.decode()
        self.work.steps += 1
        self.work.decoded += count
        if status != 0:
            raise BackendError(
                f"llama.cpp failed to decode {count} tokens (status {status}): {self._log.messages()}",
                hint="Status 1 is a full cache: give a larger context=." if status == 1 else "",
            )

    def _logits(self, index: int) -> Row:
        pointer = self._llama.llama_get_logits_ith(self.native.context, index)
        if not pointer:
            raise BackendError(f"llama.cpp has no logits for token {index} of its batch: {self._log.messages()}")
        return np.ctypeslib.as_array(pointer, shape=(self._width,))


def _chunks(count: int, first_asked: int, batch: int) -> Iterator[tuple[int, int]]:
    """Cut a batch so that none has more than ``OUTPUTS`` rows of logits (or tokens than fit)."""
    start = 0
    while start < count:
        stop = min(count, start + batch, max(start, first_asked) + OUTPUTS)
        yield start, stop
        start = stop


def _log_softmax_at(row: Row, tokens: Sequence[int]) -> dict[int, float]:
    """Natural-log probabilities of ``tokens``, summed in double precision."""
    wide = row.astype(np.float64)
    top = wide.max()
    if not np.isfinite(top):
        raise InvalidOutput(
            f"the model's logits are not finite (their largest is {top})",
            hint="Its weights are damaged or overflow: fetch the file again, or take another quantisation.",
        )
    total = top + np.log(np.exp(wide - top).sum())
    return {token: float(wide[token] - total) for token in tokens}
