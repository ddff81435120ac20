from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.errors import ConfigError, UnknownModel
from rankkit.models import catalogue
from rankkit.models.catalogue import HubSource, Row, WheelSource, find, parse, rows
from rankkit.models.naming import key
from rankkit.prompting.loading import load_prompt
from tests.models.conftest import ROW


def test_every_row_has_a_licence_a_source_and_a_checksum_or_says_why_not() -> None:
    for row in rows():
        assert row.licence and row.homepage.startswith("https://") and row.source, row.name
        assert row.unseen or all(file.sha256 and file.bytes for file in row.files), row.name


def test_what_was_never_seen_has_neither_checksum_nor_size() -> None:
    for row in rows():
        if row.unseen:
            assert row.bytes is None, row.name
            assert not any(file.sha256 or file.bytes for file in row.files), row.name
            assert all(isinstance(source, HubSource) for source in row.source), row.name


def test_the_files_are_those_that_backends_look_for() -> None:
    for row in rows():
        names = {file.name for file in row.files}
        if row.kind == "gguf":
            assert names == {f"{row.name}.gguf"}
        elif row.kind != "seq2seq":
            assert names >= {"model.onnx", "tokenizer.json"}


def test_a_model_cut_into_four_wheels_is_data() -> None:
    source = find("gemma-3-270m").source[0]
    assert isinstance(source, WheelSource)
    assert [wheel.members["gemma-3-270m.gguf"][-6:] for wheel in source.wheel] == [
        "part00",
        "part01",
        "part02",
        "part03",
    ]


def test_gated_rows_name_their_terms() -> None:
    assert {row.name for row in rows() if row.terms} == {"gemma-3-270m", "jina-reranker-v2-base-multilingual"}


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("ms-marco-MiniLM-L-12-v2", "ms-marco-MiniLM-L-12-v2"),
        ("MS-MARCO-minilm-l-12-V2", "ms-marco-MiniLM-L-12-v2"),
        ("minilm", "ms-marco-MiniLM-L-12-v2"),
        ("BAAI/bge-reranker-base", "bge-reranker-base"),
        ("cross-encoder/ms-marco-MiniLM-L-6-v2", "ms-marco-MiniLM-L-6-v2"),
        ("cross-encoder/ms-marco-TinyBERT-L-2-v2", "ms-marco-TinyBERT-L-2-v2"),
        ("ms_marco_minilm_l12_v2", "ms-marco-MiniLM-L-12-v2"),
        ("https://huggingface.co/BAAI/bge-reranker-base/tree/main", "bge-reranker-base"),
        ("hf.co/cross-encoder/ms-marco-MiniLM-L6-v2", "ms-marco-MiniLM-L-6-v2"),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", "smollm2-135m-instruct"),
        ("Qwen/Qwen3-0.6B", "qwen3-0.6b"),
        ("qwen3_0.6b", "qwen3-0.6b"),
        ("castorini/rank_zephyr_7b_v1_full", "rank-zephyr-7b-v1-full"),
    ],
)
def test_a_model_is_found_by_name_alias_and_hub_repository(asked: str, name: str) -> None:
    assert find(asked).name == name


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownModel) as caught:
        find("ms-marco-MiniLM-L12-v3")
    assert "'ms-marco-MiniLM-L12-v3'" in caught.value.message
    assert caught.value.hint.startswith("Did you mean ms-marco-MiniLM-L-12-v2 or ")


@given(st.text())
def test_any_text_is_found_or_unknown(name: str) -> None:
    try:
        row = find(name)
    except UnknownModel:
        return
    assert key(name) in {key(called) for called in (*row.known_as, row.homepage)}


@pytest.mark.parametrize(
    "name",
    ["gpt-4o-mini", "openai/gpt-4o", "claude-3-5-haiku-latest", "o3-mini", "gemini-2.0-flash", "rerank-v3.5",
     "cohere/rerank-english-v3.0", "deepseek-chat", "command-r-plus"],
)  # fmt: skip
def test_a_model_behind_an_api_is_answered_with_endpoint(name: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        find(name)
    assert "endpoint=" in caught.value.hint and "Did you mean" not in caught.value.hint


@pytest.mark.parametrize("name", ["someone-else/bge-reranker-base", "mistral-7b.gguf", "gemma/x", "output-1", "o2c"])
def test_what_only_looks_alike_is_neither_a_row_nor_an_api(name: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        find(name)
    assert "endpoint=" not in caught.value.hint


def test_no_two_rows_are_written_alike() -> None:
    spelt = [{key(name) for name in row.known_as} for row in rows()]
    assert sum(map(len, spelt)) == len(set().union(*spelt))


def test_further_rows_come_from_the_users_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ours.toml").write_text(ROW)
    monkeypatch.setenv("RANKKIT_CATALOGUE", str(tmp_path / "ours.toml"))
    assert find("tin").title == "A tiny model"
    assert len(rows()) == len(catalogue._shipped()) + 1


def test_a_catalogue_file_that_is_not_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANKKIT_CATALOGUE", str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match=r"none\.toml, which cannot be read"):
        rows()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("licence =", "license ="), "row 'tiny': licence: Field required"),
        (('kind = "cross-encoder"', 'kind = "reranker"'), "row 'tiny': kind: Input should be 'cross-encoder'"),
        (('name = "tiny"', 'name = "../tiny"'), "'../tiny' is not a plain name"),
        (('name = "model.onnx"', 'name = "../model.onnx"'), "'../model.onnx' is not a plain file name"),
        (('sha256 = "', 'sha256 = "x'), "is not a sha256"),
        (('[[model.file]]\nname = "tokenizer.json"', '[[model.file]]\nname = "vocab.txt"'), "that no source gives"),
        (('kind = "wheel"', 'kind = "ftp"'), "'ftp'"),
        (("[[model]]", "[[model"), "is not TOML"),
    ],
)
def test_a_wrong_row_is_named_with_its_field(change: tuple[str, str], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(ROW.replace(*change, 1), origin="rows.toml")
    assert words in str(caught.value)
    assert str(caught.value).startswith("rows.toml")


def test_a_file_without_checksum_needs_a_reason() -> None:
    row = ROW.replace('[[model.file]]\nname = "model.onnx"\n', '[[model.file]]\nname = "model.onnx"\nbytes = 3\n', 1)
    row = "\n".join(line for line in row.splitlines() if not line.startswith("sha256"))
    with pytest.raises(ConfigError, match="no checksum, and no `unseen`"):
        parse(row)
    assert parse(row.replace('aliases = ["tin"]', 'unseen = "nobody looked"'))[0].unseen == "nobody looked"


def test_two_rows_may_not_answer_to_one_name() -> None:
    with pytest.raises(ConfigError, match="more than one row answers to 'tin'"):
        parse(ROW + ROW.replace('"tiny"', '"tiny2"'))


def test_a_prompt_that_a_model_was_trained_on_is_a_prompt_file():
    trained = [row for row in rows() if row.prompt]
    assert {row.name for row in trained} >= {"monot5-base-msmarco", "duot5-base-msmarco", "rank-zephyr-7b-v1-full"}
    for row in trained:
        paradigm, _, name = row.prompt.partition("/")
        assert load_prompt(name, paradigm).name


def test_every_shipped_wheel_is_fetched_by_its_checksum() -> None:
    for row in rows():
        for source in row.source:
            if isinstance(source, WheelSource):
                assert all(wheel.sha256 and wheel.bytes for wheel in source.wheel), row.name


# A catalogue may be somebody else's file.

HUB_ROW = """
[[model]]
name = "other"
title = "t"
kind = "cross-encoder"
licence = "MIT"
homepage = "https://example.org"
languages = ["en"]
unseen = "nobody looked"
[[model.source]]
kind = "hub"
repo = "us/other"
revision = "main"
[model.source.files]
"model.onnx" = "onnx/model.onnx"
"""


@pytest.mark.parametrize(
    "package",
    ["-rhttp://127.0.0.1/r.txt", "--index-url=x", "file:///x.tar.gz#", "x @ http://host/x.whl", "./x", "x y", "x==2",
     "x[extra]", "x;python_version>'3'", "x\\n-r y", "", "x ", "ä"],
)  # fmt: skip
def test_a_package_is_a_name_and_nothing_that_pip_could_read_otherwise(package: str) -> None:
    with pytest.raises(ConfigError, match="package"):
        parse(ROW.replace('package = "tiny-data"', f'package = "{package}"'))


@pytest.mark.parametrize(
    "version", ["1.0 --pre", "*", "1.*", ">=1", "1 ; os_name", "http://x", "", " 1.0", "1.0\\n", "-1", "latest"]
)
def test_a_version_is_a_version(version: str) -> None:
    with pytest.raises(ConfigError, match="version"):
        parse(ROW.replace('version = "1.0"', f'version = "{version}"'))


PATHS = [
    "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/.", "", "a/", "C:/x", "c:x", "a\\\\b", "..\\\\x", "a\\u0000b",
    "a\\nb", "\\u202ex", "~/../x/..",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_paths_inside_a_wheel_or_a_repository_stay_there(path: str) -> None:
    with pytest.raises(ConfigError, match="is not a relative path"):
        parse(HUB_ROW.replace('"onnx/model.onnx"', f'"{path}"'))
    with pytest.raises(ConfigError, match="is not a relative path"):
        parse(ROW.replace('"tiny_data/model.onnx"', f'"{path}"'))


@pytest.mark.parametrize(
    "name", [*PATHS, "a/b", "rankkit.json", "RANKKIT.JSON", ".hidden", "nul", "CON.onnx", "x.", "x" * 200]
)
def test_names_of_files_are_no_paths(name: str) -> None:
    with pytest.raises(ConfigError, match=r"file name|own record"):
        parse(HUB_ROW.replace('"model.onnx" =', f'"{name}" ='))


@pytest.mark.parametrize("name", ["..", ".", "a/b", "/tmp/x", "a\\nb", "\\u001b[2Jx", "", "nul", "a\\\\b", "x" * 200])
def test_names_of_rows_are_no_paths(name: str) -> None:
    with pytest.raises(ConfigError, match="is not a plain name"):
        parse(HUB_ROW.replace('"other"', f'"{name}"'))


@pytest.mark.parametrize(
    "repo",
    ["other", "us/other/more", "../x", "us/..", "us/x.git", "us/a--b", "http://host/x", "us/" + "x" * 100, "a b/c"],
)
def test_a_repository_is_owner_and_name(repo: str) -> None:
    with pytest.raises(ConfigError, match="hub repository"):
        parse(HUB_ROW.replace('"us/other"', f'"{repo}"'))


@pytest.mark.parametrize("revision", ["../main", "a/../b", "", "a b", "-x", "refs//x", "a\\nb"])
def test_a_revision_is_the_name_of_one(revision: str) -> None:
    with pytest.raises(ConfigError, match="revision"):
        parse(HUB_ROW.replace('"main"', f'"{revision}"'))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('title = "t"', 'title = "\\u001b[31mred"'), "title holds control characters"),
        (('licence = "MIT"', 'licence = "\\u202egnorw"'), "licence holds control characters"),
        (('"nobody looked"', '"\\u009b2J"'), "unseen holds control characters"),
        (('languages = ["en"]', 'languages = ["en"]\naliases = ["../x"]'), "alias '../x'"),
        (('languages = ["en"]', 'languages = ["en"]\naliases = ["/etc"]'), "alias '/etc'"),
        (('languages = ["en"]', 'languages = ["en"]\nmax_length = 0'), "max_length 0"),
        (('languages = ["en"]', 'languages = ["en"]\nmax_length = true'), "max_length"),
        (('kind = "cross-encoder"', 'kind = "gguf"'), "ends in .gguf"),
        (("[model.source.files]", '[model.source.files]\n"MODEL.onnx" = "x"'), "one file on some systems' disks"),
    ],
)  # fmt: skip
def test_other_fields_are_held_to_their_form(change: tuple[str, str], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(HUB_ROW.replace(*change, 1))
    assert words in str(caught.value)
    assert str(caught.value).replace("\n", "").isprintable()


@pytest.mark.parametrize("size", ["0", "-1", "true", "1.5", '"10"', "99999999999999999999"])
def test_sizes_are_whole_numbers_of_bytes(size: str) -> None:
    with pytest.raises(ConfigError, match="bytes"):
        parse(
            ROW.replace('[[model.file]]\nname = "model.onnx"', f'[[model.file]]\nname = "model.onnx"\nbytes = {size}')
        )
    with pytest.raises(ConfigError, match="bytes"):
        parse(ROW.replace('version = "1.0"', f'version = "1.0"\nbytes = {size}'))


def test_two_rows_for_one_file() -> None:
    with pytest.raises(ConfigError, match="two rows for one file"):
        parse(ROW.replace("[[model.source]]", '[[model.file]]\nname = "model.onnx"\n[[model.source]]'))


def test_names_that_differ_by_case_are_one(home: Path) -> None:
    with pytest.raises(ConfigError, match="more than one row"):
        parse(HUB_ROW + HUB_ROW.replace('"other"', '"OTHER"').replace("us/other", "us/b"))


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 100_000, "a = " + "9" * 10_000, "x = 1", "model = 1", "model = [1]", "[[model]]", "\x00",
     "[[model]]\nname = [[1]]", '[[model]]\n"\\u001b[2J" = 1', "[" + "a." * 20_000 + "b]", "model = [[[]]]",
     "[[model]]\nname = 'x'\nsource = [{kind = 'wheel', wheel = []}]"],
    ids=lambda text: text[:20].encode("unicode_escape").decode(),
)  # fmt: skip
def test_absurd_toml_is_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^rows\.toml") as caught:
        parse(text, origin="rows.toml")
    assert len(str(caught.value)) < 2000 and "\x1b" not in str(caught.value)


def test_a_catalogue_that_is_no_text_file_is_a_config_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "latin").write_bytes("title = 'ä'".encode("latin-1"))
    with (tmp_path / "huge").open("wb") as opened:
        opened.truncate(1 << 40)
    for name in ("pipe", "latin", "huge", ".", "x" * 300):
        monkeypatch.setenv("RANKKIT_CATALOGUE", str(tmp_path / name))
        with pytest.raises(ConfigError, match="RANKKIT_CATALOGUE"):
            rows()
    monkeypatch.setenv("RANKKIT_CATALOGUE", "/dev/zero")
    with pytest.raises(ConfigError, match="RANKKIT_CATALOGUE"):
        rows()
    (tmp_path / "marked.toml").write_bytes(b"\xef\xbb\xbf" + ROW.encode())
    monkeypatch.setenv("RANKKIT_CATALOGUE", str(tmp_path / "marked.toml"))
    assert isinstance(find("tin"), Row)
