"""The hub's real client against a server on loopback that answers as the hub does."""

from __future__ import annotations

from pathlib import Path

import pytest

from rankkit.errors import ChecksumMismatch, DownloadFailed
from rankkit.models import store
from rankkit.models.catalogue import Row, parse
from rankkit.models.progress import PullProgress
from tests.models.conftest import ROW, TOKENIZER, WEIGHTS, Server, sha, tiny_wheel

COMMIT = "0123456789abcdef0123456789abcdef01234567"

HUB = """
[[model]]
name = "tiny-hub"
title = "A tiny model on the hub"
kind = "cross-encoder"
licence = "MIT"
homepage = "https://example.org/tiny"
languages = ["en"]
unseen = "made up"
[[model.source]]
kind = "hub"
repo = "us/tiny"
[model.source.files]
"model.onnx" = "onnx/model.onnx"
"tokenizer.json" = "tokenizer.json"
"""


def publish(server: Server, path: str, content: bytes, etag: str) -> None:
    headers = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
    for revision in ("main", COMMIT):
        server.replies[f"/us/tiny/resolve/{revision}/{path}"] = (headers, content)


@pytest.fixture
def hub(home: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    publish(server, "onnx/model.onnx", WEIGHTS, sha(WEIGHTS))
    publish(server, "tokenizer.json", TOKENIZER, "a" * 40)
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    return server


@pytest.fixture
def row() -> Row:
    return parse(HUB)[0]


def test_a_model_of_the_hub_lies_flat_under_its_name(hub: Server, row: Row) -> None:
    seen: list[PullProgress] = []
    folder = store.pull(row, progress=seen.append)
    assert sorted(path.name for path in folder.iterdir()) == ["model.onnx", "rankkit.json", "tokenizer.json"]
    assert (folder / "model.onnx").read_bytes() == WEIGHTS
    total = len(WEIGHTS) + len(TOKENIZER)
    assert [(now.done, now.total) for now in seen if now.phase == "downloading"][-1] == (total, total)
    assert f"GET /us/tiny/resolve/{COMMIT}/onnx/model.onnx" in hub.asked, "all files of one commit"


def test_the_manifest_says_that_the_catalogue_knew_no_checksum(hub: Server, row: Row) -> None:
    store.pull(row)
    (there,) = store.pulled()
    assert {(file.name, file.sha256, file.unseen) for file in there.manifest.files} == {
        ("model.onnx", sha(WEIGHTS), "made up"),
        ("tokenizer.json", sha(TOKENIZER), "made up"),
    }
    (there.path / "model.onnx").write_bytes(b"damaged")
    with pytest.raises(ChecksumMismatch):
        store.verify("tiny-hub")


def test_what_arrives_is_held_against_the_hubs_own_checksum(hub: Server, row: Row, home: Path) -> None:
    publish(hub, "onnx/model.onnx", WEIGHTS, sha(b"something else"))
    with pytest.raises(ChecksumMismatch, match=f"the hub says {sha(b'something else')}"):
        store.pull(row)
    assert not (home / "models").exists()


def test_no_network(home: Path, row: Row, monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed_port}")
    with pytest.raises(DownloadFailed, match="no connection to the hub for us/tiny") as caught:
        store.pull(row)
    assert "HF_ENDPOINT" in caught.value.hint


def test_a_repository_without_the_file(hub: Server, row: Row) -> None:
    for revision in ("main", COMMIT):
        path = f"/us/tiny/resolve/{revision}/tokenizer.json"
        hub.replies.pop(path)
    with pytest.raises(DownloadFailed, match="us/tiny"):
        store.pull(row)


BOTH = ROW.replace('name = "tiny"', 'name = "both"') + HUB[HUB.index("[[model.source]]") :]


def test_the_next_source_is_tried_and_the_progress_says_so(hub: Server, shelf: Path) -> None:
    seen: list[PullProgress] = []
    folder = store.pull(parse(BOTH)[0], progress=seen.append)
    assert (folder / "model.onnx").read_bytes() == WEIGHTS
    (failed,) = [now for now in seen if now.phase == "failed"]
    assert failed.source == "wheel tiny-data 1.0" and "has no tiny-data 1.0" in failed.note
    assert seen[-1].source == "hub us/tiny"


def test_the_first_source_that_works_is_enough(hub: Server, shelf: Path) -> None:
    tiny_wheel(shelf)
    store.pull(parse(BOTH)[0])
    assert hub.asked == []


def test_when_all_sources_fail_the_error_says_what_each_said(
    home: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed_port}")
    with pytest.raises(DownloadFailed) as caught:
        store.pull(parse(BOTH)[0])
    assert "none of both's 2 sources worked out" in caught.value.message
    assert "wheel tiny-data 1.0: the package index" in caught.value.message
    assert "hub us/tiny: no connection" in caught.value.message
