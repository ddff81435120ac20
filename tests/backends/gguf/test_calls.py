"""A real model's calls: ended, interrupted, left behind by a process that ends, copied, forked, told apart."""

from __future__ import annotations

import copy
import inspect
import os
import pickle
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from rankkit.core.cancellation import Cancellation
from rankkit.core.judge import Gated
from rankkit.errors import BackendError, Cancelled

pytestmark = pytest.mark.model

SHORT = "The whale and the river. " * 10
LONG = "river market whale energy bread signal copper winter garden engine " * 180


def open_model(file, **settings):
    from rankkit.backends.gguf.model import GgufModel

    return GgufModel(file, **{"context": 512, **settings})


def end_once_it_runs(model, cancellation):
    """Turn the cancellation when llama.cpp is inside its computation, not before."""
    entered = threading.Event()
    native = model._llama.native
    real = native._decode

    def decode():
        entered.set()
        return real()

    native._decode = decode
    ending = threading.Thread(target=lambda: (entered.wait(30), cancellation.cancel()))
    ending.start()
    return ending


def test_a_call_ends_when_it_is_cancelled_and_the_next_is_as_always(smollm2):
    before = smollm2.score_continuations(SHORT, ["A", "B"]).log_probabilities
    cancellation = Cancellation()
    ending = end_once_it_runs(smollm2, cancellation)
    with pytest.raises(Cancelled), cancellation.active():
        smollm2.score_continuations(LONG, ["A"])
    ending.join()
    del smollm2._llama.native._decode
    assert smollm2._llama._trunk == [], "what the cache held was dropped"
    assert smollm2.score_continuations(SHORT, ["A", "B"]).log_probabilities == before
    assert smollm2.generate(SHORT, max_tokens=3).text == smollm2.generate(SHORT, max_tokens=3).text


def test_a_call_that_was_cancelled_before_is_not_made(smollm2):
    cancellation = Cancellation()
    cancellation.cancel()
    for call in (
        lambda: smollm2.generate("a", max_tokens=1),
        lambda: smollm2.score_continuations("a", ["A"]),
        lambda: smollm2.permute("a", ["A", "B"], top=2),
    ):
        with pytest.raises(Cancelled), cancellation.active():
            call()
    assert smollm2.generate("Hello", max_tokens=1).steps == 1


def test_it_has_a_gate_of_one_place(smollm2):
    assert isinstance(smollm2, Gated) and smollm2.gate.places == smollm2.concurrency == 1
    with smollm2.gate.held():
        smollm2.generate("a", max_tokens=1)  # whoever holds the place may call
    assert smollm2.gate.inside == 0


def test_tokens_are_counted_beside_a_call_that_runs(smollm2):
    expected = smollm2.count_tokens(SHORT)
    with ThreadPoolExecutor(1) as other, smollm2.gate.held(), smollm2._llama.native.handles.calls:
        assert other.submit(smollm2.count_tokens, SHORT).result(30) == expected


def test_close_waits_for_the_call_that_runs(smollm2_file):
    model = open_model(smollm2_file)
    expected = model.score_continuations(SHORT, ["A"]).log_probabilities
    model._llama._forget()
    with ThreadPoolExecutor(2) as pool:
        entered, native = threading.Event(), model._llama.native
        real = native._decode
        native._decode = lambda: (entered.set(), real())[1]
        call = pool.submit(model.score_continuations, SHORT, ["A"])
        entered.wait(30)
        pool.submit(model.close).result(30)
        assert call.result(30).log_probabilities == expected
    for use in (lambda: model.generate("a", max_tokens=1), lambda: model.count_tokens("a")):
        with pytest.raises(BackendError, match="was closed"):
            use()
    model.close()


@pytest.mark.parametrize("how", [copy.deepcopy, copy.copy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_is_another_model_of_the_same_settings(smollm2_file, how):
    with open_model(smollm2_file, context=128, batch=32, template="zephyr", name="mine", date="2031-01-02") as model:
        before = model.score_continuations("Hello", ["A"]).log_probabilities
        with how(model) as other:
            assert (other.name, other.context_length, other.fingerprint) == ("mine", 128, model.fingerprint)
            assert other.score_continuations("Hello", ["A"]).log_probabilities == before
            assert other._llama is not model._llama
        assert model.score_continuations("Hello", ["A"]).log_probabilities == before


#: What a constructor takes and no answer depends on, and why.
CHANGES_NO_ANSWER = {
    "path": "the weights are told by their own checksum, wherever they lie",
    "name": "how reports call it",
    "threads": "each number is computed by one thread, whichever: see the test of it",
}


def test_a_fingerprint_tells_apart_all_that_changes_an_answer(smollm2_file):
    from rankkit.backends.gguf.model import GgufModel

    changed = {"context": 256, "template": "zephyr", "batch": 32, "date": "2031-01-02"}
    taken = set(inspect.signature(GgufModel).parameters)
    assert taken == set(changed) | set(CHANGES_NO_ANSWER)
    with open_model(smollm2_file) as model:
        own = model.fingerprint
    for name, value in changed.items():
        with open_model(smollm2_file, **{name: value}) as model:
            assert model.fingerprint != own, name
    with open_model(smollm2_file, name="other", threads=1) as model:
        assert model.fingerprint == own


def test_threads_change_no_answer(smollm2_file):
    answers = []
    for threads in (1, 2):
        with open_model(smollm2_file, threads=threads) as model:
            answers.append(model.score_continuations(SHORT, ["A", "B", "Paris is"]).log_probabilities)
    assert answers[0] == answers[1]


def run(script, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


OPEN = """
import os, signal, sys, threading
from rankkit.backends.gguf.model import GgufModel
model = GgufModel(sys.argv[1], context=8192)
text = "river market whale energy bread signal copper winter garden engine " * 700
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("child", ["model", "GgufModel(sys.argv[1], context=512)"], ids=["the parent's", "its own"])
def test_a_forked_child_can_ask(smollm2_file, child):
    script = OPEN + (
        "before = model.score_continuations('Hello', ['A', 'B']).log_probabilities\n"
        "if os.fork():\n"
        "    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))\n"
        f"print({child}.score_continuations('Hello', ['A', 'B']).log_probabilities == before)\n"
    )
    with run(script, smollm2_file) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "True\n", "")


def test_a_process_ends_while_a_thread_is_inside(smollm2_file):
    script = OPEN + (
        "entered, native = threading.Event(), model._llama.native\n"
        "real = native._decode\n"
        "native._decode = lambda: (entered.set(), real())[1]\n"
        "def ask():\n"
        "    try:\n"
        "        model.score_continuations(text, ['A'])\n"
        "    except BaseException as error:\n"
        "        print(type(error).__name__, flush=True)\n"
        "threading.Thread(target=ask, daemon=True).start()\n"
        "entered.wait(30)\n"
    )
    with run(script, smollm2_file) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "") and out.strip() in ("", "Cancelled")


def test_ctrl_c_ends_a_call(smollm2_file):
    script = OPEN + (
        "native = model._llama.native\n"
        "real = native._decode\n"
        "native._decode = lambda: (print('inside', flush=True), real())[1]\n"
        "try:\n"
        "    model.score_continuations(text, ['A'])\n"
        "except KeyboardInterrupt:\n"
        "    native._decode = real\n"
        "    print(len(model.score_continuations('Hello', ['A']).log_probabilities))\n"
        "    sys.exit(130)\n"
    )
    with run(script, smollm2_file) as process:
        assert process.stdout is not None and process.stdout.readline() == "inside\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "1\n", "")
