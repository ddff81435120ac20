"""Saved indexes: equal after loading, replaced as a whole, and never taken for what they are not."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.config.first_stage import FirstStageSpec
from rankkit.core.ranking import Candidate
from rankkit.errors import ConfigError, DataError, InvalidDocument
from rankkit.retrieval.bm25 import Bm25Index, Bm25Settings, unusual

FLEAS = [
    Candidate("d1", "fleas live on cats", metadata={"year": 1999, "tags": ["a", "ü"]}),
    Candidate("d2", "cats sleep", title="All day \ud83d"),  # half of a surrogate pair, as broken files have them
    Candidate("d3", "海洋 动物 \u2028 fleas"),
]
BIGRAMS = Bm25Settings(tokenizer="bigrams")


def everything(index: Bm25Index):
    return index.search_many(["fleas", "cats sleep", "动物"], 10), repr(index)


@pytest.mark.parametrize("settings", [None, BIGRAMS, Bm25Settings(k1=1.5, b=0.75, stemmer="")])
def test_a_loaded_index_finds_the_same(tmp_path, settings):
    index = Bm25Index.build(FLEAS, settings)
    index.save(tmp_path / "new" / "index")
    assert everything(Bm25Index.load(tmp_path / "new" / "index")) == everything(index)


@given(st.lists(st.tuples(st.text(), st.text(st.characters())), min_size=1, max_size=5))
def test_every_text_survives(tmp_path_factory, documents):
    texts = [(title, f"flea {text}") for title, text in documents]
    stored = [Candidate(str(place), text, title) for place, (title, text) in enumerate(texts)]
    folder = tmp_path_factory.mktemp("index")
    Bm25Index.build(stored).save(folder)
    loaded = Bm25Index.load(folder)
    assert [loaded.documents[place] for place in range(len(loaded))] == stored


def test_an_index_that_was_loaded_can_be_saved_over_itself(tmp_path):
    Bm25Index.build(FLEAS).save(tmp_path)
    loaded = Bm25Index.load(tmp_path)
    loaded.save(tmp_path)
    assert everything(Bm25Index.load(tmp_path)) == everything(loaded)
    assert len(list(tmp_path.glob("parts-*"))) == 1


def test_an_open_index_outlives_its_replacement(tmp_path):
    Bm25Index.build(FLEAS).save(tmp_path)
    loaded = Bm25Index.load(tmp_path)
    before = everything(loaded)
    Bm25Index.build([Candidate("other", "fleas")]).save(tmp_path)
    assert everything(loaded) == before
    assert [found.id for found in Bm25Index.load(tmp_path).search("fleas").candidates] == ["other"]


def test_an_index_is_kept_until_its_corpus_or_settings_change(tmp_path):
    folder = tmp_path / "index"
    assert Bm25Index.kept(folder, FLEAS, BIGRAMS)[1] is True
    assert Bm25Index.kept(folder, FLEAS, BIGRAMS)[1] is False
    index, built = Bm25Index.kept(folder, FLEAS)
    assert (index.settings, built) == (BIGRAMS, False)  # unasked, the settings of the index stand
    assert Bm25Index.kept(folder, FLEAS, Bm25Settings())[1] is True
    changed = [*FLEAS[:2], Candidate("d3", "no more")]
    index, built = Bm25Index.kept(folder, iter(changed))
    assert built and [found.id for found in index.search("fleas").candidates] == ["d1"]
    assert Bm25Index.kept(folder, changed[::-1])[1] is True  # the order decides among equal scores
    assert Bm25Index.kept(folder, [*changed[:0:-1], Candidate("d1", changed[0].text)])[1] is True  # metadata, too


def test_a_save_that_fails_leaves_the_old_index(tmp_path, monkeypatch):
    Bm25Index.build(FLEAS).save(tmp_path)
    odd = Bm25Index.build([Candidate("x", "fleas", metadata={"when": object()})])
    with pytest.raises(InvalidDocument, match="document 'x' cannot be saved"):
        odd.save(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rankkit.retrieval.bm25.store_documents", full)
    with pytest.raises(DataError, match="No space left on device"):
        Bm25Index.build(FLEAS[:1]).save(tmp_path)
    assert len(Bm25Index.load(tmp_path)) == 3 and len(list(tmp_path.glob("parts-*"))) == 1


def test_what_a_killed_save_left_is_swept_by_the_next(tmp_path):
    (tmp_path / "parts-killed").mkdir()
    (tmp_path / "parts-killed" / "documents.jsonl").write_text("half")
    (tmp_path / "index.json.partial").write_text("{")
    Bm25Index.build(FLEAS).save(tmp_path)
    assert not (tmp_path / "parts-killed").exists() and len(Bm25Index.load(tmp_path)) == 3


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match=r"something else than an index: thesis\.txt"):
        Bm25Index.build(FLEAS).save(tmp_path)
    with pytest.raises(DataError, match="is a file"):
        Bm25Index.build(FLEAS).save(tmp_path / "thesis.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_broken_indexes_are_told_apart(tmp_path):
    with pytest.raises(DataError, match="there is no index"):
        Bm25Index.load(tmp_path)
    Bm25Index.build(FLEAS).save(tmp_path)
    [parts] = tmp_path.glob("parts-*")
    lines = parts / "documents.jsonl"
    whole = lines.read_bytes()
    lines.write_bytes(whole[:-10])
    with pytest.raises(DataError, match=rf"has {len(whole) - 10} bytes instead of {len(whole)}"):
        Bm25Index.load(tmp_path)
    shutil.rmtree(parts)
    with pytest.raises(DataError, match="is missing"):
        Bm25Index.load(tmp_path)
    head = json.loads((tmp_path / "index.json").read_text())
    (tmp_path / "index.json").write_text(json.dumps({**head, "version": 99}))
    with pytest.raises(DataError, match="an index of version 99; this is for 1"):
        Bm25Index.load(tmp_path)
    for broken in ("{", "[]", "{}"):
        (tmp_path / "index.json").write_text(broken)
        with pytest.raises(DataError, match="is broken"):
            Bm25Index.load(tmp_path)
    Bm25Index.build(FLEAS).save(tmp_path)  # building again is the way out
    assert len(Bm25Index.load(tmp_path)) == 3


def _rewrite(parts, name: str, change):
    """Change an array of a saved index; its size in bytes, which index.json has, stays."""
    array = np.load(parts / name)
    np.save(parts / name, change(array))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("indices.csc.index.npy", lambda array: array + 1000),
        ("indices.csc.index.npy", lambda array: array - 1000),
        ("indptr.csc.index.npy", lambda array: array[::-1].copy()),
        ("indptr.csc.index.npy", lambda array: array * 1000),
        ("data.csc.index.npy", lambda array: array * np.float32("nan")),
        ("data.csc.index.npy", lambda array: array.view(np.int32)),
        ("documents.ends.npy", lambda array: array[::-1].copy()),
        ("documents.ends.npy", lambda array: array - 1),
        ("documents.ends.npy", lambda array: array.view(np.float64)),
    ],
)
def test_an_index_whose_numbers_lie_is_refused(tmp_path, name, change):
    Bm25Index.build(FLEAS).save(tmp_path)
    [parts] = tmp_path.glob("parts-*")
    _rewrite(parts, name, change)
    with pytest.raises(DataError, match="the index is broken"):
        Bm25Index.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("params.index.json", '"num_docs": 3', '"num_docs": 9'),
        ("params.index.json", '"method": "lucene"', '"method": "atirex"'),
        ("vocab.index.json", ":", ";"),
        ("documents.jsonl", '"d1"', "[[1]"),
    ],
)
def test_an_index_whose_words_lie_is_refused(tmp_path, name, old, new):
    Bm25Index.build(FLEAS).save(tmp_path)
    [parts] = tmp_path.glob("parts-*")
    text = (parts / name).read_text(encoding="utf-8", errors="surrogatepass")
    # bm25s writes JSON with and without spaces, as its parser likes.
    old, new = (old, new) if old in text else (old.replace(": ", ":"), new.replace(": ", ":"))
    assert old in text
    (parts / name).write_text(text.replace(old, new, 1), encoding="utf-8", errors="surrogatepass")
    with pytest.raises(DataError, match="broken"):
        Bm25Index.load(tmp_path).search("fleas")


@pytest.mark.parametrize("parts", ["../elsewhere", "/etc", "parts-x/..", ".", "", 5, None, ["a"]])
def test_an_index_does_not_point_out_of_its_folder(tmp_path, parts):
    folder = tmp_path / "index"
    Bm25Index.build(FLEAS).save(folder)
    head = json.loads((folder / "index.json").read_text())
    shutil.copytree(folder / head["parts"], tmp_path / "elsewhere")
    (folder / "index.json").write_text(json.dumps({**head, "parts": parts}))
    with pytest.raises(DataError, match="is broken"):
        Bm25Index.load(folder)
    (folder / "index.json").write_text(json.dumps({**head, "sizes": {"../../x": 1}}))
    with pytest.raises(DataError, match="is broken"):
        Bm25Index.load(folder)


def test_a_planted_link_is_not_written_through(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / "index.json.partial").symlink_to(victim)
    Bm25Index.build(FLEAS).save(folder)
    assert victim.read_text() == "precious" and len(Bm25Index.load(folder)) == 3


def test_stored_settings_that_nobody_asked_for_are_named(tmp_path, caplog):
    Bm25Index.build(FLEAS, Bm25Settings(k1=1.5)).save(tmp_path)
    Bm25Index.kept(tmp_path, FLEAS)
    assert "built with k1=1.5, and is searched so; unsaid would be k1=0.9" in caplog.text
    caplog.clear()
    Bm25Index.kept(tmp_path, FLEAS, Bm25Settings(k1=1.5))
    assert caplog.text == "" and unusual(Bm25Settings()) == ""
    spec = FirstStageSpec(index=str(tmp_path), k1=2.0)
    with pytest.raises(ConfigError, match=r"was built with .*k1=1\.5.* and not with .*k1=2\.0"):
        spec.open()
    assert spec.model_copy(update={"k1": 1.5}).open()[0].settings.k1 == 1.5
