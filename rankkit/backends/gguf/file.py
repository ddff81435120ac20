"""Reads the head of a GGUF file: enough to tell a broken file and the memory that a model takes before it is loaded.

The layout is the one of ``docs/gguf.md`` in the ggml repository, versions 2 and 3, little-endian: magic, version, the
numbers of tensors and of metadata pairs, the pairs, one row per tensor, then the aligned weights. Nothing is trusted:
every length is held against the end of the file, and every count against what a model can have, so that a file which
lies is refused soon and with little memory. The file is read and not mapped: one that shrinks meanwhile is an error,
where a mapping would end the process.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from rankkit.backends.gguf.head import GgufHead, Value, check_head
from rankkit.backends.gguf.layout import TensorSizes, check_whole
from rankkit.errors import InvalidModel, ModelNotPulled

_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_LONGEST_KEPT_ARRAY = 1024
_LONGEST_KEPT_STRING = 1 << 20
_LONGEST_KEY = 1 << 16

#: More than any model has: large ones have 2,000 tensors, 100 pairs, and 700,000 tokens and merges together.
_MOST_TENSORS, _MOST_PAIRS, _MOST_STRINGS = 1 << 16, 1 << 14, 1_500_000

_SPLIT = re.compile(r"(.*)-([0-9]{5})-of-([0-9]{5})\.gguf")
_BUFFER = 1 << 18
_LENGTH = struct.Struct("<Q")


def read_head(path: Path) -> GgufHead:
    """Check a model's file (with its fellows, where it is split into several) and read what it tells about itself.

    Raises:
        ModelNotPulled: there is no such file.
        InvalidModel: not a GGUF file, cut short, or its head makes no sense.
    """
    head = _read_one(path)
    rest = [_read_one(part) for part in _fellows(path, head)]
    size, tensors = sum(part.size for part in rest), sum(part.tensors for part in rest)
    return GgufHead(head.metadata, head.lengths, head.tensors + tensors, head.size + size)


def parts_of(path: Path) -> tuple[Path, ...]:
    """All files of a model that was read: one, or as many as it was split into."""
    found = _SPLIT.fullmatch(path.name)
    if found is None or not path.with_name(f"{found[1]}-00002-of-{found[3]}.gguf").is_file():
        return (path,)
    return tuple(path.with_name(f"{found[1]}-{part:05}-of-{found[3]}.gguf") for part in range(1, int(found[3]) + 1))


def _fellows(path: Path, head: GgufHead) -> Iterator[Path]:
    count = head.metadata.get("split.count", 0)
    if type(count) is not int or not 0 <= count < 100_000:
        raise InvalidModel(f"{path.name} says that it is one of {count!r} parts", hint="Fetch the file again.")
    if count < 2:
        return
    found = _SPLIT.fullmatch(path.name)
    if found is None or found[2] != "00001":
        raise InvalidModel(
            f"{path.name} is one of {count} parts of a model, and not the first",
            hint=f"Give the part whose name ends in -00001-of-{count:05}.gguf, with the others beside it.",
        )
    if int(found[3]) != count:
        raise InvalidModel(
            f"{path.name} says that the model has {count} parts, and its name that it has {int(found[3])}",
            hint="Fetch the files again, under the names that they had.",
        )
    for part in range(2, count + 1):
        yield path.with_name(f"{found[1]}-{part:05}-of-{found[3]}.gguf")


def _read_one(path: Path) -> GgufHead:
    if not path.is_file():
        raise ModelNotPulled(f"there is no model file {path}", hint="Give the path of a .gguf file.")
    size = path.stat().st_size
    with path.open("rb", buffering=_BUFFER) as file:
        if file.read(4) != b"GGUF":
            raise InvalidModel(
                f"{path} is not a GGUF file: its first bytes are not 'GGUF'",
                hint="Give a .gguf file; one that a download left as a web page or a pointer has to be fetched again.",
            )
        try:
            return _Reader(file, size).head()
        except (struct.error, _Broken, UnicodeDecodeError) as error:
            raise InvalidModel(
                f"{path} is broken or cut short ({size} bytes): {error}", hint="Fetch the file again."
            ) from error


class _Broken(ValueError):
    """A length in the file leads beyond its end, or a number in it cannot be."""


class _Reader:
    """``file`` stands behind the magic and has ``size`` bytes in all."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._at, self._end = file, 4, size
        self._strings = 0

    def head(self) -> GgufHead:
        version = int(self._number("I"))
        if version not in (2, 3):
            raise _Broken(f"GGUF version {version}, where 2 and 3 are known")
        tensors, pairs = int(self._number("Q")), int(self._number("Q"))
        if tensors > _MOST_TENSORS or pairs > _MOST_PAIRS:
            raise _Broken(f"it announces {tensors} tensors and {pairs} pairs of metadata")
        metadata: dict[str, Value] = {}
        lengths: dict[str, tuple[int, int]] = {}
        for _ in range(pairs):
            key, kind = self._string(_LONGEST_KEY), int(self._number("I"))
            if key in metadata or key in lengths:
                raise _Broken(f"two values for {key[:100]!r}")
            self._value(key, kind, metadata, lengths)
        head = GgufHead(metadata, {key: length for key, (_, length) in lengths.items()}, tensors, self._end)
        problem = check_head(head, {key: kind for key, (kind, _) in lengths.items()})
        if problem:
            raise _Broken(problem)
        self._check_tensors(tensors, int(str(metadata.get("general.alignment", 32))))
        return head

    def _value(self, key: str, kind: int, metadata: dict[str, Value], lengths: dict[str, tuple[int, int]]) -> None:
        if kind == _ARRAY:
            self._array(key, metadata, lengths)
        elif kind != _STRING:
            metadata[key] = self._number(self._format(kind))
        else:
            size = int(self._number("Q"))
            if size <= _LONGEST_KEPT_STRING:
                metadata[key] = self._bytes(size).decode("utf-8")
            else:
                self._skip(size)
                lengths[key] = (_STRING, size)

    def _array(self, key: str, metadata: dict[str, Value], lengths: dict[str, tuple[int, int]]) -> None:
        kind, length = int(self._number("I")), int(self._number("Q"))
        lengths[key] = (kind, length)
        if kind == _STRING:
            self._strings += length
            if self._strings > _MOST_STRINGS:
                raise _Broken(f"{key[:100]!r} announces {length} texts")
            self._skip_strings(length)
            return
        code = self._format(kind)
        size = struct.calcsize(f"<{code}") * length
        if length > _LONGEST_KEPT_ARRAY:
            self._skip(size)
        else:
            metadata[key] = list(struct.unpack(f"<{length}{code}", self._bytes(size)))

    def _check_tensors(self, tensors: int, alignment: int) -> None:
        """Raise unless all weights that the file announces are in it."""
        sizes = TensorSizes(alignment)
        for _ in range(tensors):
            name, dimensions = self._string(64), int(self._number("I"))
            if dimensions > 4:
                raise _Broken(f"tensor {name!r} has {dimensions} dimensions, where 4 are the most")
            shape = struct.unpack(f"<{dimensions}Q", self._bytes(8 * dimensions))
            problem = sizes.add(name, shape, kind=int(self._number("I")), offset=int(self._number("Q")))
            if problem:
                raise _Broken(problem)
        problem = check_whole(sizes, head_end=self._at, file_end=self._end)
        if problem:
            raise _Broken(problem)

    @staticmethod
    def _format(kind: int) -> str:
        if kind not in _SCALARS:
            raise _Broken(f"a metadata value of type {kind}, which a model's file cannot have there")
        return _SCALARS[kind]

    def _skip_strings(self, count: int) -> None:
        """As ``_skip`` would, a buffer at a time: a vocabulary has hundreds of thousands."""
        window, place = b"", 0
        for _ in range(count):
            if len(window) - place < _LENGTH.size:
                window, place = window[place:] + self._file.read(_BUFFER), 0
                if len(window) < _LENGTH.size:
                    raise _Broken("texts are announced beyond its end")
            (size,) = _LENGTH.unpack_from(window, place)
            place += _LENGTH.size + size
            self._advance(_LENGTH.size + size)
            if place > len(window):
                self._file.seek(place - len(window), 1)
                window, place = b"", 0
        self._file.seek(place - len(window), 1)

    def _skip(self, size: int) -> None:
        self._advance(size)
        self._file.seek(size, 1)

    def _bytes(self, size: int) -> bytes:
        self._advance(size)
        read = self._file.read(size)
        if len(read) < size:
            raise _Broken("it became shorter while it was read")
        return read

    def _advance(self, size: int) -> None:
        if size > self._end - self._at:
            raise _Broken(f"{size} bytes are announced at byte {self._at}")
        self._at += size

    def _number(self, code: str) -> int | float | bool:
        (value,) = struct.unpack(f"<{code}", self._bytes(struct.calcsize(f"<{code}")))
        return value  # type: ignore[no-any-return]  # struct cannot tell

    def _string(self, longest: int) -> str:
        size = int(self._number("Q"))
        if size > longest:
            raise _Broken(f"a name of {size} bytes, where {longest} are the most")
        return self._bytes(size).decode("utf-8")
