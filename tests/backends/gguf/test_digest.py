import hashlib
import json
import os

import pytest

from rankkit.backends.gguf import digest
from rankkit.backends.gguf.digest import stated_digest, weights_digest


def lay(folder, content=b"weights", **changes):
    file = folder / "m.gguf"
    file.write_bytes(content)
    stated = {"name": "m.gguf", "sha256": "a" * 64, "bytes": len(content), "unseen": ""} | changes
    (folder / "rankkit.json").write_text(json.dumps({"name": "m", "files": [stated]}))
    return file


def test_a_pulled_file_is_not_read(tmp_path, monkeypatch):
    file = lay(tmp_path)
    monkeypatch.setattr(digest, "_read_whole", None)
    assert weights_digest([file]) == "a" * 64


@pytest.mark.parametrize(
    "changes", [{"name": "other.gguf"}, {"bytes": 8}, {"sha256": "x"}, {"sha256": None}, {"sha256": ["a" * 64]}]
)
def test_a_manifest_that_means_another_file_does_not_count(tmp_path, changes):
    file = lay(tmp_path, **changes)
    assert stated_digest(file) == ""
    assert weights_digest([file]) == hashlib.sha256(b"weights").hexdigest()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": 1}', '{"files": [1]}', "[" * 10_000, "\udc80"])
def test_a_broken_manifest_does_not_count(tmp_path, text):
    file = lay(tmp_path)
    (tmp_path / "rankkit.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert weights_digest([file]) == hashlib.sha256(b"weights").hexdigest()


def test_a_file_that_was_written_to_after_its_manifest_is_read(tmp_path):
    file = lay(tmp_path)
    file.write_bytes(b"WEIGHTS")
    later = (tmp_path / "rankkit.json").stat().st_mtime_ns + 1_000_000_000
    os.utime(file, ns=(later, later))
    assert weights_digest([file]) == hashlib.sha256(b"WEIGHTS").hexdigest()


def test_a_file_of_ones_own_is_read_once_and_again_when_it_changed(tmp_path, monkeypatch):
    file = tmp_path / "m.gguf"
    file.write_bytes(b"one")
    first = weights_digest([file])
    before = digest._read_whole.cache_info()
    assert weights_digest([file]) == first
    assert digest._read_whole.cache_info().hits == before.hits + 1
    file.write_bytes(b"two!")
    assert weights_digest([file]) == hashlib.sha256(b"two!").hexdigest()


def test_every_part_of_a_split_model_counts(tmp_path):
    parts = [tmp_path / f"m-0000{part}-of-00002.gguf" for part in (1, 2)]
    for part in parts:
        part.write_bytes(b"x")
    both = weights_digest(parts)
    parts[1].write_bytes(b"yy")
    assert weights_digest(parts) != both != weights_digest(parts[:1])
