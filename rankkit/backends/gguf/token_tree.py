"""Answers that begin alike share their beginning: what has to be decoded to score many short token sequences at once.

All sequences continue the same trunk. Their proper beginnings (all but the last token) form a tree; each of its nodes
is decoded once, because the probabilities of the tokens after it are needed, and a last token never is. Single tokens
need no node at all: the trunk's own last row answers for them. The tree goes through the model as one batch, as in
SpecInfer (Miao et al., 2023).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Tokens = tuple[int, ...]

#: After the trunk and this beginning, the natural-log probabilities of the tokens that were asked for.
Rows = Mapping[Tokens, Mapping[int, float]]


@dataclass(frozen=True, slots=True)
class Node:
    """One token to decode after the trunk: the last of ``beginning``. ``branches`` (1, 2, ...) are the sequences of
    the cache that it belongs to.
    """

    beginning: Tokens
    branches: Tokens


@dataclass(frozen=True, slots=True)
class Tree:
    """``nodes`` come parents first; ``wanted`` maps each beginning, ``()`` for the trunk's end, to the tokens that are
    asked for after it.
    """

    nodes: tuple[Node, ...]
    wanted: Mapping[Tokens, frozenset[int]]
    branches: int


def grow(sequences: Iterable[Tokens], limit: int) -> list[Tree]:
    """The trees that score all ``sequences``: a single one as long as ``limit`` branches are enough."""
    unique = sorted(set(sequences))
    beginnings = sorted({sequence[:-1] for sequence in unique})
    # In sorted order a beginning stands right before those that go on from it, so only leaves need a branch.
    leaves = [
        one for one, after in zip(beginnings, [*beginnings[1:], ()], strict=True) if one and after[: len(one)] != one
    ]
    if len(leaves) <= limit:
        return [_tree(unique, leaves)]
    kept = [leaves[start : start + limit] for start in range(0, len(leaves), limit)]
    homes = [{leaf[:depth] for leaf in group for depth in range(len(leaf) + 1)} for group in kept]
    groups: list[list[Tokens]] = [[] for _ in kept]
    for sequence in unique:
        groups[next(index for index, home in enumerate(homes) if sequence[:-1] in home)].append(sequence)
    return [_tree(group, leaves) for group, leaves in zip(groups, kept, strict=True)]


def _tree(sequences: Sequence[Tokens], leaves: Sequence[Tokens]) -> Tree:
    wanted: dict[Tokens, set[int]] = {(): set()}
    for sequence in sequences:
        for depth, token in enumerate(sequence):
            wanted.setdefault(sequence[:depth], set()).add(token)
    nodes = [
        Node(beginning, tuple(branch for branch, leaf in enumerate(leaves, 1) if leaf[: len(beginning)] == beginning))
        for beginning in sorted(wanted)
        if beginning
    ]
    return Tree(tuple(nodes), {beginning: frozenset(tokens) for beginning, tokens in wanted.items()}, len(leaves))


def log_probability(sequence: Tokens, rows: Rows) -> float:
    """log P(sequence | trunk): the sum over all of its tokens."""
    return sum(rows[sequence[:depth]][token] for depth, token in enumerate(sequence))


def exact_log_probability(sequence: Tokens, among: Iterable[Tokens], rows: Rows) -> float:
    """log P(the answer is ``sequence`` and none of ``among`` that goes on from it).

    "1" begins "10" as well: its own probability is what the longer answers leave of it.
    """
    further = {
        other[len(sequence)] for other in among if len(other) > len(sequence) and other[: len(sequence)] == sequence
    }
    taken = sum(math.exp(rows[sequence][token]) for token in further)
    own = log_probability(sequence, rows)
    if not further:
        return own
    return own + math.log1p(-taken) if taken < 1.0 else -math.inf
