"""The store of document vectors: by content, for many processes, whole whatever is killed."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

from rankkit.backends.vectors import DocumentVectors, VectorStore, digest_of, similarity
from rankkit.errors import DataError


def made(number: int, rows: int = 3) -> DocumentVectors:
    values = np.random.default_rng(number).normal(size=(rows, 4)).astype(np.float16)
    return DocumentVectors(values, shortened=number % 2 == 0)


def same(found, number: int) -> bool:
    return (
        found is not None
        and found.rows.tobytes() == made(number).rows.tobytes()
        and (found.shortened == made(number).shortened)
    )


def add_all(folder, numbers) -> None:
    store = VectorStore(folder, "model")
    for number in numbers:
        store.add(digest_of(str(number)), made(number))


def test_what_was_added_is_found_again(tmp_path):
    store = VectorStore(tmp_path / "store", "model")
    assert store.get(digest_of("1")) is None
    assert not (tmp_path / "store").exists()
    add_all(tmp_path / "store", range(5))
    assert all(same(store.get(digest_of(str(number))), number) for number in range(5))
    assert len(store) == 5
    assert same(pickle.loads(pickle.dumps(store)).get(digest_of("3")), 3)


def test_a_document_is_stored_once(tmp_path):
    add_all(tmp_path, [1, 2, 1, 1])
    size = (tmp_path / "model-v1" / "vectors.f16").stat().st_size
    assert size == 2 * 3 * 4 * 2


def test_another_model_has_a_store_of_its_own(tmp_path):
    add_all(tmp_path, [1])
    assert VectorStore(tmp_path, "other").get(digest_of("1")) is None


def test_processes_and_threads_add_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=add_all, args=(tmp_path, range(start, 60, 2))) for start in (0, 1, 0)]
    for one in others:
        one.start()
    threads = [threading.Thread(target=add_all, args=(tmp_path, range(40, 80))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for one in [*threads, *others]:
        one.join()
    store = VectorStore(tmp_path, "model")
    assert len(store) == 80
    assert all(same(store.get(digest_of(str(number))), number) for number in range(80))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")
def test_a_killed_process_leaves_whole_documents(tmp_path):
    program = """
        import sys, itertools
        from tests.backends.test_vectors import add_all
        for start in itertools.count(0, 10):
            add_all(sys.argv[1], range(start, start + 10))
            print(start, flush=True)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for _ in range(3):
        process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    store = VectorStore(tmp_path, "model")
    count = len(store)
    assert count >= 30
    assert all(same(store.get(digest_of(str(number))), number) for number in range(count))
    add_all(tmp_path, range(count + 5))
    assert all(same(store.get(digest_of(str(number))), number) for number in range(count + 5))


@pytest.mark.parametrize("cut", [1, 20, 55])
def test_half_a_record_is_written_over(tmp_path, cut):
    add_all(tmp_path, range(3))
    path = tmp_path / "model-v1" / "documents.list"
    path.write_bytes(path.read_bytes()[:-cut])
    store = VectorStore(tmp_path, "model")
    assert len(store) == 2
    store.add(digest_of("7"), made(7))
    again = VectorStore(tmp_path, "model")
    assert [same(again.get(digest_of(str(number))), number) for number in (0, 1, 7)] == [True] * 3


def test_numbers_that_were_lost_or_changed_are_not_there_and_added_anew(tmp_path):
    add_all(tmp_path, range(3))
    path = tmp_path / "model-v1" / "vectors.f16"
    data = bytearray(path.read_bytes())
    data[30] ^= 1
    path.write_bytes(data[:60])
    store = VectorStore(tmp_path, "model")
    assert [same(store.get(digest_of(str(number))), number) for number in range(3)] == [True, False, False]
    store.add(digest_of("1"), made(1))
    assert same(VectorStore(tmp_path, "model").get(digest_of("1")), 1)


def test_something_else_is_refused_in_words(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is a file"):
        VectorStore(tmp_path / "file", "model")
    (tmp_path / "model-v1").mkdir()
    (tmp_path / "model-v1" / "documents.list").write_bytes(b"x" * 100)
    with pytest.raises(DataError, match="no list of vectors of version 1"):
        VectorStore(tmp_path, "model").get(digest_of("1"))


def test_vectors_of_another_size_are_refused(tmp_path):
    add_all(tmp_path, [1])
    with pytest.raises(DataError, match="vectors of 4 numbers; one of 5"):
        VectorStore(tmp_path, "model").add(digest_of("2"), DocumentVectors(np.ones((1, 5), np.float16)))


def test_similarity_is_max_sim():
    query, document = np.eye(3, dtype=np.float32)[:2], np.array([[1, 0, 0], [0, 0.5, 0]], np.float16)
    assert similarity(query, document) == 1.5


def test_any_text_has_a_digest():
    assert digest_of("\ud800") == digest_of("\ufffd") != digest_of("")


def test_a_folder_that_was_deleted_is_begun_anew(tmp_path):
    store = VectorStore(tmp_path / "store", "model")
    for number in range(4):
        store.add(digest_of(str(number)), made(number))
    shutil.rmtree(tmp_path / "store")
    assert store.get(digest_of("9")) is None
    store.add(digest_of("9"), made(9))
    again = VectorStore(tmp_path / "store", "model")
    assert (len(again), same(again.get(digest_of("9")), 9)) == (1, True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_is_not_held_up_by_a_thread_of_its_parent(tmp_path):
    store = VectorStore(tmp_path, "model")
    store.add(digest_of("1"), made(1))
    with store._held():
        child = os.fork()
        if child == 0:
            os._exit(0 if same(store.get(digest_of("1")), 1) else 1)
    assert os.waitpid(child, 0)[1] == 0
