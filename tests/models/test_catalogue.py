from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.errors import ConfigError, UnknownModel
from rankkit.models import catalogue
from rankkit.models.catalogue import HubSource, WheelSource, find, parse, rows
from rankkit.prompting.template import load_prompt
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
    ],
)
def test_a_model_is_found_by_name_alias_and_hub_repository(asked: str, name: str) -> None:
    assert find(asked).name == name


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownModel) as caught:
        find("ms-marco-MiniLM-L12-v2")
    assert "'ms-marco-MiniLM-L12-v2'" in caught.value.message
    assert caught.value.hint.startswith("Did you mean ms-marco-MiniLM-L-12-v2 or ")


@given(st.text())
def test_any_text_is_found_or_unknown(name: str) -> None:
    try:
        row = find(name)
    except UnknownModel:
        return
    assert name.lower() in row.known_as


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
    bare = ROW.replace('[[model.file]]\nname = "model.onnx"\n', '[[model.file]]\nname = "model.onnx"\nbytes = 3\n', 1)
    bare = "\n".join(line for line in bare.splitlines() if not line.startswith("sha256"))
    with pytest.raises(ConfigError, match="no checksum, and no `unseen`"):
        parse(bare)
    assert parse(bare.replace('aliases = ["tin"]', 'unseen = "nobody looked"'))[0].unseen == "nobody looked"


def test_two_rows_may_not_answer_to_one_name() -> None:
    with pytest.raises(ConfigError, match="more than one row answers to 'tin'"):
        parse(ROW + ROW.replace('"tiny"', '"tiny2"'))


def test_a_prompt_that_a_model_was_trained_on_is_a_prompt_file():
    trained = [row for row in rows() if row.prompt]
    assert {row.name for row in trained} >= {"monot5-base-msmarco", "duot5-base-msmarco", "rank-zephyr-7b-v1-full"}
    for row in trained:
        paradigm, _, name = row.prompt.partition("/")
        assert load_prompt(name, paradigm).name
