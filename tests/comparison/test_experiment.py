"""What an experiment file may say, and what is said of one that is wrong."""

import pytest

pytest.importorskip("ir_measures", reason="the extra `eval` is not installed")

from rankkit.comparison.experiment import Experiment
from rankkit.errors import ConfigError, ModelNotPulled, RankkitError, UnknownModel
from tests.tiny import tiny_cross_encoder

FIRST = {"name": "bm25", "first_stage": True}


def experiment(**keys: object) -> dict[str, object]:
    return {"data": [{"folder": "somewhere"}], "systems": [FIRST], **keys}


def test_without_a_baseline_it_is_the_first_stage():
    assert Experiment.of(experiment()).baseline == "bm25"


def test_the_first_stage_is_measured_though_the_file_has_none(tmp_path):
    model = str(tiny_cross_encoder(tmp_path / "model"))
    found = Experiment.of(experiment(systems=[{"name": "tiny", "model": model}]))
    assert [one.name for one in found.systems] == ["first stage", "tiny"]
    assert found.baseline == "first stage"


def test_runs_alone_need_no_first_stage(tmp_path):
    (tmp_path / "a.trec").write_text("q Q0 d 1 1 t\n", encoding="utf-8")
    run = {"name": "a", "run": str(tmp_path / "a.trec")}
    assert [one.name for one in Experiment.of(experiment(systems=[run], baseline="a")).systems] == ["a"]


def test_paths_are_relative_to_the_file(tmp_path):
    tiny_cross_encoder(tmp_path / "model")
    (tmp_path / "experiment.toml").write_text(
        '[[data]]\nfolder = "data"\n[[systems]]\nname = "tiny"\nmodel = "./model"\n', encoding="utf-8"
    )
    found = Experiment.of(tmp_path / "experiment.toml")
    assert found.systems[1].spec.model == str(tmp_path / "model")
    assert (found.folder, found.name) == (tmp_path, "experiment")


def test_a_failed_query_does_not_end_the_measuring_unless_the_file_says_so(tmp_path):
    model = str(tiny_cross_encoder(tmp_path / "model"))
    systems = [{"name": "a", "model": model}, {"name": "b", "model": model, "on_failure": "raise"}]
    found = Experiment.of(experiment(systems=systems))
    assert [one.spec.on_failure for one in found.systems if one.spec] == ["partial", "raise"]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"systems": []}, "at least one [[systems]]"),
        ({"data": []}, "at least one [[data]]"),
        ({"data": [{}]}, 'give either folder = "PATH"'),
        ({"data": [{"folder": "a", "ir_datasets": "b"}]}, 'give either folder = "PATH"'),
        ({"systems": [FIRST, FIRST]}, "2 systems are called 'bm25'"),
        ({"baseline": "bm52"}, "Did you mean bm25?"),
        ({"measures": ["nDGC@10"]}, "Did you mean nDCG@10?"),
        ({"measurs": ["nDCG@10"]}, "Did you mean measures"),
        ({"depth": 0}, "depth"),
        ({"title": "red \x1b[31m"}, "cannot be printed"),
        ({"data": [{"folder": "a", "name": "a\nb"}]}, "cannot be printed"),
        ({"shuffle": -1}, "shuffle"),
        ({"data": "a"}, "tables are wanted, each under [[data]]"),
        ({"data": ["a"]}, "tables are wanted, each under [[data]]"),
        ({"data": [{"foldr": "a"}]}, "Did you mean folder?"),
        ({"systems": {"name": "a"}}, "tables are wanted, each under [[systems]]"),
        ({"systems": [{"name": "a", "first_stage": False}]}, "first_stage is False"),
        ({"systems": [{"name": "a", "first_stage": "bm25"}]}, "how they are searched is said under [[data]]"),
        ({"systems": [{"first_stage": True}]}, "a system needs a name"),
        ({"systems": [{"name": "a", "run": "nowhere.trec"}]}, "there is no file"),
        ({"systems": [{"name": "a", "run": 3}]}, "the path of a file is wanted"),
        ({"systems": [{"name": "a", "first_stage": True, "model": "b"}]}, "stands for the whole system"),
        ({"systems": [{"name": "a", "config": "nowhere.toml"}]}, "there is no file"),
        ({"systems": [{"name": "a", "model": "ms-marco-MiniLM-L-12-v2", "windo": 3}]}, "window"),
    ],
)
def test_what_is_wrong_is_named(keys, words):
    with pytest.raises(ConfigError) as raised:
        Experiment.of(experiment(**keys))
    assert words.lower() in f"{raised.value.message} {raised.value.hint}".lower()


def test_an_experiment_is_no_system_of_another(tmp_path):
    (tmp_path / "other.toml").write_text('[[data]]\nfolder="x"\n[[systems]]\nname="a"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="is an experiment itself"):
        Experiment.of(experiment(systems=[{"name": "a", "config": str(tmp_path / "other.toml")}]))


def test_a_model_that_nobody_knows_is_an_error_before_anything_is_read():
    with pytest.raises(UnknownModel, match=r"systems\.1 \(a\)"):
        Experiment.of(experiment(systems=[{"name": "a", "model": "ms-marco-MiniLM-L-12-v3"}]))


def test_a_model_that_is_not_here_names_the_command_that_pulls_it(monkeypatch, tmp_path):
    monkeypatch.setenv("RANKKIT_HOME", str(tmp_path))
    with pytest.raises(ModelNotPulled, match="models pull"):
        Experiment.of(experiment(systems=[{"name": "a", "model": "ms-marco-MiniLM-L-12-v2"}]))


@pytest.mark.parametrize(
    "line", ['include = "experiment.toml"', '[[data]]\nfolder="x"\n[[systems]]\nname="a"\nconfig="experiment.toml"']
)
def test_an_experiment_that_includes_itself_is_refused(tmp_path, line):
    path = tmp_path / "experiment.toml"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(RankkitError, match=r"a cycle|names itself"):
        Experiment.of(path)
