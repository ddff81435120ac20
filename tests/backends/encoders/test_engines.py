"""Every head on every engine, and what each engine promises: places, an end, a way to other processes."""

from __future__ import annotations

import copy
import importlib.util
import json
import multiprocessing
import pickle
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import rankkit
from rankkit.backends.encoders.cross_encoder import CrossEncoder
from rankkit.backends.encoders.duo import DuoEncoder
from rankkit.backends.encoders.engine import ROWS, Engine, EngineRow, open_engine, register_engine
from rankkit.backends.encoders.head import Head
from rankkit.backends.encoders.onnx import OnnxEngine
from rankkit.backends.encoders.seq2seq import Seq2Seq
from rankkit.core.cancellation import Cancellation
from rankkit.core.limits import Gate
from rankkit.errors import BackendError, Cancelled, ConfigError, InvalidModel, MissingExtra
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.cross_encoder import CrossEncoderJudge
from rankkit.pointwise.monot5 import MonoT5Judge
from rankkit.pointwise.strategy import ScoreAll
from rankkit.testing import check_reranker
from tests.backends.encoders.slow_graph import slow_cross_encoder
from tests.backends.encoders.toy_engine import ToyEngine
from tests.conftest import ROOT
from tests.tiny import tiny_cross_encoder
from tests.tiny_seq2seq import tiny_seq2seq

HAS_OPENVINO = importlib.util.find_spec("openvino") is not None
NAMES = [
    pytest.param(name, marks=pytest.mark.skipif(name == "openvino" and not HAS_OPENVINO, reason="needs openvino"))
    for name in [row.name for row in ROWS]
]
PAIRS = [("word", "good good"), ("word", "bad"), ("word word", "best bad unknown"), ("word", "")]
DUE = [2.25, -0.75, 2.5, 0.25]
MONO = "Query: $query Document: $passage Relevant:"


def scores(head: CrossEncoder, pairs: list[tuple[str, str]] = PAIRS) -> list[float]:
    found: dict[int, float] = {}
    for batch in head.batches(pairs):
        found |= dict(zip(batch.positions, head.score(batch), strict=True))
    return [found[position] for position in range(len(pairs))]


def log_odds(head: Seq2Seq) -> list[float]:
    [batch] = head.fill(MONO, [{"query": "word", "passage": "good good bad"}])
    return [round(yes - no, 4) for yes, no in head.score_targets(batch, head.target_tokens(["true", "false"]))]


@pytest.fixture
def tiny(tmp_path) -> Path:
    return tiny_cross_encoder(tmp_path / "tiny")


# -- heads and engines


@pytest.mark.parametrize("name", NAMES)
def test_every_head_runs_on_the_engine(name, tmp_path):
    with CrossEncoder(tiny_cross_encoder(tmp_path / "pair"), engine=name) as head:
        assert scores(head) == DUE
    with DuoEncoder(tmp_path / "pair", engine=name) as duo:
        [batch] = duo.duos([("word", "good", "bad best")])
        assert duo.score(batch) == [0.25 + 1 + 2]
    for layout in ("two", "merged", "one"):
        with Seq2Seq(tiny_seq2seq(tmp_path / layout, layout=layout), engine=name) as model:
            assert log_odds(model) == [2 * (1.25 + 0.0625)]


@pytest.mark.parametrize("name", NAMES)
def test_golden_answers_come_out_on_the_engine(name):
    golden = [json.loads(line) for line in (ROOT / "tests/golden/bert/answers.jsonl").read_text("utf-8").splitlines()]
    head = CrossEncoder(ROOT / "tests/golden/bert", engine=name)
    found = scores(head, [tuple(item["pair"]) for item in golden])
    assert found == pytest.approx([item["logit"] for item in golden], abs=1e-4)


def test_an_engine_of_ones_own_serves_the_cross_encoder(tmp_path):
    folder = tiny_cross_encoder(tmp_path)
    (folder / "model.onnx").unlink()
    head = CrossEncoder(folder, engine=ToyEngine(gate=Gate(3)))
    assert isinstance(ToyEngine(), Engine)
    assert scores(head) == DUE
    assert (head.concurrency, head.gate.places, repr(head)) == (3, 3, f"CrossEncoder('{folder.name}' on toy)")
    check_reranker(JudgeReranker(CrossEncoderJudge(head), ScoreAll()))
    assert scores(pickle.loads(pickle.dumps(head))) == DUE


def test_engines_that_were_opened_before_serve_a_head(tmp_path):
    folder, gate = tiny_seq2seq(tmp_path / "t5"), Gate(2)
    engines = [OnnxEngine(folder / f"{part}_model.onnx", gate=gate) for part in ("encoder", "decoder")]
    assert log_odds(Seq2Seq(folder, engine=engines)) == [2.625]
    whole = OnnxEngine(tiny_seq2seq(tmp_path / "one", layout="one") / "model.onnx")
    assert log_odds(Seq2Seq(tmp_path / "one", engine=whole)) == [2.625]
    with pytest.raises(InvalidModel, match="one engine, or an encoder's and a decoder's"):
        Seq2Seq(folder, engine=[*engines, whole])


def test_options_that_contradict_an_open_engine_are_refused(tiny):
    with pytest.raises(ConfigError, match="threads is given"):
        CrossEncoder(tiny, engine=ToyEngine(), threads=2)
    with pytest.raises(ConfigError, match="graph is given"):
        CrossEncoder(tiny, engine=ToyEngine(), graph="model.onnx")
    with pytest.raises(ConfigError, match=r"no engine 'onxruntime'(.|\n)*Did you mean onnxruntime"):
        CrossEncoder(tiny, engine="onxruntime")


def test_an_engine_that_is_not_installed_names_its_extra(tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.delitem(sys.modules, "rankkit.backends.encoders.openvino", raising=False)
    with pytest.raises(MissingExtra, match=r"openvino(.|\n)*\[openvino\]"):
        CrossEncoder(tiny, engine="openvino")


# -- places


class Counting(OnnxEngine):
    """Notes how many runs are inside at once."""

    def run(self, feeds):
        with self.gate.held():
            self.most = max(getattr(self, "most", 0), self.gate.inside)
            return super().run(feeds)


def test_never_more_runs_at_once_than_places_over_all_heads_and_threads(tiny):
    engine = Counting(tiny / "model.onnx", gate=Gate(2))
    heads = [CrossEncoder(tiny, engine=engine, batch_tokens=1) for _ in range(3)]
    wrong: list[list[float]] = []

    def work(head: CrossEncoder) -> None:
        if (found := scores(head, PAIRS * 10)) != DUE * 10:
            wrong.append(found)

    threads = [threading.Thread(target=work, args=(head,)) for head in heads * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [] and engine.most <= 2 and engine.gate.inside == 0


def test_the_graphs_of_one_model_share_their_places(tmp_path):
    head = Seq2Seq(tiny_seq2seq(tmp_path), threads=3)
    assert {id(engine.gate) for engine in head._engines} == {id(head.gate)}
    assert MonoT5Judge(head).gate is head.gate and head.concurrency == 3


# -- ends


@pytest.mark.parametrize("name", NAMES)
def test_a_closed_head_says_so(name, tmp_path):
    with CrossEncoder(tiny_cross_encoder(tmp_path / "pair"), engine=name) as head:
        [batch] = head.batches([("word", "good")])
    head.close()
    with pytest.raises(BackendError, match=r"was closed(.|\n)*Load it again"):
        head.score(batch)
    with Seq2Seq(tiny_seq2seq(tmp_path / "t5"), engine=name) as model:
        [batch] = model.fill(MONO, [{"query": "word", "passage": "good"}])
    with pytest.raises(BackendError, match="was closed"):
        model.score_targets(batch, [3])


@pytest.mark.parametrize("name", NAMES)
def test_a_run_ends_when_its_cancellation_is_turned(name, tmp_path):
    engine = open_engine(name, slow_cross_encoder(tmp_path) / "model.onnx", Gate(1))
    feeds = {key: np.ones((1, 4), np.int64) for key in engine.inputs}
    cancellation = Cancellation()
    # It is turned while the graph runs: a run that got through says so by its answer.
    timer = threading.Timer(0.2, cancellation.cancel)
    timer.start()
    with cancellation.active(), pytest.raises(Cancelled):
        for _ in range(1000):
            engine.run(feeds)
    assert engine.gate.inside == 0
    with cancellation.active(), pytest.raises(Cancelled):
        engine.run(feeds)
    assert engine.run(feeds)["logits"].tolist() == [[4.0]]


# -- other processes


def made(folder: Path, name: str, kind: str) -> Head:
    if kind == "seq2seq":
        return Seq2Seq(tiny_seq2seq(folder), engine=name, threads=2, name="t5")
    cls = {"pair": CrossEncoder, "duo": DuoEncoder}[kind]
    return cls(tiny_cross_encoder(folder), engine=name, threads=2, max_length=12, long_query="error", batch_tokens=64)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["pair", "duo", "seq2seq"])
@pytest.mark.parametrize("copied", [lambda head: pickle.loads(pickle.dumps(head)), copy.deepcopy, copy.copy])
def test_a_copy_is_loaded_by_what_the_head_was_made_of(name, kind, copied, tmp_path):
    head = made(tmp_path, name, kind)
    other = copied(head)
    assert type(other) is type(head) and other.name == head.name and other.fingerprint == head.fingerprint
    assert other.max_length == head.max_length and other.concurrency == 2 and other.gate is not head.gate
    head.close()
    if isinstance(other, CrossEncoder):
        assert scores(other) == DUE


def test_a_reranker_can_be_sent_to_a_process_pool(tiny, tmp_path):
    rerankers = [
        JudgeReranker(CrossEncoderJudge(CrossEncoder(tiny)), ScoreAll()),
        JudgeReranker(MonoT5Judge(Seq2Seq(tiny_seq2seq(tmp_path / "t5"))), ScoreAll()),
    ]
    here = [reranker.rerank("word", ["bad", "good"]).ids for reranker in rerankers]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(reranker.rerank, "word", ["bad", "good"]) for reranker in rerankers]
        assert [future.result().ids for future in futures] == here == [("1", "0")] * 2


def put_scores(head: CrossEncoder, results: multiprocessing.Queue) -> None:
    results.put(scores(head))


@pytest.mark.skipif(sys.platform != "linux", reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("name", NAMES)
def test_a_model_works_in_a_forked_child_also_while_the_parent_runs_it(name, tmp_path):
    head = CrossEncoder(tiny_cross_encoder(tmp_path), engine=name, threads=2)
    assert scores(head) == DUE
    context, stop = multiprocessing.get_context("fork"), threading.Event()

    def busy() -> None:
        while not stop.is_set():
            scores(head)

    threads = [threading.Thread(target=busy) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        results = context.Queue()
        children = [context.Process(target=partial(put_scores, head, results)) for _ in range(3)]
        for child in children:
            child.start()
        found = [results.get(timeout=60) for _ in children]
        for child in children:
            child.join(timeout=60)
        assert found == [DUE] * 3 and [child.exitcode for child in children] == [0] * 3
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_an_engine_from_outside_is_a_row_and_serves_specs_and_heads(tiny):
    forget = register_engine(EngineRow("toy", "tests.backends.encoders.toy_engine:ToyEngine"))
    try:
        assert scores(CrossEncoder(tiny, engine="toy")) == DUE
        ranking = rankkit.load({"model": str(tiny), "engine": "toy"}).rerank("word", ["bad", "good good"])
        assert ranking.scores == (2.25, -0.75)
        with pytest.raises(ConfigError, match="there is an engine toy already"):
            register_engine(EngineRow("toy", "elsewhere:Engine"))
    finally:
        forget()
    with pytest.raises(ConfigError, match="no engine 'toy'"):
        CrossEncoder(tiny, engine="toy")
