"""What the head of a GGUF file tells about its model, and whether that can be a model at all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

#: A metadata value. Arrays are kept where they are short and of numbers (per-layer sizes); of others the length only.
Value = int | float | bool | str | list[int | float | bool]

_STRING, _FLOAT32, _INT32, _UINT32 = 8, 6, 5, 4

#: The sizes of an architecture that are read, with the most that one can be.
_SIZES: Mapping[str, int] = {
    "context_length": 1 << 31,
    "block_count": 1 << 12,
    "embedding_length": 1 << 20,
    "attention.head_count": 1 << 16,
    "attention.head_count_kv": 1 << 16,
    "attention.key_length": 1 << 16,
    "attention.value_length": 1 << 16,
}
_NEVER_ZERO = frozenset({"block_count", "embedding_length", "attention.head_count"})
_TEXTS = ("general.architecture", "tokenizer.chat_template", "tokenizer.ggml.model")
#: Lists of the vocabulary, with the types of their values. All but the merges have one value a token.
_VOCABULARY: Mapping[str, tuple[int, ...]] = {
    "tokenizer.ggml.tokens": (_STRING,),
    "tokenizer.ggml.merges": (_STRING,),
    "tokenizer.ggml.scores": (_FLOAT32,),
    "tokenizer.ggml.token_type": (_INT32, _UINT32),
}
_LARGEST_ALIGNMENT = 1 << 20


@dataclass(frozen=True, slots=True)
class GgufHead:
    """``metadata`` by the file's own keys; ``lengths`` are those of arrays and of texts that were not kept; ``size`` is
    in bytes, of all files of a model in several.
    """

    metadata: dict[str, Value]
    lengths: dict[str, int]
    tensors: int
    size: int

    @property
    def architecture(self) -> str:
        return str(self.metadata.get("general.architecture", ""))

    def number(self, key: str, default: int = 0) -> int:
        """A whole number of this architecture (``"block_count"``); the largest where layers differ."""
        value = self.metadata.get(f"{self.architecture}.{key}", default)
        if isinstance(value, list):
            return int(max(value, default=default))
        return default if isinstance(value, str) else int(value)

    @property
    def trained_context(self) -> int:
        return self.number("context_length")

    @property
    def vocabulary(self) -> int:
        return self.lengths.get("tokenizer.ggml.tokens", 0)

    def cache_bytes(self, context: int) -> int:
        """Bytes of the keys and values of ``context`` tokens, two bytes a number, all layers at full length."""
        heads = self.number("attention.head_count", 1)
        width = self.number("embedding_length") // max(1, heads)
        keys, values = self.number("attention.key_length", width), self.number("attention.value_length", width)
        return (
            2 * context * self.number("block_count") * self.number("attention.head_count_kv", heads) * (keys + values)
        )


def check_head(head: GgufHead, kinds: Mapping[str, int]) -> str:
    """What cannot be, in words; ``""`` for a head that makes sense. ``kinds`` are the value types of the arrays."""
    return next((problem for problem in _problems(head, kinds) if problem), "")


def _problems(head: GgufHead, kinds: Mapping[str, int]) -> Iterator[str]:
    for key in _TEXTS:
        value = head.metadata.get(key, "")
        if not isinstance(value, str) or key in head.lengths:
            yield f"{key} is not a text of at most 1 MiB"
    alignment = head.metadata.get("general.alignment", 32)
    if type(alignment) is not int or not 0 < alignment <= _LARGEST_ALIGNMENT or alignment & (alignment - 1):
        yield f"an alignment of {alignment!r}, which is no power of two"
    for key, value in head.metadata.items():
        if isinstance(value, float) and not math.isfinite(value):
            yield f"{key[:100]} is {value}"
    if head.architecture:
        for key, most in _SIZES.items():
            yield _size_problem(head, key, most)
    yield from _vocabulary_problems(head, kinds)


def _size_problem(head: GgufHead, key: str, most: int) -> str:
    name = f"{head.architecture}.{key}"
    if name not in head.metadata:
        return f"{name} is a list of {head.lengths[name]} values" if name in head.lengths else ""
    value = head.metadata[name]
    numbers = value if isinstance(value, list) else [value]
    if not all(type(number) is int and 0 <= number <= most for number in numbers):
        return f"{name} is {str(value)[:100]}, where whole numbers from 0 to {most} are possible"
    if key in _NEVER_ZERO and not any(numbers):
        return f"{name} is zero"
    return ""


def _vocabulary_problems(head: GgufHead, kinds: Mapping[str, int]) -> Iterator[str]:
    for key, allowed in _VOCABULARY.items():
        if key in head.metadata and key not in kinds:
            yield f"{key} is no list"
        elif key in kinds and kinds[key] not in allowed:
            yield f"{key} is a list of values of type {kinds[key]}, which a vocabulary cannot have"
        elif key in kinds and key != "tokenizer.ggml.merges" and head.lengths[key] != head.vocabulary:
            yield f"{key} has {head.lengths[key]} values for {head.vocabulary} tokens"
