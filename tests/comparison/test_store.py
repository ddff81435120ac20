"""The run store: what is kept comes back as it was, whoever kills, shares, fills or damages what."""

from __future__ import annotations

import os
import pickle
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.comparison import database
from rankkit.comparison.identity import SystemIdentity
from rankkit.comparison.kept import encoded, request_digest
from rankkit.comparison.store import RunStore
from rankkit.core.gates import TimeBelow
from rankkit.core.questions import Answer
from rankkit.core.ranking import Candidate, Query, Ranking, Request, ScoreKind, Step
from rankkit.core.usage import Budget, Usage
from rankkit.errors import ConfigError, ConnectionFailed, InputError, StoreError
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.testing import ScriptedJudge, oracle, request_of

ONE, TWO = SystemIdentity("1" * 32, {"kind": "one"}), SystemIdentity("2" * 32, {"kind": "two"})


def asked(number: int = 0, count: int = 4) -> Request:
    return replace(
        request_of([float(place) for place in range(count)]), query=Query(f"question {number}", f"q{number}")
    )


def ranked(request: Request) -> Ranking:
    """The same each time, to the last digit: it took no time."""
    ranking = JudgeReranker(oracle(), ScoreAll()).rank(request)
    [step] = ranking.steps
    usage = replace(ranking.usage, seconds=0.25)
    return replace(ranking, usage=usage, steps=(replace(step, usage=usage, seconds=0.5),))


@pytest.fixture
def store(tmp_path: Path):
    with RunStore.open(tmp_path / "store.sqlite3") as opened:
        yield opened


def integrity(path: Path) -> str:
    with sqlite3.connect(path) as database:
        return str(database.execute("PRAGMA integrity_check").fetchone()[0])


# -- what is kept, and under what

TEXT = st.text(st.characters(exclude_categories=()), max_size=8)  # halves of characters too
WORDS = TEXT.filter(lambda text: text.strip())
COUNTS = st.dictionaries(st.text(max_size=6), st.integers(0, 9), max_size=2)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
USAGE = st.builds(Usage, *[st.integers(0, 10**12)] * 4, seconds=st.floats(0, 1e9), cost=st.none() | st.floats(0, 1e9))


@st.composite
def rankings(draw: st.DrawFn) -> Ranking:
    ids = draw(st.lists(TEXT, unique=True, max_size=6))
    candidates = [
        Candidate(
            name, draw(WORDS), draw(TEXT), draw(st.none() | FLOATS), draw(st.dictionaries(TEXT, FLOATS, max_size=1))
        )
        for name in ids
    ]
    request = Request(Query(draw(WORDS), draw(TEXT)), tuple(candidates))
    places = draw(st.permutations(range(len(ids))))
    cut = draw(st.integers(0, len(ids)))
    scores = st.lists(st.none() | FLOATS, min_size=cut, max_size=cut).map(tuple)
    step = st.builds(
        Step,
        st.text(max_size=5),
        USAGE,
        st.floats(0, 1e6),
        *[st.integers(0, 99)] * 3,
        fingerprints=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
        outcomes=COUNTS,
        defects=COUNTS,
        notes=COUNTS,
        stopped=st.sampled_from(["", "budget of 3 calls"]),
        skipped=st.sampled_from(["", "margin 3 is above 2"]),
        diagnostics=st.dictionaries(st.text(max_size=5), FLOATS, max_size=2),
        order=st.just(tuple(ids[place] for place in places)) | st.lists(st.text(max_size=3), max_size=2).map(tuple),
        scores=st.none() | st.lists(st.none() | FLOATS, max_size=3).map(tuple),
    )
    return Ranking(
        request,
        tuple(places[:cut]),
        draw(st.none() | scores),
        draw(st.none() | st.sampled_from(list(ScoreKind))),
        draw(USAGE),
        tuple(draw(st.lists(step, max_size=3))),
        tuple(places[cut:]),
        draw(st.text(max_size=5)),
    )


@given(ranking=rankings())
@settings(max_examples=150)
@pytest.mark.slow
def test_what_was_kept_comes_back_equal(ranking, tmp_path_factory):
    with RunStore.open(tmp_path_factory.mktemp("stores") / "store.sqlite3") as store:
        assert store.find(ONE.fingerprint, ranking.request) is None
        assert store.keep(ONE.fingerprint, ranking)
        found = store.find(ONE.fingerprint, ranking.request)
        assert found == ranking and found.steps == ranking.steps and found.request is ranking.request
        assert [type(score) for score in found.scores or ()] == [type(score) for score in ranking.scores or ()]


CHANGED_REQUESTS = {
    "query": lambda request: replace(request, query=Query("another", "q0")),
    "query id": lambda request: replace(request, query=Query("question 0", "q9")),
    "order": lambda request: request.select([1, 0, 2, 3]),
    "fewer": lambda request: request.select([0, 1, 2]),
    **{
        name: lambda request, change=change: replace(
            request, candidates=(replace(request.candidates[0], **change), *request.candidates[1:])
        )
        for name, change in {
            "id": {"id": "x"},
            "text": {"text": "other"},
            "title": {"title": "other"},
            "score": {"score": 0.5},
            "metadata": {"metadata": {"relevance": 9.0}},
        }.items()
    },
}


@pytest.mark.parametrize("change", CHANGED_REQUESTS)
def test_whatever_a_reranker_may_read_makes_another_request(change, store):
    request = asked()
    store.keep(ONE.fingerprint, ranked(request))
    other = CHANGED_REQUESTS[change](request)
    assert store.find(ONE.fingerprint, other) is None
    assert store.find(ONE.fingerprint, asked()) is not None
    assert request_digest(request) != request_digest(other)


def test_texts_are_told_apart_where_they_end():
    def digest(title: str, text: str) -> bytes:
        return request_digest(Request(Query("q"), (Candidate("d", text, title),)))

    assert digest("a", "bc") != digest("ab", "c")


def test_other_systems_and_repeats_are_apart(store):
    request = asked()
    assert store.keep(ONE.fingerprint, ranked(request), repeat=1)
    assert store.find(ONE.fingerprint, request) is None
    assert store.find(TWO.fingerprint, request, repeat=1) is None
    assert store.find(ONE.fingerprint, request, repeat=1) == ranked(request)


def test_the_first_of_two_stays(store):
    first = ranked(asked())
    second = replace(first, usage=Usage(calls=99))
    assert store.keep(ONE.fingerprint, first) and store.keep(ONE.fingerprint, second)
    assert store.find(ONE.fingerprint, asked()) == first


def test_a_plan_counts_what_is_missing(store):
    store.keep(ONE.fingerprint, ranked(asked(1)))
    requests = [asked(number) for number in range(3)]
    assert store.missing(ONE.fingerprint, iter(requests)) == 2
    assert store.missing(TWO.fingerprint, requests) == 3
    assert store.missing(ONE.fingerprint, requests, repeat=1) == 3


# -- what is not kept


def failing(policy: str = "partial") -> JudgeReranker:
    def answer(question):
        if question.question.index == 1:
            raise ConnectionFailed("nobody there")
        return Answer(1.0)

    return JudgeReranker(ScriptedJudge(answer, fingerprints={"model": "broken"}), ScoreAll(), on_call_failure=policy)


def test_a_bad_hour_is_not_kept(store):
    request = asked()
    failed = failing().rank(request)
    assert failed.steps[0].failures
    late = JudgeReranker(oracle(), ScoreAll()).rank(request, budget=Budget(seconds=0.0))
    assert late.steps[0].late
    cascade = JudgeReranker(oracle(), ScoreAll()) >> JudgeReranker(oracle(), ScoreAll()).skip_if(TimeBelow(1e9))
    hurried = cascade.rank(request, budget=Budget(seconds=1e6))
    assert hurried.steps[1].skipped
    inside = (JudgeReranker(oracle(), ScoreAll()) >> failing("raise")).rank(request)
    for ranking in (failed, late, hurried, inside):
        assert not store.keep(ONE.fingerprint, ranking)
        assert store.find(ONE.fingerprint, request) is None


def test_a_limit_that_somebody_chose_is_kept(store):
    short = JudgeReranker(oracle(), ScoreAll(), Budget(calls=2)).rank(asked())
    assert short.steps[0].stopped and store.keep(ONE.fingerprint, short)
    assert store.find(ONE.fingerprint, asked()) == short


def test_what_could_not_be_read_back_is_not_kept(store):
    ranking = ranked(asked())
    odd = replace(ranking.steps[0], diagnostics={"n": float("nan")})
    assert encoded(replace(ranking, steps=(odd,))) is None
    assert not store.keep(ONE.fingerprint, replace(ranking, steps=(replace(odd, diagnostics={"n": object()}),)))


# -- runs


def test_a_run_has_its_rankings_in_order_and_shows_them_without_the_data(store):
    with store.begin_run(ONE, name="mine", data="dl19", experiment="e.toml", seed=3) as run:
        assert run.add(ranked(asked(1)))
        assert not run.add(failing().rank(asked(2)))
        assert run.add(ranked(asked(0)))
        [row] = store.runs()
        assert not row.finished and row.queries == 3 and row.failed == 1
    row = store.run("mine")
    assert row.finished and (row.data, row.experiment, row.seed) == ("dl19", "e.toml", 3)
    assert row.to_dict()["finished"] is True and store.description_of(row) == ONE.description
    first, failed, last = store.rankings_of(row)
    assert (first.query_id, failed.query_id, last.query_id) == ("q1", "q2", "q0")
    assert failed.ranking is None and "ConnectionFailed" in failed.trouble
    assert first.ranking.query == Query("question 1", "q1") and first.ranking.ids == ("d3", "d2", "d1", "d0")
    assert first.ranking.candidates == ("d0", "d1", "d2", "d3") and first.ranking.scores == (3.0, 2.0, 1.0, 0.0)
    assert store.find(ONE.fingerprint, asked(0)) == ranked(asked(0))


def test_a_killed_run_stays_unfinished(store):
    with pytest.raises(KeyboardInterrupt), store.begin_run(ONE, name="mine") as run:
        run.add(ranked(asked()))
        raise KeyboardInterrupt
    assert not store.run("mine").finished and store.run("mine").queries == 1


def test_runs_are_found_by_id_by_its_beginning_and_by_name_the_newest(store):
    older, newer = store.begin_run(ONE, name="mine"), store.begin_run(TWO, name="mine")
    assert [row.id for row in store.runs()] == [newer.id, older.id]
    assert store.run("mine").id == newer.id and store.run(older.id).id == older.id
    beginning = next(older.id[:end] for end in range(1, 12) if not newer.id.startswith(older.id[:end]))
    assert store.run(beginning).id == older.id
    with pytest.raises(InputError, match=r"no run 'zzz'(.|\n)*Known: mine"):
        store.run("zzz")
    with pytest.raises(InputError):
        store.run("")
    named = store.begin_run(ONE, name=older.id[:3])
    assert store.run(older.id[:3]).id == named.id
    many = [store.begin_run(ONE) for _ in range(17)]
    first = next(c for c in "0123456789abcdef" if sum(run.id.startswith(c) for run in many) > 1)
    with pytest.raises(InputError, match="several runs begin"):
        store.run(first)


def test_any_words_make_a_run(store):
    odd = "a\x00\x1b[31m'\"; DROP TABLE runs\udc00\U0001f600"
    request = replace(asked(), query=Query(odd, odd))
    with store.begin_run(SystemIdentity("3" * 32, {"kind": odd}), name=odd, data=odd, experiment=odd) as run:
        assert run.add(ranked(request))
        assert not run.add(replace(ranked(request), steps=(Step(odd, failures=(odd,)),)))
    [row] = store.runs()
    assert row.name == row.data == row.experiment == odd.replace("\udc00", "\ufffd")
    assert store.description_of(row) == {"kind": odd} and store.run(row.name) == row
    kept, failed = store.rankings_of(row)
    assert kept.ranking.query == request.query and failed.ranking is None
    assert kept.query_id == failed.query_id == row.name


def test_a_run_of_nothing_is_a_run(store):
    store.begin_run(ONE, name="empty").finish()
    assert list(store.rankings_of(store.run("empty"))) == []


# -- gc


@pytest.fixture
def aged(tmp_path: Path):
    """Four runs of one ranking each, 30, 20, 10 and 0 days old, and a result that no run has."""
    today = datetime(2026, 6, 1, tzinfo=UTC)
    for number, days in enumerate((30, 20, 10, 0)):
        store = RunStore(tmp_path / "store.sqlite3", now=lambda days=days: today - timedelta(days=days))
        with store, store.begin_run(ONE if number % 2 else TWO, name=f"run {number}") as run:
            run.add(ranked(asked(number)))
            run.add(ranked(asked(100)))
    store.keep(ONE.fingerprint, ranked(asked(50)))
    yield store
    store.close()


@pytest.mark.parametrize(
    ("limits", "left", "results"),
    [
        ({}, 4, 1),
        ({"older_than_days": 15}, 2, 3),
        ({"older_than_days": 1000}, 4, 1),
        ({"keep_last": 3}, 3, 2),
        ({"keep_last": 0}, 0, 7),
        ({"older_than_days": 15, "keep_last": 3}, 3, 2),
        ({"older_than_days": 5, "keep_last": 2}, 2, 3),
    ],
)
def test_gc_removes_what_it_says_and_a_dry_run_says_it_only(aged, limits, left, results):
    before = [row.to_dict() for row in aged.runs()]
    would = aged.gc(**limits, dry_run=True)
    assert [row.to_dict() for row in aged.runs()] == before and would.dry_run
    assert aged.find(ONE.fingerprint, asked(50)) is not None
    did = aged.gc(**limits)
    assert (did.runs, did.results) == (would.runs, would.results) and len(aged.runs()) == left
    assert did.results == results and would.bytes > 0
    assert aged.find(ONE.fingerprint, asked(50)) is None
    assert all(result.ranking for row in aged.runs() for result in aged.rankings_of(row))
    assert integrity(aged.path) == "ok" and not aged.gc(**limits).results


def test_gc_keeps_what_another_run_has(aged):
    aged.gc(keep_last=1)
    assert aged.find(ONE.fingerprint, asked(100)) is not None and aged.find(TWO.fingerprint, asked(100)) is None
    assert aged.find(ONE.fingerprint, asked(3)) is not None


@pytest.mark.slow
def test_gc_makes_the_file_smaller(store):
    for number in range(300):
        store.keep(ONE.fingerprint, ranked(asked(number, 60)))
    before = store.path.stat().st_size + Path(f"{store.path}-wal").stat().st_size
    removed = store.gc()
    assert removed.results == 300 and removed.bytes > 100_000
    assert store.path.stat().st_size < before / 2


def test_gc_refuses_what_cannot_be(store):
    for limits in ({"keep_last": -1}, {"older_than_days": -0.5}, {"older_than_days": float("nan")}):
        with pytest.raises(ConfigError):
            store.gc(**limits)


# -- files of all kinds


def test_the_place_is_the_models_folder_or_what_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.delenv("RANKKIT_STORE", raising=False)
    monkeypatch.setenv("RANKKIT_HOME", str(tmp_path / "home"))
    with RunStore.open() as store:
        assert store.path == tmp_path / "home" / "runs" / "store.sqlite3" and store.path.exists()
    monkeypatch.setenv("RANKKIT_STORE", str(tmp_path / "else.sqlite3"))
    with RunStore.open() as store:
        assert store.path == tmp_path / "else.sqlite3"
    with pytest.raises(StoreError, match="there is no run store"):
        RunStore.open(tmp_path / "typo", create=False)
    assert not (tmp_path / "typo").exists()


def version_one(path: Path) -> Ranking:
    """A store as the first version made it, with a result in it."""
    ranking = ranked(asked())
    with sqlite3.connect(path, isolation_level=None) as made:
        database.migrate(made, upto=1)
        made.execute("INSERT INTO systems VALUES (1, ?, NULL)", (ONE.fingerprint,))
        made.execute("INSERT INTO requests VALUES (1, ?, ?)", (request_digest(asked()), b""))
        made.execute("INSERT INTO results VALUES (1, 1, 1, 0, ?, '2026-01-01T00:00:00+00:00')", (encoded(ranking),))
    made.close()
    return ranking


def test_an_older_store_is_brought_up_to_date_with_all_that_is_in_it(tmp_path):
    path = tmp_path / "old.sqlite3"
    ranking = version_one(path)
    with RunStore.open(path) as store:
        assert store.find(ONE.fingerprint, asked()) == ranking and store.runs() == []
        with store.begin_run(ONE, name="new") as run:
            run.add(ranking)
        assert store.run("new").queries == 1
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (database.VERSION,)


def test_a_step_that_fails_leaves_the_older_store_as_it_was(tmp_path):
    path = tmp_path / "old.sqlite3"
    version_one(path)
    with sqlite3.connect(path) as made:  # the second statement of the step to version 2 finds its place taken
        made.execute("CREATE TABLE run_results (other TEXT)")
    made.close()
    with pytest.raises(StoreError, match="run_results already exists"):
        RunStore.open(path)
    with sqlite3.connect(path) as left:
        assert left.execute("PRAGMA user_version").fetchone() == (1,)
        assert not left.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs'").fetchall()


def test_a_newer_store_is_refused_and_not_touched(tmp_path):
    path = tmp_path / "new.sqlite3"
    RunStore.open(path).close()
    with sqlite3.connect(path) as made:
        made.execute(f"PRAGMA user_version = {database.VERSION + 1}")
    made.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"newer rankkit: version 3, .* up to 2") as refused:
        RunStore.open(path)
    assert "--store" in refused.value.hint and path.read_bytes() == before


def test_what_is_no_store_is_refused_and_not_touched(tmp_path):
    other = tmp_path / "other.sqlite3"
    with sqlite3.connect(other) as made:
        made.execute("CREATE TABLE theirs (x)")
    made.close()
    text = tmp_path / "text"
    text.write_text("no database, but long enough to be read as the head of one\n" * 100)
    for path, words in ((other, "another program"), (text, "no database"), (tmp_path, "cannot be opened")):
        before = path.read_bytes() if path.is_file() else b""
        with pytest.raises(StoreError, match=words):
            RunStore.open(path)
        assert (path.read_bytes() if path.is_file() else b"") == before
    text.write_bytes(b"")
    with pytest.raises(StoreError, match=r"cannot be (used|opened)"):
        RunStore.open(other / "below" / "it")
    RunStore.open(text).close()  # an empty file is a new store


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("how", ["cut off", "overwritten"])
@pytest.mark.slow
def test_a_damaged_store_says_so(tmp_path, share, how):
    path = tmp_path / "store.sqlite3"
    with RunStore.open(path) as store, store.begin_run(ONE, name="mine") as run:
        for number in range(200):
            run.add(ranked(asked(number, 20)))
    size = path.stat().st_size
    with path.open("r+b") as file:
        if how == "cut off":
            file.truncate(int(size * share))
        else:
            file.seek(int(size * share))
            file.write(random.Random(1).randbytes(int(size * 0.09)))
    with pytest.raises(StoreError, match=r"damaged|no database|does not hold") as refused, RunStore.open(path) as store:
        for number in range(200):
            assert store.find(ONE.fingerprint, asked(number, 20)) in (None, ranked(asked(number, 20)))
        list(store.rankings_of(store.run("mine")))
        store.gc(keep_last=0)
    assert str(path) in refused.value.message and refused.value.hint


def changed_bytes(made: bytes, how: str) -> bytes:
    if how == "cut off":
        return made[:-3]
    told = {
        "other": "[]",
        "no steps": '{"order": []}',
        "odd steps": '{"steps": [3]}',
        "far": '{"steps": [{"order": [99]}]}',
    }
    return zlib.compress(told[how].encode())


@pytest.mark.parametrize("how", ["cut off", "as text", "other", "no steps", "odd steps", "far"])
def test_a_result_that_was_changed_is_damage_not_an_answer(store, how):
    with store.begin_run(ONE, name="mine") as run:
        run.add(ranked(asked()))
    with sqlite3.connect(store.path) as other:
        [[made]] = other.execute("SELECT ranking FROM results")
        other.execute("UPDATE results SET ranking = ?", (made if how == "as text" else changed_bytes(made, how),))
        if how == "as text":
            other.execute("UPDATE results SET ranking = CAST(ranking AS TEXT)")
    other.close()
    for read in (lambda: store.find(ONE.fingerprint, asked()), lambda: list(store.rankings_of(store.run("mine")))):
        with pytest.raises(StoreError, match=r"damaged|does not hold") as refused:
            read()
        assert refused.value.message.isprintable()


def test_a_full_disk_loses_nothing_that_was_kept(store):
    """SQLite's own limit of pages gives the very error that a disk gives."""
    store.keep(ONE.fingerprint, ranked(asked(0)))
    run = store.begin_run(ONE, name="mine")
    with store._file.reading() as opened:
        [[pages]] = opened.execute("PRAGMA page_count")
        opened.execute(f"PRAGMA max_page_count = {pages + 2}")
    kept = []
    with pytest.raises(StoreError, match="disk is full") as full:
        for number in range(1, 1000):
            run.add(ranked(asked(number, 100)))
            kept.append(number)
    assert "rankkit runs gc" in full.value.hint
    assert store.run("mine").queries == len(kept)
    assert all(store.find(ONE.fingerprint, asked(number, 100)) for number in kept)
    with store._file.reading() as opened:
        opened.execute("PRAGMA max_page_count = 1000000")
    assert run.add(ranked(asked(5000, 100))) and integrity(store.path) == "ok"


PROGRAM = """
import resource, signal, sys
from pathlib import Path
from rankkit.comparison.store import RunStore
from rankkit.errors import StoreError
from tests.comparison.test_store import ONE, asked, ranked

store = RunStore.open(sys.argv[1])
{body}
"""


def program(body: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", PROGRAM.format(body=textwrap.dedent(body)), *map(str, arguments)]


@pytest.mark.slow
def test_a_disk_that_takes_no_more_is_an_error_of_the_store(tmp_path):
    """A limit on the size of files is as near as a test comes to a real disk that refuses."""
    path = tmp_path / "store.sqlite3"
    body = """
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
    try:
        for number in range(100_000):
            store.keep(ONE.fingerprint, ranked(asked(number, 50)))
    except StoreError as error:
        print(number, error.message)
    """
    ended = subprocess.run(program(body, path), capture_output=True, text=True, check=True)
    count, _, words = ended.stdout.partition(" ")
    assert "disk" in words, ended
    with RunStore.open(path) as store:
        assert all(store.find(ONE.fingerprint, asked(number, 50)) for number in range(int(count)))
    assert integrity(path) == "ok"


def test_a_file_that_may_not_be_written_is_an_error_of_the_store(store):
    with store._file.reading() as opened:
        opened.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="cannot be written to"):
        store.keep(ONE.fingerprint, ranked(asked()))
    assert store.missing(ONE.fingerprint, [asked()]) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_folder_that_may_not_be_written_is_an_error_of_the_store(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError):
        RunStore.open(tmp_path / "store.sqlite3")
    tmp_path.chmod(0o700)


# -- many at once


def test_threads_share_a_store(store):
    wrong: list[object] = []

    def work(start: int) -> None:
        for number in range(start, start + 40):
            store.keep(ONE.fingerprint, ranked(asked(number)))
            run.add(ranked(asked(number)))
            if store.find(ONE.fingerprint, asked(number)) != ranked(asked(number)):
                wrong.append(number)

    run = store.begin_run(ONE, name="mine")
    threads = [threading.Thread(target=work, args=(20 * number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and store.run("mine").queries == 240
    assert sorted(result.position for result in store.rankings_of(store.run("mine"))) == list(range(240))


@pytest.mark.slow
def test_processes_make_and_fill_one_store_at_once(tmp_path):
    path = tmp_path / "deep" / "store.sqlite3"
    body = """
    with store.begin_run(ONE, name=sys.argv[2]) as run:
        for number in range(60):
            assert run.add(ranked(asked(number)))
            assert store.find(ONE.fingerprint, asked(number)) == ranked(asked(number))
    """
    running = [subprocess.Popen(program(body, path, name), stderr=subprocess.PIPE, text=True) for name in "abcd"]
    assert [(process.communicate()[1], process.returncode) for process in running] == [("", 0)] * 4
    with RunStore.open(path) as store:
        assert {row.name: (row.queries, row.finished) for row in store.runs()} == dict.fromkeys("abcd", (60, True))
        assert not store.missing(ONE.fingerprint, map(asked, range(60)))
        assert store.gc(keep_last=0).results == 60
    assert integrity(path) == "ok"


@pytest.mark.slow
def test_a_killed_process_loses_nothing_that_it_was_told_is_kept(tmp_path):
    path = tmp_path / "store.sqlite3"
    body = """
    run = store.begin_run(ONE, name=sys.argv[2])
    start = int(sys.argv[3])
    for number in range(start, start + 100_000):
        assert run.add(ranked(asked(number)))
        print(number, flush=True)
    """
    generator, told = random.Random(7), set[int]()
    for attempt in range(10):
        command = program(body, path, f"run {attempt}", 10**6 * attempt)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            told.add(int(process.stdout.readline()))
            time.sleep(generator.uniform(0.0, 0.15))
            process.send_signal(signal.SIGKILL)
            told |= {int(line) for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")}
    assert len(told) >= 10
    with RunStore.open(path) as store:
        assert integrity(path) == "ok"
        assert all(store.find(ONE.fingerprint, asked(number)) == ranked(asked(number)) for number in told)
        rows = store.runs()
        assert len(rows) == 10 and not any(row.finished for row in rows)
        assert sum(row.queries for row in rows) >= len(told)
    with sqlite3.connect(path) as other:
        assert other.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_forked_process_and_a_copy_have_connections_of_their_own(store):
    store.keep(ONE.fingerprint, ranked(asked(0)))
    child = os.fork()
    if not child:
        done = store.find(ONE.fingerprint, asked(0)) is not None and store.keep(ONE.fingerprint, ranked(asked(1)))
        store.close()
        os._exit(0 if done else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.find(ONE.fingerprint, asked(1)) == ranked(asked(1)) and store.keep(ONE.fingerprint, ranked(asked(2)))
    with pickle.loads(pickle.dumps(store)) as other:
        assert other.path == store.path and other.find(ONE.fingerprint, asked(2)) is not None


def test_a_closed_store_opens_again(store):
    store.keep(ONE.fingerprint, ranked(asked()))
    store.close()
    store.close()
    assert not Path(f"{store.path}-wal").exists()
    assert store.find(ONE.fingerprint, asked()) == ranked(asked())
