"""Every file in examples/ is right, and does on real models what its comment says."""

from __future__ import annotations

import re
import shutil
import socket
import tomllib

import pytest

import rankkit
from rankkit import retrieval
from rankkit.config import load, parse
from rankkit.config import searcher as searcher_of
from rankkit.config.checking import check_models
from rankkit.config.files import read_file
from rankkit.config.loading import read_spec
from rankkit.config.writing import as_toml
from rankkit.core.usage import Usage
from rankkit.data.datasets import load_dataset
from rankkit.pipeline.cascade import BaseReranker
from tests.backends.loopback import Loopback, chat
from tests.conftest import ROOT, pulled_model

#: An experiment; all others are rerankers.
EXPERIMENT = ROOT / "examples" / "compare.toml"
EXAMPLES = sorted({*(ROOT / "examples").glob("*.toml")} - {EXPERIMENT})
GGUF = {"minilm-then-listwise-gguf", "fused", "gated"}
ENDPOINT = "minilm-then-endpoint-with-fallback"
SEARCHING = {"bm25-then-minilm": 2, "bm25-then-minilm-then-listwise": 3}

QUERY = "how long do fleas live?"
DOCUMENTS = [
    "Dogs bark at strangers.",
    "Cats and dogs may have fleas.",
    "Adult fleas live for up to 100 days on a host.",
    "The life of a mayfly is short.",
    "Wash the bedding of your pets.",
    "A flea can jump 50 times its length.",
]
BEST = "2"


def example(name: str) -> BaseReranker:
    """The example, built from models of this machine; skips where they are not here."""
    pulled_model("ms-marco-MiniLM-L-12-v2")
    if name in GGUF:
        pytest.importorskip("llama_cpp", reason="the gguf extra is not installed")
        pulled_model("smollm2-135m-instruct")
    return load(ROOT / "examples" / f"{name}.toml")


def test_all_that_were_promised_are_there():
    assert {path.stem for path in EXAMPLES} == {"minilm", "minilm-then-pairwise", ENDPOINT, *GGUF, *SEARCHING}
    table = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    programs = (ROOT / "examples").glob("*.py")  # run in tests/integrations, beside their frameworks
    assert all(f"({path.name})" in table for path in [*EXAMPLES, EXPERIMENT, *programs])


FIRST_STAGES = sorted(
    {*(ROOT / "examples" / "first_stages").glob("*.py")} - {ROOT / "examples/first_stages/articles.py"}
)


@pytest.mark.parametrize("path", FIRST_STAGES, ids=lambda path: path.stem)
def test_each_first_stage_is_python_calls_its_function_and_is_listed(path):
    """They need packages of others, and two of them a server, which are not here."""
    code = path.read_text(encoding="utf-8")
    compile(code, str(path), "exec")
    [name] = re.findall(r"from rankkit.retrieval import (\w+)", code)
    assert f"request = {name}(" in code.replace("    request", "request") and hasattr(retrieval, name)
    assert f"(first_stages/{path.name})" in (ROOT / "examples" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_each_is_right_begins_with_a_comment_and_is_the_same_when_printed(path, tmp_path, monkeypatch):
    assert path.read_text(encoding="utf-8").startswith("# ")
    spec = read_spec(path)
    assert parse(tomllib.loads(as_toml(spec))) == spec
    monkeypatch.setenv("RANKKIT_HOME", str(tmp_path))  # where no model is
    assert all("rankkit models pull" in note for note in check_models(spec))


@pytest.mark.model
@pytest.mark.parametrize("name", ["minilm", "minilm-then-pairwise"])
def test_the_cross_encoder_finds_the_answer_and_keeps_all(name):
    ranking = example(name).rerank(QUERY, DOCUMENTS)
    assert ranking.ids[0] == BEST and len(ranking) == 6


@pytest.mark.model
@pytest.mark.parametrize("name", SEARCHING)
def test_a_corpus_is_searched_and_what_is_found_reranked(name):
    pulled_model("ms-marco-MiniLM-L-12-v2")
    if "listwise" in name:
        pytest.importorskip("llama_cpp", reason="the gguf extra is not installed")
        pulled_model("smollm2-135m-instruct")
    searcher = searcher_of(ROOT / "examples" / f"{name}.toml")
    ranking = searcher.search(QUERY)
    assert len(ranking.steps) == SEARCHING[name] - 1  # BM25 is no step of the reranker's
    assert {"adult", "cycle", "jump"} <= set(ranking.ids) and "treat" not in ranking.ids
    if name == "bm25-then-minilm":
        assert ranking.ids[0] == "adult" and searcher.search(QUERY, top_k=3).ids == ranking.ids[:3]


@pytest.mark.model
def test_comparing_by_the_same_model_changes_nothing():
    alone, cascade = example("minilm"), example("minilm-then-pairwise")
    assert cascade.rerank(QUERY, DOCUMENTS).ids == alone.rerank(QUERY, DOCUMENTS).ids


@pytest.mark.model
@pytest.mark.data
def test_on_real_queries_too_and_the_bill_adds_up_and_is_what_was_planned(data_dir):
    alone, cascade = example("minilm"), example("minilm-then-pairwise")
    for request in load_dataset(data_dir / "trec-dl19", limit=3).requests:
        assert len(request) == 100
        plan, ranking = cascade.plan(request), cascade.rank(request)
        assert ranking.ids == alone.rank(request).ids
        scored, compared = ranking.steps
        assert ranking.usage == scored.usage + compared.usage == sum((step.usage for step in ranking.steps), Usage())
        assert [(s.usage.calls, s.questions) for s in ranking.steps] == [
            (s.usage.calls, s.questions) for s in plan.stages
        ]
        assert (plan.calls, plan.questions) == (ranking.usage.calls, scored.questions + compared.questions)


@pytest.mark.model
@pytest.mark.parametrize("name", sorted(GGUF - {"gated"}))
def test_a_small_language_model_takes_its_part(name):
    ranking = example(name).rerank(QUERY, DOCUMENTS)
    assert [step.stage.partition("(")[0] for step in ranking.steps] == ["pointwise", "sliding"]
    assert len(ranking) == 6 and not ranking.dropped and all(step.usage.calls for step in ranking.steps)


@pytest.mark.model
def test_an_easy_query_passes_the_gate_and_a_hard_one_does_not():
    gated = example("gated")
    clear, close = gated.rerank(QUERY, DOCUMENTS), gated.rerank("fleas", ["Fleas jump.", "Fleas jump!", "Fleas jump"])
    assert "margin" in clear.steps[-1].skipped and clear.ids[0] == BEST
    assert not close.steps[-1].skipped and close.steps[-1].usage.calls


@pytest.mark.model
def test_a_server_that_answers_has_the_last_word_and_is_paid():
    pulled_model("ms-marco-MiniLM-L-12-v2")
    pytest.importorskip("openai", reason="the openai extra is not installed")
    with Loopback() as server:
        server.behaviour = lambda asked: chat("[6] > [1] > [2] > [3] > [5] > [4]")
        table = read_file(ROOT / "examples" / f"{ENDPOINT}.toml")
        table["stages"][1] |= {"endpoint": server.url}
        ranking = load(table).rerank(QUERY, DOCUMENTS)
    first = example("minilm").rerank(QUERY, DOCUMENTS).ids
    assert ranking.ids == tuple(first[place] for place in (5, 0, 1, 2, 4, 3))
    scored, asked = ranking.steps
    assert scored.stage.startswith("pointwise") and asked.stage.startswith("sliding") and asked.outcomes == {"ok": 1}
    assert asked.usage.cost == pytest.approx((100 * 0.15 + 10 * 0.60) / 1_000_000)
    assert DOCUMENTS[int(first[0])] in str(server.asked[0].body["messages"])


@pytest.mark.model
def test_a_dead_server_is_told_and_the_fallback_takes_over():
    pulled_model("ms-marco-MiniLM-L-12-v2")
    pytest.importorskip("openai", reason="the openai extra is not installed")
    with socket.socket() as free:  # bound and not listening: nobody answers there
        free.bind(("127.0.0.1", 0))
        table = read_file(ROOT / "examples" / f"{ENDPOINT}.toml")
        table["stages"][1] |= {"endpoint": f"http://127.0.0.1:{free.getsockname()[1]}/v1", "retries": 0}
        ranking = load(table).rerank(QUERY, DOCUMENTS)
    assert ranking.ids == example("minilm").rerank(QUERY, DOCUMENTS).ids
    _, failed, instead = ranking.steps
    assert failed.failures[0].startswith("ConnectionFailed") and instead.stage.startswith("tournament")
    assert any(note.startswith("in place of") for note in instead.notes)


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.model
def test_the_experiment_has_the_figures_that_are_known_of_its_systems(data_dir, tmp_path):
    pulled_model("ms-marco-MiniLM-L-12-v2")
    pytest.importorskip("ir_measures", reason="the extra `eval` is not installed")
    clone = tmp_path / "clone" / "examples"  # beside the data, wherever that is here
    clone.mkdir(parents=True)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "data").symlink_to(data_dir, target_is_directory=True)
    for name in ("compare.toml", "minilm-then-pairwise.toml"):
        shutil.copy(ROOT / "examples" / name, clone)
    comparison = rankkit.compare(clone / "compare.toml", store=tmp_path / "store.sqlite3")
    found = {one.name: (one.kind, round(one.measures["nDCG@10"].mean, 4)) for one in comparison.systems}
    assert found == {
        "bm25": ("first stage", 0.5058),
        "minilm": ("reranker", 0.7226),
        "minilm, then pairwise": ("reranker", 0.7226),
        "rankvicuna": ("replay", 0.6682),
        "vicuna 7b": ("replay", 0.5060),
    }
    assert comparison.baseline == "bm25" and comparison["bm25"].cost is None
    assert all(one.cost is not None for one in comparison.systems[1:])
