import contextlib
import ctypes
import os
import re
import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.backends.gguf.file import read_head
from rankkit.backends.gguf.layout import BLOCKS
from rankkit.errors import InvalidModel, ModelNotPulled


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def tiny(*, weights: int = 64) -> bytes:
    """A GGUF file of one tensor of 64 single-precision weights."""
    pairs = [
        text("general.architecture") + struct.pack("<I", 8) + text("llama"),
        text("llama.context_length") + struct.pack("<II", 4, 2048),
        text("llama.block_count") + struct.pack("<II", 4, 2),
        text("llama.embedding_length") + struct.pack("<II", 4, 64),
        text("llama.attention.head_count") + struct.pack("<II", 4, 4),
        text("llama.attention.head_count_kv") + struct.pack("<IIQ", 9, 4, 2) + struct.pack("<II", 1, 2),
        text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 3) + text("a") + text("b") + text("c"),
    ]
    tensor = text("w") + struct.pack("<IQIQ", 1, 64, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(pairs)) + b"".join(pairs) + tensor
    return head + bytes(-len(head) % 32) + bytes(4 * weights)


def test_the_head_tells_sizes(tmp_path):
    file = tmp_path / "m.gguf"
    file.write_bytes(tiny())
    head = read_head(file)
    assert (head.architecture, head.trained_context, head.vocabulary, head.size) == ("llama", 2048, 3, len(tiny()))
    # 2 bytes, 10 tokens, 2 layers, 2 heads for keys and values (the larger layer's), 16 wide each
    assert head.cache_bytes(10) == 2 * 10 * 2 * 2 * (16 + 16)


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(ModelNotPulled, match="no model file"):
        read_head(tmp_path / "none.gguf")
    (tmp_path / "page.gguf").write_text("<html>Not found</html>")
    with pytest.raises(InvalidModel, match="not a GGUF file"):
        read_head(tmp_path / "page.gguf")


@given(st.integers(0, len(tiny()) - 1))
def test_a_file_cut_anywhere_is_an_error(tmp_path_factory, length):
    file = tmp_path_factory.mktemp("cut") / "m.gguf"
    file.write_bytes(tiny()[:length])
    with pytest.raises(InvalidModel):
        read_head(file)


@given(st.integers(4, len(tiny()) - 257), st.integers(0, 255))
def test_a_damaged_byte_is_read_or_refused(tmp_path_factory, place, value):
    data = bytearray(tiny())
    data[place] = value
    file = tmp_path_factory.mktemp("damaged") / "m.gguf"
    file.write_bytes(data)
    with contextlib.suppress(InvalidModel):
        read_head(file)


def test_a_split_model_needs_all_its_parts(tmp_path):
    pair = text("split.count") + struct.pack("<IH", 2, 2)
    part = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + pair
    (tmp_path / "m-00001-of-00002.gguf").write_bytes(part)
    with pytest.raises(ModelNotPulled, match="m-00002-of-00002"):
        read_head(tmp_path / "m-00001-of-00002.gguf")
    (tmp_path / "m-00002-of-00002.gguf").write_bytes(part)
    assert read_head(tmp_path / "m-00001-of-00002.gguf").size == 2 * len(part)
    with pytest.raises(InvalidModel, match="one of 2 parts"):
        read_head(tmp_path / "m-00002-of-00002.gguf")


# Heads that lie. Each is refused by what it says, before anything of that size is read or made.


def pair(key: str, kind: int, payload: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + payload


def array(key: str, kind: int, length: int, payload: bytes = b"") -> bytes:
    return pair(key, 9, struct.pack("<IQ", kind, length) + payload)


def tensor(name: str = "w", shape: tuple[int, ...] = (64,), kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def gguf(
    *pairs: bytes, tensors: tuple[bytes, ...] = (), pairs_said: int | None = None, tensors_said: int | None = None
):
    said = (len(tensors) if tensors_said is None else tensors_said, len(pairs) if pairs_said is None else pairs_said)
    return b"GGUF" + struct.pack("<IQQ", 3, *said) + b"".join(pairs) + b"".join(tensors)


LLAMA = pair("general.architecture", 8, text("llama"))
TOKENS = array("tokenizer.ggml.tokens", 8, 2, text("a") + text("b"))
NAN, INF = struct.pack("<f", float("nan")), struct.pack("<f", float("inf"))

LIES = {
    "100,000 dimensions": (gguf(tensors=(tensor(shape=(2**63 + 1,) * 100_000),)), "100000 dimensions"),
    "5 dimensions": (gguf(tensors=(tensor(shape=(1,) * 5),)), "5 dimensions"),
    "weights beyond any file": (gguf(tensors=(tensor(shape=(2**63, 2**63, 2**63)),)), "weights"),
    "an offset beyond the file": (gguf(tensors=(tensor(offset=2**40),)), "its weights end at byte"),
    "an offset that overflows": (gguf(tensors=(tensor(offset=2**64 - 32),)), "its weights end at byte"),
    "an odd offset": (gguf(tensors=(tensor(offset=7),)), "not a multiple of 32"),
    "rows that are no whole blocks": (gguf(tensors=(tensor(shape=(33,), kind=2),)), "rows of 33 weights"),
    "an unknown type beyond the file": (gguf(tensors=(tensor(shape=(2**40,), kind=999),)), "its weights end"),
    "two tensors of one name": (gguf(tensors=(tensor(), tensor())) + bytes(4096), "two tensors of the name"),
    "a tensor's name": (gguf(tensors=(tensor("x" * 65),)), "a name of 65 bytes"),
    "2**60 tensors": (gguf(tensors_said=2**60), "announces"),
    "2**60 pairs": (gguf(pairs_said=2**60), "announces"),
    "a list of 2**60 texts": (gguf(array("x", 8, 2**60)), "announces 1152921504606846976 texts"),
    "a list of 2**60 numbers": (gguf(array("x", 10, 2**60)), "bytes are announced"),
    "a list of lists": (gguf(array("x", 9, 1, struct.pack("<IQ", 4, 1))), "a metadata value of type 9"),
    "an unknown kind of value": (gguf(pair("x", 99, b"")), "a metadata value of type 99"),
    "a text of 2**50 bytes": (gguf(pair("x", 8, struct.pack("<Q", 2**50))), "bytes are announced"),
    "a key of 2**50 bytes": (gguf(struct.pack("<Q", 2**50)), "a name of"),
    "a text that is not UTF-8": (gguf(pair("x", 8, struct.pack("<Q", 1) + b"\xff")), "utf-8"),
    "two values of one key": (gguf(LLAMA, LLAMA), "two values for 'general.architecture'"),
    "an architecture that is a number": (
        gguf(pair("general.architecture", 4, bytes(4))),
        "general.architecture is not",
    ),
    "a template that is a list": (gguf(array("tokenizer.chat_template", 4, 0)), "tokenizer.chat_template is not"),
    "a template of 2 MB": (
        gguf(pair("tokenizer.chat_template", 8, text("x" * 2_000_000))),
        "tokenizer.chat_template is not a text of at most 1 MiB",
    ),
    "an alignment in words": (gguf(pair("general.alignment", 8, text("abc"))), "alignment of 'abc'"),
    "an alignment of 0": (gguf(pair("general.alignment", 4, bytes(4))), "alignment of 0"),
    "an alignment of 3": (gguf(pair("general.alignment", 4, struct.pack("<I", 3))), "alignment of 3"),
    "a negative alignment": (gguf(pair("general.alignment", 5, struct.pack("<i", -32))), "alignment of -32"),
    "an alignment that is yes": (gguf(pair("general.alignment", 7, b"\x01")), "alignment of True"),
    "a huge alignment": (gguf(pair("general.alignment", 10, struct.pack("<Q", 2**63))), "alignment of"),
    "an alignment in a list": (gguf(array("general.alignment", 4, 1, struct.pack("<I", 32))), "alignment of"),
    "a context of NaN": (gguf(LLAMA, pair("llama.context_length", 6, NAN)), "context_length is nan"),
    "a context of infinity": (gguf(LLAMA, pair("llama.context_length", 6, INF)), "context_length is inf"),
    "a negative context": (gguf(LLAMA, pair("llama.context_length", 5, struct.pack("<i", -1))), "context_length is -1"),
    "a context of 2**63": (gguf(LLAMA, pair("llama.context_length", 10, struct.pack("<Q", 2**63))), "context_length"),
    "a context in words": (gguf(LLAMA, pair("llama.context_length", 8, text("many"))), "context_length is many"),
    "a context that is yes": (gguf(LLAMA, pair("llama.context_length", 7, b"\x01")), "context_length is True"),
    "a rope base of NaN": (gguf(LLAMA, pair("llama.rope.freq_base", 6, NAN)), "freq_base is nan"),
    "no heads": (gguf(LLAMA, pair("llama.attention.head_count", 4, bytes(4))), "head_count is zero"),
    "no heads in any layer": (gguf(LLAMA, array("llama.attention.head_count", 4, 2, bytes(8))), "head_count is zero"),
    "an empty list of heads": (gguf(LLAMA, array("llama.attention.head_count", 4, 0)), "head_count is zero"),
    "heads of NaN": (gguf(LLAMA, array("llama.attention.head_count_kv", 6, 1, NAN)), "head_count_kv is"),
    "a list of 2,000 heads": (gguf(LLAMA, array("llama.attention.head_count", 4, 2000, bytes(8000))), "list of 2000"),
    "no layers": (gguf(LLAMA, pair("llama.block_count", 4, bytes(4))), "block_count is zero"),
    "2**32 layers": (gguf(LLAMA, pair("llama.block_count", 4, b"\xff" * 4)), "block_count is 4294967295"),
    "tokens that are numbers": (gguf(array("tokenizer.ggml.tokens", 4, 2, bytes(8))), "tokens is a list of values"),
    "tokens that are one text": (gguf(pair("tokenizer.ggml.tokens", 8, text("a"))), "tokens is no list"),
    "scores that are texts": (gguf(TOKENS, array("tokenizer.ggml.scores", 8, 2, text("a") * 2)), "scores is a list of"),
    "fewer scores than tokens": (gguf(TOKENS, array("tokenizer.ggml.scores", 6, 1, bytes(4))), "1 values for 2 tokens"),
    "fewer types than tokens": (gguf(TOKENS, array("tokenizer.ggml.token_type", 5, 1, bytes(4))), "1 values for 2"),
    "merges that are numbers": (gguf(TOKENS, array("tokenizer.ggml.merges", 4, 1, bytes(4))), "merges is a list of"),
    "version 1": (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "GGUF version 1"),
    "version 2**31, the other byte order": (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "GGUF version"),
}


@pytest.mark.parametrize(("data", "words"), LIES.values(), ids=LIES)
def test_a_head_that_lies_is_refused(tmp_path, data, words):
    file = tmp_path / "m.gguf"
    file.write_bytes(data)
    with pytest.raises(InvalidModel, match=re.escape(words)):
        read_head(file)


@pytest.mark.slow
def test_a_head_that_lies_takes_no_memory(tmp_path):
    """A file that pretends to be large: every byte that is not written is a zero."""
    file = tmp_path / "m.gguf"
    tracemalloc.start()
    try:
        for kind in (8, 10):
            file.write_bytes(gguf(array("x", kind, 1_400_000)))
            with file.open("r+b") as opened:
                opened.truncate(1 << 36)
            read_head(file)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("name", "count", "words"),
    [
        ("m-00001-of-00002.gguf", struct.pack("<IQ", 10, 2**40), "one of 1099511627776 parts"),
        ("m-00001-of-00002.gguf", struct.pack("<II", 4, 99_999), "has 99999 parts, and its name that it has 2"),
        ("m-00001-of-00002.gguf", struct.pack("<Ii", 5, -2), "one of -2 parts"),
        ("m-00001-of-00002.gguf", struct.pack("<If", 6, 2.0), "one of 2.0 parts"),
        ("m-00001-of-00002.gguf", struct.pack("<I", 8) + text("two"), "one of 'two' parts"),
        ("m.gguf", struct.pack("<IH", 2, 2), "and not the first"),
    ],
)
def test_a_number_of_parts_that_cannot_be(tmp_path, name, count, words):
    (tmp_path / name).write_bytes(gguf(text("split.count") + count))
    with pytest.raises(InvalidModel, match=re.escape(words)):
        read_head(tmp_path / name)


def test_what_is_no_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.gguf")
    for path in (tmp_path, tmp_path / "pipe.gguf"):
        with pytest.raises(ModelNotPulled):
            read_head(path)


def test_sizes_of_types_are_those_of_the_library_that_loads_them():
    ggml = pytest.importorskip("llama_cpp._ggml").libggml
    ggml.ggml_blck_size.restype = ctypes.c_int64
    ggml.ggml_type_size.restype = ctypes.c_size_t
    assert {kind: (ggml.ggml_blck_size(kind), ggml.ggml_type_size(kind)) for kind in BLOCKS} == BLOCKS
