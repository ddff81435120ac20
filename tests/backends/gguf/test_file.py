import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.backends.gguf.file import read_head
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
