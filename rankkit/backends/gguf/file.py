"""Reads the head of a GGUF file: enough to tell a broken file and the memory that a model takes before it is loaded.

The layout is the one of ``docs/gguf.md`` in the ggml repository, versions 2 and 3, little-endian: magic, version, the
numbers of tensors and of metadata pairs, the pairs, one row per tensor, then the aligned weights. Nothing is trusted:
every length is held against the end of the file.
"""

from __future__ import annotations

import mmap
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from rankkit.errors import InvalidModel, ModelNotPulled

#: A metadata value. Arrays are kept where they are short and of numbers (per-layer sizes); of others the length only.
Value = int | float | bool | str | list[int | float | bool]

_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_LONGEST_KEPT_ARRAY = 1024

#: ggml's tensor types: how many weights a block holds, and its bytes. A type that is not here is not measured.
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 30: (1, 2),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class GgufHead:
    """``metadata`` by the file's own keys; ``lengths`` are those of arrays that were not kept; ``size`` is in bytes,
    of all files of a model in several.
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


def read_head(path: Path) -> GgufHead:
    """Check a model's file (with its fellows, where it is split into several) and read what it tells about itself.

    Raises:
        ModelNotPulled: there is no such file.
        InvalidModel: not a GGUF file, cut short, or its head makes no sense.
    """
    head = _read_one(path)
    count = head.metadata.get("split.count", 0)
    if not isinstance(count, int) or count < 2:
        return head
    found = re.fullmatch(r"(.*)-00001-of-(\d{5})\.gguf", path.name)
    if found is None:
        raise InvalidModel(
            f"{path.name} is one of {count} parts of a model, and not the first",
            hint=f"Give the part whose name ends in -00001-of-{count:05}.gguf, with the others beside it.",
        )
    parts = [path.with_name(f"{found[1]}-{part:05}-of-{found[2]}.gguf") for part in range(2, count + 1)]
    rest = [_read_one(part) for part in parts]
    size, tensors = sum(part.size for part in rest), sum(part.tensors for part in rest)
    return GgufHead(head.metadata, head.lengths, head.tensors + tensors, head.size + size)


def _read_one(path: Path) -> GgufHead:
    if not path.is_file():
        raise ModelNotPulled(f"there is no model file {path}", hint="Give the path of a .gguf file.")
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise InvalidModel(
                f"{path} is not a GGUF file: its first bytes are not 'GGUF'",
                hint="Give a .gguf file; one that a download left as a web page or a pointer has to be fetched again.",
            )
        try:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _Reader(data).head()
        except (struct.error, _CutShort, UnicodeDecodeError) as error:
            raise InvalidModel(
                f"{path} is broken or cut short ({size} bytes): {error}", hint="Fetch the file again."
            ) from error


class _CutShort(ValueError):
    """A length in the file leads beyond its end, or a number in it cannot be."""


class _Reader:
    def __init__(self, data: mmap.mmap) -> None:
        self._data, self._at, self._end = data, 4, len(data)

    def head(self) -> GgufHead:
        version = int(self._number("I"))
        if version not in (2, 3):
            raise _CutShort(f"GGUF version {version}, where 2 and 3 are known")
        tensors, pairs = int(self._number("Q")), int(self._number("Q"))
        metadata: dict[str, Value] = {}
        lengths: dict[str, int] = {}
        for _ in range(pairs):
            key, kind = self._string(), int(self._number("I"))
            if kind == _ARRAY:
                self._array(key, metadata, lengths)
            else:
                metadata[key] = self._string() if kind == _STRING else self._number(self._format(kind))
        self._check_tensors(tensors, int(str(metadata.get("general.alignment", 32))))
        return GgufHead(metadata, lengths, tensors, self._end)

    def _array(self, key: str, metadata: dict[str, Value], lengths: dict[str, int]) -> None:
        kind, length = int(self._number("I")), int(self._number("Q"))
        lengths[key] = length
        if kind == _STRING:
            for _ in range(length):
                self._take(int(self._number("Q")))
            return
        code = self._format(kind)
        start = self._take(struct.calcsize(f"<{code}") * length)
        if length <= _LONGEST_KEPT_ARRAY:
            metadata[key] = list(struct.unpack_from(f"<{length}{code}", self._data, start))

    def _check_tensors(self, tensors: int, alignment: int) -> None:
        """Raise unless all weights that the file announces are in it."""
        last = 0
        for _ in range(tensors):
            name, dimensions = self._string(), int(self._number("I"))
            weights = 1
            for _ in range(dimensions):
                weights *= int(self._number("Q"))
            kind, offset = int(self._number("I")), int(self._number("Q"))
            block, block_bytes = _BLOCKS.get(kind, (1, 0))
            if weights % block:
                raise _CutShort(f"tensor {name!r} has {weights} weights, not a multiple of {block}")
            last = max(last, offset + weights // block * block_bytes)
        if alignment < 1:
            raise _CutShort(f"an alignment of {alignment}")
        start = -(-self._at // alignment) * alignment
        if last and start + last > self._end:
            raise _CutShort(f"its weights end at byte {start + last}")

    @staticmethod
    def _format(kind: int) -> str:
        if kind not in _SCALARS:
            raise _CutShort(f"a metadata value of the unknown type {kind}")
        return _SCALARS[kind]

    def _take(self, size: int) -> int:
        start = self._at
        if size > self._end - start:
            raise _CutShort(f"{size} bytes are announced at byte {start}")
        self._at = start + size
        return start

    def _number(self, code: str) -> int | float | bool:
        (value,) = struct.unpack_from(f"<{code}", self._data, self._take(struct.calcsize(f"<{code}")))
        return value  # type: ignore[no-any-return]  # struct cannot tell

    def _string(self) -> str:
        size = int(self._number("Q"))
        start = self._take(size)
        return self._data[start : start + size].decode("utf-8")
