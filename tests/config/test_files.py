"""Config files: what they include, where their paths begin, and that a printed one is the same."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.config import load, parse, searcher
from rankkit.config.checking import check_models
from rankkit.config.loading import read_spec
from rankkit.config.writing import as_table, as_toml
from rankkit.errors import ConfigError, RankkitError
from tests.tiny import tiny_cross_encoder


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "models").mkdir()
    tiny_cross_encoder(tmp_path / "models" / "tiny")
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_begin_at_the_file_in_which_they_stand(folder):
    write(folder / "parts" / "first.toml", 'model = "../models/tiny"\ndrop_after = 3\n')
    file = write(folder / "all.toml", '[[stages]]\ninclude = "parts/first.toml"\n[[stages]]\nmodel = "models/tiny"\n')
    assert repr(load(file)) == "pointwise(tiny).drop_after(3) >> pointwise(tiny)"


def test_keys_beside_an_include_override_it(folder):
    write(folder / "first.toml", 'model = "models/tiny"\ndrop_after = 3\nscores = "probability"\n')
    file = write(folder / "all.toml", 'include = "first.toml"\ndrop_after = 2\n')
    spec = read_spec(file)
    assert spec.drop_after == 2 and spec.scores == "probability"


def test_a_prompt_s_path_begins_at_the_file_and_an_endpoint_s_model_is_no_path(folder):
    text = 'paradigm = "listwise"\nmodel = "./tiny"\nendpoint = "http://127.0.0.1:1/v1"\nprompt = "mine.toml"\n'
    spec = read_spec(write(folder / "a.toml", text))
    assert spec.prompt == str((folder / "mine.toml").resolve()) and spec.model == "./tiny"


def test_json_says_the_same_as_toml(folder):
    toml = write(folder / "a.toml", '[[stages]]\nmodel = "models/tiny"\ndrop_after = 3\n')
    stages = [{"model": "models/tiny", "drop_after": 3}]
    assert read_spec(write(folder / "a.json", json.dumps({"stages": stages}))) == read_spec(toml)


def test_a_cycle_of_includes_is_told_as_a_chain(tmp_path):
    write(tmp_path / "a.toml", '[[stages]]\ninclude = "b.toml"\n')
    write(tmp_path / "b.toml", '[[stages]]\n[stages.on_failure]\ninclude = "c.toml"\n')
    write(tmp_path / "c.toml", 'include = "a.toml"\n')
    chain = r"a\.toml includes .*b\.toml includes .*c\.toml includes .*a\.toml"
    with pytest.raises(ConfigError, match=rf"c\.toml: include: a cycle: .*{chain}"):
        load(tmp_path / "a.toml")


def test_one_file_may_be_included_twice(folder):
    write(folder / "one.toml", 'model = "models/tiny"\n')
    file = write(folder / "two.toml", '[[members]]\ninclude = "one.toml"\n[[members]]\ninclude = "one.toml"\n')
    assert repr(load(file)) == "fuse(pointwise(tiny), pointwise(tiny))"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[stages]]\ninclude = "none.toml"', r"a\.toml: stages\.1\.include: there is no config file .*none\.toml"),
        ("[[stages]]\ninclude = 3", r"a\.toml: stages\.1\.include: the path of a file is wanted \(seen: int\)"),
        ("model = 3", r"a\.toml: model: .*string.*\(seen: 3\)"),
        ("a = 1\nmodel = ?", r"a\.toml cannot be read: .*line 2"),
        ('[[stages]]\nmodel = "./none"', r"a\.toml: stages\.1: there is no folder or file .*none"),
    ],
)
def test_what_is_wrong_is_told_by_file_and_key(tmp_path, text, words):
    with pytest.raises(RankkitError, match=words):
        load(write(tmp_path / "a.toml", text))


def test_a_broken_file_is_not_quoted(tmp_path):
    (tmp_path / "a.toml").write_bytes(b'api_key = "sk-secret\xff"')
    with pytest.raises(ConfigError, match="not UTF-8 at byte 20") as caught:
        load(tmp_path / "a.toml")
    assert "secret" not in str(caught.value)


# -- printed and read again

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(1, 99)
limits = st.fixed_dictionaries({}, optional={"calls": counts, "seconds": st.floats(0, 1e6), "cost": st.floats(0, 10)})
gates = st.fixed_dictionaries({"fewer_than": counts}, optional={"margin_above": numbers, "entropy_below": numbers})
body = st.dictionaries(
    words,
    st.recursive(
        words | counts | numbers | st.booleans(), lambda v: st.lists(v) | st.dictionaries(words, v), max_leaves=4
    ),
    max_size=2,
)
places = {"reorder_top": st.just(3), "drop_below": numbers, "drop_at_gap": counts, "skip_if": gates, "budget": limits}
pointwise = {"scores": st.sampled_from(["logit", "probability"]), "max_length": st.integers(8, 99), "budget": limits}
models = st.sampled_from(["smollm2-135m-instruct", "ms-marco-MiniLM-L-12-v2", 'a "quoted\\ path\n\x7f'])
listwise = {
    "window": st.integers(5, 20),
    "extra_body": body,
    "price_input": st.floats(0, 9),
    "timeout": st.just(float("inf")),
}


def spec_of(paradigm: str, optional: dict, **required: st.SearchStrategy) -> st.SearchStrategy[dict]:
    kind = {"paradigm": st.just(paradigm), **required}
    return st.fixed_dictionaries(kind, optional={**optional, **places})


leaves = st.one_of(
    spec_of("pointwise", pointwise, model=models),
    spec_of("pairwise", {"top_k": st.sampled_from([None, "all", 10, 3]), "one_sided": st.booleans()}),
    spec_of("listwise", listwise, model=models, endpoint=st.just("http://127.0.0.1:1/v1")),
)


def nested(inner: st.SearchStrategy[dict]) -> st.SearchStrategy[dict]:
    few = st.lists(inner, min_size=1, max_size=3)
    policies = st.sampled_from(["keep", "partial", "raise"]) | inner
    fusion = {"k": st.integers(0, 99), "method": st.sampled_from(["rrf", "scores"]), "on_failure": policies}
    return spec_of("cascade", {"on_failure": policies}, stages=few) | spec_of("fusion", fusion, members=few)


@given(st.recursive(leaves, nested, max_leaves=5))
def test_a_spec_printed_and_read_again_is_equal(data):
    spec = parse(data)
    assert parse(tomllib.loads(as_toml(spec))) == spec
    assert parse(json.loads(json.dumps(as_table(spec)))) == spec


def test_what_is_printed_leaves_defaults_out_and_names_kinds_and_models():
    spec = parse({"stages": [{"threads": None}, {"paradigm": "pairwise", "reorder_top": 5, "budget": {"seconds": 2}}]})
    assert as_toml(spec) == (
        'paradigm = "cascade"\n\n'
        '[[stages]]\nparadigm = "pointwise"\nmodel = "ms-marco-MiniLM-L-12-v2"\n\n'
        '[[stages]]\nparadigm = "pairwise"\nmodel = "ms-marco-MiniLM-L-12-v2"\nreorder_top = 5\n\n'
        "[stages.budget]\nseconds = 2.0\n"
    )


def test_what_toml_has_no_word_for_is_told():
    server = {"model": "little", "endpoint": "http://127.0.0.1:1/v1"}
    spec = parse({"paradigm": "listwise", "extra_body": {"stop": {"at": None}}, **server})
    with pytest.raises(ConfigError, match=r"extra_body\.stop\.at holds null, which TOML has no word for"):
        as_toml(spec)
    assert parse(as_table(spec)) == spec


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[first_stage]\ncorpsu = 'x'",
            r"first_stage\.corpsu: extra.*\n.*Did you mean corpus or vectors\? Known keys: method, corpus",
        ),
        ("[first_stage]\nk = 0", r"first_stage\.k: .*greater than or equal to 1"),
        ("[[stages]]\nfirst_stage = {}", r"stages\.1\.first_stage: candidates come from one place"),
        ("[[members]]\n[[members]]\nfirst_stage = {}", r"members\.2\.first_stage: candidates come from one place"),
        ("[first_stage]\ncorpus = 'none.jsonl'", r"first_stage\.corpus: .*none\.jsonl: there is no such file"),
    ],
)
def test_what_is_wrong_with_a_first_stage(tmp_path, text, words):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(RankkitError, match=words):
        check_models(read_spec(tmp_path / "a.toml"))


def test_a_searcher_needs_a_first_stage_that_names_a_corpus_or_an_index(tmp_path):
    (tmp_path / "a.toml").write_text("")
    with pytest.raises(ConfigError, match=r"a\.toml has no first_stage\n.*corpus = "):
        searcher(tmp_path / "a.toml")


def test_the_paths_of_a_first_stage_are_relative_to_its_file(tmp_path):
    (tmp_path / "a.toml").write_text("[first_stage]\ncorpus = 'texts'\nindex = '../kept'")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "b.toml").write_text("include = '../a.toml'")
    for file in ("a.toml", "b/b.toml"):
        first = read_spec(tmp_path / file).first_stage
        assert (first.corpus, first.index) == (str(tmp_path / "texts"), str(tmp_path.parent / "kept"))


# -- other people's files


def test_tables_of_an_included_file_are_put_together_key_by_key(folder):
    text = 'model = "models/tiny"\n[budget]\ncalls = 3\ntokens = 9\n[on_failure]\nmodel = "models/tiny"\nthreads = 2\n'
    write(folder / "base.toml", text)
    nested = 'include = "base.toml"\n[budget]\ncalls = 5\n[on_failure]\nthreads = 1\n'
    spec = read_spec(write(folder / "all.toml", nested))
    assert (spec.budget.calls, spec.budget.tokens) == (5, 9)
    assert (spec.on_failure.threads, Path(spec.on_failure.model).name) == (1, "tiny")
    replaced = read_spec(write(folder / "word.toml", 'include = "base.toml"\non_failure = "keep"\n'))
    assert replaced.on_failure == "keep"


@pytest.mark.parametrize(
    ("name", "data"),
    {
        "lists.toml": b"extra_body = " + b"[" * 5000 + b"]" * 5000,
        "tables.toml": b"a." * 5000 + b"a = 1",
        "inline.toml": b"a = " + b"{a = " * 60 + b"1" + b"}" * 60,
        "deep.json": b'{"a":' + b"[" * 200000,
        "less-deep.json": b'{"extra_body":' + b'{"a":' * 100 + b"1" + b"}" * 101,
        "digits.toml": b"top_k = " + b"9" * 5000,
        "digits.json": b'{"top_k": ' + b"9" * 5000 + b"}",
        "fewer-digits.json": b'{"top_k": ' + b"9" * 400 + b"}",
        "twice.json": b'{"model": "a", "model": "b"}',
        "utf-16.toml": 'model = "x"'.encode("utf-16"),
        "latin.json": '{"model": "é"}'.encode("latin-1"),
        "zero.toml": b"model = \x00",
        "list.json": b"[]",
        "empty.json": b"",
        "large.toml": b"# " + b"x" * (1 << 20),
    }.items(),
)
def test_absurd_files_are_config_errors(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ConfigError, match=name.replace(".", r"\.")):
        load(tmp_path / name)


def test_a_byte_order_mark_is_none_of_the_file(folder):
    (folder / "a.toml").write_bytes(b'\xef\xbb\xbfmodel = "models/tiny"\r\n')
    assert read_spec(folder / "a.toml").paradigm == "pointwise"


def test_includes_end(tmp_path):
    for number in range(40):
        write(tmp_path / f"{number}.toml", f'include = "{number + 1}.toml"\n')
    with pytest.raises(ConfigError, match="32 that include one another"):
        load(tmp_path / "0.toml")
    for number in range(12):  # each twice the next: thousands of files in the end
        write(tmp_path / f"{number}.toml", f'[[members]]\ninclude = "{number + 1}.toml"\n' * 2)
    with pytest.raises(ConfigError, match="more than 100 files"):
        load(tmp_path / "0.toml")


@pytest.mark.parametrize(("key", "meant"), [("stage", "stages"), ("member", "members"), ("includes", "include")])
def test_a_key_that_is_nearly_one_is_told_so(key, meant):
    with pytest.raises(ConfigError, match=rf"Did you mean .*\b{meant}\b"):
        parse({key: [{"model": "ms-marco-MiniLM-L-12-v2"}]})


# -- which key goes where

SERVED = {"endpoint": "https://models.example/v1", "model": "m", "method": "generate"}


def test_a_check_tells_which_variable_goes_to_which_server(monkeypatch):
    monkeypatch.setenv("SOME_KEY", "planted-value")
    monkeypatch.setenv("OTHER", "planted-value")
    table = {"stages": [SERVED, {**SERVED, "key_env": "SOME_KEY", "headers_env": {"x-team": "OTHER"}}]}
    notes = check_models(parse(table))
    assert notes == [
        "stages.2.key_env: sends $SOME_KEY to https://models.example/v1",
        "stages.2.headers_env.x-team: sends $OTHER to https://models.example/v1",
    ]


@pytest.mark.parametrize("keys", [{"key_env": "NO_SUCH_KEY"}, {"headers_env": {"x-team": "NO_SUCH_KEY"}}])
def test_a_key_that_is_not_set_is_refused_by_a_check(keys):
    with pytest.raises(ConfigError, match=r"stages\.1: .*NO_SUCH_KEY is not set"):
        check_models(parse({"stages": [{**SERVED, **keys}]}))


@pytest.mark.parametrize("act", [load, lambda table: check_models(parse(table))])
def test_a_key_goes_to_no_other_machine_unencrypted(monkeypatch, act):
    monkeypatch.setenv("SOME_KEY", "planted-value")
    for endpoint in ("http://models.example/v1", "HTTP://10.0.0.3:8000/v1", "http://127.0.0.1.models.example/v1"):
        with pytest.raises(ConfigError, match=r"\$SOME_KEY would go to .* unencrypted") as caught:
            act({**SERVED, "endpoint": endpoint, "key_env": "SOME_KEY"})
        assert "planted" not in str(caught.value)
        act({**SERVED, "endpoint": endpoint, "key_env": "SOME_KEY", "key_over_http": True})
    for endpoint in ("http://localhost:8000/v1", "http://[::1]:1/v1", "https://models.example/v1"):
        act({**SERVED, "endpoint": endpoint, "key_env": "SOME_KEY"})
