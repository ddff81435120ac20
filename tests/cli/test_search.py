"""``rankkit search``, and ``rankkit eval --first-stage bm25``, as a program sees them."""

from __future__ import annotations

import json

import pytest

from tests.cli.command import rankkit
from tests.tiny import tiny_cross_encoder

DOCUMENTS = [
    {"_id": "b", "text": "bad word", "year": 1999},
    {"_id": "g", "text": "good word word", "title": "best"},
    {"_id": "w", "text": "word word word"},
    {"_id": "x", "text": "nothing"},
]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return str(tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture
def data(tmp_path):
    """A BEIR folder: a corpus, two queries, no candidates; the good one is judged relevant."""
    folder = tmp_path / "data"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in DOCUMENTS))
    (folder / "queries.jsonl").write_text('{"_id": "1", "text": "word"}\n{"_id": "2", "text": "the words"}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\tg\t1\n2\tg\t1\n")
    return folder


def answer(*arguments: str) -> dict:
    result = rankkit(*arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def ids(answered: dict) -> list[str]:
    return [row["id"] for row in answered["results"]]


def test_without_a_model_the_order_is_that_of_bm25(data, tmp_path):
    found = answer("search", "words", "--corpus", str(data))
    assert ids(found) == ["w", "g", "b"] and found["score_kind"] == "bm25"
    assert found["results"][2]["metadata"] == {"year": 1999} and found["results"][1]["title"] == "best"
    assert found["first_stage"] == {
        "name": "bm25(k1=0.9, b=0.4, words, porter; 4 documents)",
        "documents": 4,
        "found": 3,
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]  # nothing is written unasked


def test_with_a_model_what_bm25_finds_is_reranked(data, model):
    found = answer("search", "word", "--corpus", str(data / "corpus.jsonl"), "--model", model)
    assert ids(found) == ["g", "w", "b"] and found["score_kind"] == "logit"
    best = found["results"][0]
    assert (best["rank"], best["index"], best["score"]) == (1, 1, 4.75)  # word | best good word word
    assert 0 < best["first_stage_score"] < 1
    head = answer("search", "word", "--corpus", str(data), "--model", model, "--k", "1")
    assert ids(head) == ["w"] and head["usage"]["calls"] == 1
    table = rankkit("search", "word", "--corpus", str(data), "--model", model, "--top-k", "1")
    assert [line.split() for line in table.stdout.splitlines()][1][:4] == ["1", "2↑", "4.7500", "g"]
    assert "3 found by bm25(k1=0.9, b=0.4, words, porter; 4 documents)" in " ".join(table.stderr.split())


def test_a_config_comes_after_bm25_as_well(data, model, tmp_path):
    config = tmp_path / "spec.toml"
    config.write_text(f'model = "{model}"\nparadigm = "pairwise"\nmethod = "difference"\n')
    assert ids(answer("search", "word", "--corpus", str(data), "--config", str(config))) == ["g", "w", "b"]


def test_a_folder_of_text_files_is_a_corpus(tmp_path):
    notes = tmp_path / "notes"
    (notes / "pets").mkdir(parents=True)
    (notes / "pets" / "fleas.md").write_text("Fleas live on cats.")
    (notes / "rain.txt").write_text("It rains.")
    assert ids(answer("search", "where do fleas live", "--corpus", str(notes))) == ["pets/fleas.md"]


def test_the_index_is_kept_and_built_again_when_the_corpus_changes(data, tmp_path):
    index = str(tmp_path / "index")
    first = rankkit("search", "word", "--corpus", str(data), "--index", index)
    assert "index of 4 documents written" in " ".join(first.stderr.split())
    second = rankkit("search", "word", "--corpus", str(data), "--index", index)
    assert "written" not in second.stderr and second.stdout == first.stdout
    assert ids(answer("search", "word", "--index", index)) == ["w", "g", "b"]
    with (data / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "new", "text": "word"}\n')
    third = rankkit("search", "word", "--corpus", str(data), "--index", index, "--json")
    assert "index of 5 documents written" in " ".join(third.stderr.split())
    assert "new" in ids(json.loads(third.stdout))
    assert rankkit("search", "word", "--index", index, "--tokenizer", "bigrams").returncode == 2


def test_chinese_with_bigrams(tmp_path):
    corpus = tmp_path / "corpus.jsonl"
    rows = [{"id": "a", "text": "蒙古军队被陈王朝击败"}, {"id": "b", "text": "药房技术员取得资格"}]
    corpus.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    assert ids(answer("search", "击败蒙古", "--corpus", str(corpus), "--tokenizer", "bigrams")) == ["a"]
    nothing = rankkit("search", "击败蒙古", "--corpus", str(corpus))
    assert nothing.returncode == 0 and "--tokenizer bigrams" in nothing.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["word"], 2, "give --corpus"),
        (["word", "--corpus", "{data}", "--paradigm", "listwise"], 2, "give --model or --config"),
        (["word", "--corpus", "{data}", "--stemmer", "portr"], 2, "Did you mean porter"),
        (["word", "--corpus", "{data}/none"], 5, "there is no such file or folder"),
        (["word", "--corpus", "{data}/qrels"], 5, "there is no .txt or .md file"),
        (["word", "--index", "{data}"], 5, "there is no index"),
        (["word", "--corpus", "{data}", "--index", "{data}"], 5, "something else than an index"),
        ([" ", "--corpus", "{data}"], 5, "the query is empty"),
        (["word", "--corpus", "{data}", "--model", "ms-marco-MiniLM-L-12-v2"], 4, "rankkit models pull"),
    ],
)
def test_bad_input_has_its_own_words_and_exit_code(data, arguments, code, words):
    result = rankkit("search", *(argument.format(data=data) for argument in arguments))
    assert result.returncode == code, result.stderr
    assert words in " ".join(result.stderr.replace("│", " ").split())
    assert result.stdout == ""


def test_eval_makes_its_own_first_stage(data, model, tmp_path):
    """The relevant one is second of three for BM25, first for the model: 1 / log2(3), then 1."""
    run = tmp_path / "out.run"
    alone = answer("eval", "--data", str(data), "--first-stage", "bm25", "--run-out", str(run))
    assert alone["measures"]["nDCG@10"] == pytest.approx(0.6309, abs=1e-4) and alone["first_stage"] == {}
    assert [line.split()[2] for line in run.read_text().splitlines()] == ["w", "g", "b"] * 2
    both = answer("eval", "--data", str(data), "--first-stage", "bm25", "--model", model)
    assert both["first_stage"] == alone["measures"] and both["measures"]["nDCG@10"] == 1.0
    assert both["data"] == "data, first 100 of bm25(k1=0.9, b=0.4, words, porter; 4 documents)"
    head = answer("eval", "--data", str(data), "--first-stage", "bm25", "--k", "1", "--model", model)
    assert head["pairs"] == 2 and head["measures"]["nDCG@10"] == 0.0  # the relevant one is second


def test_eval_replaces_stored_candidates_only_when_asked(data, model):
    row = {"docid": "g", "text": "good"}
    lines = [{"qid": name, "query": "word", "candidates": [row]} for name in ("1", "2")]
    (data / "candidates.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert answer("eval", "--data", str(data), "--model", model)["pairs"] == 2
    assert answer("eval", "--data", str(data), "--model", model, "--first-stage", "bm25")["pairs"] == 6
    beside = answer("eval", "--data", str(data), "--first-stage", "bm25")
    assert beside["first_stage"]["nDCG@10"] == 1.0 > beside["measures"]["nDCG@10"]


def test_a_query_that_bm25_finds_nothing_for_counts_as_0(data, model):
    with (data / "queries.jsonl").open("a") as file:
        file.write('{"_id": "3", "text": "snow"}\n')
    with (data / "qrels" / "test.tsv").open("a") as file:
        file.write("3\tx\t1\n")
    report = answer("eval", "--data", str(data), "--first-stage", "bm25", "--model", model)
    assert report["measures"]["nDCG@10"] == pytest.approx(2 / 3) and report["queries"] == 3
    assert report["data_notes"] == {"queries without candidates, counted as 0": 1}


def test_a_corpus_of_another_collection_is_refused(data):
    (data / "corpus.jsonl").write_text('{"_id": "D1", "text": "word"}\n')
    result = rankkit("eval", "--data", str(data), "--first-stage", "bm25")
    assert result.returncode == 5 and "'D1' is the first there, 'g' in the judgements" in " ".join(
        result.stderr.split()
    )


def test_eval_says_what_a_first_stage_needs(data):
    assert rankkit("eval", "--data", str(data), "--k", "3").returncode == 2
    assert rankkit("eval", "--data", str(data), "--first-stage", "sparse").returncode == 2
    (data / "corpus.jsonl").rename(data / "elsewhere.jsonl")
    (data / "candidates.jsonl").write_text(
        '{"qid": "1", "query": "word", "candidates": [{"docid": "g", "text": "x"}]}\n'
    )
    result = rankkit("eval", "--data", str(data), "--first-stage", "bm25")
    assert result.returncode == 5 and "data has no corpus to search" in result.stderr


@pytest.mark.parametrize("option", [("--budget-calls", "0"), ("--one-sided",), ("--seed", "0")])
def test_options_for_a_model_without_a_model_are_a_mistake(data, option):
    refused = rankkit("search", "word", "--corpus", str(data), *option)
    assert refused.returncode == 2 and "give --model or --config too" in refused.stderr


@pytest.fixture
def config(data, model, tmp_path):
    """A file that says where the corpus is, from another folder than the one that the command runs in."""
    file = tmp_path / "search.toml"
    file.write_text(f'model = "{model}"\n[first_stage]\ncorpus = "{data.name}"\nk = 2\nstemmer = ""\n')
    return file


def test_a_config_can_start_from_a_corpus(config, data):
    found = answer("search", "word", "--config", str(config))
    assert ids(found) == ["g", "w"] and found["first_stage"]["documents"] == 4
    assert "words; 4 documents" in found["first_stage"]["name"]  # without a stemmer, as the file says
    wider = answer("search", "word", "--config", str(config), "--k", "3")
    assert ids(wider) == ["g", "w", "b"]
    other = data.parent / "other.jsonl"
    other.write_text('{"_id": "z", "text": "a word"}\n')
    assert ids(answer("search", "word", "--config", str(config), "--corpus", str(other))) == ["z"]


def test_the_same_file_evaluates_and_plans_over_the_corpus_of_the_data(config, data):
    report = answer("eval", "--data", str(data), "--config", str(config))
    by_flag = answer(
        "eval", "--data", str(data), "--first-stage", "bm25", "--k", "2", "--stemmer", "", "--model", str(config)
    )
    assert report["measures"] == by_flag["measures"] and report["usage"]["calls"] == by_flag["usage"]["calls"] > 0
    planned = answer("plan", "--data", str(data), "--config", str(config), "--no-calibrate")
    assert planned["calls"] == report["usage"]["calls"]


def test_data_without_a_corpus_has_its_own_candidates(config, tmp_path):
    folder = tmp_path / "judged"
    folder.mkdir()
    (folder / "queries.tsv").write_text("1\tword\n")
    (folder / "qrels.txt").write_text("1 0 a 1\n")
    (folder / "candidates.jsonl").write_text(
        '{"qid": "1", "query": "word", "candidates": [{"docid": "a", "text": "good"}]}\n'
    )
    result = rankkit("eval", "--data", str(folder), "--config", str(config))
    assert result.returncode == 0 and "judged has no corpus: its own candidates are the first stage" in result.stderr


def test_documents_that_are_given_are_not_searched_for_and_that_is_said(config, tmp_path):
    (tmp_path / "lines.txt").write_text("good\nbad\n")
    result = rankkit("rerank", "word", str(tmp_path / "lines.txt"), "--config", str(config), "--json")
    assert ids(json.loads(result.stdout)) == ["0", "1"] and "first stage is not asked" in result.stderr
