"""What the commands accept and refuse: the shapes of options, and the words and the exit code of wrong usage."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import pytest

from rankkit.cli import terminal
from rankkit.cli.app import _BRANCHES, _COMMANDS
from tests.cli.command import rankkit, rankkit_process
from tests.tiny import tiny_cross_encoder


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return str(tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny"))


def words_of(ended) -> str:
    return " ".join(ended.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rerunk"], "there is no command 'rerunk' Did you mean rerank or runs?"),
        (["models", "lsit"], "there is no command 'lsit' Did you mean list?"),
        (["models", "--json"], "rankkit models has no option --json rankkit models --help"),
        (["-h"], "rankkit has no option -h rankkit --help"),
        (["--json", "rerank", "word"], "rankkit has no option --json"),
        (["rerank"], "QUERY is missing rankkit rerank --help"),
        (["rerank", "--"], "QUERY is missing"),
        (["models", "show"], "NAME is missing rankkit models show --help"),
        (["models", "export", "x", "--kind", "seq2seq"], "--out is missing"),
        (["models", "show", "a", "b"], "rankkit models show does not take 'b'"),
        (["doctor", "now"], "rankkit doctor does not take 'now'"),
        (["eval"], "--data is missing"),
        (["eval", "--dta", "x"], "there is no option --dta Did you mean --data"),
        (["eval", "--data"], "--data needs a value"),
        (["rerank", "word", "-k"], "-k needs a value"),
        (["rerank", "word", "--set"], "--set needs a value"),
        (["rerank", "word", "--thread", "3"], "there is no option --thread Did you mean --threads"),
        (["rerank", "word", "--thread=3", "-"], "there is no option --thread Did you mean --threads"),
        (["rerank", "word", "-", "-x"], "there is no option -x"),
        (["rerank", "-5"], "there is no option -5"),
        (["rerank", "word", "--version"], "there is no option --version"),
        (["rerank", "word", "--no-json"], "there is no option --no-json"),
        (["rerank", "word", "--empty-set"], "there is no option --empty-set"),
        (["rerank", "word", "--query", "x"], "there is no option --query"),
        (["rerank", "word", "--options", '{"model": "x"}'], "there is no option --options"),
        (["rerank", "word", "--options.model", "x"], "there is no option --options.model"),
        (
            ["rerank", "word", "--threads", "three"],
            "Invalid value for --threads: 'three' is no whole number of at least 1",
        ),
        (["rerank", "word", "--threads", "1.5"], "'1.5' is no whole number of at least 1"),
        (["rerank", "word", "--threads", "0x2"], "'0x2' is no whole number"),
        (["rerank", "word", "--threads", ""], "'' is no whole number"),
        (["rerank", "word", "-k", "-1"], "Invalid value for -k: '-1' is no whole number of at least 0"),
        (["rerank", "word", "--window", "x"], "Invalid value for --window: 'x' is no whole number rankkit"),
        (["rerank", "word", "--threshold", "high"], "Invalid value for --threshold: 'high' is no number rankkit"),
        (["rerank", "word", "--budget-seconds", "nan"], "'nan' is no number of at least 0"),
        (
            ["rerank", "word", "--format", "jsn"],
            'Choose from: "text", "jsonl", "json", "csv", "tsv". Did you mean "json"?',
        ),
        (["rerank", "word", "--format", "JSON"], 'Invalid value "JSON" for --format'),
        (["models", "export", "x", "--out", "y", "--kind", "SEQ2SEQ"], 'Invalid value "SEQ2SEQ" for --kind'),
        (["rerank", "word", "--set", "window"], "--set takes KEY=VALUE, not 'window'"),
        (["rerank", "word", "--model", "a", "--config", "b.toml"], "give --model or --config, not both"),
        (["plan", "--config", "x"], "give --data or --candidates"),
    ],
)
def test_wrong_usage_says_what_was_seen_and_what_is_allowed(arguments, words):
    ended = rankkit(*arguments)
    assert ended.returncode == 2 and words in words_of(ended), ended.stderr
    assert "--json" in arguments or ended.stdout == ""


def test_with_json_wrong_usage_is_an_object_too():
    ended = rankkit("rerank", "word", "--thread", "3", "--json")
    error = json.loads(ended.stdout)["error"]
    assert error["message"] == "there is no option --thread" and error["message"] in ended.stderr


def test_what_was_typed_does_not_reach_the_terminal_as_it_is():
    for arguments in (["\x1b[2J"], ["rerank", "word", "--\x1b[2J"], ["models", "list", "\x9b2J"]):
        ended = rankkit(*arguments)
        assert ended.returncode == 2 and terminal.visible(ended.stderr) == ended.stderr
    assert "[red]x[/red]" in rankkit("[red]x[/red]").stderr


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        (["-k", "1"], ["best"]),
        (["-k1"], ["best"]),
        (["--top-k=1"], ["best"]),
        (["--top-k", "9", "--top-k", "1"], ["best"]),
        (["--threshold", "-0.5"], ["best", "good"]),
        (["--threshold=-0.5"], ["best", "good"]),
        (["--threshold", "-1e0"], ["best", "good", "bad"]),
        (["--set", "max_length=9", "--set", "max_length=12", "--json"], ["best", "good", "bad"]),
        (["-k", "2", "-"], ["best", "good"]),
    ],
)
def test_the_shapes_of_options(model, options, texts):
    ended = rankkit("rerank", "word", *options, "--model", model, "--json", stdin="bad\nbest\ngood\n")
    assert ended.returncode == 0, ended.stderr
    assert [row["text"] for row in json.loads(ended.stdout)["results"]] == texts


def test_a_value_may_look_like_an_option(model):
    ended = rankkit("rerank", "word", "--model", model, "--explain", "-x", stdin="good")
    assert ended.returncode == 5 and "no document '-x'" in ended.stderr
    assert "none is no config file" in words_of(rankkit("rerank", "word", "--config", "none"))
    assert "'none' is not a model" in words_of(rankkit("rerank", "word", "--model", "none"))
    assert rankkit("rerank", "word", "--model", "").returncode == 4


def test_after_two_dashes_everything_is_a_word(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-a.txt").write_text("good\n")
    (tmp_path / "b.txt").write_text("best\n")
    ended = rankkit("rerank", "b.txt", "--json", "--model", model, "--", "-a.txt")
    assert [row["text"] for row in json.loads(ended.stdout)["results"]] == ["good"]
    assert (
        json.loads(rankkit("rerank", "--json", "--model", model, "--", "--help", "b.txt").stdout)["query"] == "--help"
    )
    assert "there is no file --json" in rankkit("rerank", "--model", model, "--", "word", "--json").stderr
    between = rankkit("rerank", "word", "b.txt", "--model", model, "-", "--json", stdin="bad\n")
    assert [row["text"] for row in json.loads(between.stdout)["results"]] == ["best", "bad"]


def test_an_at_sign_and_json_are_no_files_and_no_lists(model, tmp_path):
    (tmp_path / "file").write_text("--json")
    ended = rankkit("rerank", f"@{tmp_path / 'file'}", "--model", model, "--json", stdin="good")
    assert json.loads(ended.stdout)["query"] == f"@{tmp_path / 'file'}"
    ended = rankkit("rerank", "word", "--model", model, "--set", '["a=1", "b=2"]', stdin="good")
    assert ended.returncode == 2 and '["a' in ended.stderr


def test_no_variable_of_the_environment_sets_an_option(model, monkeypatch):
    for name in ("RANKKIT_TOP_K", "RANKKIT_RERANK_TOP_K", "TOP_K"):
        monkeypatch.setenv(name, "1")
    ended = rankkit("rerank", "word", "--model", model, "--json", stdin="good\nbest\n")
    assert len(json.loads(ended.stdout)["results"]) == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [([], 2), (["models"], 2), (["prompts"], 2), (["--help"], 0), (["models", "--help"], 0), (["rerank", "--help"], 0)],
)
def test_help_is_on_stdout_and_its_absence_is_wrong_usage(arguments, code):
    ended = rankkit(*arguments)
    assert ended.returncode == code and ended.stdout.startswith("Usage: rankkit") and ended.stderr == ""


def test_the_first_page_tells_every_command_in_a_line():
    page = rankkit("--help").stdout
    commands = (*_COMMANDS, *_BRANCHES, "--help", "--version")
    lines = [line.strip("│ ").split() for line in page.splitlines() if line.startswith("│ ") and line[2] != " "]
    assert tuple(line[0] for line in lines) == commands and all(len(line) > 2 for line in lines)


def test_a_page_of_help_has_the_options_in_their_panels():
    page = rankkit("eval", "--help").stdout
    titles = [line.split("─ ")[1].rstrip(" ─╮") for line in page.splitlines() if line.startswith("╭")]
    assert titles == [
        "Options",
        "First stage",
        "Model",
        "Pointwise",
        "Method",
        "Budget: when it runs out, the best order so far",
    ]
    first = page[page.index("First stage") : page.index("─ Model")]
    assert "--k N>=1" in first and "--first-stage" in first and "[choices: bm25" in first
    assert "--model -m STR" in page and "--set KEY=VALUE" in page and "[required]" in page
    assert "--no-" not in page and "--empty-" not in page and "[default: False]" not in page
    assert "[default: 10]" in rankkit("search", "--help").stdout
    assert "--calibrate --no-calibrate" in rankkit("plan", "--help").stdout


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        (["--version"], {"pydantic", "onnxruntime", "rankkit.cli.rerank", "rankkit.cli.models"}),
        (["models", "path", "."], {"onnxruntime", "rankkit.cli.rerank"}),
        (["rerank", "--help"], {"onnxruntime", "rankkit.cli.models"}),
    ],
)
def test_a_command_imports_what_it_needs_itself(arguments, unneeded):
    code = "import sys; from rankkit.cli.app import run; run(sys.argv[1:]); print(sorted(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert unneeded & set(ast.literal_eval(ended.stdout.splitlines()[-1])) == set()


def test_the_command_is_called_rankkit_wherever_it_was_started():
    assert rankkit_process("rerank", "--help").stdout.startswith("Usage: rankkit rerank [OPTIONS] QUERY")
