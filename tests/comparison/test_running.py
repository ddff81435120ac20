"""Comparisons from end to end: figures, the store, what is written and what is refused."""

import json
import math
import random
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("ir_measures", reason="the extra `eval` is not installed")

import rankkit
from rankkit.comparison import Comparison, RunStore
from rankkit.comparison.planning import plan_comparison
from rankkit.comparison.result import ALL_DATA
from rankkit.errors import ConfigError, DataError, StoreError
from rankkit.evaluation import Experiment as Evaluation
from tests.comparison.data import write_data, write_run
from tests.conftest import pulled_model
from tests.tiny import tiny_cross_encoder

TIMES = {"seconds", "seconds_p50", "seconds_p95", "command"}


@pytest.fixture
def experiment(tmp_path) -> dict[str, object]:
    model = str(tiny_cross_encoder(tmp_path / "model"))
    return {
        "measures": ["nDCG@10", "RR@10"],
        "store": str(tmp_path / "store.sqlite3"),
        "data": [{"folder": str(write_data(tmp_path / "data"))}],
        "systems": [
            {"name": "tiny", "model": model},
            {"name": "other", "run": str(write_run(tmp_path / "other.trec"))},
        ],
    }


def without_times(value: object) -> object:
    if isinstance(value, dict):
        return {key: without_times(inner) for key, inner in value.items() if key not in TIMES}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


def test_each_system_has_the_figures_of_an_evaluation(experiment, tmp_path):
    comparison = rankkit.compare(experiment)
    evaluation = Evaluation.of(tmp_path / "data", measures="nDCG@10,RR@10")
    with rankkit.load(tmp_path / "model") as reranker:
        alone = evaluation.of_reranker(reranker)
    assert comparison["tiny"].measures["nDCG@10"].mean == alone.measures["nDCG@10"]
    assert comparison["first stage"].measures["nDCG@10"].mean == alone.first_stage["nDCG@10"]
    assert comparison["other"].measures["RR@10"].mean == evaluation.of_run(tmp_path / "other.trec").measures["RR@10"]


def test_differences_are_those_of_the_queries(experiment):
    comparison = rankkit.compare(experiment)
    pair = comparison.against("other", "nDCG@10")
    by_query = {
        name: one.figures[0].per_query["nDCG@10"] for name in ("other", "first stage") for one in [comparison[name]]
    }
    gains = [by_query["other"][query] - by_query["first stage"][query] for query in by_query["other"]]
    assert pair.figures.difference == pytest.approx(math.fsum(gains) / len(gains))
    assert pair.figures.wins == sum(gain > 0 for gain in gains)
    assert pair.p_holm >= pair.figures.p


def test_a_system_that_computes_nothing_has_no_cost_and_says_so(experiment):
    comparison = rankkit.compare(experiment)
    assert comparison["other"].cost is None and comparison["tiny"].cost.pairs == 24
    assert comparison["other"].to_dict()["notes_on_data"] == ["no cost is known: nothing was computed here"]


def test_all_reports_are_written_and_say_the_same(experiment, tmp_path):
    comparison = rankkit.compare(experiment, out=tmp_path / "out")
    out = tmp_path / "out"
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report == json.loads(json.dumps(comparison.to_dict()))
    assert report["systems"]["tiny"]["measures"]["nDCG@10"].keys() == {"mean", "low", "high"}
    assert {"system", "baseline", "measure", "difference", "low", "high", "p", "p_holm", "wins"} <= report[
        "comparisons"
    ][0].keys()
    assert report["queries"] == 6 and report["repro"]["seed"] == 0
    for name in ("report.md", "report.tex", "report.csv", "report.html"):
        assert "tiny" in (out / name).read_text(encoding="utf-8")
    evaluation = Evaluation.of(tmp_path / "data", measures="nDCG@10")
    for system in ("tiny", "other", "first-stage"):
        again = evaluation.of_run(out / "runs" / f"{system}.data.trec").measures["nDCG@10"]
        assert again == comparison[system.replace("-", " ")].measures["nDCG@10"].mean


def test_it_prints_draws_itself_and_is_a_frame(experiment):
    comparison = rankkit.compare(experiment)
    assert isinstance(comparison, Comparison) and "| tiny |" in repr(comparison)
    assert "<td" in comparison._repr_html_()
    pandas = pytest.importorskip("pandas")
    frame = comparison.to_pandas()
    assert isinstance(frame, pandas.DataFrame) and set(frame["system"]) == {"first stage", "tiny", "other"}


def test_nothing_is_computed_twice(experiment):
    first = rankkit.compare(experiment)
    again = rankkit.compare(experiment)
    assert [system.figures[0].stored for system in first.systems] == [0, 0, 0]
    assert again["tiny"].figures[0].stored == 6
    assert again.to_dict()["systems"] == first.to_dict()["systems"]  # the times, too, are those of the computation


def test_a_changed_parameter_computes_that_system_alone(experiment):
    rankkit.compare(experiment)
    experiment["systems"][0] |= {"max_length": 12}
    experiment["systems"].append({"name": "as it was", "model": experiment["systems"][0]["model"]})
    changed = rankkit.compare(experiment)
    assert changed["tiny"].figures[0].stored == 0 and changed["as it was"].figures[0].stored == 6


def test_a_plan_counts_what_the_store_has(experiment):
    [_, before, _] = plan_comparison(experiment, calibrated=False)
    assert (before.rankings, before.stored) == (6, 0) and before.total["calls"] > 0
    rankkit.compare(experiment, limit=4)
    [_, after, _] = plan_comparison(experiment, calibrated=False)
    assert (after.rankings, after.stored) == (6, 4)


def test_systems_side_by_side_give_what_they_give_one_after_the_other(experiment, tmp_path):
    alone = rankkit.compare(experiment, store=tmp_path / "one.sqlite3")
    together = rankkit.compare(experiment, store=tmp_path / "two.sqlite3", jobs=3)
    assert without_times(alone.to_dict()) == without_times(together.to_dict())


def test_progress_counts_queries_of_each_system_and_of_all(experiment):
    experiment |= {"shuffle": 1}
    seen = []
    rankkit.compare(experiment, progress=seen.append)
    assert [one.all_done for one in seen] == list(range(1, 19))  # first stage, tiny, tiny shuffled
    assert {one.all_total for one in seen} == {18}
    assert (seen[-1].system, seen[-1].done, seen[-1].total) == ("tiny, shuffled 1", 6, 6)


def test_several_data_sets_weigh_the_same(experiment, tmp_path):
    experiment["data"].append({"folder": str(write_data(tmp_path / "more", queries=2)), "name": "more"})
    experiment["systems"].pop()  # the run has no other queries
    found = rankkit.compare(experiment)["tiny"]
    means = [one.measures["nDCG@10"].mean for one in found.figures]
    assert found.measures["nDCG@10"].mean == pytest.approx(sum(means) / 2)
    assert found.to_dict()["data"].keys() == {"data", "more"}


def test_over_several_data_sets_together_systems_are_tested_too(experiment, tmp_path):
    more = str(write_data(tmp_path / "more", queries=3))
    rows = [f"q{n} Q0 {doc} {at} {9 - at} other" for n in range(6) for at, doc in enumerate("cabd", start=1)]
    (tmp_path / "other.trec").write_text("\n".join(rows), encoding="utf-8")
    experiment["data"].append({"folder": more, "name": "more"})
    comparison = rankkit.compare(experiment, out=tmp_path / "out")
    pair = comparison.against("other", "nDCG@10")
    each = [comparison.against("other", "nDCG@10", name).figures for name in ("data", "more")]
    assert pair.data == ALL_DATA and pair.figures.wins == sum(one.wins for one in each) == 9
    assert pair.figures.difference == pytest.approx(sum(one.difference for one in each) / 2)
    assert pair.p_holm >= pair.figures.p
    for name in ("report.md", "report.tex", "report.csv", "report.html", "report.json"):
        assert ALL_DATA in (tmp_path / "out" / name).read_text(encoding="utf-8").lower()
    frame = comparison.to_pandas()
    assert set(frame["data"]) == {"data", "more", ALL_DATA}
    tiny = comparison["tiny"]
    assert tiny.together.cost.pairs == sum(one.cost.pairs for one in tiny.figures)
    assert tiny.together.stored == 3  # those of the second are among the first's


def test_no_data_set_is_called_as_all_of_them_are(experiment):
    experiment["data"][0] |= {"name": ALL_DATA}
    with pytest.raises(ConfigError, match="as the figures over all of them are"):
        rankkit.compare(experiment)


def test_files_are_read_before_anything_is_computed(experiment, tmp_path):
    (tmp_path / "other.trec").write_text("q0 Q0 a 1 nan t\n", encoding="utf-8")
    seen = []
    with pytest.raises(DataError, match="not a finite number"):
        rankkit.compare(experiment, progress=seen.append, out=tmp_path / "out")
    assert seen == [] and not (tmp_path / "out").exists()


def test_a_plan_makes_no_store(experiment, tmp_path):
    plan_comparison(experiment, calibrated=False)
    assert not list(tmp_path.glob("store*"))


def test_names_become_files_of_their_own(experiment, tmp_path):
    names = ["a/b", "a-b", "A-b", "../..", "日本語", "n" * 300, "n" * 299 + "m"]
    experiment["systems"] = [{"name": name, "run": str(tmp_path / "other.trec")} for name in names]
    rankkit.compare(experiment | {"baseline": "a-b"}, out=tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out" / "runs").iterdir()) == sorted(
        [
            "a-b.data.trec",
            "a-b.data-2.trec",
            "A-b.data-3.trec",
            "unnamed.data.trec",
            "日本語.data.trec",
            f"{'n' * 100}.data.trec",
            f"{'n' * 100}.data-2.trec",
        ]
    )


def test_robustness_of_what_reads_documents_alone(experiment):
    experiment |= {"shuffle": 2, "reverse": True, "repeat": 1}
    found = rankkit.compare(experiment).robustness["tiny"]
    assert found["tau"] == 1.0 and found["repeated_tau"] == 1.0 and found["repeated_equal"] == 1.0
    assert found["spread"]["nDCG@10"]["low"] == found["spread"]["nDCG@10"]["high"]
    assert sum(found["favoured"]) == pytest.approx(1.0) and sum(found["expected"]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("data/qrels.txt", "other 0 z 1\n", "judges none of the queries"),
        ("other.trec", "q0 Q0 a 1 9 t\nq0 Q0 a 2 8 t\n", "is there twice"),
        ("other.trec", "q0 Q0 a 1 nan t\n", "not a finite number"),
        ("other.trec", "q9 Q0 a 1 1 t\n", "has none of the"),
    ],
)
def test_wrong_data_ends_it_before_anything_is_written(experiment, tmp_path, file, text, words):
    (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        rankkit.compare(experiment, out=tmp_path / "out")
    assert not (tmp_path / "out" / "report.json").exists()


def test_two_data_sets_of_one_name_are_refused(experiment):
    experiment["data"] *= 2
    with pytest.raises(ConfigError, match="is called 'data', too"):
        rankkit.compare(experiment)


def test_a_folder_that_holds_something_else_is_not_written_to(experiment, tmp_path):
    with pytest.raises(DataError, match="something else than reports"):
        rankkit.compare(experiment, out=tmp_path / "data")


def test_a_store_that_is_none_is_refused(experiment, tmp_path):
    (tmp_path / "store.sqlite3").write_text("not a database, but somebody's notes\n" * 50, encoding="utf-8")
    with pytest.raises(StoreError):
        rankkit.compare(experiment)


def test_a_full_disk_leaves_the_earlier_report_as_it_was(experiment, tmp_path, monkeypatch):
    rankkit.compare(experiment, out=tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("report.*")}

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)  # what puts a whole file into its place
    with pytest.raises(DataError, match="No space left"):
        rankkit.compare(experiment, out=tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").glob("report.*")} == before


def command(experiment, tmp_path, name: str) -> list[str]:
    """The experiment as a file, and the command that carries it out in a process of its own."""
    path = tmp_path / "experiment.json"
    path.write_text(json.dumps(experiment), encoding="utf-8")
    return [sys.executable, "-m", "rankkit", "compare", str(path), "--out", str(tmp_path / name)]


def report_of(folder) -> object:
    return without_times(json.loads((folder / "report.json").read_text(encoding="utf-8")))


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_to_the_same_report(experiment, tmp_path):
    experiment["data"] = [{"folder": str(write_data(tmp_path / "large", queries=400))}]
    experiment["systems"].pop()
    whole = {**experiment, "store": str(tmp_path / "whole.sqlite3")}
    subprocess.run(command(whole, tmp_path, "whole"), check=True)
    line, moments = command(experiment, tmp_path, "killed"), random.Random(11)
    for _ in range(10):
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(0.3, 2.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(line, check=True)
    killed, uninterrupted = report_of(tmp_path / "killed"), report_of(tmp_path / "whole")
    killed["repro"]["spec"].pop("store"), uninterrupted["repro"]["spec"].pop("store")
    assert killed == uninterrupted


@pytest.mark.slow
def test_two_processes_on_one_store_are_both_right(experiment, tmp_path):
    experiment["data"] = [{"folder": str(write_data(tmp_path / "large", queries=200))}]
    experiment["systems"].pop()
    both = [subprocess.Popen(command(experiment, tmp_path, name)) for name in ("one", "two")]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    assert report_of(tmp_path / "one") == report_of(tmp_path / "two")
    with RunStore.open(tmp_path / "store.sqlite3") as store:
        assert [row.finished for row in store.runs()] == [True, True]


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.model
def test_trec_dl19_has_the_published_figures(data_dir, minilm_folder, tmp_path):
    record = data_dir / "recorded-listwise" / "rankvicuna-dl19.responses.jsonl.gz"
    comparison = rankkit.compare(
        {
            "baseline": "bm25",
            "data": [{"folder": str(data_dir / "trec-dl19")}],
            "systems": [
                {"name": "bm25", "first_stage": True},
                {"name": "minilm", "model": str(minilm_folder)},
                {"name": "rankvicuna", "replay": str(record)},
            ],
        },
        store=tmp_path / "store.sqlite3",
    )
    means = {system.name: round(system.measures["nDCG@10"].mean, 4) for system in comparison.systems}
    assert means == {"bm25": 0.5058, "minilm": 0.7226, "rankvicuna": 0.6682}
    assert comparison.against("minilm", "nDCG@10").significant


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.model
def test_an_english_model_on_chinese_questions_is_remarked_on(data_dir, minilm_folder, tmp_path):
    comparison = rankkit.compare(
        {
            "data": [{"folder": str(data_dir / "xquad-r-zh")}],
            "systems": [{"name": "minilm", "model": "ms-marco-MiniLM-L-12-v2"}],
            "limit": 5,
        },
        store=tmp_path / "store.sqlite3",
    )
    assert any("script" in note for note in comparison.notes)


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.model
def test_the_position_bias_of_a_pairwise_judge_stands_in_the_report(data_dir, tmp_path):
    """SmolLM of 135 million parameters: it shows the plumbing, and what a judge that hardly reads looks like."""
    model = str(pulled_model("smollm2-135m-instruct"))
    judge = {"paradigm": "pairwise", "model": model, "strategy": "allpairs", "passage_tokens": 48}
    comparison = rankkit.compare(
        {
            "data": [{"folder": str(data_dir / "noveleval")}],
            "systems": [
                {"name": "both orders", **judge},
                {"name": "one order", **judge, "one_sided": True},
            ],
            "depth": 3,
            "limit": 2,
            "shuffle": 1,
        },
        store=tmp_path / "store.sqlite3",
        out=tmp_path / "out",
    )
    both, one = comparison.robustness["both orders"], comparison.robustness["one order"]
    assert 0 <= both["position_bias"] <= 1 and 0 <= both["first_preference"] <= 1
    assert 0 <= one["first_preference"] <= 1 and "position_bias" not in one
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "First preferred" in page and "both orders" in page
