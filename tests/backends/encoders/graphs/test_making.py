"""Optimised graphs beside their sources: the same scores from less work, or left alone with the reason."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from rankkit.backends.encoders.cross_encoder import CrossEncoder
from rankkit.backends.encoders.graphs.making import optimise_graph
from rankkit.backends.encoders.graphs.onnx_format import read_model
from rankkit.backends.encoders.graphs.probing import PROBES, probe
from rankkit.backends.encoders.onnx import OnnxEngine
from rankkit.errors import BackendError, InvalidModel
from rankkit.evaluation.experiment import Experiment
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.cross_encoder import CrossEncoderJudge
from rankkit.pointwise.strategy import ScoreAll
from tests.conftest import ROOT
from tests.small_encoders import STYLES, WORDS, small_encoder
from tests.tiny import tiny_cross_encoder, tiny_tokenizer

#: Graphs are made and run.
pytestmark = pytest.mark.slow

GOLDEN = ROOT / "tests" / "golden"


def copied(name: str, folder: Path) -> Path:
    shutil.copytree(GOLDEN / name, folder / name)
    return folder / name / "model.onnx"


def inputs(engine: OnnxEngine, rng: np.random.Generator, lengths: list[int]) -> dict[str, np.ndarray]:
    longest = max(lengths)
    mask = (np.arange(longest) < np.array(lengths)[:, None]).astype(np.int64)
    ids = rng.integers(0, WORDS, mask.shape) * mask
    feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": (np.arange(longest) > longest // 3) * mask}
    return {name: feeds[name].astype(np.int64) for name in engine.inputs}


def apart(source: Path, made: Path) -> float:
    """The largest difference of scores, on batches of many shapes."""
    one, other, rng = OnnxEngine(source), OnnxEngine(made), np.random.default_rng(5)
    found = 0.0
    for lengths in ([1], [2], [9], [50], [91], [3, 8, 1], [20] * 4, [60, 2]):
        feeds = inputs(one, rng, lengths)
        found = max(found, float(np.abs(one.run(feeds)["logits"] - other.run(feeds)["logits"]).max()))
    return found


def picking(model: onnx.ModelProto) -> onnx.NodeProto:
    """The operator that takes the first token's row."""
    [pick] = [node for node in model.graph.node if node.op_type == "Gather" and [a.i for a in node.attribute] == [1]]
    return pick


def narrow_products(graph: Path, room: Path) -> int:
    """How many matrix products have one row for each input, before the head takes the tokens' axis away."""
    model = read_model(graph)
    products = [node.output[0] for node in model.graph.node if node.op_type in ("MatMul", "MatMulInteger")]
    shapes = probe(model, room, products).first
    return sum(len(shapes[name]) > 2 and shapes[name][-2] == 1 and shapes[name][0] == PROBES[0][0] for name in products)


@pytest.mark.parametrize("pieces", [False, True], ids=["norm", "norm in pieces"])
@pytest.mark.parametrize("style", STYLES)
def test_each_architecture_gives_the_same_scores_from_one_row_of_the_last_layer(style, pieces, tmp_path):
    source = small_encoder(tmp_path / "model.onnx", style, norm_in_pieces=pieces)
    made = optimise_graph(source)
    assert made.graph == tmp_path / "optimised" / "model.onnx"
    assert apart(source, made.graph) <= 1e-5
    # Query, scores, values, and the three dense layers behind.
    assert narrow_products(made.graph, tmp_path) == 6 and narrow_products(source, tmp_path) == 0
    assert made.largest_difference <= 1e-5 and "one token only" in made.words


@pytest.mark.parametrize("name", ["bert", "modernbert"])
def test_exports_of_real_architectures(name, tmp_path):
    source = copied(name, tmp_path)
    answers = [json.loads(line) for line in (source.parent / "answers.jsonl").read_text().splitlines()]
    made = optimise_graph(source)
    assert made.graph is not None and apart(source, made.graph) <= 1e-5
    encoder = CrossEncoder(source.parent)
    assert "optimised" in encoder._engine.source
    for batch in encoder.batches([tuple(answer["pair"]) for answer in answers]):
        due = [answers[position]["logit"] for position in batch.positions]
        assert encoder.score(batch) == pytest.approx(due, abs=1e-4)


@pytest.mark.parametrize("style", STYLES)
def test_a_quantised_graph_stays_as_near_as_the_source_is_to_itself(style, tmp_path):
    source = small_encoder(tmp_path / "model.onnx", style, quantised=True)
    made = optimise_graph(source)
    assert made.graph is not None
    assert made.largest_difference <= made.own_difference
    assert OnnxEngine(made.graph).batches_change_scores


@pytest.mark.parametrize("quantised", [False, True], ids=["floats", "quantised"])
def test_a_score_does_not_depend_on_order_company_or_thread(quantised, tmp_path):
    optimise_graph(small_encoder(tmp_path / "model.onnx", "bert", quantised=quantised))
    tiny_tokenizer().save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text('{"model_max_length": 64, "pad_token": "[PAD]"}')
    encoder = CrossEncoder(tmp_path, batch_tokens=0)
    pairs = [("good word", " ".join(["bad", "best", "word"][: 1 + n % 3] * n)) for n in range(1, 13)]

    def scores(asked: list[tuple[str, str]]) -> dict[tuple[str, str], float]:
        answers = {}
        for batch in encoder.batches(asked):
            answers.update(zip([asked[place] for place in batch.positions], encoder.score(batch), strict=True))
        return answers

    alone = {pair: scores([pair])[pair] for pair in pairs}
    slack = 0.0 if quantised else 2e-5  # floats are batched: rounding
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(scores, [pairs, pairs[::-1], pairs[3:], pairs[::2]]):
            assert all(abs(found[pair] - alone[pair]) <= slack for pair in found)


def test_graphs_whose_answer_is_no_single_row_are_left_alone(tmp_path):
    for name, source in {
        "sum": tiny_cross_encoder(tmp_path / "sum") / "model.onnx",
        "mean": small_encoder(tmp_path / "mean" / "model.onnx", "bert", pooled="mean"),
    }.items():
        made = optimise_graph(source)
        assert made.graph is None and "one token's row" in made.reason, name
        assert "left as it is" in made.words
        assert [path.name for path in made.folder.iterdir()] == ["model.onnx.json"]  # no graph, and nothing half-made


def test_a_row_that_comes_out_of_an_unknown_operator_is_cut_no_further(tmp_path):
    source = small_encoder(tmp_path / "model.onnx", "bert")
    model = onnx.load(source)
    # A sum over all tokens before the first is taken: every row of it takes more than that row of its input.
    pick = picking(model)
    place = list(model.graph.node).index(pick)
    model.graph.initializer.append(helper.make_tensor("one", onnx.TensorProto.INT64, [], [1]))
    model.graph.node.insert(place, helper.make_node("CumSum", [pick.input[0], "one"], ["summed"]))
    model.graph.node[place + 1].input[0] = "summed"
    onnx.save(model, source)
    made = optimise_graph(source)
    assert made.graph is None and "CumSum" in made.reason


def test_fixed_sizes_and_other_inputs_are_left_alone(tmp_path):
    source = small_encoder(tmp_path / "model.onnx", "bert")
    model = onnx.load(source)
    for value in model.graph.input:
        value.type.tensor_type.shape.dim[1].dim_value = 32
    onnx.save(model, source)
    assert "fixed sizes" in optimise_graph(source).reason
    shutil.copytree(GOLDEN / "t5", tmp_path / "t5")
    assert "not what a cross-encoder takes" in optimise_graph(tmp_path / "t5" / "decoder_model.onnx").reason


def test_hidden_states_that_are_an_output_too_stay_whole(tmp_path):
    source = small_encoder(tmp_path / "model.onnx", "bert")
    model = onnx.load(source)
    pick = picking(model)
    model.graph.output.append(helper.make_tensor_value_info(pick.input[0], onnx.TensorProto.FLOAT, None))
    onnx.save(model, source)
    assert optimise_graph(source).graph is None


def test_what_is_no_graph_is_an_error_and_leaves_nothing(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(InvalidModel):
        optimise_graph(tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_weights_in_files_of_their_own_are_found(tmp_path):
    plain = small_encoder(tmp_path / "plain.onnx", "roberta")
    source = tmp_path / "model.onnx"
    onnx.save(onnx.load(plain), source, save_as_external_data=True, location="model.onnx_data", size_threshold=64)
    made = optimise_graph(source)
    assert [file.name for file in made.files] == ["model.onnx", "model.onnx_data"]
    assert apart(plain, made.graph) <= 1e-5
    shutil.rmtree(tmp_path / "optimised")
    (tmp_path / "model.onnx_data").unlink()
    with pytest.raises((InvalidModel, BackendError)):
        optimise_graph(source)


@pytest.mark.model
def test_the_real_model_moves_less_than_in_a_batch(minilm_folder, tmp_path):
    source = tmp_path / "model.onnx"
    shutil.copy(minilm_folder / "model.onnx", source)
    made = optimise_graph(source)
    assert made.graph is not None and made.largest_difference <= made.own_difference
    assert "6 matrix products" in made.words


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.model
def test_the_optimised_real_model_has_the_figure_of_its_source(minilm_folder, data_dir, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(minilm_folder, folder, ignore=shutil.ignore_patterns("optimised"))
    made = optimise_graph(folder / "model.onnx")
    encoder = CrossEncoder(folder)
    assert encoder._engine.source == str(made.graph)
    experiment = Experiment.of(data_dir / "trec-dl19", measures="nDCG@10")
    report = experiment.of_reranker(JudgeReranker(CrossEncoderJudge(encoder), ScoreAll()))
    # 0.7226 as published, 0.7229 optimised: what is left is how a CPU rounds.
    assert report.measures["nDCG@10"] == pytest.approx(0.7229, abs=0.002)
