"""The hub's real client against a server on loopback that answers as the hub does."""

from __future__ import annotations

from pathlib import Path

import pytest

from rankkit.errors import ChecksumMismatch, DownloadFailed, ModelNotPulled, SourceUnverified, StoreError
from rankkit.models import records, store
from rankkit.models.catalogue import Row, parse
from rankkit.models.progress import PullProgress
from tests.models.conftest import ROW, TOKENIZER, WEIGHTS, Server, sha, tiny_wheel
from tests.models.test_cli import read, run

#: A hub of its own, and real downloads from it.
pytestmark = pytest.mark.slow

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


BOTH = ROW.replace('name = "tiny"', 'name = "both"') + HUB[HUB.index("[[model.source]]") :]


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
    folder = store.pull(row, allow_unverified=True, progress=seen.append)
    assert sorted(path.name for path in folder.iterdir()) == ["model.onnx", "rankkit.json", "tokenizer.json"]
    assert (folder / "model.onnx").read_bytes() == WEIGHTS
    total = len(WEIGHTS) + len(TOKENIZER)
    assert [(now.done, now.total) for now in seen if now.phase == "downloading"][-1] == (total, total)
    assert f"GET /us/tiny/resolve/{COMMIT}/onnx/model.onnx" in hub.asked, "all files of one commit"


def test_the_manifest_says_that_the_catalogue_knew_no_checksum(hub: Server, row: Row) -> None:
    store.pull(row, allow_unverified=True)
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
        store.pull(row, allow_unverified=True)
    assert not (home / "models").exists()


def test_no_network(home: Path, row: Row, monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed_port}")
    with pytest.raises(DownloadFailed, match="no connection to the hub for us/tiny") as caught:
        store.pull(row, allow_unverified=True)
    assert "HF_ENDPOINT" in caught.value.hint


def test_a_repository_without_the_file(hub: Server, row: Row) -> None:
    for revision in ("main", COMMIT):
        path = f"/us/tiny/resolve/{revision}/tokenizer.json"
        hub.replies.pop(path)
    with pytest.raises(DownloadFailed, match="us/tiny"):
        store.pull(row, allow_unverified=True)


# Where the row states neither commit nor checksum, the first pull writes both down.

NEWER = "f" * 40


def move_main(server: Server, content: bytes) -> None:
    """The branch moves on to another commit with another file; the old commit stays as it was."""
    headers = {"X-Repo-Commit": NEWER, "Accept-Ranges": "bytes"}
    for path, new in {"onnx/model.onnx": content, "tokenizer.json": TOKENIZER}.items():
        for revision in ("main", NEWER):
            server.replies[f"/us/tiny/resolve/{revision}/{path}"] = ({**headers, "ETag": f'"{sha(new)}"'}, new)


def test_a_later_pull_takes_the_commit_that_the_first_one_found(hub: Server, row: Row) -> None:
    store.pull(row, allow_unverified=True)
    (there,) = store.pulled()
    assert there.manifest.commit == COMMIT
    store.remove("tiny-hub")
    move_main(hub, b"replaced by somebody")
    hub.asked.clear()
    folder = store.pull(row)
    assert (folder / "model.onnx").read_bytes() == WEIGHTS
    assert all(COMMIT in asked for asked in hub.asked)


def test_another_file_than_the_first_pull_found_is_refused_until_it_is_allowed(hub: Server, row: Row) -> None:
    store.pull(row, allow_unverified=True)
    store.remove("tiny-hub")
    publish(hub, "onnx/model.onnx", b"other", sha(b"other"))  # history was rewritten under the same commit
    with pytest.raises(ChecksumMismatch, match=f"the first pull found {sha(WEIGHTS)}") as caught:
        store.pull(row)
    assert "--allow-unverified" in caught.value.hint
    assert (store.pull(row, allow_unverified=True) / "model.onnx").read_bytes() == b"other"
    store.remove("tiny-hub")
    assert (store.pull(row) / "model.onnx").read_bytes() == b"other", "what was allowed is what counts from then on"


def test_allowing_what_was_not_seen_asks_the_branch_again(hub: Server, row: Row) -> None:
    store.pull(row, allow_unverified=True)
    move_main(hub, b"newer")
    assert (store.pull(row) / "model.onnx").read_bytes() == WEIGHTS
    assert (store.pull(row, allow_unverified=True) / "model.onnx").read_bytes() == b"newer"
    assert store.verify("tiny-hub").manifest.commit == NEWER


def test_a_commit_in_the_row_is_the_one_that_is_asked(hub: Server) -> None:
    row = parse(HUB.replace('repo = "us/tiny"', f'repo = "us/tiny"\nrevision = "{COMMIT}"'))[0]
    store.pull(row)
    assert all(COMMIT in asked for asked in hub.asked)


def test_a_damaged_record_is_not_passed_over(hub: Server, row: Row) -> None:
    store.pull(row, allow_unverified=True)
    store.remove("tiny-hub")
    records.file_of("tiny-hub").write_text('{"files": {"model.onnx": "not a sha"}, "commits": {}}')
    with pytest.raises(StoreError, match="is damaged"):
        store.pull(row)


def test_where_neither_a_commit_nor_a_checksum_is_known_a_pull_has_to_be_allowed(hub: Server, row: Row) -> None:
    with pytest.raises(SourceUnverified, match="pins no commit and has no sha256") as caught:
        store.pull(row)
    assert "rankkit models pull tiny-hub --allow-unverified" in caught.value.hint
    assert hub.asked == [] and store.pulled() == () and not records.file_of("tiny-hub").exists()
    store.pull(row, allow_unverified=True)
    store.remove("tiny-hub")
    assert (store.pull(row) / "model.onnx").read_bytes() == WEIGHTS, "what was found then is held to from now on"


def test_a_copied_record_allows_the_same_files_on_another_machine(hub: Server, row: Row, monkeypatch, tmp_path) -> None:
    store.pull(row, allow_unverified=True)
    record = records.file_of("tiny-hub").read_bytes()
    monkeypatch.setenv("RANKKIT_HOME", str(tmp_path / "other"))
    records.file_of("tiny-hub").parent.mkdir(parents=True)
    records.file_of("tiny-hub").write_bytes(record)
    move_main(hub, b"replaced by somebody")
    assert (store.pull(row) / "model.onnx").read_bytes() == WEIGHTS


def test_checksums_of_all_files_need_no_commit_and_no_permission(hub: Server) -> None:
    listed = "".join(
        f'[[model.file]]\nname = "{name}"\nbytes = {len(content)}\nsha256 = "{sha(content)}"\n'
        for name, content in {"model.onnx": WEIGHTS, "tokenizer.json": TOKENIZER}.items()
    )
    seen = parse(HUB.replace("[[model.source]]", f"{listed}[[model.source]]", 1))[0]
    assert seen.unpinned == () and (store.pull(seen) / "model.onnx").read_bytes() == WEIGHTS


def test_an_unverified_source_behind_another_is_only_asked_when_it_is_allowed(hub: Server, shelf: Path) -> None:
    row = parse(
        BOTH.replace(f'sha256 = "{sha(WEIGHTS)}"', "").replace('licence = "Apache', 'unseen = "x"\nlicence = "Apache')
    )
    with pytest.raises(DownloadFailed, match="hub us/tiny: nothing says what must come") as caught:
        store.pull(row[0])
    assert "--allow-unverified" in caught.value.hint and hub.asked == []
    assert store.pull(row[0], allow_unverified=True).is_dir()


def test_what_has_to_be_allowed_is_said_where_a_model_is_missing_and_shown(home: Path, row: Row, monkeypatch, tmp_path):
    (tmp_path / "rows.toml").write_text(HUB, encoding="utf-8")
    monkeypatch.setenv("RANKKIT_CATALOGUE", str(tmp_path / "rows.toml"))
    with pytest.raises(ModelNotPulled, match="Run: rankkit models pull tiny-hub --allow-unverified"):
        store.locate("tiny-hub")
    shown = run("show", "tiny-hub").stdout
    assert "hub us/tiny, main, no commit pinned" in shown and "models pull tiny-hub --allow-unverified" in shown
    assert read("show", "tiny-hub")["unpinned"] == ["us/tiny"]
    listed = {one["name"]: one["unpinned"] for one in read("list")}
    assert listed["tiny-hub"] == ["us/tiny"] and listed["ms-marco-MiniLM-L-12-v2"] == []


# What a server must not be able to do.


def test_a_file_longer_than_the_hub_announced_ends_early(hub: Server, row: Row, home: Path) -> None:
    hub.endless = f"/us/tiny/resolve/{COMMIT}/onnx/model.onnx"
    with pytest.raises(ChecksumMismatch, match=r"longer than the 2\.0 MB that the hub announced"):
        store.pull(row, allow_unverified=True)
    assert hub.sent < 40_000_000
    assert not (home / "models").exists() and not records.file_of("tiny-hub").exists()


def test_a_client_that_takes_no_progress_bar_is_asked_without_one(hub: Server, row: Row, monkeypatch) -> None:
    from huggingface_hub import hf_hub_download

    def older(repo: str, path: str, *, revision: str, local_dir: Path, endpoint: str | None) -> str:
        return str(hf_hub_download(repo, path, revision=revision, local_dir=local_dir, endpoint=endpoint))

    monkeypatch.setattr("rankkit.models.hub.hf_hub_download", older)
    assert (store.pull(row, allow_unverified=True) / "model.onnx").read_bytes() == WEIGHTS


def test_another_size_than_the_row_states_is_not_downloaded(hub: Server) -> None:
    listed = '[[model.file]]\nname = "model.onnx"\nbytes = 10\n[[model.source]]'
    with pytest.raises(ChecksumMismatch, match="nothing was downloaded"):
        store.pull(parse(HUB.replace("[[model.source]]", listed, 1))[0], allow_unverified=True)
    assert not any(asked.startswith("GET") for asked in hub.asked)


@pytest.mark.parametrize("error", [ValueError("odd path"), RuntimeError("odd"), EOFError, OSError("odd")])
def test_whatever_the_client_raises_is_a_failed_download(hub: Server, row: Row, monkeypatch, error) -> None:
    if error is EOFError:
        from huggingface_hub.errors import StrictDataclassError as error

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("rankkit.models.hub.hf_hub_download", fail)
    with pytest.raises(DownloadFailed):
        store.pull(row, allow_unverified=True)


def test_the_next_source_is_tried_and_the_progress_says_so(hub: Server, shelf: Path) -> None:
    seen: list[PullProgress] = []
    folder = store.pull(parse(BOTH)[0], progress=seen.append)
    assert (folder / "model.onnx").read_bytes() == WEIGHTS
    (failed,) = [now for now in seen if now.phase == "failed"]
    assert failed.source == "wheel tiny-data 1.0" and "it has no tiny-data 1.0" in failed.note
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
    assert "wheel tiny-data 1.0: no connection to the package index" in caught.value.message
    assert "hub us/tiny: no connection" in caught.value.message
