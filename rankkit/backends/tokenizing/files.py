"""What every ONNX backend does with text before a graph sees it: open ``tokenizer.json``, know the model's length,
share out the room, and group inputs for short runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from rankkit.backends.protocols import PairBatch
from rankkit.errors import InvalidModel

LongQuery = Literal["shorten", "error"]

#: Encodings hold every token's text and offsets, some 100 bytes each: only so many documents are in that form at once.
CHUNK = 64

#: RoBERTa and its kin number positions from ``pad_token_id + 1``, so two of the positions in ``config.json`` are
#: never used.
_OFFSET_POSITIONS = {"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl"}


@dataclass(frozen=True, slots=True)
class Encoded:
    """One input as the model reads it: ``ids`` and ``types`` have one entry a token."""

    ids: NDArray[np.int32]
    types: NDArray[np.int32]
    shortened: bool
    query_shortened: bool

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Specials:
    """The tokens that a model's template puts before, between and after its texts: [CLS], [SEP], </s>, ..."""

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]

    @classmethod
    def of(cls, tokenizer: Tokenizer, *, texts: Literal[1, 2]) -> Specials:
        """Read off what the template does to one text or two."""
        word = tokenizer.encode("word", add_special_tokens=False)
        joined = tokenizer.post_process(word, word if texts == 2 else None)
        marks, ids, length = list(joined.special_tokens_mask), joined.ids, len(word.ids)
        start = marks.index(0)
        if texts == 1:
            return cls(tuple(ids[:start]), (), tuple(ids[start + length :]))
        second = marks.index(0, start + length)
        return cls(tuple(ids[:start]), tuple(ids[start + length : second]), tuple(ids[second + length :]))


def open_tokenizer(folder: Path) -> Tokenizer:
    """The folder's tokenizer, not padding. Special tokens that stand in a text ("[SEP]", "</s>") are mere text to it:
    what a document says cannot end the document.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise InvalidModel(
            f"there is no tokenizer.json in {path.parent}",
            hint="A model's folder holds its ONNX graph (or onnx/) and tokenizer.json.",
        )
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise InvalidModel(
            f"{path} is not a tokenizer: {error}", hint="Is the file complete? Pull or copy it again."
        ) from error
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def length_limit(folder: Path, tokenizer: Tokenizer) -> int:
    """The model's length in tokens: what its config files allow, else what the tokenizer cuts at, else BERT's 512."""
    config, tokenizer_config = read_json(folder / "config.json"), read_json(folder / "tokenizer_config.json")
    limits: list[int] = []
    stated = tokenizer_config.get("model_max_length")
    if isinstance(stated, int) and 0 < stated < 1_000_000:  # "no limit" is written as a number of 30 digits
        limits.append(stated)
    positions = config.get("max_position_embeddings")
    if isinstance(positions, int) and positions > 0:
        limits.append(positions - 2 if config.get("model_type") in _OFFSET_POSITIONS else positions)
    if limits:
        return min(limits)
    truncation = tokenizer.truncation
    return int(truncation["max_length"]) if truncation else 512


def chosen_length(folder: Path, tokenizer: Tokenizer, wanted: int | None) -> int:
    """``wanted``, or the model's own length. One over the model's is not allowed."""
    limit = length_limit(folder, tokenizer)
    if wanted is not None and wanted > limit:
        raise InvalidModel(
            f"max_length {wanted} is more than the {limit} tokens that {folder.name} can read",
            hint=f"Give {limit} or less, or leave it out.",
        )
    return wanted or limit


def pad_id(folder: Path, tokenizer: Tokenizer) -> int:
    stated = read_json(folder / "config.json").get("pad_token_id")
    if isinstance(stated, int):
        return stated
    token = read_json(folder / "tokenizer_config.json").get("pad_token")
    named = tokenizer.token_to_id(token.get("content", "") if isinstance(token, dict) else str(token))
    if named is not None:
        return named
    return int(tokenizer.padding["pad_id"]) if tokenizer.padding else 0


def read_json(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidModel(
            f"{path} cannot be read: {error}", hint="Is the file complete? Pull or copy it again."
        ) from error
    return content if isinstance(content, dict) else {}


def shared_room(lengths: Sequence[int], room: int) -> list[int]:
    """How many tokens of each document are kept so that together they fit into ``room``.

    Each gives the same number of tokens; but the shorter one is not eaten up for the longer one's sake: none is cut
    below half of its fair share of the room, and what it cannot give the others do. An odd token is the longest's.
    """
    kept = list(lengths)
    floors = [min(length, room // (2 * len(lengths))) for length in lengths]
    while (over := sum(kept) - room) > 0:
        giving = [index for index in range(len(kept)) if kept[index] > floors[index]]
        giving.sort(key=lambda index: -kept[index])
        share, odd = divmod(over, len(giving))
        for turn, index in enumerate(giving):
            kept[index] = max(floors[index], kept[index] - share - (turn < odd))
    return kept


def micro_batches(encoded: Iterable[Encoded], most_tokens: int) -> Iterator[PairBatch]:
    """Batches of neighbours in length with at most ``most_tokens`` tokens, padding included; one input each at 0."""
    if most_tokens == 0:
        yield from (_batch([position], [row]) for position, row in enumerate(encoded))
        return
    rows = list(encoded)
    positions: list[int] = []
    for position in sorted(range(len(rows)), key=lambda index: len(rows[index])):
        if positions and (len(positions) + 1) * len(rows[position]) > most_tokens:
            yield _batch(positions, [rows[index] for index in positions])
            positions = []
        positions.append(position)
    if positions:
        yield _batch(positions, [rows[index] for index in positions])


def _batch(positions: Sequence[int], rows: Sequence[Encoded]) -> PairBatch:
    return PairBatch(
        positions=tuple(positions),
        tokens=tuple(len(row) for row in rows),
        shortened=tuple(row.shortened for row in rows),
        query_shortened=tuple(row.query_shortened for row in rows),
        payload=tuple(rows),
    )


def padded(batch: PairBatch, pad: int) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Token ids, mask and types of a batch, each of shape (inputs, longest)."""
    rows = batch.payload
    assert isinstance(rows, tuple)
    ids = np.full((len(rows), max(len(row) for row in rows)), pad, dtype=np.int32)
    mask, types = np.zeros_like(ids), np.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row)], types[number, : len(row)], mask[number, : len(row)] = row.ids, row.types, 1
    return ids, mask, types
