"""Sweeps of a config: the grid, the choice and its honesty, the store, and what is written."""

import itertools
import json
import random
import tomllib
from statistics import fmean

import pytest

pytest.importorskip("ir_measures", reason="the extra `eval` is not installed")

from rankkit.cli.app import run
from rankkit.comparison.choosing import cross_validated, pareto_front
from rankkit.comparison.outputs.tuned import check_folder, tuning_table, write_tuning
from rankkit.comparison.store import RunStore
from rankkit.comparison.sweep import combinations, parse_sweep
from rankkit.comparison.tuning import tune
from rankkit.config.loading import read_spec
from rankkit.errors import ConfigError, DataError
from tests.comparison.data import TEXTS, write_data
from tests.tiny import tiny_cross_encoder

#: Many small models are run.
pytestmark = pytest.mark.slow

QUERIES = [f"q{number}" for number in range(12)]


def figures(seed: int, systems: int = 4) -> dict[str, dict[str, float]]:
    draw = random.Random(seed)
    return {f"s{at}": {query: draw.random() for query in QUERIES} for at in range(systems)}


def by_hand(per_query, costs, folds, seed, max_cost):
    """Cross-validation written down as the textbooks have it, one list at a time."""
    allowed = [name for name in per_query if max_cost is None or costs[name] <= max_cost]
    shuffled = sorted(QUERIES)
    random.Random(seed).shuffle(shuffled)
    held_out, choices = {}, []
    for fold in range(folds):
        inside = [query for at, query in enumerate(shuffled) if at % folds != fold]
        best = max(allowed, key=lambda name: fmean(per_query[name][query] for query in inside))
        choices.append(best)
        held_out |= {query: per_query[best][query] for query in shuffled if query not in inside}
    chosen = max(allowed, key=lambda name: fmean(per_query[name].values()))
    return chosen, held_out, choices


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("max_cost", [None, 2.5])
def test_cross_validation_is_that_of_the_textbooks(seed, max_cost):
    per_query, costs = figures(seed), {"s0": 1.0, "s1": 2.0, "s2": 3.0, "s3": 4.0}
    choice = cross_validated(per_query, costs, 4, seed, max_cost)
    chosen, held_out, choices = by_hand(per_query, costs, 4, seed, max_cost)
    assert (choice.chosen, list(choice.fold_choices)) == (chosen, choices)
    assert choice.held_out_per_query == held_out
    assert choice.held_out.mean == pytest.approx(fmean(held_out.values()))
    assert choice.optimism == pytest.approx(fmean(per_query[chosen].values()) - fmean(held_out.values()))
    assert sum(choice.best_shares.values()) == pytest.approx(1.0)
    assert set(choice.best_shares) == {name for name in costs if max_cost is None or costs[name] <= max_cost}


def test_a_choice_among_noise_is_unsure_and_promises_too_much():
    choices = [cross_validated(figures(seed, 20), {}, 4, seed) for seed in range(20)]
    assert fmean(choice.optimism for choice in choices) > 0.05
    assert fmean(choice.certainty for choice in choices) < 0.8


def test_a_clear_winner_is_chosen_everywhere():
    per_query = figures(1) | {"better": {query: 1.5 + at / 100 for at, query in enumerate(QUERIES)}}
    choice = cross_validated(per_query, {}, 3, 0)
    assert choice.fold_choices == ("better",) * 3
    assert choice.certainty == 1.0 and choice.optimism == pytest.approx(0.0)


def test_of_equals_the_cheapest_is_chosen_then_the_first():
    one = dict.fromkeys(QUERIES, 0.5)
    assert cross_validated({"a": one, "b": one, "c": one}, {"a": 3.0, "b": 1.0, "c": 1.0}).chosen == "b"
    assert cross_validated({"a": one, "b": one}, {"a": None, "b": 9.0}).chosen == "b"


def test_the_order_of_the_queries_makes_no_difference():
    per_query = figures(3)
    turned = {name: dict(reversed(values.items())) for name, values in per_query.items()}
    one, other = cross_validated(per_query, {}), cross_validated(turned, {})
    assert (one.chosen, one.fold_choices, one.held_out_per_query) == (
        other.chosen,
        other.fold_choices,
        other.held_out_per_query,
    )


def test_what_cannot_be_chosen_or_cut_is_refused():
    with pytest.raises(ConfigError, match="the cheapest, s1, costs 2 a query"):
        cross_validated(figures(0, 2), {"s0": 3.0, "s1": 2.0}, max_cost=1.0)
    with pytest.raises(DataError, match="12 judged queries cannot be cut into 13 folds"):
        cross_validated(figures(0), {}, 13)
    with pytest.raises(ConfigError, match="folds is 1"):
        cross_validated(figures(0), {}, 1)


def test_the_front_is_what_nothing_dominates():
    quality = {"cheap": 0.5, "same but dear": 0.5, "good": 0.8, "worse and dearer": 0.7, "twin": 0.8, "unknown": 0.9}
    costs = {"cheap": 1.0, "same but dear": 2.0, "good": 3.0, "worse and dearer": 4.0, "twin": 3.0, "unknown": None}
    assert pareto_front(quality, costs) == ("cheap", "good", "twin")


def test_values_are_read_as_toml_and_words_need_no_quotes():
    assert parse_sweep(["a.1.b=10, 20", "c=sym-sum,sum", 'd="x,y",true', "e=0.5,[1, 2]"]) == {
        "a.1.b": [10, 20],
        "c": ["sym-sum", "sum"],
        "d": ["x,y", True],
        "e": [0.5, [1, 2]],
    }
    for wrong in ("a", "=1", "a="):
        with pytest.raises(ConfigError, match="KEY=VALUE"):
            parse_sweep([wrong])
    with pytest.raises(ConfigError, match="a is swept twice"):
        parse_sweep(["a=1", "a=2"])


@pytest.fixture
def config(tmp_path):
    """The tiny model twice: the second stage sees what the first one leaves."""
    model = str(tiny_cross_encoder(tmp_path / "model"))
    write_data(tmp_path / "data")
    path = tmp_path / "cascade.json"
    stages = [
        {"paradigm": "pointwise", "model": model, "reorder_top": 2},
        {"paradigm": "pointwise", "model": model, "reorder_top": 1},
    ]
    path.write_text(json.dumps({"stages": stages}), encoding="utf-8")
    return path


#: With two candidates seen, c stays last; with four, it comes to the top.
SWEEP = {"stages.1.reorder_top": [2, 3, 4], "stages.2.reorder_top": [1, 2]}


def test_the_grid_has_every_value_with_every_other(config):
    spec = read_spec(config)
    grid = combinations(spec, SWEEP)
    seen = [(one.spec.stages[0].reorder_top, one.spec.stages[1].reorder_top) for one in grid]
    assert seen == list(itertools.product([2, 3, 4], [1, 2]))
    assert grid[0].name == "stages.1.reorder_top=2, stages.2.reorder_top=1"
    [one] = combinations(spec, {"stages.2.budget.calls": [3]})
    assert one.spec.stages[1].budget.calls == 3


@pytest.mark.parametrize(
    ("sweep", "words"),
    [
        ({}, "nothing is swept"),
        ({"stages.1.windw": [1]}, r"stages\.1\.windw"),
        ({"stages.1.reorder_top": [2, 0]}, r"stages\.1\.reorder_top.*seen: 0"),
        ({"stages.1.reorder_top": ["ten"]}, r"stages\.1\.reorder_top.*seen: 'ten'"),
        ({"stages.1.reorder_top": []}, r"stages\.1\.reorder_top: the sweep needs a list"),
        ({"stages.1.reorder_top": [2, 2]}, r"stages\.1\.reorder_top: the sweep has 2 twice"),
        ({"stages.3.reorder_top": [2]}, "stages has no item '3'"),
        ({"stages.0.reorder_top": [2]}, "stages has no item '0'"),
        ({"members.1.weight": [2]}, "the config has no list members"),
        ({"stages.1.model.x": [2]}, r"stages\.1\.model is a value"),
        ({"stages.1.reorder_top": list(range(1, 202))}, "201 combinations; 200 is the most"),
    ],
)
def test_a_wrong_sweep_is_refused_by_its_key(config, tmp_path, sweep, words):
    with pytest.raises(ConfigError, match=words):
        tune(config, tmp_path / "data", sweep=sweep, store=tmp_path / "s.sqlite3")
    assert not (tmp_path / "s.sqlite3").exists()  # before anything is computed


def tuned(config, tmp_path, **options):
    options = {"sweep": SWEEP, "folds": 3, "store": tmp_path / "store.sqlite3", "cost": "tokens", **options}
    return tune(config, tmp_path / "data", **options)


def test_the_best_is_chosen_and_set_against_the_config_as_it_is(config, tmp_path):
    tuning = tuned(config, tmp_path)
    assert tuning.chosen.values["stages.1.reorder_top"] == 4
    assert tuning.as_it_is.quality.mean < tuning.chosen.quality.mean
    assert tuning.choice.certainty == 1.0 and tuning.choice.optimism == pytest.approx(0.0)
    assert tuning.gain.wins == 6 and tuning.gain.difference > 0
    assert tuning.chosen.on_front
    assert sum(one.folds for one in tuning.tried) == 3
    assert json.loads(json.dumps(tuning.to_dict(), allow_nan=False))["chosen"]["values"] == tuning.chosen.values


def test_a_cost_that_is_too_high_is_not_chosen(config, tmp_path):
    costs = {one.name: one.cost for one in tuned(config, tmp_path).tried}
    limit = sorted(set(costs.values()))[0]
    within = tuned(config, tmp_path, max_cost=limit)
    assert within.chosen.cost == limit < max(costs.values())
    with pytest.raises(ConfigError, match="nothing costs at most"):
        tuned(config, tmp_path, max_cost=limit / 2)


def test_the_same_again_computes_nothing_and_is_equal(config, tmp_path):
    first, again = tuned(config, tmp_path, cost="seconds"), tuned(config, tmp_path, cost="seconds")
    assert all(one.stored == 6 for one in (*again.tried, again.as_it_is))
    assert not any(one.stored for one in first.tried[:1])
    assert again.to_dict() == first.to_dict()  # the times, too, are those of the computation


def test_one_that_was_ended_goes_on(config, tmp_path):
    def end(now):
        if now.done == 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tuned(config, tmp_path, progress=end)
    with RunStore.open(tmp_path / "store.sqlite3") as store:
        tuning = tuned(config, tmp_path, store=store)
    assert sum(one.stored for one in tuning.tried) == 15
    whole = tuned(config, tmp_path, store=tmp_path / "other.sqlite3")
    assert [one.quality for one in tuning.tried] == [one.quality for one in whole.tried]
    assert tuning.choice == whole.choice


def test_the_config_as_it_is_may_be_in_the_sweep(config, tmp_path):
    tuning = tuned(config, tmp_path, sweep={"stages.1.reorder_top": [2, 4]})
    assert tuning.as_it_is is not tuning.tried[0] and tuning.as_it_is == tuning.tried[0]


def test_all_files_say_the_same_and_the_chosen_config_is_equal(config, tmp_path):
    tuning = tuned(config, tmp_path)
    check_folder(tmp_path / "out")
    write_tuning(tuning, tmp_path / "out")
    assert read_spec(tmp_path / "out" / "chosen.toml") == tuning.spec
    told = json.loads((tmp_path / "out" / "tuning.json").read_text(encoding="utf-8"))
    assert told == json.loads(json.dumps(tuning.to_dict()))
    lines = (tmp_path / "out" / "tuning.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("name,stages.1.reorder_top,stages.2.reorder_top,mean,") and len(lines) == 7
    page = (tmp_path / "out" / "tuning.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in page and '<script src="' not in page and "Pareto front" in page
    check_folder(tmp_path / "out")  # again
    with pytest.raises(DataError, match="something else"):
        check_folder(tmp_path / "data")
    assert tuning_table(tuning) is not None


@pytest.mark.slow
def test_the_plot_is_drawn_without_a_network(tmp_path):
    pytest.importorskip("selenium", reason="selenium is in the dev group")
    from tests.comparison.outputs.browser import started

    model = str(tiny_cross_encoder(tmp_path / "</script><b>model"))
    write_data(tmp_path / "data", queries=20)
    spec = {"paradigm": "pointwise", "model": model, "reorder_top": 2}
    sweep = {"model": [model], "reorder_top": [1, 2, 3, 4]}  # names in the plot
    tuning = tune(spec, tmp_path / "data", sweep=sweep, store=tmp_path / "s.sqlite3")
    check_folder(tmp_path / "out")
    write_tuning(tuning, tmp_path / "out")
    with started(tmp_path / "profile") as browser:
        browser.open(tmp_path / "out" / "tuning.html")
        for scheme in ("light", "dark"):
            browser.media(scheme=scheme)
            assert all(count > 20 for count in browser.colours("#plot", "c1", "c2")), scheme
        assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"
        browser.media(media="print", scheme="dark")
        assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert browser.run("return document.querySelector('#plot svg').clientWidth") <= 640
        browser.media()
        browser.resize(360)
        assert browser.run("return document.documentElement.scrollWidth") <= 360
        assert len(browser.run("return [...document.querySelectorAll('tbody tr')]")) == 4
        asked = [url for url in browser.requests() if not url.startswith("chrome:")]  # its own first page
        assert browser.logs() == [] and asked == []


def test_the_depth_of_the_first_stage_is_swept(tmp_path):
    pytest.importorskip("bm25s", reason="the extra `search` is not installed")
    data = write_data(tmp_path / "data")
    rows = [{"_id": key, "text": f"{words} which number", "title": ""} for key, words in TEXTS.items()]
    (data / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    spec = {
        "paradigm": "pointwise",
        "model": str(tiny_cross_encoder(tmp_path / "model")),
        "first_stage": {"method": "bm25", "k": 1},
    }
    tuning = tune(spec, data, sweep={"first_stage.k": [1, 4]}, cost="tokens", folds=2, store=tmp_path / "s.sqlite3")
    assert [one.bill.pairs for one in tuning.tried] == [6, 24]
    assert tuning.chosen.values == {"first_stage.k": 4} and tuning.as_it_is == tuning.tried[0]


def test_numbers_and_names_that_are_wrong(config, tmp_path):
    for options, words in (
        ({"cost": "money"}, "no unit of cost 'money'"),
        ({"measure": "nDCG@10,RR@10"}, "names 2"),
        ({"depth": 0}, "depth is 0"),
        ({"folds": 1}, "folds is 1"),
        ({"max_cost": float("nan")}, "max_cost is nan"),
        ({"cost": "cost"}, "what a ranking costs is not known"),
    ):
        with pytest.raises(ConfigError, match=words):
            tuned(config, tmp_path, **options)
    with pytest.raises(DataError, match="6 judged queries cannot be cut into 7 folds"):
        tuned(config, tmp_path, folds=7, store=tmp_path / "none.sqlite3")
    assert not (tmp_path / "none.sqlite3").exists()  # before anything is computed


def test_the_command(config, tmp_path, capsys):
    words = ["tune", str(config), "--data", str(tmp_path / "data"), "--store", str(tmp_path / "s.sqlite3")]
    words += ["--sweep", "stages.1.reorder_top=2,4", "--sweep", "stages.2.reorder_top=1,2", "--folds", "3"]
    assert run([*words, "--out", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert "Chosen: stages.1.reorder_top=4" in out and "front" in out and "held-out" in out
    chosen = tomllib.loads((tmp_path / "out" / "chosen.toml").read_text(encoding="utf-8"))
    assert chosen["stages"][0]["reorder_top"] == 4
    assert run([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["chosen"]["values"]["stages.1.reorder_top"] == 4
    assert run([*words[:-6], "--sweep", "stages.1.reorder_tpo=2"]) == 2
    assert "reorder_tpo" in capsys.readouterr().err
